"""A network whose filters and wires are known: its dossier must say what they are."""

from dataclasses import replace

import numpy as np
import pytest
from planted import CLASSES, CORNER, DEAD, DOUBLE, PATCH, PLACES, RED, SIZE, STEADY, STRIPES, Planted, planted_images
from torch import nn
from toy_models import case, options, wrapped

from reportgen.classifier import Classifier
from reportgen.explain import FILTER_METHODS
from reportgen.results import FilterStudy

IMAGES = planted_images()
SHOWS = ("stripes", "red", "corner")  # image n shows SHOWS[n % 3]


def named(activation: nn.Module | None = None) -> Classifier:
    classifier = wrapped(Planted(activation), SIZE, len(CLASSES))
    return replace(classifier, facts=replace(classifier.facts, classes=CLASSES))


@pytest.fixture(scope="module")
def studies() -> dict[int, FilterStudy]:
    classifier = named()
    cases = [case(classifier, each) for each in IMAGES]
    given = options(layers=("act",), filters=tuple(range(6)), filter_steps=20)
    return {each.filter: each for each in FILTER_METHODS["filters"].explain(classifier, cases, given)}


@pytest.mark.parametrize(("number", "what"), [(STRIPES, "stripes"), (RED, "red"), (CORNER, "corner")])
def test_the_top_crops_show_the_planted_pattern(studies: dict[int, FilterStudy], number: int, what: str) -> None:
    tops = studies[number].cropped("top")[:3]
    assert sorted(crop.subject for crop in tops) == [n for n in range(9) if SHOWS[n % 3] == what]
    for crop in tops:
        row, column = PLACES[what][0] + crop.subject // 3, PLACES[what][1] - 2 * (crop.subject // 3)
        top, bottom, left, right = crop.box
        assert abs((top + bottom) / 2 - row) <= PATCH / 2
        assert abs((left + right) / 2 - column) <= PATCH / 2


@pytest.mark.parametrize("number", [STRIPES, RED, CORNER, DOUBLE])
def test_the_class_wired_to_a_filter_is_named_first(studies: dict[int, FilterStudy], number: int) -> None:
    first = studies[number].effects[0]
    assert (first.name, first.index) == (CLASSES[number], number)
    assert first.drop > 0.01


def test_the_dead_filter_is_flagged_and_has_no_picture(studies: dict[int, FilterStudy]) -> None:
    dead = studies[DEAD]
    assert (dead.status, dead.visualisation, dead.crops, dead.effects) == ("degenerate", None, (), ())
    assert {each.measures["silent_filters"] for each in studies.values()} == {str(DEAD)}
    assert [number for number, each in studies.items() if each.status == "degenerate"] == [DEAD]


def test_planted_duplicates_name_each_other_and_nobody_else_is_one(studies: dict[int, FilterStudy]) -> None:
    twins = {number: each.measures.get("duplicate_of") for number, each in studies.items()}
    assert twins == {STRIPES: None, RED: str(DOUBLE), CORNER: None, DEAD: None, DOUBLE: str(RED), STEADY: None}
    assert studies[RED].measures["duplicate_r"] == pytest.approx(1, abs=0.02)


def test_only_the_nearly_constant_filter_is_called_so(studies: dict[int, FilterStudy]) -> None:
    assert [number for number, each in studies.items() if each.measures.get("steady")] == [STEADY]


def test_red_is_red_and_stripes_are_striped(studies: dict[int, FilterStudy]) -> None:
    assert studies[RED].measures["colour"] == "red"
    assert float(studies[STRIPES].measures["orientation"]) == pytest.approx(45, abs=5)
    assert studies[STRIPES].measures["period"] == 6.5  # the octave of stripes 6 px apart


def test_by_itself_the_program_shows_what_matters_and_never_the_dead_one() -> None:
    classifier = named()
    cases = [case(classifier, each) for each in IMAGES]
    found = list(FILTER_METHODS["filters"].explain(classifier, cases, options(filters_top=3, filter_steps=2)))
    changes = [float(each.measures["matters"]) for each in found]
    assert len(found) == 3
    assert changes == sorted(changes, reverse=True)
    assert {each.filter for each in found} <= {STRIPES, RED, CORNER, DOUBLE}


def test_a_full_relu6_is_said_to_be_saturated() -> None:
    classifier = named(nn.ReLU6())
    with np.errstate(all="ignore"):
        classifier.module.get_parameter("conv.bias").data[STEADY] = 7.0
    cases = [case(classifier, each) for each in IMAGES]
    full, free = FILTER_METHODS["filters"].explain(
        classifier, cases, options(layers=("act",), filters=(STEADY, RED), filter_steps=2)
    )
    assert (full.measures["saturated"], free.measures["saturated"]) == (1.0, 0.0)
    assert full.measures["steady"]
