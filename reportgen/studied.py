"""Studies of filters in the store, each in pieces: never are the maps of all images in memory at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
from pydantic import TypeAdapter

from reportgen.fingerprint import fingerprint
from reportgen.ledger import Damaged, Ledger, Packing
from reportgen.results import Array, FilterStudy
from reportgen.shelf import Keep
from reportgen.studies import NO_MAPS

T = TypeVar("T")
Shape = tuple[int, int, int]

PIECE: Final = 1 << 22  # bytes of maps
STUDY: Final = Packing(TypeAdapter(FilterStudy))
MAPS: Final = Packing(TypeAdapter(Array))
SHAPES: Final = Packing(TypeAdapter(tuple[Shape, ...]))


def recalled(
    ledger: Ledger | None, key: str, make: Callable[[], Iterator[FilterStudy]], keep: Keep
) -> Iterator[FilterStudy]:
    """The studies kept under the key, one after the other; from the first that is damaged on those that `make` gives.

    ledger: None where nothing is kept; keep: where their maps find room. What is made is packed and unpacked in either
    case, but for the maps, whose bits are the same.
    """
    kept = _Kept(ledger, key, keep)
    shapes = kept.shapes()
    done = 0
    for number, shape in enumerate(shapes or ()):
        found = kept.study(number, shape)
        if found is None:
            break
        yield found
        done += 1
    if shapes is not None and done == len(shapes):
        return
    made: list[Shape] = []
    whole = True
    for number, study in enumerate(make()):
        fresh = kept.put(number, study)
        whole = whole and study.status != "failed"  # it may go well the next time
        made.append(study.activations.shape)
        if number >= done:
            yield fresh
    if whole:
        kept.finish(tuple(made))


@dataclass(frozen=True, eq=False)
class _Kept:
    ledger: Ledger | None
    key: str
    keep: Keep

    def shapes(self) -> tuple[Shape, ...] | None:
        """Of the maps of each study; None where not all of them were kept."""
        return self._unpacked(self.key, SHAPES)

    def study(self, number: int, shape: Shape) -> FilterStudy | None:
        """None where it is damaged, or no longer there."""
        study = self._unpacked(fingerprint(self.key, number), STUDY)
        if study is None or self.ledger is None:
            return None
        room = self.keep.room(shape, np.float32)
        for start, _ in _pieces(shape):
            part = self._unpacked(fingerprint(self.key, number, start), MAPS)
            if part is None:
                return None
            room.put(start, part)
        self.ledger.recalled += 1
        return replace(study, activations=room.array())

    def put(self, number: int, study: FilterStudy) -> FilterStudy:
        """Keep a study that was made, if it is worth it; what it will be when it is recalled."""
        maps = study.activations
        data = STUDY.pack(replace(study, activations=NO_MAPS))
        if self.ledger and study.status != "failed":
            self.ledger.put(fingerprint(self.key, number), data)
            for start, stop in _pieces(maps.shape):
                self.ledger.put(fingerprint(self.key, number, start), MAPS.pack(maps[start:stop]), part=True)
        return replace(STUDY.unpack(data), activations=maps)

    def finish(self, shapes: tuple[Shape, ...]) -> None:
        """All studies are there."""
        if self.ledger:
            self.ledger.put(self.key, SHAPES.pack(shapes), part=True)

    def _unpacked(self, key: str, packing: Packing[T]) -> T | None:
        data = self.ledger.get(key) if self.ledger else None
        if self.ledger is None or data is None:
            return None
        try:
            return packing.unpack(data)
        except Damaged:
            self.ledger.damaged += 1
            return None


def _pieces(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """First image, and the one behind the last, of each piece."""
    images, height, width = shape
    step = max(1, PIECE // (4 * height * width or 1))
    return ((start, min(start + step, images)) for start in range(0, images, step))
