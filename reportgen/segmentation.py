"""Superpixels: the regions that LIME hides and shows.

Source: SLIC of achanta2012, quickshift (Vedaldi and Soatto 2008) and the graph cut of Felzenszwalb and
Huttenlocher (2004), all by scikit-image.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import felzenszwalb, quickshift, slic

from reportgen.arrays import Scalar

Image = NDArray[np.floating[Any]]  # (H, W, 3) RGB in [0, 1]
Segments = NDArray[np.int32]  # (H, W), 0..n-1
Segmentation = Literal["slic", "quickshift", "felzenszwalb", "grid"]
SIGMA = 1.0  # px, smoothing before SLIC
FEWEST_SHARE = 8  # with less than one superpixel in so many that were asked for, a grid takes their place


@dataclass(frozen=True)
class Cut:
    """How an image is cut. asked: superpixels wanted; compactness and sigma (px) are SLIC's alone.

    stand_in: whether a grid takes the place of a method that finds next to none.
    """

    name: Segmentation
    asked: int
    compactness: float = 20.0
    sigma: float = SIGMA
    stand_in: bool = True

    def facts(self) -> dict[str, Scalar]:
        """What the superpixels depend on, for the report."""
        own = {"compactness": self.compactness, "sigma": self.sigma} if self.name == "slic" else {}
        return {"segmentation": self.name, "asked": self.asked, **own}


@dataclass(frozen=True, eq=False)
class Superpixels:
    """segments: (H, W) int32, 0..n-1 without a gap; name: what found them, "grid" where it stood in."""

    segments: Segments
    name: str

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.segments.max()) + 1


def superpixels(image: Image, cut: Cut) -> Superpixels:
    """The image's superpixels; where the method finds next to none, as on noise, those of a grid."""
    found = numbered(METHODS[cut.name](image.astype(np.float64), cut))
    if cut.stand_in and found.max() + 1 < max(2, cut.asked / FEWEST_SHARE):
        return Superpixels(numbered(_grid(image, cut)), "grid")
    return Superpixels(found, cut.name)


def numbered(labels: NDArray[np.integer[Any]]) -> Segments:
    """The same regions, numbered 0..n-1 without a gap."""
    found = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    return np.asarray(found, np.int32)


def _slic(image: Image, cut: Cut) -> NDArray[np.integer[Any]]:
    # start_label: lime counts from 0, and scikit-image from 1 unless told; the last region would never be hidden.
    found = slic(
        image,
        n_segments=cut.asked,
        compactness=cut.compactness,
        sigma=cut.sigma,
        start_label=0,
        channel_axis=-1,
    )
    return np.asarray(found)


def _quickshift(image: Image, cut: Cut) -> NDArray[np.integer[Any]]:
    """As lime cuts, but with the reach scaled to the superpixels asked for; their number is only near."""
    side = np.sqrt(image.shape[0] * image.shape[1] / cut.asked)
    reach = {"kernel_size": max(1.0, side / 5), "max_dist": max(2.0, 0.75 * side)}
    return np.asarray(quickshift(image, ratio=0.2, rng=0, **reach))  # type: ignore[no-untyped-call]


def _felzenszwalb(image: Image, cut: Cut) -> NDArray[np.integer[Any]]:
    area = image.shape[0] * image.shape[1] / cut.asked
    found = felzenszwalb(image, scale=area / 4, sigma=0.8, min_size=max(1, int(area / 3)), channel_axis=-1)
    return np.asarray(found)


def _grid(image: Image, cut: Cut) -> NDArray[np.integer[Any]]:
    """Rectangles as square and as many as can be, at most one for each pixel."""
    height, width = image.shape[:2]
    rows = int(np.clip(round(np.sqrt(cut.asked * height / width)), 1, height))
    columns = int(np.clip(round(cut.asked / rows), 1, width))
    down, across = np.arange(height) * rows // height, np.arange(width) * columns // width
    return np.asarray(down[:, None] * columns + across)


METHODS: Mapping[Segmentation, Callable[[Image, Cut], NDArray[np.integer[Any]]]] = {
    "slic": _slic,
    "quickshift": _quickshift,
    "felzenszwalb": _felzenszwalb,
    "grid": _grid,
}
