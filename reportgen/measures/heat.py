"""What a map of unsigned evidence looks like, in numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Heat = NDArray[np.floating[Any]]  # (H, W), >= 0
Mask = NDArray[np.bool_]  # (H, W)
BORDER = 0.1  # of each side
ROWS = ("upper", "", "lower")
COLUMNS = ("left", "", "right")


def heat_measures(heat: Heat) -> dict[str, float | str]:
    """How strong, how tight and where a map is: maximum, half_area, top_tenth, border, border_area and place.

    half_area: share of the pixels, strongest first, that hold half of the sum (0.5 where evenly spread);
    top_tenth: share of the sum in the strongest tenth of the pixels; border: share of the sum in the outer tenth of
    each side, border_area: share of the pixels there; place: ninth of the image that the centre of gravity lies in.
    Raises ValueError where the map is flat zero or holds a negative value.
    """
    total = float(heat.sum(dtype=np.float64))
    if not total > 0 or heat.min() < 0:
        raise ValueError("only a map of evidence >= 0 with a sum above 0 can be measured")
    strongest_first = np.cumsum(np.sort(heat, axis=None)[::-1], dtype=np.float64) / total
    border = border_mask(heat.shape)
    return {
        "maximum": float(heat.max()),
        "half_area": float((np.searchsorted(strongest_first, 0.5) + 1) / heat.size),
        "top_tenth": float(strongest_first[max(1, round(heat.size / 10)) - 1]),
        "border": share_inside(heat, border),
        "border_area": float(border.mean()),
        "place": place_of(heat),
    }


def attribution_measures(heat: NDArray[np.floating[Any]]) -> dict[str, float | str]:
    """The same of the sizes of signed evidence, and positive: the share of their sum that lies above 0.

    sum: of all values. Raises ValueError where the map is flat zero.
    """
    sizes = np.abs(heat.astype(np.float64))
    above = float(heat.clip(min=0).sum(dtype=np.float64) / max(float(sizes.sum()), np.finfo(np.float64).tiny))
    return {**heat_measures(sizes), "positive": above, "sum": float(heat.sum(dtype=np.float64))}


def share_inside(heat: Heat, mask: Mask) -> float:
    """Share of the map's sum on the pixels of the mask. Raises ValueError for a map without evidence."""
    total = float(heat.sum(dtype=np.float64))
    if not total > 0:
        raise ValueError("a map without evidence has no shares")
    return float(heat[mask].sum(dtype=np.float64) / total)


def centred_blob(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A Gaussian in the middle of an image, (H, W), whose sigma is a quarter of each side: where objects mostly are."""
    rows, columns = (np.exp(-(((np.arange(side) + 0.5) / side - 0.5) ** 2) / (2 * 0.25**2)) for side in shape)
    return np.asarray(rows[:, None] * columns)


def border_mask(shape: tuple[int, ...]) -> Mask:
    """True on the outer tenth of each side, at least one pixel wide."""
    height, width = shape
    rows, columns = max(1, round(BORDER * height)), max(1, round(BORDER * width))
    mask = np.ones((height, width), bool)
    mask[rows : height - rows, columns : width - columns] = False
    return mask


def place_of(heat: NDArray[Any]) -> str:
    """The ninth of the image that holds the centre of gravity: "upper_left", ..., "centre", ..., "lower_right"."""
    weights = heat.astype(np.float64)
    height, width = heat.shape
    row = float((weights.sum(axis=1) * (np.arange(height) + 0.5)).sum() / weights.sum())
    column = float((weights.sum(axis=0) * (np.arange(width) + 0.5)).sum() / weights.sum())
    parts = (ROWS[min(int(3 * row / height), 2)], COLUMNS[min(int(3 * column / width), 2)])
    return "_".join(part for part in parts if part) or "centre"
