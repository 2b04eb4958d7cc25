"""The rules of comparison: one planted change for each, its value known on paper."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import median
from types import MappingProxyType

import pytest
from changed_runs import BASE, answered, each, explained, gathered, judged, less_sure, moved_saliency

from reportgen.language import load_words
from reportgen.options import PRESETS
from reportgen.pairing import compared
from reportgen.results import Explanation, Run
from reportgen.rule_words import sentence, title
from reportgen.rules import COMPARE_RULES, Rulebook, read_rules
from reportgen.rules.settings import Setting
from reportgen.ruling import RuleResult

WORDS = load_words()
DEFAULT = read_rules()
GOOD = judged(BASE, ["supported"] * 4)
ALL = (0, 1, 2, 3)
SURE = median(subject.prediction.first.probability for subject in GOOD.subjects)  # all of it is lost


@dataclass(frozen=True)
class Change:
    """What one rule must notice. value: what it then measures; against: the images it names."""

    value: float
    plant: Callable[[Run], Run]
    against: tuple[int, ...] = ()


def wider_border(run: Run) -> Run:
    def wider(one: Explanation) -> Explanation:
        return replace(one, measures={**one.measures, "border": 3 * float(one.measures["border"])})

    return explained(run, "saliency", wider)


def two_gone(run: Run) -> Run:
    return replace(run, subjects=run.subjects[2:])


CHANGES: Mapping[str, Change] = {
    "images_matched": Change(1 / 2, two_gone, (0, 1)),
    "flipped": Change(1 / 2, lambda run: answered(run, 0, 3), (0, 3)),
    "accuracy_drop": Change(3 / 4, lambda run: answered(run, 0, 1, 3)),
    "confidence_drop": Change(SURE, lambda run: less_sure(run, 1000.0), ALL),
    "lime_gathered": Change(1.0, gathered, ALL),
    "saliency_gathered": Change(1.0, gathered, ALL),
    "maps_moved": Change(1 / 2, moved_saliency, ALL),
    "border_grew": Change(3.0, wider_border, ALL),
    "verdicts_lost": Change(
        1 / 4, lambda run: judged(run, ["supported", "fails", "supported", "supported"], 0.0), (1,)
    ),
    "rules_lost": Change(1.0, gathered),
}


def result(name: str, new: Run, book: Rulebook = DEFAULT, base: Run = GOOD) -> RuleResult:
    (found,) = [each for each in compared(base, new, book).results if each.name == name]
    return found


def set_to(name: str, level: str, threshold: float) -> Rulebook:
    return MappingProxyType({**DEFAULT, name: Setting(level, threshold)})  # type: ignore[arg-type]


def test_every_rule_has_a_change_here() -> None:
    assert list(CHANGES) == list(COMPARE_RULES)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_run_and_itself_break_none(preset: str) -> None:
    results = compared(GOOD, GOOD, read_rules(preset=preset)).results  # type: ignore[arg-type]
    assert {each.outcome for each in results} == {"passed"}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_has_its_value_and_names_the_images(name: str) -> None:
    change = CHANGES[name]
    found = result(name, change.plant(GOOD), set_to(name, "error", 0.0 if name != "images_matched" else 1.0))
    assert found.value == pytest.approx(change.value, abs=1e-6)
    assert found.fails
    names = [subject.image.name for subject in GOOD.subjects]
    if change.against:
        assert {each.name for each in found.against} == {names[n] for n in change.against}
    assert sentence(WORDS, found)
    assert title(WORDS, found)


@pytest.mark.parametrize("name", CHANGES)
def test_a_rule_that_is_off_says_nothing(name: str) -> None:
    book = set_to(name, "off", 0.0)
    assert name not in {each.name for each in compared(GOOD, GOOD, book).results}


def test_answers_that_became_right_are_not_counted_as_flipped() -> None:
    assert result("flipped", answered(GOOD, 0, 1, right=True)).value == 0


def test_the_sentence_says_where_the_evidence_has_gone() -> None:
    assert "On 4 of 4 images LIME's evidence has moved and now lies in the lower right" in sentence(
        WORDS, result("lime_gathered", gathered(GOOD))
    )
    assert "lime_same_place" in sentence(WORDS, result("rules_lost", gathered(GOOD)))


def test_evidence_that_lay_in_the_corner_before_has_not_moved_there() -> None:
    assert result("lime_gathered", gathered(GOOD), base=gathered(GOOD)).value == 0


@pytest.mark.parametrize("method", ["lime", "saliency"])
def test_evidence_for_a_class_that_was_asked_for_counts_too(method: str) -> None:
    def asked(run: Run) -> Run:
        return explained(run, method, lambda one: replace(one, target=replace(one.target, role="asked")))

    assert result(f"{method}_gathered", asked(gathered(GOOD)), base=asked(GOOD)).value == 1


@pytest.mark.parametrize(
    ("name", "plant"),
    [
        ("accuracy_drop", lambda run: each(run, lambda _, s: replace(s, prediction=replace(s.prediction, label=None)))),
        ("verdicts_lost", lambda run: each(run, lambda _, s: replace(s, explanations=tuple(
            replace(one, verdict=None) for one in s.explanations)))),
        ("lime_gathered", lambda run: explained(run, "lime", lambda one: replace(one, method="lime_hw5"))),
        ("saliency_gathered", lambda run: replace(run, subjects=run.subjects[:2])),
        ("border_grew", lambda run: explained(run, "saliency", lambda one: replace(one, method="gradcam"))),
        ("maps_moved", lambda run: each(run, lambda _, s: replace(s, explanations=()))),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_not_tested(name: str, plant: Callable[[Run], Run]) -> None:
    found = result(name, plant(GOOD), base=plant(GOOD))
    assert found.outcome == "not_tested"
    assert sentence(WORDS, found)
