"""What a filter answers to: its map correlated with edges, orientation and colour of the images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import correlate1d
from skimage.color import rgb2gray

from reportgen.measures.frequency import band_energies, preferred_period

Plane = NDArray[np.float64]  # (H, W)
Maps = NDArray[np.floating[Any]]  # (N, h, w)
Pixels = NDArray[np.floating[Any]]  # (H, W, 3) or (N, H, W, 3) RGB in [0, 1]
WEAKEST_COLOUR = 0.3  # |r| below which no colour is named
ACTIVE = 0.1  # share of the maximum above which a position counts as answered
LEAST_POSITIONS = 64  # of all maps together
FLAT = 1e-9  # spread, as a share of the largest magnitude, at which a plane counts as constant
COLOURS = {"brightness": ("bright", "dark"), "red_green": ("red", "green"), "blue_yellow": ("blue", "yellow")}


def answers(maps: Maps) -> dict[str, float]:
    """The maximum of one filter's maps over all images, and the share of positions above a tenth of it (active).

    A tenth, because a position that is barely above 0 looks black in the picture.
    """
    top = float(maps.max())
    return {"maximum": top, "active": float((maps > ACTIVE * max(top, 0.0)).mean())}


def filter_preferences(maps: Maps, images: Pixels) -> dict[str, float | str]:
    """edges, orientation, coherence, colour, colour_r and period of one filter, over all images together.

    maps: raw output of the filter on each image; images: (N, H, W, 3) RGB in [0, 1]. What is measured on the image is
    averaged over the part of it that each position of the map covers. edges: Pearson's r with the strength of edges
    (Sobel, all channels). orientation: degrees in [0, 180), 0 for horizontal and 90 for vertical structures, counted
    counter-clockwise; coherence in [0, 1]: how much more aligned the structures are where the filter answers than in
    these images at large. colour: the colour whose presence goes with the answer best, "none" below |r| = 0.3. What is
    undefined (a constant map, images without edges) is absent, and so is everything below 64 positions in all, too few
    for a correlation to mean anything. period, period_share, period_usual: see `preferred_period`.
    Source: the structure tensor of bigun1987.
    """
    if maps.size < LEAST_POSITIONS:
        return {}
    size = maps.shape[1:]
    planes = [_planes(image) for image in images]
    pooled = {name: np.stack([_averaged(each[name], size) for each in planes]) for name in planes[0]}
    found: dict[str, float | str] = {}
    if (edges := correlation(maps, np.sqrt(pooled["energy"]))) is not None:
        found["edges"] = edges
    bands = [band_energies(image) for image in images]
    energies = {name: np.stack([_averaged(each[name], size) for each in bands]) for name in bands[0]}
    return found | _orientation(maps, pooled) | _colour(maps, pooled) | preferred_period(maps, energies)


def object_shares(maps: Maps, masks: Sequence[NDArray[np.bool_] | None]) -> dict[str, float | int]:
    """How much of what a filter answers lies on marked objects: object_share, object_area and object_images.

    maps: raw output on each image; masks: (H, W) of each, None where nothing is marked. Over all images with a mask and
    an answer above 0 together; a position counts by the part of it that the object covers. Absent where there is none.
    """
    pairs = [
        (np.maximum(each, 0).astype(np.float64), _averaged(mask.astype(np.float64), each.shape))
        for each, mask in zip(maps, masks, strict=True)
        if mask is not None and (each > 0).any()
    ]
    if not pairs:
        return {}
    share = sum((each * inside).sum() for each, inside in pairs) / sum(each.sum() for each, _ in pairs)
    area = float(np.mean([inside.mean() for _, inside in pairs]))
    return {"object_share": float(share), "object_area": area, "object_images": len(pairs)}


def correlation(one: NDArray[Any], other: NDArray[Any]) -> float | None:
    """Pearson's r over all elements; None where one of both is constant."""
    a, b = (np.asarray(values, np.float64).ravel() for values in (one, other))
    a, b = a - a.mean(), b - b.mean()
    if any(np.abs(x).max() <= FLAT * max(np.abs(raw).max(), FLAT) for x, raw in ((a, one), (b, other))):
        return None
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))


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


def _orientation(maps: Maps, pooled: dict[str, Plane]) -> dict[str, float]:
    weights = np.maximum(maps, 0).astype(np.float64)
    weights /= max(float(weights.max()), np.finfo(np.float64).tiny)  # the unit of the answers says nothing
    answered, present = float((weights * pooled["energy"]).sum()), float(pooled["energy"].sum())
    if answered <= FLAT or present <= FLAT:
        return {}
    # Doubled angles, so that opposite gradients of one line add up. What the images themselves prefer is subtracted,
    # or every filter would seem to like the horizon.
    doubled = complex(
        (weights * pooled["cosine"]).sum() / answered - pooled["cosine"].sum() / present,
        (weights * pooled["sine"]).sum() / answered - pooled["sine"].sum() / present,
    )
    gradient = np.degrees(np.angle(doubled)) / 2
    # A line runs across its gradient; rows count downwards, angles upwards.
    return {"orientation": float(-(gradient + 90) % 180), "coherence": min(abs(doubled), 1.0)}


def _colour(maps: Maps, pooled: dict[str, Plane]) -> dict[str, float | str]:
    found = {name: r for name in COLOURS if (r := correlation(maps, pooled[name])) is not None}
    if not found:
        return {}
    best = max(found, key=lambda name: abs(found[name]))
    r = found[best]
    return {"colour": COLOURS[best][r < 0] if abs(r) >= WEAKEST_COLOUR else "none", "colour_r": r}
