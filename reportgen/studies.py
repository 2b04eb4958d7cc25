"""What is known of one filter: its maps, images made for it, crops that excite it, and the classes that rely on it."""

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from reportgen.arrays import NO_FACTS, Array, Facts, frozen_facts, lock, lock_facts

Status = Literal["ok", "degenerate", "failed", "not_applicable"]
NO_MAPS: Final[Array] = np.zeros((0, 0, 0), np.float32)
Box = tuple[int, int, int, int]  # top, bottom, left, right in pixels of what the network is fed; see receptive.field


@dataclass(frozen=True, eq=False)
class Crop:
    """The part of an image that one unit of a filter's map sees, and how strongly the unit answers to it.

    kind: from the top, the middle or the bottom of what the filter answers over all images.
    """

    image: str  # the image's name
    kind: Literal["top", "middle", "bottom"]
    activation: float
    unit: tuple[int, int]  # row and column in the map
    box: Box  # within the image: pixels[top:bottom, left:right]
    field: Box  # the same as if the image went on: what lies outside is padding to the network
    pixels: Array  # (h, w, 3) uint8 RGB, the box of what the network is fed; 255 is 1.0
    subject: int = -1  # place in the run's subjects; -1 for an image that only lends crops

    def __post_init__(self) -> None:
        """Copy, check and lock the pixels."""
        top, bottom, left, right = self.box
        lock(self, "pixels", "uint8", (bottom - top, right - left, 3))


@dataclass(frozen=True)
class ClassEffect:
    """What setting a filter to its mean does to the probability of one class.

    change: mean absolute change over all images, in [0, 1]. drop: by how much the probability falls, in [-1, 1], over
    the images on which the filter answers more than its mean; above 0 the class relies on the filter. fall: the same
    for the class's logit less the mean of all logits, which moves where the probability is too sure to.
    """

    index: int
    name: str
    change: float
    drop: float
    fall: float


@dataclass(frozen=True, eq=False)
class FilterStudy:
    """One filter of one layer: its activation on every case, and images made to excite it.

    status "degenerate" (reason "reason.dead_filter"): it answers to nothing; no picture is shown.
    measures: over all cases; image_measures: one per case; effects: the classes most concerned, largest drop first.
    """

    method: str
    layer: str
    filter: int
    status: Status
    activations: Array  # (N, h, w) float32, raw output of the layer for each case; (0, 0, 0) where it failed
    visualisation: Array | None = None  # (H, W, 3) float32, RGB; in [0, 1], except profile hw5's, which is unbounded
    reason: str = ""
    detail: str = ""
    parameters: Facts = field(default_factory=lambda: NO_FACTS)
    measures: Facts = field(default_factory=lambda: NO_FACTS)
    image_measures: tuple[Facts, ...] = ()
    crops: tuple[Crop, ...] = ()  # strongest first, then those for contrast
    effects: tuple[ClassEffect, ...] = ()
    variants: Array | None = None  # (V, H, W, 3) float32, RGB in [0, 1]: more images, each unlike the others

    def __post_init__(self) -> None:
        """Copy, check and lock the arrays and facts."""
        lock(self, "activations", "float32", (None, None, None))
        if self.visualisation is not None:
            lock(self, "visualisation", "float32", (None, None, 3))
        if self.variants is not None:
            lock(self, "variants", "float32", (None, None, None, 3))
        lock_facts(self, "parameters", "measures")
        object.__setattr__(self, "image_measures", tuple(frozen_facts(facts) for facts in self.image_measures))
        if (self.status == "ok") == bool(self.reason):
            raise ValueError(f"status {self.status!r} with reason {self.reason!r}")

    def cropped(self, kind: str) -> tuple[Crop, ...]:
        """The crops of one kind."""
        return tuple(crop for crop in self.crops if crop.kind == kind)
