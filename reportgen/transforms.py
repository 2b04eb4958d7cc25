"""Small random movements of images: what a filter is shown to like must survive them, and noise does not.

Source: olah2017.
"""

from dataclasses import dataclass
from math import ceil, hypot, radians, sin

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Moves = NDArray[np.float64]  # (..., 4): px down, px to the right, factor of size, degrees counter-clockwise


@dataclass(frozen=True)
class Amplitudes:
    """The largest movement in each direction."""

    jitter: float  # px
    scale: float  # of the size: 0.05 is 0.95 to 1.05
    rotate: float  # degrees

    def draw(self, rng: np.random.Generator, steps: int) -> Moves:
        """(steps, 4): one movement for each step."""
        spread = np.array([self.jitter, self.jitter, self.scale, self.rotate])
        return np.asarray(rng.uniform(-1, 1, (steps, 4)) * spread + [0, 0, 1, 0])

    def margin(self, size: tuple[int, int]) -> int:
        """Px of an image of this size that may move in from outside."""
        corner = hypot(*size) / 2
        return ceil(self.jitter + corner * (self.scale / (1 - self.scale) + sin(radians(self.rotate)))) + 1


def moved(images: Tensor, moves: Moves, amplitudes: Amplitudes, window: tuple[int, int] | None = None) -> Tensor:
    """(N, C, H, W) -> (N, C, h, w), each image by its own movement; moves: (N, 4), within the amplitudes.

    window: height and width of what is seen of them, in the middle; all where it is None.
    What lies outside an image is its other side, as waves go on: a grey border would be an edge that is not in it.
    """
    if amplitudes == Amplitudes(0, 0, 0) and window is None:
        return images
    height, width = images.shape[2:]
    seen = window or (height, width)
    margin = amplitudes.margin((height, width))
    down, right = min(margin, height), min(margin, width)  # no image is laid around itself twice
    padded = functional.pad(images, (right, right, down, down), mode="circular")
    theta = _theta(moves, seen, (height + 2 * down, width + 2 * right))
    grid = functional.affine_grid(theta.to(images), [len(images), 1, *seen], align_corners=False)
    return functional.grid_sample(padded, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _theta(moves: Moves, size: tuple[int, int], padded: tuple[int, int]) -> Tensor:
    """(N, 2, 3): from a place in the result to one in the padded image, both in [-1, 1], x first."""
    down, right, factor, degrees = moves.T
    cos, sin = np.cos(np.radians(degrees)) / factor, np.sin(np.radians(degrees)) / factor
    height, width = size
    # The inverse movement in px from the middle; y runs downwards, so that the signs are those of a mirrored turn.
    rows = [
        np.stack([cos * width, -sin * height, -2 * (cos * right - sin * down)], axis=-1) / padded[1],
        np.stack([sin * width, cos * height, -2 * (sin * right + cos * down)], axis=-1) / padded[0],
    ]
    return torch.tensor(np.stack(rows, axis=1), dtype=torch.float32)
