"""The orthogonal design against its definition, and lime's masks against lime."""

from itertools import islice

import numpy as np
import pytest
from numpy.typing import NDArray

from reportgen.sampling import SPARE, designed, lime_masks, order

COUNTS = pytest.mark.parametrize("count", [2, 8, 9, 41, 56, 57, 100])


def blocks(count: int, wanted: int, seed: int = 0) -> list[NDArray[np.bool_]]:
    return list(islice(designed(count, np.random.default_rng(seed)), wanted))


@COUNTS
def test_a_block_is_the_smallest_that_leaves_columns_to_measure_noise(count: int) -> None:
    rows = order(count)
    assert rows >= count + SPARE
    assert rows // 2 < count + SPARE
    assert blocks(count, 1)[0].shape == (rows, count)


@COUNTS
def test_columns_are_balanced_and_orthogonal_in_every_block(count: int) -> None:
    for block in blocks(count, 4):
        signs = np.where(block, 1, -1)
        assert not signs.sum(axis=0).any()
        np.testing.assert_array_equal(signs.T @ signs, len(block) * np.eye(count))


@COUNTS
def test_every_second_block_is_the_fold_over_of_the_one_before(count: int) -> None:
    first, second, third, fourth = blocks(count, 4)
    np.testing.assert_array_equal(second, ~first)
    np.testing.assert_array_equal(fourth, ~third)
    assert not np.array_equal(first, third)


def test_two_superpixels_together_fall_on_no_third_one_once_folded_over() -> None:
    """A product of two columns is some other column of the matrix in one block, and orthogonal to all in a pair."""
    first, second = (np.where(block, 1.0, -1.0) for block in blocks(56, 2))
    product = first[:, 0] * first[:, 1]
    assert np.abs(first.T @ product).max() == len(first)
    both = np.concatenate([first, second])
    assert not (both.T @ (both[:, 0] * both[:, 1])).any()


def test_each_row_is_a_uniformly_random_mask_over_the_draws() -> None:
    """Of three superpixels every pattern comes up equally often, in whichever row."""
    rows = np.stack([blocks(3, 1, seed)[0] for seed in range(2000)])
    patterns = rows @ np.array([1, 2, 4])
    for row in (0, 5, -1):
        shares = np.bincount(patterns[:, row], minlength=8) / 2000
        assert np.abs(shares - 1 / 8).max() < 0.03


def test_the_same_generator_gives_the_same_masks() -> None:
    np.testing.assert_array_equal(blocks(20, 1, 3)[0], blocks(20, 1, 3)[0])
    assert not np.array_equal(blocks(20, 1, 3)[0], blocks(20, 1, 4)[0])


def test_limes_masks_begin_with_the_image_and_hide_every_superpixel_in_half_of_the_rest() -> None:
    masks = lime_masks(2000, 9, np.random.RandomState(1))
    assert masks[0].all()
    assert np.abs(masks[1:].mean(axis=0) - 0.5).max() < 0.06
    expected = np.random.RandomState(1)
    expected.randint(0, high=1000)
    np.testing.assert_array_equal(masks[1:], expected.randint(0, 2, 2000 * 9).reshape(2000, 9)[1:])
