"""All rules, in the order in which they are told. A new one is one entry in its file, two sentences, two presets."""

from collections.abc import Mapping
from types import MappingProxyType

from reportgen.rules import answers, evidence, files, lime, model, verdicts
from reportgen.rules.rule import Rule

FILES = (answers, verdicts, evidence, lime, model, files)
RULES: Mapping[str, Rule] = MappingProxyType({rule.name: rule for file in FILES for rule in file.RULES})
