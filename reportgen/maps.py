"""Arrays about one image: what a method finds, for each pixel or superpixel, and where its objects are known to be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reportgen.arrays import Array, lock


@dataclass(frozen=True, eq=False)
class SaliencyMap:
    """Evidence per pixel for one class; scaling for the eye belongs to `figures`."""

    heat: Array  # (H, W) float32 >= 0; a gradient is per unit of RGB in [0, 1]
    kind: Literal["saliency"] = "saliency"

    def __post_init__(self) -> None:
        """Copy, check and lock the map."""
        lock(self, "heat", "float32", (None, None))
        if (self.heat < 0).any():
            raise ValueError("saliency is a size and never below 0")


@dataclass(frozen=True, eq=False)
class AttributionMap:
    """Signed evidence per pixel for one class: above 0 what speaks for it, below 0 what speaks against it."""

    heat: Array  # (H, W) float32; the method says in which units
    kind: Literal["attribution"] = "attribution"

    def __post_init__(self) -> None:
        """Copy, check and lock the map."""
        lock(self, "heat", "float32", (None, None))


@dataclass(frozen=True, eq=False)
class ColourSaliency:
    """The write-up's map: three channels, each image stretched to [0, 1] (profile hw5)."""

    heat: Array  # (H, W, 3) float32 in [0, 1]
    kind: Literal["colour_saliency"] = "colour_saliency"

    def __post_init__(self) -> None:
        """Copy, check and lock the map."""
        lock(self, "heat", "float32", (None, None, 3))


@dataclass(frozen=True, eq=False)
class RegionWeights:
    """LIME: one weight per superpixel. Weight > 0: showing the region raises the class's score.

    A weight's sign is beyond chance where its size exceeds its margin.
    """

    segments: Array  # (H, W) int32, 0..n-1, none empty
    weights: Array  # (n,) float64, in units of the explained score
    margins: Array | None = None  # (n,) float64 >= 0, half of each weight's 90 % interval; None where not known
    kind: Literal["regions"] = "regions"

    def __post_init__(self) -> None:
        """Copy, check and lock the arrays."""
        lock(self, "weights", "float64", (None,))
        lock(self, "segments", "int32", (None, None))
        if not np.array_equal(np.unique(self.segments), np.arange(len(self.weights))):
            raise ValueError("segments must be numbered 0..n-1, one weight each")
        if self.margins is not None:
            lock(self, "margins", "float64", (len(self.weights),))
            if (self.margins < 0).any():
                raise ValueError("a margin is a size and never below 0")

    def unsettled(self, regions: Sequence[int]) -> tuple[int, ...]:
        """Those of the regions whose sign may be chance."""
        if self.margins is None:
            return ()
        return tuple(region for region in regions if abs(self.weights[region]) <= self.margins[region])


@dataclass(frozen=True, eq=False)
class ObjectMask:
    """Where objects of one class are, as people marked it. name: of the class, "" where it is not told."""

    name: str
    mask: Array  # (H, W) bool, of what the network is fed

    def __post_init__(self) -> None:
        """Copy, check and lock the mask."""
        lock(self, "mask", "bool", (None, None))
