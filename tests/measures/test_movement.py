"""How far a map has moved, on maps whose answer is known on paper."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import spearmanr

from reportgen.measures import Likeness, likeness, redrawn
from reportgen.results import AttributionMap, RegionWeights, SaliencyMap

SEGMENTS = np.repeat(np.repeat(np.arange(16).reshape(4, 4), 4, axis=0), 6, axis=1)  # 16 regions of 4 x 6 pixels
FALLING = np.linspace(1.6, 0.1, 16)


def regions(
    weights: NDArray[np.float64], margin: float | None = 0.0, segments: NDArray[np.int_] = SEGMENTS
) -> RegionWeights:
    margins = None if margin is None else np.full(len(weights), margin)
    return RegionWeights(segments, weights, margins)


def blob(row: int, column: int) -> SaliencyMap:
    rows, columns = np.mgrid[:100, :100]
    return SaliencyMap(np.exp(-(((rows - row) / 12) ** 2) - ((columns - column) / 12) ** 2))


def near(rank: float, overlap: float) -> Likeness:
    """Equal to these numbers but for rounding."""
    return Likeness(pytest.approx(rank), overlap)  # type: ignore[arg-type]  # compares as a number does


def test_a_map_is_like_itself() -> None:
    assert likeness(blob(30, 40), blob(30, 40)) == near(1.0, 1.0)
    assert likeness(regions(FALLING), regions(FALLING)) == near(1.0, 1.0)


def test_scale_is_no_move() -> None:
    assert likeness(regions(FALLING), regions(7 * FALLING)) == near(1.0, 1.0)


def test_the_other_way_round() -> None:
    alike = likeness(regions(FALLING), regions(FALLING[::-1]))
    assert alike == near(-1.0, 0.0)


def test_the_overlap_is_what_both_have_in_common() -> None:
    weights = FALLING.copy()
    weights[[2, 9]] = weights[[9, 2]]  # two of the three heaviest stay
    assert likeness(regions(FALLING), regions(weights)).overlap == pytest.approx(2 / 3)
    away = likeness(blob(20, 20), blob(80, 80))
    assert away.overlap < 0.1
    assert away.rank < 0
    assert likeness(blob(50, 50), blob(51, 50)).overlap > 0.9  # a pixel is no move


def test_regions_that_speak_against_the_class_are_none_of_the_strongest() -> None:
    one, other = np.full(16, -0.1), np.full(16, -0.1)
    one[[0, 1]], other[[0, 5]] = 1.0, 1.0
    assert likeness(regions(one), regions(other)).overlap == pytest.approx(1 / 2)


def test_the_rank_correlation_is_that_of_the_pixels_whatever_the_cut() -> None:
    rng = np.random.default_rng(0)
    other_cut = np.tile(np.repeat(np.arange(6), 4), (16, 1))  # six columns of pixels
    one, other = rng.normal(size=16), rng.normal(size=6)
    alike = likeness(regions(one), regions(other, segments=other_cut))
    assert alike.rank == pytest.approx(spearmanr(one[SEGMENTS].ravel(), other[other_cut].ravel()).statistic)


def test_a_flat_map_has_no_ranks() -> None:
    flat = regions(np.full(16, 0.3))
    assert likeness(flat, regions(FALLING)).rank == 0
    assert likeness(flat, flat).rank == 1


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="regions"):
        likeness(regions(FALLING), blob(1, 1))
    with pytest.raises(ValueError, match="maps of"):
        likeness(blob(1, 1), AttributionMap(np.ones((3, 3))))
    with pytest.raises(ValueError, match="segments of"):
        likeness(regions(FALLING), regions(FALLING[:1], segments=np.zeros((2, 2), int)))


class TestAnotherSeed:
    def test_without_intervals_nothing_is_known(self) -> None:
        with pytest.raises(ValueError, match="intervals"):
            redrawn(regions(FALLING, None), regions(FALLING), np.random.default_rng(0))

    def test_sure_weights_leave_no_room(self) -> None:
        assert redrawn(regions(FALLING), regions(FALLING), np.random.default_rng(0)) == near(1.0, 1.0)

    def test_the_wider_the_intervals_the_lower_the_floor(self) -> None:
        floors = [redrawn(regions(FALLING, m), regions(FALLING, m), np.random.default_rng(0)) for m in (0.01, 0.2, 2)]
        ranks = [floor.rank for floor in floors]
        assert ranks == sorted(ranks, reverse=True)
        assert ranks[0] > 0.98
        assert ranks[-1] < 0

    def test_two_draws_of_one_truth_are_above_it(self) -> None:
        rng = np.random.default_rng(1)
        below = 0
        for trial in range(40):
            truth = np.where(np.arange(16) < 3, rng.uniform(0.5, 1, 16), 0.0)
            one, other = (regions(truth + rng.normal(0, 0.05, 16), 0.05 * 1.645) for _ in range(2))
            alike, floor = likeness(one, other), redrawn(one, other, np.random.default_rng(trial))
            below += alike.rank < floor.rank or alike.overlap < floor.overlap
        assert below <= 2

    def test_evidence_that_has_gone_elsewhere_is_below_it(self) -> None:
        one, other = np.full(16, 0.01), np.full(16, 0.01)
        one[[0, 1, 2]], other[[13, 14, 15]] = 1.0, 1.0
        pair = regions(one, 0.05), regions(other, 0.05)
        assert likeness(*pair).overlap < redrawn(*pair, np.random.default_rng(0)).overlap
