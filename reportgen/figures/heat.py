"""Unsigned evidence, saliency and activations, as colour: alone and over the photograph. Black is zero."""

from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2gray

Heat = NDArray[np.floating[Any]]  # (h, w)
Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
SEQUENTIAL = "inferno"  # lightness rises from end to end, also in grey print and for the colour-blind
DIMMED = 0.5  # the brightest photograph under a map: leaves half of the lightness to the evidence


def percentile_scale(heat: Heat, percentile: float = 99.0) -> float:
    """The value that is drawn in full colour.

    A percentile and not the maximum, because one outlier would leave the rest black; the maximum where fewer pixels
    than that are above the smallest value. 0 for a flat map, which has no picture.
    """
    low, top, high = (float(value) for value in np.percentile(heat, (0, percentile, 100)))
    if high <= low or high <= 0:
        return 0.0
    return top if top > max(low, 0.0) else high


def to_unit(heat: Heat, top: float) -> NDArray[np.float64]:
    """Evidence as a share of full colour in [0, 1]: 0 and less is 0, `top` and more is 1; all 0 where top is 0.

    Raises ValueError where a value is not finite.
    """
    if not (np.isfinite(heat).all() and np.isfinite(top)):
        raise ValueError("evidence holds NaN or infinity")
    if top <= 0:
        return np.zeros(heat.shape)
    with np.errstate(over="ignore"):  # a denormal top: the quotient is infinite and clipped
        return np.clip(heat.astype(np.float64) / top, 0, 1)


def sequential(unit: NDArray[np.floating[Any]]) -> Pixels:
    """Colours of values in [0, 1], RGB along a new last axis; never darker where the value is larger."""
    table: Pixels = matplotlib.colormaps[SEQUENTIAL](np.arange(256), bytes=True)[:, :3]
    return table[np.round(unit * 255).astype(np.uint8)]


def saliency_picture(heat: Heat, top: float) -> Pixels:
    """The map alone, one pixel for each pixel that the network saw."""
    return sequential(to_unit(heat, top))


def activation_picture(activation: Heat, top: float) -> Pixels:
    """The filter's map alone, one pixel for each position of the layer."""
    return sequential(to_unit(activation, top))


def saliency_overlay(photo: Pixels, heat: Heat, top: float) -> Pixels:
    """The map as light on the dimmed, grey photograph.

    photo: (H, W, 3); heat: any size, brought to the photograph's. Where there is no evidence only the photograph
    is seen, and more evidence never looks darker.
    """
    grey = DIMMED * rgb2gray(photo)[..., None]
    light = sequential(_sized(to_unit(heat, top), photo.shape[:2])) / 255
    # "Screen" blending adds light: opacity would darken a bright photograph where the evidence is weak.
    return np.asarray(np.round(255 * (1 - (1 - grey) * (1 - light))), np.uint8)


def activation_overlay(photo: Pixels, activation: Heat, top: float) -> Pixels:
    """The filter's map, smoothly enlarged, as light on the dimmed, grey photograph."""
    return saliency_overlay(photo, activation, top)


def _sized(unit: NDArray[np.float64], size: tuple[int, ...]) -> NDArray[np.float64]:
    """The map at the given height and width. Bilinear: a mean of neighbours, so nothing leaves [0, 1]."""
    height, width = size
    plane = Image.fromarray(unit.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    return np.clip(np.asarray(plane, dtype=np.float64), 0, 1)
