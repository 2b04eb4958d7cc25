"""Which superpixels each perturbed image shows: lime's random masks, or a two-level orthogonal design.

The design: a block has as many rows as a Hadamard matrix H of an order N larger than the number of superpixels, and
each superpixel a column of its own, drawn at random, with a random sign; the next block is its fold-over, the same
rows with shown and hidden exchanged; then comes another draw. In each block every superpixel is shown in half of the
rows, and every two of them together in a quarter, so the estimate of one does not lean on another. Over the draws
each row is a uniformly random mask, so the estimates aim at the same averages as random masks do. What a block
aliases: two superpixels acting together fall on a third one's column; its fold-over takes that away exactly, and
three acting together remain, with a random sign, as noise, which the unused columns measure.

Source: plackett1946, box1961 (fold-over), covert2021 (paired sampling); ribeiro2016 for the random masks.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import hadamard

Masks = NDArray[np.bool_]  # (S, n), True where a superpixel is shown
SPARE = 8  # unused columns at least, from which the noise is measured


def order(segments: int) -> int:
    """Rows of one block for so many superpixels: the power of two that leaves enough columns unused."""
    return 1 << (segments + SPARE - 1).bit_length()


def designed(segments: int, rng: np.random.Generator) -> Iterator[Masks]:
    """Blocks without end, (N, segments) each: a draw, its fold-over, another draw, its fold-over, ..."""
    matrix = hadamard(order(segments), dtype=np.int8)
    while True:
        block = _draw(matrix, segments, rng)
        yield block
        yield ~block


def _draw(matrix: NDArray[np.int8], segments: int, rng: np.random.Generator) -> Masks:
    # Column 0 is constant; it stands for the mean. The rows' order decides what a batch holds, and nothing else.
    columns = rng.permutation(np.arange(1, len(matrix)))[:segments]
    signs = rng.choice(np.array([-1, 1], np.int8), segments)
    return np.asarray((matrix[:, columns] * signs)[rng.permutation(len(matrix))] > 0)


def lime_masks(samples: int, segments: int, rng: np.random.RandomState) -> NDArray[np.int64]:
    """The masks that lime draws from `rng`, (samples, segments) of 0 and 1: the image itself, then random ones."""
    rng.randint(0, high=1000)  # lime draws a seed for its segmentation first; without it the masks would differ
    masks: NDArray[Any] = rng.randint(0, 2, samples * segments).reshape(samples, segments)
    masks[0] = 1
    return masks
