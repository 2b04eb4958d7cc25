"""Likeness of maps: against the formula on ranks, on overlaps counted by hand, in units that do not matter."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from reportgen.measures import rank_correlation, relative_change, smoothed, top_overlap

RNG = np.random.default_rng(4)
ONE, OTHER = RNG.normal(size=(2, 12, 15))


def test_ranks_are_correlated_as_the_formula_says() -> None:
    ranks = [np.argsort(np.argsort(each.ravel())).astype(float) for each in (ONE, OTHER)]
    n = ONE.size
    on_paper = 1 - 6 * ((ranks[0] - ranks[1]) ** 2).sum() / (n * (n**2 - 1))
    assert rank_correlation(ONE, OTHER) == pytest.approx(on_paper, abs=1e-12)
    assert rank_correlation(ONE, OTHER) == pytest.approx(spearmanr(ONE.ravel(), OTHER.ravel())[0], abs=1e-12)


def test_only_the_order_counts() -> None:
    assert rank_correlation(ONE, np.exp(3 * ONE)) == pytest.approx(1)
    assert rank_correlation(ONE, -ONE) == pytest.approx(-1)
    assert rank_correlation(ONE, np.ones_like(ONE)) == 0


def test_the_strongest_are_counted() -> None:
    one, other = np.zeros((10, 10)), np.zeros((10, 10))
    one[:2], other[1:3] = 1, 1  # two rows each, one in common
    assert top_overlap(one, other) == 0.5
    assert top_overlap(one, one) == 1
    assert top_overlap(one, one.max() - one) == 0


def test_unrelated_maps_share_what_chance_shares() -> None:
    pairs = RNG.normal(size=(40, 2, 40, 40))
    assert np.mean([top_overlap(*pair) for pair in pairs]) == pytest.approx(0.2, abs=0.01)


def test_smoothing_keeps_the_sum_and_takes_the_grain() -> None:
    point = np.zeros((64, 64))
    point[30, 30] = 1
    found = smoothed(point)
    assert found.sum() == pytest.approx(1)
    assert found.argmax() == point.argmax()
    assert found.max() == pytest.approx(1 / (2 * np.pi * 1.5**2), rel=0.02)  # sigma is 1.5 px at 64 px


def test_the_change_is_a_share_of_the_map() -> None:
    assert relative_change(ONE, 1.25 * ONE) == pytest.approx(0.25)
    assert relative_change(100 * ONE, 125 * ONE) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="without evidence"):
        relative_change(np.zeros((2, 2)), np.ones((2, 2)))
