"""Where the layers with weights stand, by their keys, and what room for layers without weights lies between them.

A key is `name.0.weight`, deeper where a Sequential holds Sequentials (`cnn.3.1.weight`), `name.weight` where an
attribute is the layer itself, or `0.weight` where the whole network is one Sequential.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from torch import Tensor

KEY: Final = re.compile(r"(?P<path>(?:[^\W\d]\w*|\d{1,4})(?:\.\d{1,4}){0,3})\.(?P<leaf>[^\W\d]\w*)")

Leaves = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Place:
    """A layer with weights. part: the attribute, empty where the network is one Sequential; path: places inside it."""

    part: str
    path: tuple[int, ...]
    leaves: Leaves

    @property
    def name(self) -> str:
        """As the keys begin."""
        return dotted(self.part, self.path)


@dataclass(frozen=True)
class Gap:
    """What lies between two places. slots: names of layers that must be there; open: more may stand before them."""

    slots: tuple[str, ...]
    open: bool = False
    parent: str = ""
    first: int | None = None

    def names(self, kinds: Sequence[str]) -> list[str]:
        """A name for each layer; there are at least as many as slots."""
        more = len(kinds) - len(self.slots)
        if self.first is None:
            return [*(f"{self.parent}_{kind}" for kind in kinds[:more]), *self.slots]
        return [*(f"{self.parent}{self.first + place}" for place in range(more)), *self.slots]


def dotted(part: str, path: tuple[int, ...]) -> str:
    """Attribute and places as a module's name."""
    return ".".join([*([part] if part else []), *map(str, path)])


def places(tensors: Mapping[str, Tensor]) -> dict[str, tuple[Place, ...]]:
    """The places by attribute, in the order of the file, inside a Sequential by number; other keys are left out."""
    found: dict[tuple[str, tuple[int, ...]], dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if match := KEY.fullmatch(key):
            first, *rest = match["path"].split(".")
            whole = first.isdigit()
            path = tuple(map(int, [first, *rest] if whole else rest))
            found.setdefault(("" if whole else first, path), {})[match["leaf"]] = tensor
    parts: dict[str, list[Place]] = {}
    for (part, path), leaves in found.items():
        parts.setdefault(part, []).append(Place(part, path, leaves))
    return {part: tuple(sorted(items, key=lambda each: each.path)) for part, items in parts.items()}


def between(before: Place | None, after: Place) -> Gap:
    """The room between two layers with weights, or before the first one."""
    if before is None:
        return Gap(tuple(_leading(after, 0)))
    if before.part != after.part:
        return Gap(tuple(_leading(after, 0)), True, *_room(before))
    depth = next((n for n, (one, two) in enumerate(zip(before.path, after.path, strict=False)) if one != two), 0)
    outer = [dotted(after.part, (*after.path[:depth], n)) for n in range(before.path[depth] + 1, after.path[depth])]
    slots = (*outer, *_leading(after, depth + 1))
    return Gap(slots, True, *_room(before)) if len(before.path) - 1 > depth else Gap(slots)


def behind(last: Place) -> Gap:
    """The room behind the last place of an attribute, at its outermost level."""
    return Gap((), True, *_room(Place(last.part, last.path[:1], {})))


def _leading(place: Place, depth: int) -> Iterator[str]:
    for level in range(depth, len(place.path)):
        yield from (dotted(place.part, (*place.path[:level], n)) for n in range(place.path[level]))


def _room(place: Place) -> tuple[str, int | None]:
    """The beginning of the names of layers right behind a place, and the number of the first."""
    if not place.path:
        return place.part, None
    parent = dotted(place.part, place.path[:-1])
    return f"{parent}." if parent else "", place.path[-1] + 1
