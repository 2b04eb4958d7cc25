"""Which of LIME's regions count, checked against weights that can be added up by hand."""

import numpy as np
import pytest

from reportgen.measures import (
    LEAST_SHARE,
    SHOWN_REGIONS,
    agreement,
    heaviest_regions,
    region_measures,
    shown_regions,
)

# Three columns: 0 takes one column of six, 1 two, 2 three.
SEGMENTS = np.repeat([[0, 1, 1, 2, 2, 2]], 4, axis=0)


def test_the_heaviest_come_first_whatever_their_sign() -> None:
    assert heaviest_regions(np.array([1.0, -3.0, 2.0]), 3, 0) == (1, 2, 0)


def test_equals_stand_in_the_order_of_their_numbers() -> None:
    assert heaviest_regions(np.array([1.0, -1.0, 1.0, -1.0]), 3, 0) == (0, 1, 2)


def test_at_most_so_many() -> None:
    assert heaviest_regions(np.array([1.0, 3.0, 2.0]), 2, 0) == (1, 2)


def test_a_weight_just_at_the_threshold_counts() -> None:
    assert heaviest_regions(np.array([0.05, -0.05, 0.0499]), 9, 0.05) == (0, 1)


def test_shown_is_what_holds_a_hundredth_of_all() -> None:
    weights = np.array([0.5, -0.485, 0.0101, 0.0049])  # the sum of magnitudes is 1
    assert shown_regions(weights) == (0, 1, 2)
    assert (LEAST_SHARE, SHOWN_REGIONS) == (0.01, 10)


def test_shown_are_ten_at_most() -> None:
    assert shown_regions(np.linspace(1, 2, 40)) == tuple(range(39, 29, -1))


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_the_unit_of_the_score_does_not_matter(unit: float) -> None:
    assert shown_regions(np.array([0.7, -0.295, 0.005]) * unit) == (0, 1)


def test_among_very_many_the_heaviest_is_shown_even_below_a_hundredth() -> None:
    """Of 400 superpixels none need hold a hundredth; the explanation would have no region at all."""
    weights = np.linspace(1, 1.5, 400)
    assert shown_regions(weights) == (399,)
    assert region_measures(np.arange(400).reshape(20, 20), weights)["shown"] == 1


def test_no_weight_shows_nothing() -> None:
    assert shown_regions(np.zeros(3)) == ()
    with pytest.raises(ValueError, match="no region has any weight"):
        region_measures(SEGMENTS, np.zeros(3))


def test_measures_of_three_regions() -> None:
    assert region_measures(SEGMENTS, np.array([-6.0, 3.95, 0.05])) == {
        "segments": 3,
        "shown": 2,
        "shown_share": pytest.approx(0.995),
        "largest_area": pytest.approx(1 / 6),
        "largest_share": pytest.approx(0.6),
        "largest_weight": -6.0,
        "place": "left",
    }


def test_agreement_is_the_share_of_the_map_on_supporting_regions() -> None:
    heat = np.repeat([[4.0, 1, 1, 2, 1, 1]], 4, axis=0)
    share, area = agreement(heat, SEGMENTS, np.array([5.0, -4.0, 3.0]), (0, 1, 2))
    assert share == pytest.approx(8 / 10)
    assert area == pytest.approx(4 / 6)


def test_agreement_leaves_out_what_is_not_shown() -> None:
    heat = np.repeat([[4.0, 1, 1, 2, 1, 1]], 4, axis=0)
    assert agreement(heat, SEGMENTS, np.array([5.0, -4.0, 3.0]), (0, 1)) == pytest.approx((0.4, 1 / 6))


def test_agreement_without_support_is_nothing() -> None:
    assert agreement(np.ones((4, 6)), SEGMENTS, np.array([-5.0, -4.0, 0.0]), (0, 1, 2)) == (0, 0)
