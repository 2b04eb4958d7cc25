from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.color import rgb2gray, rgb2lab

from reportgen import figures

Pixels = NDArray[np.uint8]
Heat = NDArray[np.floating[Any]]
Overlay = Callable[[Pixels, Heat, float], Pixels]
RISING = np.linspace(0, 1, 256, dtype=np.float32)[None]
PHOTOS = {
    "black": np.zeros((1, 256, 3), np.uint8),
    "grey": np.full((1, 256, 3), 119, np.uint8),
    "white": np.full((1, 256, 3), 255, np.uint8),
    "red": np.full((1, 256, 3), (220, 10, 10), np.uint8),
}
EVERY_PHOTO = pytest.mark.parametrize("photo", PHOTOS.values(), ids=PHOTOS)


def lightness(colours: Pixels) -> NDArray[np.float64]:
    """How light a person finds the colours, 0 to 100."""
    return np.asarray(rgb2lab(colours)[..., 0], np.float64)


class TestScale:
    def test_the_percentile_is_full_colour(self) -> None:
        heat = np.arange(101.0)
        assert figures.percentile_scale(heat, 99) == 99
        assert figures.percentile_scale(heat, 50) == 50

    def test_one_outlier_leaves_the_rest_its_colour(self) -> None:
        heat = np.linspace(0, 1, 1000)
        heat[0] = 1e6
        assert figures.percentile_scale(heat) < 1

    @pytest.mark.parametrize("value", [0.0, 5.0, -5.0])
    def test_a_flat_map_has_no_scale(self, value: float) -> None:
        assert figures.percentile_scale(np.full((4, 4), value)) == 0

    def test_where_hardly_a_pixel_is_above_the_rest_the_maximum_counts(self) -> None:
        for floor in (0.0, 0.25):
            heat = np.full(1000, floor)
            heat[3] = 2
            assert figures.percentile_scale(heat) == 2

    @pytest.mark.parametrize("heat", [[-3.0, -1.0], [-3.0, 0.0]])
    def test_what_is_never_above_zero_has_no_scale(self, heat: list[float]) -> None:
        assert figures.percentile_scale(np.array(heat)) == 0

    def test_mostly_negative_answers_are_scaled_by_their_maximum(self) -> None:
        heat = np.full(1000, -1.0)
        heat[:5] = 3
        assert figures.percentile_scale(heat) == 3


class TestUnit:
    def test_zero_and_less_is_zero_top_and_more_is_one(self) -> None:
        assert figures.to_unit(np.array([[-5.0, 0.0, 1.0, 4.0, 9.0]]), 4.0).tolist() == [[0, 0, 0.25, 1, 1]]

    @pytest.mark.parametrize("top", [0.0, -1.0])
    def test_without_a_scale_all_is_zero(self, top: float) -> None:
        assert figures.to_unit(np.array([[0.0, 2.0]]), top).tolist() == [[0, 0]]

    @pytest.mark.parametrize(("value", "top"), [(np.nan, 1.0), (np.inf, 1.0), (1.0, np.nan), (1.0, np.inf)])
    def test_what_is_not_finite_is_never_drawn(self, value: float, top: float) -> None:
        with pytest.raises(ValueError, match="NaN or infinity"):
            figures.to_unit(np.array([[value]]), top)

    @given(st.floats(5e-324, 1e300), st.floats(0, 1e300))
    def test_every_scale_gives_a_share(self, top: float, value: float) -> None:
        assert 0 <= figures.to_unit(np.array([[value]]), top)[0, 0] <= 1


class TestMap:
    def test_a_stronger_pixel_is_never_painted_darker(self) -> None:
        assert (np.diff(lightness(figures.sequential(RISING))) > 0).all()

    def test_a_stronger_pixel_is_not_darker_in_grey_print(self) -> None:
        steps = np.diff(rgb2gray(figures.sequential(RISING)))
        assert steps.min() > -0.25 / 255  # what rounding to bytes costs

    @pytest.mark.parametrize("picture", [figures.saliency_picture, figures.activation_picture])
    def test_zero_is_black_and_the_scale_is_the_lightest(self, picture: Callable[[Heat, float], Pixels]) -> None:
        colours = picture(np.array([[-2.0, 0.0, 3.0, 99.0]]), 3.0)
        assert colours.shape == (1, 4, 3)
        assert colours[0, :2].max() <= 3
        assert lightness(colours)[0, 2] > 97
        assert (colours[0, 2] == colours[0, 3]).all()

    def test_one_pixel_for_each_position(self) -> None:
        heat = np.arange(12.0).reshape(3, 4)
        assert figures.saliency_picture(heat, 11.0).shape == (3, 4, 3)
        assert np.argmax(lightness(figures.saliency_picture(heat, 11.0))) == 11


@pytest.mark.parametrize("overlay", [figures.saliency_overlay, figures.activation_overlay])
class TestOverlay:
    @EVERY_PHOTO
    def test_more_evidence_never_looks_darker(self, overlay: Overlay, photo: Pixels) -> None:
        shades = lightness(overlay(photo, RISING, 1.0))[0]
        assert (shades[4:] > shades[:-4]).all()
        assert np.diff(shades).min() > -0.4  # a byte's worth

    @EVERY_PHOTO
    def test_without_evidence_only_the_photograph_is_seen(self, overlay: Overlay, photo: Pixels) -> None:
        colours = overlay(photo, np.zeros((1, 256)), 1.0).astype(int)
        assert np.abs(colours - 255 * 0.5 * rgb2gray(photo)[..., None]).max() <= 4

    @EVERY_PHOTO
    def test_strong_evidence_is_seen_on_every_photograph(self, overlay: Overlay, photo: Pixels) -> None:
        shades = lightness(overlay(photo, RISING, 1.0))[0]
        assert shades[-1] - shades[0] > 30
        assert shades[128] - shades[0] > 8

    def test_the_photograph_shows_through(self, overlay: Overlay) -> None:
        light = overlay(PHOTOS["white"], np.full((1, 256), 0.3), 1.0)
        dark = overlay(PHOTOS["black"], np.full((1, 256), 0.3), 1.0)
        assert lightness(light)[0, 0] > lightness(dark)[0, 0] + 10

    def test_evidence_lies_where_it_belongs(self, overlay: Overlay) -> None:
        heat = np.zeros((4, 6))
        heat[3, 1] = 1
        shades = lightness(overlay(np.zeros((40, 60, 3), np.uint8), heat, 1.0))
        row, column = np.unravel_index(np.argmax(shades), shades.shape)
        assert (int(row) // 10, int(column) // 10) == (3, 1)
        assert shades[:20].max() == shades[0, 59]

    def test_a_single_hot_pixel_never_darkens_its_surroundings(self, overlay: Overlay) -> None:
        heat = np.zeros((8, 8))
        heat[4, 4] = 1
        photo = np.full((64, 64, 3), 180, np.uint8)
        assert (lightness(overlay(photo, heat, 1.0)) >= lightness(overlay(photo, 0 * heat, 1.0))).all()

    def test_the_photograph_is_left_as_it_was(self, overlay: Overlay) -> None:
        photo = np.full((4, 4, 3), 100, np.uint8)
        overlay(photo, np.ones((4, 4)), 1.0)
        assert (photo == 100).all()
