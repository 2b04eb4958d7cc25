"""The gate: what a run must fulfil, one entry each, judged from its numbers. Free of torch."""

from collections.abc import Mapping
from typing import TypeVar

from reportgen.changes import Comparison
from reportgen.compose.summing import summarise
from reportgen.results import Run
from reportgen.rules.rule import BUILD, Evidence, Measured, NotTested, Rule, Seen
from reportgen.rules.settings import Rulebook, Setting, read_rules
from reportgen.rules.table import COMPARE_RULES, RULES
from reportgen.ruling import HOLDS, ImageRuling, RuleResult

__all__ = ["BUILD", "COMPARE_RULES", "RULES", "Rulebook", "judge", "judge_changes", "read_rules"]

T = TypeVar("T")


def judge(run: Run, book: Rulebook, costs: Mapping[str, float] | None = None) -> tuple[RuleResult, ...]:
    """What each rule that is not off says of the run, in the order of the table.

    costs: name -> bytes of the report's files, and under BUILD the seconds that they took; None before they are
    written, and their rules are left out.
    """
    seen = Evidence(run, summarise(run), costs)
    rules = (rule for rule in RULES.values() if costs is not None or rule.group != "files")
    return tuple(_judged(rule, book[rule.name], seen) for rule in rules if book[rule.name].level != "off")


def judge_changes(comparison: Comparison, book: Rulebook) -> tuple[RuleResult, ...]:
    """What each rule of comparison that is not off says of two runs, in the order of its table."""
    rules = (rule for rule in COMPARE_RULES.values() if book[rule.name].level != "off")
    return tuple(_judged(rule, book[rule.name], comparison) for rule in rules)


def _judged(rule: Rule[T], setting: Setting, seen: T) -> RuleResult:
    measured = rule.measure(seen)
    about = (rule.name, rule.group, setting.level)
    how = (setting.threshold, rule.sense, rule.unit)
    if isinstance(measured, NotTested):
        return RuleResult(
            *about, "not_tested", None, *how, reason=measured.reason, required=setting.not_tested == "fail"
        )
    holds = HOLDS[rule.sense](measured.value, setting.threshold)
    images = _images(rule, setting, measured)
    return RuleResult(
        *about, "passed" if holds else "failed", measured.value, *how, images, measured.keys, measured.facts
    )


def _images(rule: Rule[T], setting: Setting, measured: Measured) -> tuple[ImageRuling, ...]:
    """Each image with the worst that it says, worst first."""
    limit = setting.threshold if measured.limit is None else measured.limit
    worst_first = sorted(measured.images, key=lambda each: each.value, reverse=rule.sense != "at_least")
    by_image: dict[str, Seen] = {}
    for each in worst_first:
        by_image.setdefault(each.key.partition("]")[0], each)  # images[3: of two explained classes the worse
    return tuple(
        ImageRuling(each.name, each.value, not HOLDS[rule.sense](each.value, limit), each.key)
        for each in by_image.values()
    )
