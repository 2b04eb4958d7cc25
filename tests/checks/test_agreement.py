"""Maps that share a known part of their strongest fifth, and methods without a vote."""

from dataclasses import replace

import numpy as np
import pytest
from asked_again import evidence, images_of, method_of
from toy_models import Small, photographs, settled, wrapped

from reportgen.checks.agreement import AGREES, CHECK
from reportgen.classifier import Classifier
from reportgen.contracts import Evidence
from reportgen.options import BuildOptions
from reportgen.results import AttributionMap, Case, CheckResult, MethodCheck, Result, Target

SIDE = 40
PHOTOGRAPHS = images_of(photographs(2, (SIDE, SIDE)))


def ramp(turn: int):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """Evidence that grows to one side; turned by a quarter the strongest fifths share a fifth of each."""

    def draw(_classifier: Classifier, _case: Case, _target: Target, _options: BuildOptions) -> Result:
        rows = np.arange(1.0, SIDE + 1)[:, None] * np.ones(SIDE)
        return AttributionMap(np.rot90(rows, turn).copy())

    return draw


UP, LEFT, DOWN = (method_of(f"turned {turn}", ramp(turn)) for turn in range(3))
AS_WRITTEN = method_of("turned 0_hw5", ramp(0))


def found(given: Evidence) -> dict[str, CheckResult]:
    first, second = CHECK.judge(given)
    assert first == second  # the maps are the same on both images
    return {each.method: result for each, result in zip(given.explanations[0], first, strict=True)}


def given(*methods: object) -> Evidence:
    return evidence(wrapped(settled(Small(), size=(SIDE, SIDE)), (SIDE, SIDE)), PHOTOGRAPHS, methods)  # type: ignore[arg-type]


def test_the_share_is_the_one_on_paper() -> None:
    results = found(given(UP, LEFT, DOWN))
    assert results["turned 0"].measures["with_turned 1"] == pytest.approx(0.2)  # a fifth of a fifth
    assert results["turned 0"].measures["with_turned 2"] == 0
    assert results["turned 0"].value == pytest.approx(0.1)
    assert results["turned 1"].value == pytest.approx(0.2)
    assert {each.threshold for each in results.values()} == {AGREES}
    assert results["turned 0"].state == "indistinct"


def test_the_same_map_agrees() -> None:
    results = found(given(UP, method_of("other", ramp(0))))
    assert {(each.state, each.value) for each in results.values()} == {("supported", 1.0)}


def test_a_method_that_ignores_the_weights_has_no_vote_and_is_judged() -> None:
    fails = MethodCheck("turned 2", CheckResult("randomisation", "fails", 0.9, 0.65, above=False))
    results = found(replace(given(UP, LEFT, DOWN), method_checks=(fails,)))
    assert "with_turned 2" not in results["turned 0"].measures
    assert results["turned 0"].value == pytest.approx(0.2)
    assert results["turned 2"].value == pytest.approx(0.1)


def test_the_write_ups_own_way_does_not_vote_twice() -> None:
    results = found(given(UP, LEFT, AS_WRITTEN))
    assert set(results["turned 1"].measures) == {"with_turned 0"}
    assert set(results["turned 0_hw5"].measures) == {"with_turned 1"}  # not by its own other way


def test_alone_nobody_agrees() -> None:
    (result,) = found(given(UP)).values()
    assert (result.state, result.reason) == ("not_tested", "reason.nobody_votes")


def test_without_a_picture_there_is_nothing_to_compare() -> None:
    flat = method_of("flat", lambda *_: None)
    results = found(given(UP, LEFT, flat))
    assert results["flat"].state == "degenerate"
    assert set(results["turned 0"].measures) == {"with_turned 1"}
