"""How fine the structures are to which a filter answers: contrast by octaves of spatial frequency."""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2gray

Plane = NDArray[np.float64]  # (H, W)
SIGMAS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # px
# exp(-(2 pi f s)^2 / 2) less the same for 2 s is largest where f s is sqrt(2 ln 4 / 3) / (2 pi).
PERIOD_PER_SIGMA: Final = 2 * math.pi / math.sqrt(2 * math.log(4) / 3)
FLAT: Final = 1e-9


def band_energies(image: NDArray[np.floating[Any]]) -> dict[float, Plane]:
    """The squared difference of two Gaussians for each octave, by the period in px that it passes best.

    image: (H, W, 3) RGB in [0, 1]. Periods of more than half of the shorter side are left out.
    """
    grey = rgb2gray(image.astype(np.float64))
    periods = [round(PERIOD_PER_SIGMA * sigma, 1) for sigma in SIGMAS[:-1]]
    kept = [period for period in periods if period <= min(grey.shape) / 2] or periods[:1]
    smoothed = [gaussian_filter(grey, sigma, mode="nearest") for sigma in SIGMAS[: len(kept) + 1]]
    return {period: (fine - coarse) ** 2 for period, fine, coarse in zip(kept, smoothed, smoothed[1:], strict=False)}


def preferred_period(answered: Mapping[float, float], present: Mapping[float, float]) -> dict[str, float]:
    """period, in px: the octave whose share of the contrast grows most where the filter answers.

    period_share, period_usual: that share where it answers, and on the images at large. answered, present: the sums of
    each octave's energy, weighted by the answers and plain. Empty where nothing answers or the images are flat.
    """
    weighted, plain = np.array(list(answered.values())), np.array(list(present.values()))
    if weighted.sum() <= FLAT or plain.sum() <= FLAT:
        return {}
    shares, usual = weighted / weighted.sum(), plain / plain.sum()
    best = int(np.argmax(shares - usual))
    return {"period": list(answered)[best], "period_share": float(shares[best]), "period_usual": float(usual[best])}
