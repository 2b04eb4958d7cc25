"""Superpixels by each method, and the grid that stands in."""

from typing import get_args

import numpy as np
import pytest
from skimage.segmentation import slic
from toy_models import photographs

from reportgen.segmentation import Cut, Segmentation, numbered, superpixels

IMAGE = photographs(1)[0]
LARGE = photographs(1, (96, 64))[0]
NAMES = get_args(Segmentation)


@pytest.mark.parametrize("name", NAMES)
class TestEach:
    def test_they_count_from_zero_without_a_gap(self, name: Segmentation) -> None:
        found = superpixels(LARGE, Cut(name, 40))
        assert found.segments.dtype == np.int32
        assert found.segments.shape == (96, 64)
        assert np.unique(found.segments).tolist() == list(range(found.count))
        assert 20 <= found.count <= 80
        assert found.name == name

    def test_they_are_the_same_every_time_and_leave_the_image_alone(self, name: Segmentation) -> None:
        before = LARGE.copy()
        one, two = superpixels(LARGE, Cut(name, 40)), superpixels(LARGE, Cut(name, 40))
        np.testing.assert_array_equal(one.segments, two.segments)
        np.testing.assert_array_equal(LARGE, before)

    def test_more_are_found_where_more_are_asked_for(self, name: Segmentation) -> None:
        assert superpixels(LARGE, Cut(name, 100)).count > 1.5 * superpixels(LARGE, Cut(name, 20)).count


class TestSlic:
    @pytest.mark.parametrize("compactness", [1.0, 20.0])
    def test_they_are_those_of_scikit_image(self, compactness: float) -> None:
        ours = superpixels(LARGE, Cut("slic", 100, compactness, stand_in=False)).segments
        theirs = slic(LARGE.astype(np.double), n_segments=100, compactness=compactness, sigma=1)
        np.testing.assert_array_equal(ours, np.unique(theirs, return_inverse=True)[1].reshape(theirs.shape))

    @pytest.mark.parametrize("other", [Cut("slic", 30), Cut("slic", 12, 0.1), Cut("slic", 12, sigma=4.0)])
    def test_each_setting_counts(self, other: Cut) -> None:
        plain = superpixels(IMAGE, Cut("slic", 12)).segments
        assert not np.array_equal(plain, superpixels(IMAGE, other).segments)


class TestGrid:
    @pytest.mark.parametrize(("size", "asked", "shape"), [((40, 40), 16, (4, 4)), ((20, 80), 16, (2, 8))])
    def test_cells_are_as_square_as_can_be(self, size: tuple[int, int], asked: int, shape: tuple[int, int]) -> None:
        image = np.zeros((*size, 3), np.float32)
        found = superpixels(image, Cut("grid", asked)).segments
        height, width = size[0] // shape[0], size[1] // shape[1]
        np.testing.assert_array_equal(found[::height, ::width], np.arange(asked).reshape(shape))
        assert set(np.bincount(found.ravel()).tolist()) == {height * width}

    def test_no_more_cells_than_pixels(self) -> None:
        assert superpixels(np.zeros((3, 4, 3), np.float32), Cut("grid", 500)).count == 12

    def test_it_stands_in_where_a_method_finds_next_to_none(self) -> None:
        """On noise of 32 x 32 pixels SLIC finds one superpixel, on which nothing can be compared."""
        noise = np.random.default_rng(0).random((32, 32, 3)).astype(np.float32)
        assert slic(noise, n_segments=50, compactness=0.1, sigma=0, start_label=0).max() == 0
        found = superpixels(noise, Cut("slic", 50, 0.1, 0))
        assert found.name == "grid"
        assert 40 <= found.count <= 60
        assert superpixels(IMAGE, Cut("slic", 12)).name == "slic"
        alone = superpixels(noise, Cut("slic", 50, 0.1, 0, stand_in=False))
        assert (alone.name, alone.count) == ("slic", 1)


def test_numbered_keeps_regions() -> None:
    np.testing.assert_array_equal(numbered(np.array([[7, 7, 2], [9, 2, 2]])), [[1, 1, 0], [2, 0, 0]])


def test_facts_tell_what_counts() -> None:
    assert Cut("slic", 12).facts() == {"segmentation": "slic", "asked": 12, "compactness": 20.0, "sigma": 1.0}
    assert Cut("grid", 12).facts() == {"segmentation": "grid", "asked": 12}
