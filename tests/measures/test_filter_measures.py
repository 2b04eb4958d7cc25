"""Gratings, flat colours and edges whose strength, direction and colour are known on paper."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from toy_models import photographs, stripes

from reportgen.measures import answers, filter_preferences, layer_preferences, object_shares
from reportgen.measures.gathered import Correlation

SIZE = (32, 40)
COLOURS = {
    "bright": ("brightness", 1), "dark": ("brightness", -1), "red": ("red_green", 1), "green": ("red_green", -1),
    "blue": ("blue_yellow", 1), "yellow": ("blue_yellow", -1),
}  # fmt: skip


def grey(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """(H, W) -> (1, H, W, 3)."""
    return np.repeat(plane[None, ..., None], 3, axis=-1)


def patchwork(seed: int = 0) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    """Squares of 4 x 4 pixels, (1, 32, 40, 3), and their opponent colours, (1, 8, 10) each, not related."""
    rng = np.random.default_rng(seed)
    shape = (8, 10)
    light, red_green, blue_yellow = rng.uniform(0.4, 0.6, shape), *rng.uniform(-0.2, 0.2, (2, *shape))
    # Solved for R, G, B: luminance = 0.2125 R + 0.7154 G + 0.0721 B; R - G; B - (R + G) / 2.
    system = np.array([[0.2125, 0.7154, 0.0721], [1, -1, 0], [-0.5, -0.5, 1]])
    colours = np.moveaxis(np.linalg.solve(system, np.stack([light, red_green, blue_yellow]).reshape(3, -1)), 0, -1)
    picture = np.kron(colours.reshape(*shape, 3), np.ones((4, 4, 1)))
    return picture[None], {"brightness": light[None], "red_green": red_green[None], "blue_yellow": blue_yellow[None]}


def off(degrees: float, wanted: float) -> float:
    """Distance between directions of lines, which repeat after 180 degrees."""
    return abs((degrees - wanted + 90) % 180 - 90)


def strength(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sobel's edge strength, written out: differences over two pixels, smoothed 1-2-1 across, edges repeated."""
    p = np.pad(plane, 1, mode="edge")
    across = sum(k * (p[i : i + SIZE[0], 2:] - p[i : i + SIZE[0], :-2]) for i, k in enumerate((0.25, 0.5, 0.25)))
    down = sum(k * (p[2:, i : i + SIZE[1]] - p[:-2, i : i + SIZE[1]]) for i, k in enumerate((0.25, 0.5, 0.25)))
    return np.asarray(np.hypot(across / 2, down / 2))


def test_answers_are_the_maximum_and_the_share_above_a_tenth_of_it() -> None:
    maps = np.array([[[-1.0, 0.0], [2.0, 0.21]], [[0.2, -3.0], [0.0, 0.1]]])
    assert answers(maps) == {"maximum": 2.0, "active": 0.25}


@pytest.mark.parametrize("top", [0.0, -2.0])
def test_what_is_never_above_zero_is_never_active(top: float) -> None:
    assert answers(np.array([[[top, -3.0]]])) == {"maximum": top, "active": 0.0}


def test_a_map_equal_to_the_strength_of_edges() -> None:
    plane = photographs(1, SIZE)[0].mean(axis=-1).astype(np.float64)
    found = filter_preferences(strength(plane)[None], grey(plane))
    assert found["edges"] == pytest.approx(1, abs=1e-6)


def test_a_map_that_avoids_edges() -> None:
    plane = photographs(1, SIZE)[0].mean(axis=-1).astype(np.float64)
    assert filter_preferences(1 - strength(plane)[None], grey(plane))["edges"] == pytest.approx(-1, abs=1e-6)


def test_a_map_that_has_nothing_to_do_with_edges() -> None:
    plane = photographs(1, SIZE)[0].mean(axis=-1).astype(np.float64)
    found = filter_preferences(np.random.default_rng(0).random((1, *SIZE)), grey(plane))
    assert abs(float(found["edges"])) < 0.1


def test_edges_are_averaged_over_what_a_position_covers() -> None:
    """A map of half the size; the correlation is with the root of the mean energy of each 2 x 2 pixels."""
    plane = photographs(1, SIZE)[0].mean(axis=-1).astype(np.float64)
    blocks = (strength(plane) ** 2).reshape(16, 2, 20, 2).mean(axis=(1, 3))
    assert filter_preferences(np.sqrt(blocks)[None], grey(plane))["edges"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("wanted", [0, 30, 45, 90, 135, 160])
def test_the_direction_of_the_lines_that_are_answered(wanted: float) -> None:
    """Lines of four directions side by side; the map answers on those of one."""
    others = [(wanted + step) % 180 for step in (45, 90, 135)]
    images = np.concatenate([grey(stripes(degrees, SIZE)) for degrees in (wanted, *others)])
    maps = np.zeros((4, *SIZE))
    maps[0] = 1
    found = filter_preferences(maps, images)
    assert off(float(found["orientation"]), wanted) < 4
    assert 0 <= float(found["orientation"]) < 180
    assert float(found["coherence"]) > 0.8


def test_rising_and_falling_diagonals_are_told_apart() -> None:
    """The picture decides: on the rising diagonal bright pixels lie at (bottom, left) and (top, right)."""
    rising = np.zeros(SIZE)
    for step in range(-20, 60, 6):
        for row in range(SIZE[0]):
            if 0 <= step + SIZE[0] - 1 - row < SIZE[1]:
                rising[row, step + SIZE[0] - 1 - row] = 1
    both = np.concatenate([grey(rising), grey(rising[:, ::-1])])
    maps = np.stack([np.ones(SIZE), np.zeros(SIZE)])
    assert off(float(filter_preferences(maps, both)["orientation"]), 45) < 4
    assert off(float(filter_preferences(maps[::-1], both)["orientation"]), 135) < 4


def test_what_all_images_prefer_is_no_preference_of_the_filter() -> None:
    images = grey(stripes(30, SIZE))
    even = filter_preferences(np.ones((1, *SIZE)), images)
    assert float(even["coherence"]) == pytest.approx(0, abs=1e-6)


def test_answers_to_every_direction_alike_are_not_coherent() -> None:
    images = np.concatenate([grey(stripes(degrees, SIZE)) for degrees in range(0, 180, 15)])
    noise = np.random.default_rng(2).random((12, *SIZE))
    assert float(filter_preferences(1 + noise, images)["coherence"]) < 0.05


def test_answers_below_zero_are_no_answers() -> None:
    """The filter is inhibited by vertical lines; that does not make it like them."""
    images = np.concatenate([grey(stripes(0, SIZE)), grey(stripes(90, SIZE))])
    maps = np.stack([np.full(SIZE, 0.1), np.full(SIZE, -5.0)])
    assert off(float(filter_preferences(maps, images)["orientation"]), 0) < 4


@pytest.mark.parametrize("name", COLOURS)
def test_each_colour_has_its_name(name: str) -> None:
    images, planes = patchwork()
    plane, sign = COLOURS[name]
    found = filter_preferences(sign * planes[plane], images)
    assert found["colour"] == name
    assert found["colour_r"] == pytest.approx(sign, abs=1e-6)


@pytest.mark.parametrize("name", COLOURS)
def test_a_map_as_fine_as_the_image_is_compared_pixel_by_pixel(name: str) -> None:
    images, planes = patchwork()
    plane, sign = COLOURS[name]
    found = filter_preferences(np.kron(sign * planes[plane], np.ones((1, 4, 4))), images)
    assert found["colour"] == name
    assert found["colour_r"] == pytest.approx(sign, abs=1e-6)


@pytest.mark.parametrize("share", [0.2, 0.4])
def test_a_weak_preference_has_no_name_and_a_clear_one_has(share: float) -> None:
    """r is the share of red in the map's spread, by Pythagoras; on a fine map, where chance is small."""
    images, planes = patchwork()
    red = np.kron(planes["red_green"], np.ones((1, 4, 4)))
    noise = np.random.default_rng(3).normal(size=red.shape)
    mixed = share * red / red.std() + (1 - share**2) ** 0.5 * noise
    found = filter_preferences(mixed, images)
    assert float(found["colour_r"]) == pytest.approx(share, abs=0.07)
    assert found["colour"] == ("red" if share == 0.4 else "none")


def test_too_few_positions_say_nothing() -> None:
    """Eight by eight is enough, seven by nine is not; two maps of seven by nine are."""
    images = photographs(2, SIZE)
    maps = np.random.default_rng(4).random((2, 8, 9))
    said = {"edges", "orientation", "coherence", "colour", "colour_r", "period", "period_share", "period_usual"}
    assert set(filter_preferences(maps[:1, :, :8], images[:1])) == said
    assert filter_preferences(maps[:1, :7], images[:1]) == {}
    assert set(filter_preferences(maps[:, :7], images)) == said


def test_red_beside_green_of_the_same_brightness_is_an_edge() -> None:
    """To the network it is, and grey alone would not show it."""
    red_green = np.array([[0.7154, -0.2125, 0.0]]) * (stripes(90, SIZE)[..., None] - 0.5) * 0.5 + 0.5
    assert np.ptp(red_green @ [0.2125, 0.7154, 0.0721]) < 1e-9
    even = grey(np.full(SIZE, 0.5))
    maps = np.stack([np.ones(SIZE), np.zeros(SIZE)])
    found = filter_preferences(maps, np.concatenate([red_green[None], even]))
    assert float(found["edges"]) > 0.5


def test_a_constant_map_prefers_nothing_that_can_be_measured() -> None:
    found = filter_preferences(np.full((2, 8, 10), 3.0), photographs(2, SIZE))
    assert "edges" not in found
    assert "colour" not in found
    assert "colour_r" not in found


def test_a_silent_map_has_no_direction() -> None:
    maps = -photographs(2, SIZE)[..., 0]
    assert {"orientation", "coherence"} & set(filter_preferences(maps, photographs(2, SIZE))) == set()


def test_images_without_edges_leave_no_direction() -> None:
    flat = np.full((1, *SIZE, 3), 0.5)
    assert filter_preferences(np.random.default_rng(0).random((1, *SIZE)), flat) == {}


@given(st.floats(1e-12, 1e12))
def test_the_unit_of_the_map_does_not_matter(unit: float) -> None:
    images = photographs(1, SIZE)
    maps = np.random.default_rng(1).normal(size=(1, 8, 10))
    plain, scaled = filter_preferences(maps, images), filter_preferences(maps * unit, images)
    assert scaled == {name: value if isinstance(value, str) else pytest.approx(value) for name, value in plain.items()}


def test_the_order_of_the_images_changes_no_digit() -> None:
    images, maps = photographs(7, SIZE), np.random.default_rng(5).normal(size=(7, 8, 10))
    order = np.random.default_rng(6).permutation(7)
    assert filter_preferences(maps[order], images[order]) == filter_preferences(maps, images)


def test_filters_of_one_layer_are_measured_as_each_alone() -> None:
    images, maps = photographs(3, SIZE), np.random.default_rng(5).normal(size=(4, 3, 8, 10))
    assert layer_preferences(list(maps), iter(images)) == [filter_preferences(each, images) for each in maps]


def correlation(one: NDArray[Any], other: NDArray[Any], images: int = 1) -> float | None:
    """Taken in as so many images."""
    gathered = Correlation()
    for a, b in zip(np.array_split(one, images), np.array_split(other, images), strict=True):
        gathered.add(a, b)
    return gathered.value()


@pytest.mark.parametrize("images", [2, 3, 40])
def test_correlation_is_the_same_however_the_images_are_cut(images: int) -> None:
    one, other = np.random.default_rng(7).normal((1e3, 0), size=(40, 2)).T
    assert correlation(one, other + one, images) == pytest.approx(np.corrcoef(one, other + one)[0, 1], rel=1e-9)


def test_correlation_on_paper() -> None:
    assert correlation(np.array([1, 2, 3]), np.array([2, 4, 6])) == pytest.approx(1)
    assert correlation(np.array([1, 2, 3]), np.array([3, 2, 1])) == pytest.approx(-1)
    assert correlation(np.array([1, -1, 1, -1]), np.array([1, 1, -1, -1])) == pytest.approx(0)
    assert correlation(np.array([0, 0, 1]), np.array([0, 1, 1])) == pytest.approx(0.5)
    assert correlation(np.array([5.0, 5.0]), np.array([1, 2])) is None
    assert correlation(np.array([1, 2]), np.array([0.0, 0.0])) is None
    assert correlation(1e6 + np.array([0, 1e-7]), np.array([1, 2])) is None  # what float32 would make of a constant


def test_correlation_never_leaves_its_range_by_rounding() -> None:
    vectors = np.random.default_rng(0).normal(size=(500, 7))
    found = [correlation(vector, factor * vector) for vector in vectors for factor in (0.1, -0.3)]
    assert all(r is not None and -1 <= r <= 1 for r in found)
    assert np.abs(np.array(found, float)).min() > 1 - 1e-12


def test_the_share_on_marked_objects_is_the_one_on_paper() -> None:
    maps = np.array([[[4.0, 1.0], [-7.0, 1.0]], [[1.0, 1.0], [0.0, 0.0]], [[9.0, 9.0], [9.0, 9.0]]])
    left, half_of_it = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    left[:, :2], half_of_it[:, 0] = True, True
    # 4 of 6 and, by half of a position, 0.5 of 2; the third image has no mask
    found = object_shares(maps, [left, half_of_it, None])
    assert found == {"object_share": pytest.approx(4.5 / 8), "object_area": pytest.approx(0.375), "object_images": 2}
    assert object_shares(-maps[2:], [left]) == object_shares(maps, [None] * 3) == {}


def test_the_share_on_marked_objects_is_the_same_to_the_digit_in_any_order() -> None:
    rng = np.random.default_rng(0)
    maps, masks = rng.random((50, 5, 5)) * 10.0 ** rng.integers(-6, 7, (50, 1, 1)), rng.random((50, 9, 9)) > 0.7
    found = {tuple(object_shares(maps[order], masks[order]).values()) for order in map(rng.permutation, [50] * 20)}
    assert len(found) == 1
