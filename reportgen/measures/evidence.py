"""What any kind of result says of each pixel, so that one check can judge all of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.results import AttributionMap, ColourSaliency, RegionWeights, Result


def pixel_evidence(result: Result) -> NDArray[np.float64]:
    """How much each pixel speaks for the explained class, (H, W) >= 0; what speaks against it counts as 0.

    A map without sign counts as it is, one with three channels by the largest; each pixel of a region has its weight.
    """
    values: NDArray[np.floating[Any]]
    if isinstance(result, RegionWeights):
        values = result.weights[result.segments]
    elif isinstance(result, ColourSaliency):
        values = result.heat.max(axis=-1)
    else:
        values = result.heat
    return np.maximum(values.astype(np.float64), 0)


def signed_evidence(result: Result) -> NDArray[np.float64]:
    """The same with what speaks against the class below 0, where the method tells."""
    if isinstance(result, AttributionMap):
        return result.heat.astype(np.float64)
    return result.weights[result.segments] if isinstance(result, RegionWeights) else pixel_evidence(result)
