from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_erosion
from skimage.color import rgb2gray, rgb2hsv

from reportgen import figures
from reportgen.figures.regions import _widest_places

Pixels = NDArray[np.uint8]
SIDE = 240
SEGMENTS = np.kron(np.arange(9).reshape(3, 3), np.ones((SIDE // 3, SIDE // 3), int))
WEIGHTS = np.array([0.5, -0.5, 0.1, -0.1, 0.0, 0.25, 0.3, 0.01, -0.3])
TEXTURE = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
GROUNDS = {
    "black": np.zeros_like(TEXTURE),
    "grey": np.full_like(TEXTURE, 128),
    "white": np.full_like(TEXTURE, 255),
    "orange": np.full_like(TEXTURE, (255, 127, 14)),
    "blue": np.full_like(TEXTURE, (31, 119, 180)),
    "texture": TEXTURE,
}
EVERY_GROUND = pytest.mark.parametrize("photo", GROUNDS.values(), ids=GROUNDS)


def inside(region: int, margin: int = 8) -> NDArray[np.bool_]:
    """The region without the outline along its border."""
    eroded: NDArray[np.bool_] = binary_erosion(region == SEGMENTS, iterations=margin)
    return eroded


def overlay(photo: Pixels, shown: Sequence[int], weights: NDArray[np.float64] = WEIGHTS) -> Pixels:
    return figures.regions_overlay(photo, SEGMENTS, weights, shown)


def difference(one: Pixels, two: Pixels) -> NDArray[np.int64]:
    """The largest difference of a channel, per pixel."""
    return np.asarray(np.abs(one.astype(np.int64) - two).max(-1))


class TestSign:
    @EVERY_GROUND
    def test_hue_tells_for_from_against(self, photo: Pixels) -> None:
        picture = overlay(photo, [0, 1]).astype(float).reshape(-1, 3)
        red_over_blue = picture[:, 0] - picture[:, 2]
        assert np.median(red_over_blue[inside(0).ravel()]) > 60
        assert np.median(red_over_blue[inside(1).ravel()]) < -60

    @EVERY_GROUND
    def test_hatching_alone_tells_too(self, photo: Pixels) -> None:
        """In grey print, where hue is gone: against is striped, for is as smooth as the photograph."""
        grey = rgb2gray(overlay(photo, [0, 1]))
        plain = rgb2gray(photo)
        assert grey[inside(1)].std() > grey[inside(0)].std() + 0.05
        assert grey[inside(0)].std() <= plain[inside(0)].std() + 1e-6

    def test_hatching_runs_across_the_whole_region(self) -> None:
        grey = rgb2gray(overlay(GROUNDS["grey"], [1]))
        for part in np.split(np.flatnonzero(inside(1).any(1)), 2):
            assert grey[part][:, inside(1).any(0)].std() > 0.05

    @pytest.mark.parametrize("side", [SIDE, 3 * SIDE])
    @pytest.mark.parametrize("ground", [0, 128, 255])
    def test_lines_come_in_pairs_so_that_one_shows_on_any_ground(self, ground: int, side: int) -> None:
        picture = figures.regions_overlay(
            np.full((side, side, 3), ground, np.uint8), np.zeros((2, 2), int), -np.ones(1), [0]
        )
        shades = rgb2gray(picture)
        between = np.median(shades)
        assert (shades > between + 0.1).sum() == pytest.approx((shades < between - 0.1).sum(), rel=0.2)
        assert 0.05 < (shades > between + 0.1).mean() < 0.3

    def test_a_weight_of_zero_speaks_for_nothing_against(self) -> None:
        assert rgb2gray(overlay(GROUNDS["grey"], [4]))[inside(4)].std() < 1e-6


class TestStrength:
    def test_a_heavier_region_is_tinted_more(self) -> None:
        hues = rgb2hsv(overlay(GROUNDS["grey"], range(9)))[..., 1]
        by_weight = [hues[inside(region)].mean() for region in (4, 7, 2, 5, 0)]
        assert (np.diff(by_weight) > 0.01).all()

    def test_only_the_weights_relative_to_the_heaviest_count(self) -> None:
        assert (overlay(TEXTURE, [0, 1, 5], WEIGHTS) == overlay(TEXTURE, [0, 1, 5], 1000 * WEIGHTS)).all()

    def test_no_weight_at_all_is_drawn_as_the_weakest(self) -> None:
        picture = overlay(GROUNDS["grey"], [0], np.zeros(9))
        assert difference(picture, GROUNDS["grey"])[inside(0)].min() > 5

    @EVERY_GROUND
    @pytest.mark.parametrize("region", [0, 1])
    def test_the_heaviest_changes_every_photograph(self, photo: Pixels, region: int) -> None:
        """lime's own overlay sets a channel to the maximum: invisible on white."""
        changed = difference(overlay(photo, [region]), overlay(photo, []))
        assert (changed[inside(region)] > 20).mean() > 0.6

    def test_the_rest_of_the_photograph_is_half_grey_and_a_little_dimmed(self) -> None:
        half = 0.5 * rgb2gray(TEXTURE)[..., None] + 0.5 * TEXTURE / 255
        assert np.abs(overlay(TEXTURE, []) - 255 * 0.85 * half).max() <= 0.51

    def test_what_is_not_shown_is_not_tinted(self) -> None:
        rest = overlay(TEXTURE, [])
        for shown in ([0], [0, 1], [4, 8]):
            away = ~binary_dilation(np.isin(SEGMENTS, shown), iterations=8)
            assert (overlay(TEXTURE, shown)[away] == rest[away]).all()


class TestOutline:
    @EVERY_GROUND
    @pytest.mark.parametrize("region", [4, 0, 1])
    def test_white_and_black_lie_along_the_whole_border(self, photo: Pixels, region: int) -> None:
        picture = overlay(photo, [region])
        border = region == SEGMENTS
        line = binary_dilation(border) ^ binary_erosion(border, border_value=1)
        assert (picture[line] == 255).all()
        beside = binary_dilation(line, np.ones((3, 3))) ^ line
        assert (picture[beside & ~binary_dilation(line)] == 0).mean() > 0.9 or (picture[beside] == 0).mean() > 0.9

    def test_nowhere_else(self) -> None:
        """On grey no other pixel is pure white or black."""
        picture = overlay(GROUNDS["grey"], [4])
        pure = (picture == 255).all(-1) | (picture == 0).all(-1)
        square = np.ones((5, 5))  # two pixels to each side
        border = binary_dilation(SEGMENTS == 4, square) ^ binary_erosion(SEGMENTS == 4, square)
        assert pure.any()
        assert not (pure & ~border).any()

    def test_it_grows_with_the_picture(self) -> None:
        halves = np.repeat([[0, 1]], 2, axis=0)
        picture = figures.regions_overlay(np.full((900, 900, 3), 128, np.uint8), halves, np.array([0.5, 0.5]), [1])
        row = picture[450]
        assert np.flatnonzero((row == 255).all(-1)).tolist() == list(range(447, 453))
        assert np.flatnonzero((row == 0).all(-1)).tolist() == [*range(444, 447), *range(453, 456)]

    def test_the_pictures_edge_is_no_border(self) -> None:
        picture = overlay(GROUNDS["grey"], [0])
        assert not (picture[0, : SIDE // 3 - 8] == 255).all(-1).any()

    def test_neighbours_keep_a_border_between_them(self) -> None:
        picture = overlay(GROUNDS["grey"], [0, 3])
        assert (picture[SIDE // 3, 8 : SIDE // 3 - 8] == 255).all()

    def test_regions_that_are_not_shown_have_none(self) -> None:
        picture = overlay(GROUNDS["grey"], [])
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 1


class TestNumerals:
    @pytest.mark.parametrize("shown", [[4], [8, 0, 5]])
    def test_each_lies_inside_its_region(self, shown: list[int]) -> None:
        plain = overlay(TEXTURE, shown)
        numbered = figures.number_regions(plain, SEGMENTS, shown)
        changed = difference(plain, numbered) > 0
        assert not changed[~np.isin(SEGMENTS, shown)].any()
        for region in shown:
            rows, columns = np.nonzero(changed & (region == SEGMENTS))
            assert len(rows) > 20
            assert (SEGMENTS[rows, columns] == region).all()

    def test_they_count_in_the_given_order(self) -> None:
        """The same numeral is the same pixels, wherever it stands."""
        black = GROUNDS["black"]
        one = figures.number_regions(black, SEGMENTS, [4])
        two = figures.number_regions(black, SEGMENTS, [0, 4])
        swapped = figures.number_regions(black, SEGMENTS, [4, 0])
        assert (swapped[SEGMENTS == 4] == one[SEGMENTS == 4]).all()
        assert (two[SEGMENTS == 4] != one[SEGMENTS == 4]).any()
        third = SIDE // 3
        assert (two[:third, :third] == one[third : 2 * third, third : 2 * third]).all()

    @pytest.mark.parametrize(("region", "row", "column"), [(4, 119, 119), (0, 39, 39), (5, 119, 199)])
    def test_it_stands_in_the_middle_of_a_square(self, region: int, row: int, column: int) -> None:
        assert _widest_places(SEGMENTS, [region]) == {1: (row, column)}

    def test_it_lies_inside_a_region_whose_middle_does_not(self) -> None:
        ring = np.zeros((SIDE, SIDE), int)
        ring[20:220, 20:220] = 1
        ring[60:200, 60:210] = 0
        black = np.zeros((SIDE, SIDE, 3), np.uint8)
        rows, columns = np.nonzero(figures.number_regions(black, ring, [1]).any(-1))
        assert ring[round(rows.mean()), round(columns.mean())] == 1
        assert (ring[rows, columns] == 1).all()

    @pytest.mark.parametrize("photo", [GROUNDS["white"], GROUNDS["black"]])
    def test_it_can_be_read_on_white_and_on_black(self, photo: Pixels) -> None:
        changed = difference(photo, figures.number_regions(photo, SEGMENTS, [4]))
        assert (changed > 128).sum() > 20

    def test_a_region_too_thin_for_the_picture_costs_only_its_numeral(self) -> None:
        segments = np.zeros((1000, 1000), int)
        segments[0, :] = 1
        segments[:, 500:] = 2
        photo = np.zeros((100, 100, 3), np.uint8)
        numbered = figures.number_regions(
            figures.regions_overlay(photo, segments, np.ones(3), [1, 2]), segments, [1, 2]
        )
        alone = figures.number_regions(figures.regions_overlay(photo, segments, np.ones(3), [1, 2]), segments, [2])
        assert (numbered != alone).any()  # it is still number 2

    def test_the_photograph_is_left_as_it_was(self) -> None:
        photo = TEXTURE.copy()
        figures.number_regions(photo, SEGMENTS, [4])
        overlay(photo, [4])
        assert (photo == TEXTURE).all()


def test_segments_of_the_networks_size_lie_where_they_belong_on_a_larger_photograph() -> None:
    small = np.arange(6).reshape(2, 3)
    photo = np.full((200, 300, 3), 128, np.uint8)
    large = np.kron(small, np.ones((100, 100), int))
    weights = np.arange(6.0)
    assert (
        figures.regions_overlay(photo, small, weights, [4]) == figures.regions_overlay(photo, large, weights, [4])
    ).all()
