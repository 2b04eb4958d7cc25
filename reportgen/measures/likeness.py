"""How alike two maps of evidence are, whatever their units: by ranks, by where the strongest lie, by distance."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

Values = NDArray[np.floating[Any]]
TOP_SHARE: Final = 0.2  # of the pixels, that count as a map's strongest
SIGMA: Final = 3 / 128  # of the shorter side: a gradient's strongest single pixels are chance


def rank_correlation(one: Values, other: Values) -> float:
    """Spearman's correlation of two arrays of one shape, in [-1, 1]; 0 where one of them is the same everywhere."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one, other, axis=None).statistic)


def smoothed(heat: Values) -> NDArray[np.float64]:
    """The map (H, W) without its grain: a Gaussian whose sigma is 3 px at 128 px."""
    return np.asarray(gaussian_filter(heat.astype(np.float64), SIGMA * min(heat.shape), mode="nearest"))


def top_overlap(one: Values, other: Values, share: float = TOP_SHARE) -> float:
    """What share of the strongest pixels of one map are among the strongest of the other, in [0, 1]; chance is `share`.

    share: of the pixels of each map.
    """
    first, second = (strongest(each, share) for each in (one, other))
    return float((first & second).sum() / first.sum())


def strongest(values: Values, share: float = TOP_SHARE) -> NDArray[np.bool_]:
    """Which pixels are the strongest, (H * W,); of equal ones at the edge of the choice the first are taken."""
    chosen = np.zeros(values.size, bool)
    chosen[np.argsort(-values, axis=None, kind="stable")[: max(1, round(share * values.size))]] = True
    return chosen


def relative_change(one: Values, other: Values) -> float:
    """The distance of two maps as a share of the size of the first, from 0 up (the sensitivity of yeh2019).

    Raises ValueError where the first is zero everywhere.
    """
    size = float(np.linalg.norm(one.astype(np.float64)))
    if not size > 0:
        raise ValueError("a map without evidence has no size to compare with")
    return float(np.linalg.norm(other.astype(np.float64) - one) / size)
