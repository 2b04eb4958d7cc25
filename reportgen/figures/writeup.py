"""Pictures painted as the write-up's notebook paints them (profile hw5), beside the corrected ones."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB


def stretched_picture(values: NDArray[np.floating[Any]]) -> Pixels | None:
    """The smallest value as 0 and the largest as 1, over the whole array, as matplotlib's `imshow` paints it.

    values: (H, W, 3), shown as colours, or (h, w), shown in viridis. None for a flat array, which the write-up divides
    by zero. Raises ValueError where a value is not finite.
    """
    exact = values.astype(np.float64)
    low, high = float(exact.min()), float(exact.max())
    if not np.isfinite(high - low):
        raise ValueError("values hold NaN or infinity")
    if high <= low:
        return None
    unit = (exact - low) / (high - low)
    if values.ndim == 2:
        painted: Pixels = matplotlib.colormaps["viridis"](unit, bytes=True)[..., :3]
        return painted
    return (unit * 255).astype(np.uint8)  # imshow cuts off, too


def lime_paint(
    image: NDArray[np.floating[Any]],
    segments: NDArray[np.integer[Any]],
    weights: NDArray[np.floating[Any]],
    shown: Sequence[int],
) -> NDArray[np.floating[Any]]:
    """The image as lime's `get_image_and_mask(positive_only=False, hide_rest=False)` returns it.

    image: (H, W, 3); segments: (H, W). In each shown region one channel, green for a weight of at least 0 and red
    below, is set to the image's largest value: so a white region stays white.
    Source: lime 0.2.0.1, lime_image.py.
    """
    painted = image.copy()
    for region in shown:
        painted[segments == region, 0 if weights[region] < 0 else 1] = image.max()
    return painted
