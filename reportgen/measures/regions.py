"""Which of LIME's regions count, and how much."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.measures.heat import place_of, share_inside

Segments = NDArray[np.integer[Any]]  # (H, W), 0..n-1
Weights = NDArray[np.floating[Any]]  # (n,)
Explained = tuple[Segments, Weights, Weights]
SHOWN_REGIONS = 10
LEAST_SHARE = 0.01
TOP = 3  # the heaviest region is settled when it is sure to be among the first so many
NORMAL_90 = 1.645  # standard errors in half of a 90 % interval


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


def settled(weights: Weights, margins: Weights) -> bool:
    """Whether the signs of all regions that are shown, and the top of their order, are beyond chance."""
    sizes = np.abs(weights)
    shown = list(shown_regions(weights))
    if not (sizes[shown] > margins[shown]).all():
        return False
    ranked = np.sort(sizes)[::-1]
    rival = ranked[TOP] if len(ranked) > TOP else 0.0
    return bool(ranked[0] - rival > np.sqrt(2) * margins[shown[0]])


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


def weights_agreement(one: Explained, other: Explained) -> tuple[float, float]:
    """How alike two explanations of one image are: the correlation of their weights, and its ceiling.

    Each is (segments (H, W), weights (n,), margins (n,)). Compared pixel by pixel, each pixel holding its region's
    weight by its area, so that two cuts of the image can be compared, too. ceiling: what chance would leave of a
    perfect correlation, from the margins (Spearman 1904); 0 where one of them is nothing but chance.
    """
    maps = [(weights / np.bincount(segments.ravel()))[segments].ravel() for segments, weights, _ in (one, other)]
    if any(np.ptp(values) == 0 for values in maps):
        return 0.0, 0.0
    ceiling = np.sqrt(_reliability(*one) * _reliability(*other))
    return float(np.corrcoef(maps[0], maps[1])[0, 1]), float(ceiling)


def _reliability(segments: Segments, weights: Weights, margins: Weights) -> float:
    """The share of the map's variance that is not chance, 0 to 1."""
    sizes = np.bincount(segments.ravel())
    density = weights / sizes
    variance = float(np.average((density - np.average(density, weights=sizes)) ** 2, weights=sizes))
    chance = float(np.average((margins / NORMAL_90 / sizes) ** 2, weights=sizes))
    return max(0.0, 1 - chance / variance)
