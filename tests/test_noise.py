"""From where it is known what another seed would change."""

from dataclasses import replace

import pytest
from changed_runs import BASE, judged

from reportgen.changes import Floor
from reportgen.noise import EXACT, MEASURED, ROUNDING, floor_of
from reportgen.results import CheckResult, Explanation, RegionWeights, Verdict

SALIENCY, LIME = BASE.subjects[0].explanations
SHA = BASE.subjects[0].image.sha256


def floor(explanation: Explanation, other: Explanation | None = None) -> Floor | None:
    return floor_of(explanation, other or explanation, SHA)


@pytest.mark.parametrize("method", sorted(EXACT))
def test_a_method_without_chance_differs_by_rounding(method: str) -> None:
    assert floor(replace(SALIENCY, method=method)) == Floor(ROUNDING.rank, ROUNDING.overlap, "rounding")


def test_limes_own_intervals_count_but_never_for_more_than_two_seeds_were_measured_to_leave() -> None:
    assert isinstance(LIME.result, RegionWeights)
    assert LIME.result.margins is not None
    known = MEASURED["lime"]
    sure = replace(LIME, result=replace(LIME.result, margins=0 * LIME.result.margins))
    assert floor(sure) == Floor(known.rank, known.overlap, "intervals")
    wide = replace(LIME, result=replace(LIME.result, margins=LIME.result.margins + 10))
    found = floor(wide)
    assert found
    assert (found.rank < known.rank, found.overlap < known.overlap) == (True, True)
    assert floor(wide) == found  # the same draws each time


def test_without_intervals_the_measured_floor_stands() -> None:
    assert isinstance(LIME.result, RegionWeights)
    bare = replace(LIME, result=replace(LIME.result, margins=None))
    assert floor(bare) == floor(LIME, bare) == Floor(MEASURED["lime"].rank, MEASURED["lime"].overlap, "measured")


def test_a_stability_check_tells_of_a_method_that_nothing_else_is_known_of() -> None:
    unknown = replace(SALIENCY, method="crystal_ball")
    assert floor(unknown) is None

    def stable(value: float) -> Explanation:
        return replace(
            unknown, verdict=Verdict("supported", "stability", (CheckResult("stability", "supported", value, 0.5),))
        )

    assert floor(stable(0.8), stable(0.7)) == Floor(0.7, 0.0, "stability")
    assert floor(stable(0.8), unknown) is None
    assert floor(judged(BASE, ["weak"] * 4).subjects[0].explanations[0]) == floor(SALIENCY)
