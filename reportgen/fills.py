"""What a hidden superpixel shows."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Image = NDArray[np.floating[Any]]  # (H, W, 3) RGB in [0, 1]
Segments = NDArray[np.integer[Any]]  # (H, W), 0..n-1
Fill = Literal["mean", "blur", "segment", "black", "image"]
BLUR = 12.8  # the shorter side holds so many standard deviations of the blur: 10 px of 128


def filled(image: Image, segments: Segments, fill: Fill) -> NDArray[np.float32]:
    """The image as it looks with every superpixel hidden, (H, W, 3) float32.

    mean: the image's mean colour, which no region can wear by its own flatness; blur: the image out of focus;
    segment: each superpixel's mean colour, lime's own default, under which a flat region stays as it is; black.
    Raises KeyError for "image", whose pixels come from elsewhere.
    """
    return FILLS[fill](image, segments)


def _mean(image: Image, _segments: Segments) -> NDArray[np.float32]:
    return np.broadcast_to(image.mean(axis=(0, 1), dtype=np.float64).astype(np.float32), image.shape)


def _blur(image: Image, _segments: Segments) -> NDArray[np.float32]:
    sigma = min(image.shape[:2]) / BLUR
    return np.asarray(gaussian_filter(image.astype(np.float32), (sigma, sigma, 0), mode="nearest"))


def _segment(image: Image, segments: Segments) -> NDArray[np.float32]:
    sizes = np.bincount(segments.ravel())
    means = [np.bincount(segments.ravel(), image[..., channel].ravel()) / sizes for channel in range(3)]
    return np.stack(means, axis=-1).astype(np.float32)[segments]


def _black(image: Image, _segments: Segments) -> NDArray[np.float32]:
    return np.zeros(image.shape, np.float32)


FILLS: Mapping[Fill, Callable[[Image, Segments], NDArray[np.float32]]] = {
    "mean": _mean,
    "blur": _blur,
    "segment": _segment,
    "black": _black,
}
