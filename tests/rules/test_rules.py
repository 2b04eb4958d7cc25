"""Each rule finds its own planted fault and no other, holds at the edge of its threshold, and says when it is blind."""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from fake_run import fake_run
from sound_run import ALL, FAULTS, IMAGES, SIZES, changed, measured, noted, sound

from reportgen.compose import summarise
from reportgen.compose.answers import Answered
from reportgen.compose.facts import report_facts
from reportgen.language import load_words
from reportgen.results import Failure, Run, Scalar
from reportgen.rule_words import sentence, title
from reportgen.rules import RULES, Rulebook, judge, read_rules
from reportgen.rules.settings import Setting
from reportgen.ruling import Level, RuleResult

DEFAULT, STRICT = read_rules(), read_rules(preset="strict")
SOUND = sound()
EACH = pytest.mark.parametrize("name", RULES)
WORDS = load_words()


def result(name: str, run: Run, book: Rulebook = DEFAULT, sizes: Mapping[str, float] = SIZES) -> RuleResult:
    (found,) = [each for each in judge(run, book, sizes) if each.name == name]
    return found


def set_to(name: str, level: Level, threshold: float) -> Rulebook:
    return MappingProxyType({**DEFAULT, name: Setting(level, threshold)})


def planted(name: str) -> RuleResult:
    return result(name, FAULTS[name].plant(SOUND), sizes=FAULTS[name].sizes)


@pytest.mark.parametrize("book", [DEFAULT, STRICT], ids=["default", "strict"])
def test_a_sound_run_passes_every_rule(book: Rulebook) -> None:
    results = judge(SOUND, book, SIZES)
    assert [each.name for each in results] == list(RULES)
    assert {each.outcome for each in results} == {"passed"}


@EACH
def test_a_planted_fault_fails_its_own_rule_and_no_other(name: str) -> None:
    fault = FAULTS[name]
    results = judge(fault.plant(SOUND), DEFAULT, fault.sizes)
    assert [each.name for each in results if each.broken] == [name]


@EACH
def test_the_value_is_the_one_on_paper(name: str) -> None:
    assert planted(name).value == pytest.approx(FAULTS[name].value)


@EACH
def test_the_images_that_speak_against_it_are_named_and_stand_first(name: str) -> None:
    found, names = planted(name), [subject.image.name for subject in SOUND.subjects]
    against = {image.name for image in found.against}
    if name == "images_failed":
        assert against == {"torn.jpg"}
    else:
        assert against == {names[i] for i in FAULTS[name].against}
    assert [image.against for image in found.images] == sorted((i.against for i in found.images), reverse=True)


@EACH
def test_at_the_edge(name: str) -> None:
    """Exactly what was asked is enough, but for "below"."""
    fault, value = FAULTS[name], planted(name).value
    assert value is not None
    outcomes = [
        result(name, fault.plant(SOUND), set_to(name, "warn", threshold), fault.sizes).outcome
        for threshold in (math.nextafter(value, -1), value, math.nextafter(value, 1e12))
    ]
    at = {"at_least": ["passed", "passed", "failed"], "at_most": ["failed", "passed", "passed"]}
    assert outcomes == at.get(RULES[name].sense, ["failed", "failed", "passed"])


@EACH
def test_off_is_off_and_the_level_decides_what_stops_the_job(name: str) -> None:
    fault = FAULTS[name]
    threshold = DEFAULT[name].threshold
    run = fault.plant(SOUND)
    assert name not in {each.name for each in judge(run, set_to(name, "off", threshold), fault.sizes)}
    warned, stopped = (result(name, run, set_to(name, level, threshold), fault.sizes) for level in LEVELS)
    assert (warned.broken, warned.fails) == (True, False)
    assert (stopped.broken, stopped.fails) == (True, True)


LEVELS: tuple[Level, Level] = ("warn", "error")


def blank() -> Run:
    """Images without labels, explanations or evidence of how they were fed."""
    run = fake_run(images=2, methods=(), labels=False, trouble=False)
    return replace(run, model=replace(run.model, input=replace(run.model.input, evidence=None)))


@EACH
def test_with_nothing_to_judge_a_rule_is_not_tested_and_says_why(name: str) -> None:
    run = replace(blank(), subjects=()) if name == "images_failed" else blank()
    untested = result(name, run, sizes={})
    assert (untested.outcome, untested.value, untested.broken) == ("not_tested", None, False)
    assert sentence(WORDS, untested) == WORDS(untested.reason)
    required = result(name, run, MappingProxyType({**DEFAULT, name: Setting("error", 0.5, "fail")}), {})
    assert (required.outcome, required.broken, required.fails) == ("not_tested", True, True)
    assert title(WORDS, required) in sentence(WORDS, required)


def without(facts: Mapping[str, Scalar], name: str) -> dict[str, Scalar]:
    return {key: value for key, value in facts.items() if key != name}


@pytest.mark.parametrize(
    ("name", "run", "reason"),
    [
        ("accuracy", replace(SOUND, provenance=replace(SOUND.provenance, settings={"pick": "wrong"})), "picked"),
        ("lime_same_place", replace(SOUND, subjects=SOUND.subjects[:2]), "few"),
        ("lime_fill", measured(SOUND, "lime", [{"fill_ceiling": 0.49}] * IMAGES), "telling"),
        (
            "lime_segmentation",
            changed(SOUND, "lime", lambda e, _: replace(e, measures=without(e.measures, "segmentation_agreement"))),
            "second",
        ),
    ],
)
def test_what_tells_nothing_is_not_judged(name: str, run: Run, reason: str) -> None:
    assert result(name, run).reason == f"untested.{reason}"


def test_a_method_that_broke_down_is_no_image() -> None:
    run = replace(SOUND, failures=(Failure("lime", "E-METHOD", "RuntimeError: no", "Check it"),))
    assert (result("images_failed", run).value, result("methods_failed", run).value) == (0, 1 / 12)


def test_the_middle_is_no_place_that_a_shortcut_lies_in() -> None:
    run = measured(SOUND, "lime", [{"place": "centre"}] * IMAGES)
    assert (result("lime_same_place", run).value, result("lime_same_place", run).against) == (0, ())


def test_of_two_explained_classes_the_worse_speaks_for_the_image() -> None:
    """Image 1 of the made-up run is answered wrongly, so LIME explains two classes of it."""
    run = fake_run(images=4, profile="default", trouble=False)
    both = [each for each in run.subjects[1].explanations if each.method == "lime"]
    assert len(both) == 2
    worse = replace(both[1], measures={**both[1].measures, "settled": True})
    subject = replace(run.subjects[1], explanations=(both[0], worse))
    found = result("lime_settled", replace(run, subjects=(subject,)))
    assert [(image.value, image.key) for image in found.images] == [
        (0.0, "images[1]".replace("1", "0") + ".explanations[0].measures.settled")
    ]
    assert found.value == 1 / 2


def test_where_the_label_s_evidence_lies_is_no_sign_of_a_shortcut() -> None:
    """Image 1 of the made-up run is explained for its label, too."""
    run = measured(fake_run(images=3, profile="default", trouble=False), "lime", [{"place": "lower_right"}] * 2)
    found = result("lime_same_place", run)
    assert (found.facts["n"], found.facts["total"]) == (2, 3)


def test_an_image_disagrees_by_its_own_limit_not_by_the_rule_s() -> None:
    """At 0.6 of what chance allows, beyond the default's threshold for the share of images."""
    run = measured(SOUND, "lime", [{"fill_agreement": 0.57, "fill_ceiling": 0.95}] * IMAGES)
    found = result("lime_fill", run)
    assert (found.value, found.against) == (0, ())
    assert [image.value for image in found.images] == pytest.approx([0.4] * IMAGES)


def test_no_batch_norm_is_not_a_clear_one() -> None:
    run = noted(blank(), "note.fed_unknown")
    assert result("input_unsure", run).outcome == "not_tested"


def test_before_the_files_are_written_their_rules_are_left_out() -> None:
    assert [each.name for each in judge(SOUND, DEFAULT)] == [n for n in RULES if RULES[n].group != "files"]


def resolve(facts: Any, key: str) -> Any:  # noqa: ANN401 - whatever lies there
    for name, position in re.findall(r"([^.\[\]]+)|\[(\d+)\]", key):
        facts = facts[name] if name else facts[int(position)]
    return facts


@EACH
def test_every_key_leads_somewhere_in_report_json(name: str) -> None:
    run = FAULTS[name].plant(SOUND)
    found = planted(name)
    facts = report_facts(run, summarise(run), Answered((), (), (), ()))
    for key in (*found.keys, *(image.key for image in found.images)):
        resolve(facts, key)
    assert found.keys or RULES[name].group == "files"


def test_the_reason_names_the_place() -> None:
    text = sentence(WORDS, planted("lime_same_place"))
    assert text.startswith(f"On {len(ALL)} of 4 images LIME's heaviest region lies in the lower right (100%; below 75%")


@EACH
def test_every_rule_has_its_words_and_tells_value_and_threshold(name: str) -> None:
    found = planted(name)
    text = sentence(WORDS, found)
    assert title(WORDS, found) == WORDS(f"rule.{name}")
    assert "asked" in text or found.unit == "flag"


def test_a_value_that_misses_by_little_is_not_printed_as_the_threshold() -> None:
    run = measured(SOUND, "lime", [{"r2": 0.5 - 1e-9}] * IMAGES)
    assert "R² = 0.499999999;" in sentence(WORDS, result("lime_fit", run))


def test_every_rule_has_a_fault_and_every_group_a_place() -> None:
    assert set(FAULTS) == set(RULES)
    groups = [rule.group for rule in RULES.values()]
    assert groups == sorted(groups, key=groups.index)  # a suite of the JUnit file is written once
