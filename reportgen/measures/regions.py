"""Which of LIME's regions count, and how much."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.measures.heat import place_of, share_inside

Segments = NDArray[np.integer[Any]]  # (H, W), 0..n-1
Weights = NDArray[np.floating[Any]]  # (n,)
SHOWN_REGIONS = 10
LEAST_SHARE = 0.01


def heaviest_regions(weights: Weights, most: int, at_least: float) -> tuple[int, ...]:
    """Regions with |weight| >= at_least, heaviest first, at most so many; equals in the order of their numbers."""
    order = np.argsort(-np.abs(weights), kind="stable")[:most]
    return tuple(int(region) for region in order if abs(weights[region]) >= at_least)


def shown_regions(weights: Weights, most: int = SHOWN_REGIONS, least: float = LEAST_SHARE) -> tuple[int, ...]:
    """Regions worth showing: those that hold at least the share `least` of the sum of |weights| each; () where it is 0.

    A share, because a threshold in units of the score means something else for every checkpoint. The heaviest is
    shown in any case: among hundreds of superpixels none need hold a hundredth.
    """
    magnitude = np.abs(weights)
    total = float(magnitude.sum())
    return heaviest_regions(weights, most, min(least * total, float(magnitude.max()))) if total > 0 else ()


def region_measures(segments: Segments, weights: Weights) -> dict[str, float | int | str]:
    """How many regions there are and are shown, their share, and the heaviest one: its area, share, weight and place.

    Raises ValueError where all weights are 0.
    """
    shown = shown_regions(weights)
    if not shown:
        raise ValueError("no region has any weight")
    magnitude = np.abs(weights) / np.abs(weights).sum()
    heaviest = segments == shown[0]
    return {
        "segments": len(weights),
        "shown": len(shown),
        "shown_share": float(magnitude[list(shown)].sum()),
        "largest_area": float(heaviest.mean()),
        "largest_share": float(magnitude[shown[0]]),
        "largest_weight": float(weights[shown[0]]),
        "place": place_of(heaviest),
    }


def agreement(
    heat: NDArray[np.floating[Any]], segments: Segments, weights: Weights, shown: Sequence[int]
) -> tuple[float, float]:
    """Share of a saliency map's sum inside the shown regions of positive weight, and their share of the image."""
    supportive = np.isin(segments, [region for region in shown if weights[region] > 0])
    return share_inside(heat, supportive), float(supportive.mean())
