"""Signed evidence for each pixel as colour, alone and over the photograph: orange for the class, blue against it."""

from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2gray

from reportgen.figures.charts import AGAINST, FOR, diverging

Heat = NDArray[np.floating[Any]]  # (h, w)
Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
FADED = 0.45, 0.5  # the photograph below: its darkest, and from there to its lightest, so that both colours show
STRONGEST = 0.9  # opacity of full colour


def attribution_picture(heat: Heat, top: float) -> Pixels:
    """The map alone, one pixel for each that the network saw: white at 0, full colour from +top and -top on."""
    return diverging(_shares(heat, top))


def attribution_overlay(photo: Pixels, heat: Heat, top: float) -> Pixels:
    """The map as a tint of the grey, faded photograph; the stronger the evidence, the less of it shows through.

    photo: (H, W, 3); heat: any size, brought to the photograph's.
    """
    height, width = photo.shape[:2]
    plane = Image.fromarray(_shares(heat, top).astype(np.float32))
    shares = np.asarray(plane.resize((width, height), Image.Resampling.BILINEAR), np.float64)[..., None]
    grey = FADED[0] + FADED[1] * rgb2gray(photo)[..., None]
    opacity = STRONGEST * np.abs(shares) ** 0.75  # else weak evidence would not be seen on a photograph
    colours = np.where(shares < 0, to_rgb(AGAINST), to_rgb(FOR))
    return np.asarray(np.round(255 * ((1 - opacity) * grey + opacity * colours)), np.uint8)


def _shares(heat: Heat, top: float) -> NDArray[np.float64]:
    """Evidence as a share of full colour in [-1, 1]. Raises ValueError where a value is not finite."""
    if not (np.isfinite(heat).all() and np.isfinite(top) and top > 0):
        raise ValueError("evidence holds NaN or infinity, or has no scale")
    with np.errstate(over="ignore"):  # a denormal top: the quotient is infinite and clipped
        return np.clip(heat.astype(np.float64) / top, -1, 1)
