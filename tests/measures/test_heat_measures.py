"""Maps whose measures are known on paper."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from reportgen.measures.heat import attribution_measures, border_mask, heat_measures, place_of, share_inside

PLACES = (
    ("upper_left", "upper", "upper_right"),
    ("left", "centre", "right"),
    ("lower_left", "lower", "lower_right"),
)  # fmt: skip


def one_pixel(row: int, column: int, size: tuple[int, int] = (20, 30), value: float = 2.5) -> NDArray[np.float32]:
    heat = np.zeros(size, np.float32)
    heat[row, column] = value
    return heat


def test_an_even_map() -> None:
    measures = heat_measures(np.full((20, 30), 0.25, np.float32))
    border_area = 1 - (16 * 24) / (20 * 30)
    assert measures == {
        "maximum": 0.25,
        "half_area": 0.5,
        "top_tenth": pytest.approx(0.1),
        "border": pytest.approx(border_area),
        "border_area": pytest.approx(border_area),
        "place": "centre",
    }


def test_one_pixel_holds_everything() -> None:
    measures = heat_measures(one_pixel(10, 14))
    assert measures["maximum"] == 2.5
    assert measures["half_area"] == pytest.approx(1 / 600)
    assert measures["top_tenth"] == 1
    assert measures["border"] == 0
    assert measures["place"] == "centre"


def test_half_of_the_sum_counts_the_strongest_first() -> None:
    """6 + 5 of 6 + 5 + 4 + 3 + 2 + 1 = 21 is more than half, 6 alone is not."""
    heat = np.array([[1, 5, 3], [6, 2, 4]], np.float32)
    assert heat_measures(heat)["half_area"] == pytest.approx(2 / 6)


def test_exactly_half_is_enough() -> None:
    assert heat_measures(np.array([[3, 1, 1, 1]], np.float32))["half_area"] == 0.25


def test_the_strongest_tenth() -> None:
    """Of 20 values the two largest, 19 + 20, of a sum of 210."""
    heat = np.random.default_rng(0).permutation(np.arange(1, 21)).reshape(4, 5)
    assert heat_measures(heat)["top_tenth"] == pytest.approx(39 / 210)


def test_of_few_pixels_the_strongest_tenth_is_one() -> None:
    assert heat_measures(np.array([[3, 1]], np.float32))["top_tenth"] == 0.75


def test_the_border_is_a_tenth_of_each_side() -> None:
    mask = border_mask((20, 30))
    assert all(part.all() for part in (mask[:2], mask[-2:], mask[:, :3], mask[:, -3:]))
    assert not mask[2:-2, 3:-3].any()


def test_a_border_of_a_small_map_is_one_pixel() -> None:
    assert border_mask((4, 4)).sum() == 12


@pytest.mark.parametrize(("row", "column", "share"), [(1, 15, 1), (18, 15, 1), (10, 2, 1), (10, 27, 1), (2, 3, 0)])
def test_the_share_on_the_border(row: int, column: int, share: float) -> None:
    assert heat_measures(one_pixel(row, column))["border"] == share


@pytest.mark.parametrize("size", [(21, 33), (9, 9), (3, 3), (20, 31)])
@pytest.mark.parametrize(("down", "across"), [(d, a) for d in range(3) for a in range(3)])
def test_each_ninth_has_its_name(down: int, across: int, size: tuple[int, int]) -> None:
    height, width = size
    row, column = (2 * down + 1) * height // 6, (2 * across + 1) * width // 6
    assert place_of(one_pixel(row, column, size)) == PLACES[down][across]


def test_the_place_is_where_the_centre_of_gravity_lies() -> None:
    heat = one_pixel(1, 1) + 3 * one_pixel(1, 28)
    assert place_of(heat) == "upper_right"
    assert place_of(one_pixel(0, 0) + one_pixel(19, 29)) == "centre"


def test_pixels_lie_at_their_middles() -> None:
    """Of three columns the second is the middle one; counted from its left edge it would lie on the line."""
    assert place_of(np.array([[0, 1, 0]])) == "centre"
    assert place_of(np.array([[1, 1, 0]])) == "centre"
    assert place_of(np.array([[1, 0, 0]])) == "left"


def test_the_share_inside_a_mask() -> None:
    heat = np.array([[1, 2], [3, 4]], np.float32)
    assert share_inside(heat, np.array([[True, False], [False, True]])) == 0.5
    assert share_inside(heat, np.zeros((2, 2), bool)) == 0


@pytest.mark.parametrize("heat", [np.zeros((3, 3)), np.full((3, 3), np.nan)])
def test_a_map_without_evidence_has_no_measures(heat: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="evidence"):
        heat_measures(heat)
    with pytest.raises(ValueError, match="evidence"):
        share_inside(heat, np.ones((3, 3), bool))


def test_a_signed_map_is_refused() -> None:
    with pytest.raises(ValueError, match=">= 0"):
        heat_measures(np.array([[3.0, -1.0]]))


@given(st.integers(0, 10_000), st.floats(1e-6, 1e6))
def test_only_the_maximum_depends_on_the_unit(seed: int, unit: float) -> None:
    heat = np.random.default_rng(seed).random((12, 14))
    plain, scaled = heat_measures(heat), heat_measures(heat * unit)
    assert scaled.pop("maximum") == pytest.approx(float(plain.pop("maximum")) * unit)
    assert scaled == {name: pytest.approx(value) for name, value in plain.items()}


@given(st.integers(0, 10_000))
def test_a_mirrored_map_has_a_mirrored_place(seed: int) -> None:
    heat = np.random.default_rng(seed).random((9, 12)) ** 8
    swapped = {"left": "right", "right": "left"}
    mirrored = "_".join(swapped.get(part, part) for part in place_of(heat).split("_"))
    assert place_of(heat[:, ::-1]) == mirrored


def test_signed_evidence_is_measured_by_its_size_and_its_share_for_the_class() -> None:
    heat = np.zeros((10, 10))
    heat[1, 1], heat[8, 8] = 3.0, -1.0
    found = attribution_measures(heat)
    assert (found["positive"], found["sum"], found["maximum"]) == (0.75, 2.0, 3.0)
    assert found["half_area"] == heat_measures(np.abs(heat))["half_area"] == 0.01
    assert found["place"] == "upper_left"
    with pytest.raises(ValueError, match="sum above 0"):
        attribution_measures(np.zeros((3, 3)))
