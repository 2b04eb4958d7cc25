import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import rgb2lab

from reportgen import figures

SIGNED = np.linspace(-1, 1, 256, dtype=np.float32)[None]
PHOTOS = {
    "black": np.zeros((1, 256, 3), np.uint8),
    "white": np.full((1, 256, 3), 255, np.uint8),
    "orange": np.full((1, 256, 3), (255, 127, 14), np.uint8),
}


def hue(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """From blue (below 0) to yellow (above 0), the axis that the common colour blindnesses keep."""
    return np.asarray(rgb2lab(colours)[..., 2], np.float64)


def test_alone_zero_is_white_and_both_ends_are_equally_far() -> None:
    picture = figures.attribution_picture(np.array([[0.0, 2.0, -2.0, 9.0, -9.0]]), 2.0)
    assert picture[0, 0].tolist() == [255, 255, 255]
    assert picture[0, 1].tolist() == picture[0, 3].tolist()
    assert picture[0, 2].tolist() == picture[0, 4].tolist()
    assert hue(picture)[0, 1] > 30
    assert hue(picture)[0, 2] < -30


@pytest.mark.parametrize("photo", PHOTOS.values(), ids=PHOTOS)
def test_over_any_photograph_the_sign_is_seen(photo: NDArray[np.uint8]) -> None:
    picture = figures.attribution_overlay(photo, SIGNED, 1.0)
    colours = hue(picture)[0]
    assert (np.diff(colours) >= -1).all()  # more evidence for the class is never bluer, but for rounding
    assert colours[100] < -5 < 5 < colours[155]  # a fifth of full colour is told apart already
    assert picture.std(axis=-1)[0, 127] < 8  # no evidence, no colour


def test_over_the_photograph_it_has_its_size_and_its_places() -> None:
    heat = np.zeros((4, 6))
    heat[0, 0], heat[3, 5] = 1.0, -1.0
    picture = figures.attribution_overlay(np.full((40, 60, 3), 128, np.uint8), heat, 1.0)
    assert picture.shape == (40, 60, 3)
    assert hue(picture)[2, 2] > 30
    assert hue(picture)[37, 57] < -30
    assert abs(hue(picture)[20, 30]) < 1


@pytest.mark.parametrize(("value", "top"), [(np.nan, 1.0), (np.inf, 1.0), (1.0, np.nan), (1.0, 0.0), (1.0, -1.0)])
def test_what_has_no_scale_is_never_drawn(value: float, top: float) -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        figures.attribution_picture(np.array([[value]]), top)
    with pytest.raises(ValueError, match="NaN or infinity"):
        figures.attribution_overlay(np.zeros((2, 2, 3), np.uint8), np.array([[value]]), top)
