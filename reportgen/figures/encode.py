"""Arrays to encoded pictures, at the size they are shown; the same array always gives the same bytes."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reportgen.document import Picture
from reportgen.results import ImageInput

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB or (H, W) grey
QUALITY, SMOOTH_QUALITY = 88, 80
DISPLAY = 448  # longest side of an overlay: twice the width of a panel on A4 at 150 dpi
SMALL = 3 << 14  # bytes of pixels that surely fit into the 64 KiB of Pillow's least buffer, also as a JPEG of noise


def jpeg(array: Pixels, alt: str, quality: int | None = None, *, smooth: bool = False) -> Picture:
    """A photograph or overlay as JPEG, without metadata.

    array: (H, W, 3) RGB or (H, W) grey, uint8; smooth: it has no thin coloured lines and may hold its colours at half
    the resolution, as a camera's file does, which halves its bytes. Raises ValueError for anything but such an array.
    """
    chosen = quality or (SMOOTH_QUALITY if smooth else QUALITY)
    # Codes of its own take a third off a small one. They need a buffer for the whole file, which Pillow makes too small
    # for a large picture full of detail.
    own_codes = array.size <= SMALL
    data = _encoded(array, "JPEG", quality=chosen, subsampling=2 if smooth else 0, optimize=own_codes)
    return Picture(data, "image/jpeg", array.shape[1], array.shape[0], alt)


def png(array: Pixels, alt: str, pixelated: bool = False) -> Picture:
    """A map or chart as PNG, every pixel exact; grey stays grey.

    pixelated: the page enlarges it without smoothing, so that a 7 x 7 map shows its 49 values.
    Raises ValueError unless the array is uint8, (H, W, 3) or (H, W).
    """
    return Picture(_encoded(array, "PNG", optimize=True), "image/png", array.shape[1], array.shape[0], alt, pixelated)


def fit(array: Pixels, longest: int) -> Pixels:
    """The array resized so that its longer side has `longest` pixels."""
    return _resized(array, _bounded(array.shape[0], array.shape[1], longest))


def backdrop(image: ImageInput, longest: int = DISPLAY) -> Pixels:
    """The photograph in the shape that the network sees, sharper than the network sees it.

    The network's input is the whole photograph squeezed to (H, W), so a map drawn over this lies where it belongs.
    """
    height, width = image.pixels.shape[:2]
    return _resized(image.original, _bounded(height, width, longest))


def filter_picture(visualisation: NDArray[np.floating[Any]]) -> Pixels:
    """An image with values in [0, 1], as bytes; what lies outside is clipped. visualisation: (H, W, 3) float RGB."""
    return np.asarray(np.round(np.clip(visualisation, 0, 1) * 255), np.uint8)


def _encoded(array: Pixels, form: str, **how: int | bool) -> bytes:
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)):
        raise ValueError(f"{array.dtype} array of shape {array.shape} is no picture")
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(buffer, form, **how)
    return buffer.getvalue()


def _bounded(height: int, width: int, longest: int) -> tuple[int, int]:
    scale = longest / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _resized(array: Pixels, size: tuple[int, int]) -> Pixels:
    """Averaged where it shrinks and interpolated where it grows, never beyond its values: no map gains a maximum."""
    height, width = size
    if array.shape[:2] == size:
        return array
    shrinks = height < array.shape[0]
    how = Image.Resampling.HAMMING if shrinks else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(np.ascontiguousarray(array)).resize((width, height), how))
