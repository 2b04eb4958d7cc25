"""Fewer bytes, the same picture."""

from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.JpegImagePlugin import get_sampling

from reportgen.document import Picture
from reportgen.figures import colour_bar, jpeg, png, smaller, weights_chart


def photograph(height: int = 90, width: int = 120) -> NDArray[np.uint8]:
    """A soft slope with a little noise: large enough to be worth something, smooth enough to be recognised."""
    slope = np.linspace(0, 200, width)[None, :, None] * np.ones((height, 1, 3))
    noise = np.random.default_rng(0).normal(0, 12, (height, width, 3))
    return np.asarray(np.clip(slope + noise + 20, 0, 255), np.uint8)


def pixels(picture: Picture) -> NDArray[np.uint8]:
    return np.asarray(Image.open(BytesIO(picture.data)))


def test_at_full_size_only_the_quality_changes() -> None:
    whole = jpeg(photograph(), "A slope.")
    made = smaller(whole, 60, 1.0)
    assert (made.width, made.height, made.alt, made.media_type) == (120, 90, "A slope.", "image/jpeg")
    assert len(made.data) < len(whole.data)
    assert made == jpeg(pixels(whole), "A slope.", 60)


def test_a_scaled_picture_says_its_own_size_and_shows_the_same() -> None:
    made = smaller(jpeg(photograph(), "A slope."), 80, 0.5)
    assert (made.width, made.height) == pixels(made).shape[1::-1] == (60, 45)
    left, right = pixels(made)[:, :10].mean(), pixels(made)[:, -10:].mean()
    assert left < 60
    assert right > 180


def test_grey_stays_grey() -> None:
    assert pixels(smaller(jpeg(photograph()[..., 0], ""), 70, 0.5)).ndim == 2


@pytest.mark.parametrize("smooth", [True, False])
def test_thin_coloured_lines_stay_sharp_and_what_has_none_stays_small(smooth: bool) -> None:
    made = smaller(jpeg(photograph(), "", smooth=smooth), 60, 0.5)
    with Image.open(BytesIO(made.data)) as opened:
        assert get_sampling(opened) == (2 if smooth else 0)
    assert len(jpeg(photograph(), "", smooth=True).data) < 0.8 * len(jpeg(photograph(), "").data)


def test_what_would_grow_stays() -> None:
    small = jpeg(photograph(), "", 30)
    assert smaller(small, 95, 1.0) is small


def test_exact_maps_and_colour_scales_stay() -> None:
    exact = png(photograph(200, 200), "", pixelated=True)
    assert smaller(exact, 40, 0.25) is exact
    scale = colour_bar("weights", "")
    assert smaller(scale, 40, 0.25) is scale


def test_a_chart_is_halved_once_and_keeps_its_colours() -> None:
    chart = weights_chart(["1", "2", "3", "4"], [0.4, -0.3, 0.2, 0.01], "Bars.", [0.1, 0.1, 0.1, 0.1])
    assert smaller(chart, 65, 0.75) is chart
    made = smaller(chart, 60, 0.5)
    assert made == smaller(chart, 40, 0.25)
    assert (made.width, made.height, made.alt) == (chart.width // 2, chart.height // 2, "Bars.")
    assert len(made.data) < 0.5 * len(chart.data)
    with Image.open(BytesIO(made.data)) as small, Image.open(BytesIO(chart.data)) as large:
        assert small.size == (made.width, made.height)
        off = np.abs(np.asarray(small.convert("RGB"), float) - np.asarray(large.convert("RGB").reduce(2), float))
        assert off.mean() < 1
        assert off.max() < 100
