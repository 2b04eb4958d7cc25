"""Pictures of what a filter answers to: crops within their receptive field, and its map outlined on the photograph."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_dilation, binary_erosion

from reportgen.figures.heat import activation_overlay, to_unit
from reportgen.results import Crop

Heat = NDArray[np.floating[Any]]  # (h, w)
Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
OUTSIDE = (201, 208, 216)  # what lies beyond the image: neither black nor white, which images hold
HALF = 0.5  # of the scale, where a map is outlined


def crop_picture(crop: Crop, whole: tuple[int, int]) -> Pixels:
    """The crop where it lies in its receptive field, as far as the field fits into the image; grey is outside.

    whole: height and width of the image. So all crops of a layer have one shape, those at the border, too.
    """
    (top, bottom, left, right), field = crop.box, crop.field
    high, wide = min(field[1] - field[0], whole[0]), min(field[3] - field[2], whole[1])
    high, wide = max(high, bottom - top), max(wide, right - left)
    row = min(max(top - field[0], 0), high - (bottom - top))
    column = min(max(left - field[2], 0), wide - (right - left))
    canvas = np.empty((high, wide, 3), np.uint8)
    canvas[:] = OUTSIDE
    canvas[row : row + bottom - top, column : column + right - left] = crop.pixels
    return canvas


def activation_outlined(photo: Pixels, activation: Heat, top: float) -> Pixels:
    """The map as light on the dimmed, grey photograph, outlined in white where it reaches half of the scale.

    photo: (H, W, 3); activation: any size; top: the value in full colour.
    """
    picture = activation_overlay(photo, activation, top)
    height, width = photo.shape[:2]
    unit = Image.fromarray(to_unit(activation, top).astype(np.float32))
    inside = np.asarray(unit.resize((width, height), Image.Resampling.BILINEAR)) >= HALF
    line = inside & ~binary_erosion(inside, border_value=1)
    picture[binary_dilation(inside) & ~inside] = 0  # a dark rim, for what is outlined may be as light as the line
    picture[line] = 255
    return picture
