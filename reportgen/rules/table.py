"""All rules, in the order in which they are told. A new one is one entry in its file, two sentences, two presets."""

from collections.abc import Mapping
from types import MappingProxyType

from reportgen.changes import Comparison
from reportgen.rules import answers, changes, evidence, files, lime, model, verdicts
from reportgen.rules.rule import Evidence, Rule

FILES = (answers, verdicts, evidence, lime, model, files)
RULES: Mapping[str, Rule[Evidence]] = MappingProxyType({rule.name: rule for file in FILES for rule in file.RULES})
COMPARE_RULES: Mapping[str, Rule[Comparison]] = MappingProxyType({rule.name: rule for rule in changes.RULES})
