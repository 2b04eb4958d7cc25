"""How far the evidence has moved between two explanations of one image: in rank, and in its strongest part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from reportgen.measures.evidence import pixel_evidence, signed_evidence
from reportgen.measures.likeness import strongest
from reportgen.measures.regions import NORMAL_90, TOP
from reportgen.results import RegionWeights, Result

Numbers = NDArray[np.floating[Any]]
SMOOTHING = 0.02  # standard deviation, as a share of the longer side: a shift by a pixel or two is no move
DRAWS = 200  # of the weights that another seed may give
WIDER = 2.5  # times its interval that a weight differs between two seeds, measured: see docs/compare.md


@dataclass(frozen=True)
class Likeness:
    """How alike two maps are, 1 where they are the same.

    rank: Spearman's correlation of the evidence, pixel by pixel, -1 to 1; overlap: of their strongest parts, twice what
    they share by the sum of both, 0 to 1 (Dice 1945). Strongest are a fifth of the pixels, or three regions of LIME.
    """

    rank: float
    overlap: float


def likeness(one: Result, other: Result) -> Likeness:
    """Of two maps of one size. Raises ValueError where their sizes or their kinds differ."""
    if isinstance(one, RegionWeights) and isinstance(other, RegionWeights):
        return _Cut.of(one, other).likeness(one.weights, other.weights)
    if isinstance(one, RegionWeights) or isinstance(other, RegionWeights):
        raise ValueError("regions cannot be compared with a map")
    maps = [_smooth(signed_evidence(each)) for each in (one, other)]
    first, second = (strongest(_smooth(pixel_evidence(each))) for each in (one, other))
    if maps[0].shape != maps[1].shape:
        raise ValueError(f"maps of {maps[0].shape} and {maps[1].shape}")
    areas = np.ones(maps[0].size)
    return Likeness(_correlation(maps[0].ravel(), maps[1].ravel(), areas), _dice(first, second, areas))


def redrawn(one: RegionWeights, other: RegionWeights, rng: np.random.Generator) -> Likeness:
    """The least that chance leaves of the likeness where nothing but the masks differs, by the weights' intervals.

    The first's weights, each shrunk by its own error, stand for the truth; about it both explanations are drawn again
    and again, and the lowest of each number is taken. Raises ValueError without intervals.
    Source: the positive-part estimator of James and Stein (1961), weight by weight.
    """
    if one.margins is None or other.margins is None:
        raise ValueError("no intervals are known")
    cut = _Cut.of(one, other)
    errors = WIDER * one.margins / NORMAL_90, WIDER * other.margins / NORMAL_90
    # A small weight that is mostly chance would otherwise seem sure of its rank.
    sizes = np.maximum(one.weights**2, np.finfo(np.float64).tiny)
    truth = one.weights * np.maximum(0, 1 - errors[0] ** 2 / sizes)
    drawn = [
        cut.compared(
            (truth + errors[0] * rng.standard_normal(len(truth)))[cut.one],
            truth[cut.one] + (errors[1] * rng.standard_normal(len(errors[1])))[cut.other],
        )
        for _ in range(DRAWS)
    ]
    return Likeness(min(each.rank for each in drawn), min(each.overlap for each in drawn))


@dataclass(frozen=True, eq=False)
class _Cut:
    """Two segmentations laid over each other. one, other: the region of each that a cell lies in; areas: in pixels."""

    one: NDArray[np.intp]  # (M,)
    other: NDArray[np.intp]  # (M,)
    areas: Numbers  # (M,)

    @classmethod
    def of(cls, one: RegionWeights, other: RegionWeights) -> "_Cut":
        """Raises ValueError where the segmentations differ in size."""
        if one.segments.shape != other.segments.shape:
            raise ValueError(f"segments of {one.segments.shape} and {other.segments.shape}")
        pairs = np.stack([one.segments.ravel(), other.segments.ravel()])
        cells, areas = np.unique(pairs, axis=1, return_counts=True)
        return cls(cells[0], cells[1], areas.astype(np.float64))

    def likeness(self, one: Numbers, other: Numbers) -> Likeness:
        """Of the weights of both."""
        return self.compared(one[self.one], other[self.other])

    def compared(self, one: Numbers, other: Numbers) -> Likeness:
        """Of what the cells have. The strongest regions are those that speak for the class most."""
        heaviest = (_heaviest(one, self.one), _heaviest(other, self.other))
        return Likeness(_correlation(one, other, self.areas), _dice(*heaviest, self.areas))


def _heaviest(values: Numbers, regions: NDArray[np.intp]) -> NDArray[np.bool_]:
    """The cells of the regions with the largest weights above 0; of equals, those of the first regions."""
    order = np.lexsort((regions, -values))
    ranked = [int(regions[cell]) for cell in order if values[cell] > 0]
    return np.isin(regions, list(dict.fromkeys(ranked))[:TOP])


def _smooth(values: Numbers) -> Numbers:
    smooth: Numbers = gaussian_filter(values, SMOOTHING * max(values.shape))
    return smooth


def _dice(one: NDArray[np.bool_], other: NDArray[np.bool_], areas: Numbers) -> float:
    total = float(areas[one].sum() + areas[other].sum())
    return 2 * float(areas[one & other].sum()) / total if total else 1.0


def _correlation(one: Numbers, other: Numbers, areas: Numbers) -> float:
    """Spearman's, each value counted by its area; 0 where a map is flat, 1 where both are."""
    flat = [bool(np.ptp(each) == 0) for each in (one, other)]
    if any(flat):
        return float(all(flat))
    centred = [ranks - np.average(ranks, weights=areas) for ranks in _ranks((one, other), areas)]
    spreads = [float(np.sqrt((areas * each**2).sum())) for each in centred]
    return float((areas * centred[0] * centred[1]).sum() / spreads[0] / spreads[1])


def _ranks(both: Sequence[Numbers], areas: Numbers) -> Iterator[Numbers]:
    """The mean rank of each value; equals share theirs."""
    for values in both:
        _, place = np.unique(values, return_inverse=True)
        sizes = np.bincount(place, weights=areas)
        yield (np.cumsum(sizes) - sizes / 2)[place]
