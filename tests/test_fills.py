"""What hidden superpixels show."""

import numpy as np
import pytest
from toy_models import SIZE, photographs

from reportgen.fills import FILLS, Fill, filled

IMAGE = photographs(1)[0]
# 2 x 4 blocks of 8 x 5 pixels.
BLOCKS = ((np.indices(SIZE)[0] // 8) * 4 + np.indices(SIZE)[1] // 5).astype(np.int32)


@pytest.mark.parametrize("fill", FILLS)
def test_each_is_a_picture_of_its_own_and_leaves_the_image_alone(fill: Fill) -> None:
    before = IMAGE.copy()
    hidden = filled(IMAGE, BLOCKS, fill)
    assert hidden.shape == IMAGE.shape
    assert hidden.dtype == np.float32
    assert not np.array_equal(hidden, IMAGE)
    np.testing.assert_array_equal(IMAGE, before)
    assert not np.shares_memory(hidden, IMAGE)


def test_black() -> None:
    assert not filled(IMAGE, BLOCKS, "black").any()


def test_mean_is_the_mean_colour_of_the_image() -> None:
    hidden = filled(IMAGE, BLOCKS, "mean")
    np.testing.assert_allclose(hidden, np.broadcast_to(IMAGE.reshape(-1, 3).mean(axis=0), hidden.shape), rtol=1e-6)


def test_segment_is_the_mean_colour_of_each_superpixel() -> None:
    hidden = filled(IMAGE, BLOCKS, "segment")
    for region in range(8):
        inside = region == BLOCKS
        expected = np.broadcast_to(IMAGE[inside].mean(axis=0), (inside.sum(), 3))
        np.testing.assert_allclose(hidden[inside], expected, rtol=1e-5)


def test_blur_keeps_colours_and_loses_detail() -> None:
    """One bright pixel in the middle spreads by the same law in both directions, and nothing of it is lost."""
    image = np.zeros((65, 65, 3), np.float32)
    image[32, 32] = (1, 0.5, 0)
    hidden = filled(image, np.zeros((65, 65), np.int32), "blur")
    np.testing.assert_allclose(hidden.sum(axis=(0, 1)), [1, 0.5, 0], rtol=1e-3)
    variance = (np.arange(65) - 32) ** 2 @ hidden[..., 0].sum(axis=1)
    assert variance == pytest.approx((65 / 12.8) ** 2, rel=0.05)
    np.testing.assert_allclose(hidden, hidden.transpose(1, 0, 2), atol=1e-7)


def test_a_flat_region_cannot_hide_under_the_mean_of_the_image_though_it_does_under_its_own() -> None:
    image = IMAGE.copy()
    image[:8, :5] = (1, 1, 0)
    inside = BLOCKS == 0
    assert np.abs(filled(image, BLOCKS, "segment") - image)[inside].max() < 1e-6
    assert np.abs(filled(image, BLOCKS, "mean") - image)[inside].min(axis=0).max() > 0.3
