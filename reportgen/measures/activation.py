"""What a filter answers to: its map correlated with edges, orientation and colour of the images."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import correlate1d
from skimage.color import rgb2gray

from reportgen.measures.frequency import band_energies, preferred_period
from reportgen.measures.gathered import FLAT, Correlation, Weighted

Plane = NDArray[np.float64]  # (H, W)
Maps = NDArray[np.floating[Any]]  # (N, h, w)
Pixels = NDArray[np.floating[Any]]  # (H, W, 3) RGB in [0, 1]
WEAKEST_COLOUR = 0.3  # |r| below which no colour is named
ACTIVE = 0.1  # share of the maximum above which a position counts as answered
LEAST_POSITIONS = 64  # of all maps together
LINES = ("energy", "cosine", "sine")
COLOURS = {"brightness": ("bright", "dark"), "red_green": ("red", "green"), "blue_yellow": ("blue", "yellow")}


def answers(maps: Maps) -> dict[str, float]:
    """The maximum of one filter's maps over all images, and the share of positions above a tenth of it (active).

    A tenth, because a position that is barely above 0 looks black in the picture.
    """
    top = float(maps.max())
    return {"maximum": top, "active": float((maps > ACTIVE * max(top, 0.0)).mean())}


def filter_preferences(maps: Maps, images: Iterable[Pixels]) -> dict[str, float | str]:
    """edges, orientation, coherence, colour, colour_r and period of one filter, over all images together.

    maps: raw output of the filter on each image; images: (H, W, 3) RGB in [0, 1] each. What is measured on the image is
    averaged over the part of it that each position of the map covers. edges: Pearson's r with the strength of edges
    (Sobel, all channels). orientation: degrees in [0, 180), 0 for horizontal and 90 for vertical structures, counted
    counter-clockwise; coherence in [0, 1]: how much more aligned the structures are where the filter answers than in
    these images at large. colour: the colour whose presence goes with the answer best, "none" below |r| = 0.3. What is
    undefined (a constant map, images without edges) is absent, and so is everything below 64 positions in all, too few
    for a correlation to mean anything. period, period_share, period_usual: see `preferred_period`.
    Source: the structure tensor of bigun1987.
    """
    return layer_preferences([maps], images)[0]


def layer_preferences(maps: Sequence[Maps], images: Iterable[Pixels]) -> list[dict[str, float | str]]:
    """The same of several filters of one layer, each image looked at once, and no two in memory."""
    if not maps or maps[0].size < LEAST_POSITIONS:
        return [{} for _ in maps]
    likings = [_Liking(max(float(each.max()), float(np.finfo(np.float64).tiny))) for each in maps]
    for given, image in zip(zip(*maps, strict=True), images, strict=True):
        size = given[0].shape
        planes = {name: _averaged(plane, size) for name, plane in _planes(image).items()}
        bands = {period: _averaged(plane, size) for period, plane in band_energies(image).items()}
        for liking, one in zip(likings, given, strict=True):
            liking.add(one, planes, bands)
    return [liking.found() for liking in likings]


class _Liking:
    """What goes with the answers of one filter. unit: its largest answer, which says nothing by itself."""

    def __init__(self, unit: float) -> None:
        self._unit = unit
        self._edges = Correlation()
        self._colours = {name: Correlation() for name in COLOURS}
        self._lines = Weighted[str]()
        self._bands = Weighted[float]()

    def add(self, given: Plane, planes: Mapping[str, Plane], bands: Mapping[float, Plane]) -> None:
        """Take one image: the filter's map, and planes of its size."""
        self._edges.add(given, np.sqrt(planes["energy"]))
        for name, colour in self._colours.items():
            colour.add(given, planes[name])
        weights = np.maximum(given, 0).astype(np.float64) / self._unit
        self._lines.add(weights, {name: planes[name] for name in LINES})
        self._bands.add(weights, bands)

    def found(self) -> dict[str, float | str]:
        """All that is defined."""
        edges = self._edges.value()
        found: dict[str, float | str] = {} if edges is None else {"edges": edges}
        colours = {name: r for name, each in self._colours.items() if (r := each.value()) is not None}
        found |= _orientation(self._lines.answered(), self._lines.present()) | _colour(colours)
        return found | preferred_period(self._bands.answered(), self._bands.present())


def object_shares(maps: Maps, masks: Iterable[NDArray[np.bool_] | None]) -> dict[str, float | int]:
    """How much of what a filter answers lies on marked objects: object_share, object_area and object_images.

    maps: raw output on each image; masks: (H, W) of each, None where nothing is marked. Over all images with a mask and
    an answer above 0 together; a position counts by the part of it that the object covers. Absent where there is none.
    Added up exactly, so that the order of the images changes no digit.
    """
    on: list[float] = []
    given: list[float] = []
    areas: list[float] = []
    for each, mask in zip(maps, masks, strict=True):
        if mask is not None and (each > 0).any():
            answer, inside = np.maximum(each, 0).astype(np.float64), _averaged(mask.astype(np.float64), each.shape)
            on.append(float((answer * inside).sum()))
            given.append(float(answer.sum()))
            areas.append(float(inside.mean()))
    if not areas:
        return {}
    share = math.fsum(on) / math.fsum(given)
    return {"object_share": share, "object_area": fmean(areas), "object_images": len(areas)}


def _planes(image: Pixels) -> dict[str, Plane]:
    """Edge energy, doubled-angle orientation and opponent colours for each pixel.

    Edges are summed over the three channels: red on green of the same brightness is an edge to the network.
    """
    channels = np.moveaxis(image.astype(np.float64), -1, 0)
    red, green, blue = channels
    across, down = (np.stack([_sobel(channel, axis) for channel in channels]) for axis in (1, 0))
    return {
        "energy": (across**2 + down**2).sum(axis=0),
        "cosine": (across**2 - down**2).sum(axis=0),
        "sine": (2 * across * down).sum(axis=0),
        "brightness": rgb2gray(image.astype(np.float64)),
        "red_green": red - green,
        "blue_yellow": blue - (red + green) / 2,
    }


def _sobel(plane: Plane, axis: int) -> Plane:
    """The derivative along the axis per pixel, smoothed across it."""
    slope = correlate1d(plane, (-0.5, 0, 0.5), axis, mode="nearest")
    return np.asarray(correlate1d(slope, (0.25, 0.5, 0.25), 1 - axis, mode="nearest"))


def _averaged(plane: Plane, size: tuple[int, ...]) -> Plane:
    """The plane at the size of the map: the mean over what each position covers."""
    height, width = size
    resized = Image.fromarray(plane.astype(np.float32)).resize((width, height), Image.Resampling.BOX)
    return np.asarray(resized, np.float64)


def _orientation(answered: Mapping[str, float], present: Mapping[str, float]) -> dict[str, float]:
    """answered, present: sums of LINES where the filter answers, and at large."""
    if answered["energy"] <= FLAT or present["energy"] <= FLAT:
        return {}
    # Doubled angles, so that opposite gradients of one line add up. What the images themselves prefer is subtracted,
    # or every filter would seem to like the horizon.
    doubled = complex(
        answered["cosine"] / answered["energy"] - present["cosine"] / present["energy"],
        answered["sine"] / answered["energy"] - present["sine"] / present["energy"],
    )
    gradient = np.degrees(np.angle(doubled)) / 2
    # A line runs across its gradient; rows count downwards, angles upwards.
    return {"orientation": float(-(gradient + 90) % 180), "coherence": min(abs(doubled), 1.0)}


def _colour(found: Mapping[str, float]) -> dict[str, float | str]:
    """found: opponent colour -> its correlation with the answers."""
    if not found:
        return {}
    best = max(found, key=lambda name: abs(found[name]))
    r = found[best]
    return {"colour": COLOURS[best][r < 0] if abs(r) >= WEAKEST_COLOUR else "none", "colour_r": r}
