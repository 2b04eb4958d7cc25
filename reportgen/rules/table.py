"""All rules, in the order in which they are told. A new one is one entry in its file, two sentences, two presets."""

from collections.abc import Mapping
from types import MappingProxyType

from reportgen.rules import answers, evidence, files, lime, model
from reportgen.rules.rule import Rule

RULES: Mapping[str, Rule] = MappingProxyType(
    {rule.name: rule for rule in (*answers.RULES, *evidence.RULES, *lime.RULES, *model.RULES, *files.RULES)}
)
