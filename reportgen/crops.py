"""Real crops: the parts of images, each exactly what one unit sees, to which a filter answers most, middling or least.

At most one crop from each image where there are images enough, so that the crops differ. Source: borowski2021.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from torch import Tensor

from reportgen.channels import Alikeness, Channels, over
from reportgen.classifier import Classifier, to_numpy
from reportgen.pool import Lent, Pool
from reportgen.randomness import stream
from reportgen.receptive import Layer, field
from reportgen.results import Crop
from reportgen.studies import Box

TOP, MIDDLE, BOTTOM = 5, 2, 2
NEAR: Final = 0.1  # of the range of answers: middle and bottom crops may be so far off, to come from other images
Kind = Literal["top", "middle", "bottom"]
Map = NDArray[np.float32]  # (h, w)


@dataclass(frozen=True, eq=False)
class Wanted:
    """A layer with the filters that are looked at, and what its channels answer over the pool."""

    layer: Layer
    filters: tuple[int, ...]
    stats: Channels


@dataclass(frozen=True, eq=False)
class Dossier:
    """For each filter its crops; and which channels are alike."""

    crops: Mapping[int, tuple[Crop, ...]]
    alike: Alikeness


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A crop that may be taken, and how far it is from what is wanted: 0 is best."""

    crop: Crop
    distance: float
    sha256: str


def find_crops(classifier: Classifier, pool: Pool, wanted: Sequence[Wanted], seed: int) -> dict[str, Dossier]:
    """For each layer the crops of its filters, in one pass over the pool; only the best candidates are kept."""
    named = {each.layer.name: each for each in wanted}
    alike = {name: Alikeness(each.stats, each.filters) for name, each in named.items()}
    kept: dict[tuple[str, int], dict[Kind, list[_Candidate]]] = {
        (name, number): {"top": [], "middle": [], "bottom": []}
        for name, each in named.items()
        for number in each.filters
    }

    def work(group: Sequence[Lent], maps: Mapping[str, Tensor]) -> tuple[Sequence[Lent], dict[str, _Part]]:
        return group, {
            name: _Part(*alike[name].products(given), to_numpy(given[:, list(named[name].filters)]))
            for name, given in maps.items()
        }

    for group, parts in over(classifier, pool, list(named), work):
        for name, part in parts.items():
            alike[name].add(part.products, part.positions)
            for i, number in enumerate(named[name].filters):
                _collect(kept[name, number], _candidates(group, part.own[:, i], named[name], number, seed))
    return {
        name: Dossier({number: _chosen(kept[name, number]) for number in each.filters}, alike[name])
        for name, each in named.items()
    }


@dataclass(frozen=True, eq=False)
class _Part:
    """What one group of images gives: products for the correlations, and the maps of the filters, (n, F, h, w)."""

    products: NDArray[np.float64]
    positions: int
    own: NDArray[np.float32]


def _candidates(
    group: Sequence[Lent], maps: NDArray[np.float32], wanted: Wanted, number: int, seed: int
) -> Iterator[_Candidate]:
    """The crops that each image has to offer. maps: (n, h, w), of one filter."""
    stats, name = wanted.stats, wanted.layer.name
    high, low = float(stats.highest[number]), float(stats.lowest[number])
    if wanted.layer.fields is None or not high > 0 or not np.isfinite(high - low) or high == low:
        return
    complete = (wanted.layer.fields.seen == wanted.layer.fields.unbounded).all(axis=0)
    most = -(-TOP // stats.images)  # crops of one image: more than one only where there are few
    for lent, given in zip(group, maps, strict=True):
        if not np.isfinite(given).all():  # though it was when it was looked at first: the network draws lots
            continue
        for unit in _strongest(given, wanted.layer, most):
            yield _candidate(lent, given, wanted.layer, "top", unit, (high - float(given[unit])) / (high - low))
        rng = stream(seed, "filters", name, str(number), lent.image.sha256)
        aims: tuple[tuple[Kind, float], ...] = (("middle", (high + low) / 2), ("bottom", low))
        for kind, aim in aims:
            away = np.abs(given.astype(np.float64) - aim)
            nearest = away == away.min()  # a ReLU is at its lowest in many places: one that sees no padding, if any
            inside = np.argwhere(nearest & complete) if (nearest & complete).any() else np.argwhere(nearest)
            row, column = inside[rng.integers(len(inside))]
            unit = (int(row), int(column))
            if _area(field(wanted.layer, *unit)):
                yield _candidate(lent, given, wanted.layer, kind, unit, float(away[unit]) / (high - low))


def _strongest(given: Map, layer: Layer, most: int) -> list[tuple[int, int]]:
    """The units that answer most, above 0, whose fields do not overlap.

    Of equals, as where ReLU6 is full, that with the strongest neighbours comes first.
    """
    taken: list[tuple[int, int]] = []
    around = uniform_filter(given.astype(np.float64), 3, mode="constant")
    for place in np.lexsort((-around.ravel(), -given.ravel())):
        row, column = np.unravel_index(place, given.shape)
        unit = (int(row), int(column))
        if given[unit] <= 0 or len(taken) == most:
            break
        box = field(layer, *unit)
        if _area(box) and not any(_overlap(box, field(layer, *other)) for other in taken):
            taken.append(unit)
    return taken


def _candidate(lent: Lent, given: Map, layer: Layer, kind: Kind, unit: tuple[int, int], distance: float) -> _Candidate:
    top, bottom, left, right = box = field(layer, *unit)
    pixels = np.round(lent.image.pixels[top:bottom, left:right] * 255).astype(np.uint8)
    unbounded = field(layer, *unit, clipped=False)
    crop = Crop(lent.image.name, kind, float(given[unit]), unit, box, unbounded, pixels, lent.subject)
    return _Candidate(crop, distance, lent.image.sha256)


def _collect(kept: dict[Kind, list[_Candidate]], found: Iterable[_Candidate]) -> None:
    """Put the candidates with those kept; no more stay than can be needed."""
    for each in found:
        kept[each.crop.kind].append(each)
    for listed in kept.values():
        listed.sort(key=lambda each: each.distance)  # stable: of equals the earlier image stays
        del listed[TOP + MIDDLE + BOTTOM :]


def _chosen(kept: Mapping[Kind, Sequence[_Candidate]]) -> tuple[Crop, ...]:
    """Top, then middle and bottom; those for contrast from images that have no crop yet, where that is to be had."""
    taken = list(kept["top"][:TOP])
    counts: tuple[tuple[Kind, int], ...] = (("middle", MIDDLE), ("bottom", BOTTOM))
    for kind, count in counts:
        for _ in range(count):
            used = {each.sha256 for each in taken}
            units = {(each.sha256, each.crop.unit) for each in taken}
            free = [each for each in kept[kind] if (each.sha256, each.crop.unit) not in units]
            if free:
                taken.append(min(free, key=lambda each: (each.distance > NEAR, each.sha256 in used, each.distance)))
    return tuple(each.crop for each in taken)


def _area(box: Box) -> int:
    return (box[1] - box[0]) * (box[3] - box[2])


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]
