"""Large arrays and pictures of finished values wait in a file, not in memory, and are read when somebody asks."""

import dataclasses
import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Protocol, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

T = TypeVar("T")

LEAST: Final = 4096  # bytes that are worth the way to the disk
MAPPED: Final = 1 << 20  # bytes from which an array is not read, but looked into


class Room(Protocol):
    """Where an array is put together row by row, such as what a filter gives for one image after the other."""

    def put(self, start: int, rows: NDArray[Any]) -> None:
        """Write rows from place `start` on; what is put twice counts the second time."""

    def array(self) -> NDArray[Any]:
        """All of it, read-only."""


class Keep(Protocol):
    """Puts values away, and makes room for arrays that are never to be in memory as a whole."""

    def __call__(self, value: T) -> T:
        """The same value; large arrays, and large bytes, of a dataclass are read again at every use."""

    def room(self, shape: tuple[int, ...], dtype: DTypeLike) -> Room:
        """For an array of this shape; what is never put is 0."""


class _Memory:
    """Where there is no shelf: the value as it is."""

    def __call__(self, value: T) -> T:
        return value

    def room(self, shape: tuple[int, ...], dtype: DTypeLike) -> Room:
        return _Held(np.zeros(shape, dtype))


in_memory: Final[Keep] = _Memory()


@dataclass(frozen=True, eq=False)
class _Held:
    """Room in memory."""

    rows: NDArray[Any]

    def put(self, start: int, rows: NDArray[Any]) -> None:
        self.rows[start : start + len(rows)] = rows

    def array(self) -> NDArray[Any]:
        found = self.rows.view()
        found.setflags(write=False)
        return found


@contextmanager
def shelved(folder: Path) -> Iterator[Keep]:
    """What puts the arrays of a frozen dataclass on the shelf, and gives the same value without them in memory.

    folder: where the file lies, without a name, so that nothing is left of it however the run ends. Values live as long
    as the block. Where the disk takes no more, they stay in memory.
    """
    try:
        file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed below
    except OSError:
        yield in_memory
        return
    with file:
        yield _Shelf(file)


@dataclass(frozen=True)
class _Place:
    """Where bytes lie, and the array that they are, if they are one."""

    start: int
    size: int
    dtype: np.dtype[Any] | None = None
    shape: tuple[int, ...] = ()


def _size(value: object) -> int:
    return value.nbytes if isinstance(value, np.ndarray) else len(value) if isinstance(value, bytes) else 0


class _Shelf:
    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.end = 0
        self.kinds: dict[tuple[type, tuple[str, ...]], type] = {}

    def __call__(self, value: T) -> T:
        """The value; each large array of it is read again at every use, so keep what you use twice in a variable."""
        if not dataclasses.is_dataclass(value) or isinstance(value, type) or type(value) in self.kinds.values():
            return value
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        large = tuple(name for name, each in fields.items() if _size(each) >= LEAST)
        try:
            fields |= {name: self._put(fields[name]) for name in large}
        except OSError:  # the disk is full
            return value
        kept: T = object.__new__(self._kind(type(value), large))
        kept.__dict__.update(fields)
        return kept

    def room(self, shape: tuple[int, ...], dtype: DTypeLike) -> Room:
        """In the file, and in memory where that takes no more."""
        kind = np.dtype(dtype)
        size = int(np.prod(shape)) * kind.itemsize
        if size < LEAST:
            return in_memory.room(shape, dtype)
        try:
            return _Row(self, _Place(self._reserved(size), size, kind, shape))
        except OSError:
            return in_memory.room(shape, dtype)

    def _reserved(self, size: int) -> int:
        """Where so many bytes begin: at a page, by which a file is looked into."""
        start = -(-self.end // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        os.ftruncate(self.file.fileno(), start + size)
        self.end = start + size
        return start

    def _put(self, value: NDArray[Any] | bytes) -> _Place:
        if isinstance(value, bytes):
            place, data = _Place(self.end, len(value)), memoryview(value)
        elif known := self._place_of(value):
            return known
        else:
            value = np.ascontiguousarray(value)
            start = self._reserved(value.nbytes) if value.nbytes >= MAPPED else self.end
            place, data = _Place(start, value.nbytes, value.dtype, value.shape), value.data
        self.write(data.cast("B"), place.start)
        self.end = place.start + place.size
        return place

    def write(self, data: memoryview, start: int) -> None:
        """Raises OSError where not all of it can be written."""
        if os.pwrite(self.file.fileno(), data, start) < len(data):
            raise OSError("the disk is full")

    def get(self, place: _Place) -> NDArray[Any] | bytes:
        """An array is read-only. A large one is not read as a whole: of its rows those that are asked for."""
        if place.dtype is None:
            return os.pread(self.file.fileno(), place.size, place.start)
        buffer: bytes | mmap.mmap = b""
        if place.size >= MAPPED:
            with suppress(OSError):  # where the room for addresses is bounded
                buffer = _Window(self.file.fileno(), place.size, access=mmap.ACCESS_READ, offset=place.start)
                buffer.of = self, place
        buffer = buffer or os.pread(self.file.fileno(), place.size, place.start)
        return np.frombuffer(buffer, place.dtype).reshape(place.shape)

    def _place_of(self, value: NDArray[Any]) -> _Place | None:
        """Where the array lies already, if it is one that this shelf gave."""
        owner: Any = value
        while isinstance(owner, np.ndarray):
            owner = owner.base
        window = owner.obj if isinstance(owner, memoryview) else None
        if not isinstance(window, _Window) or window.of[0] is not self:
            return None
        place = window.of[1]
        whole = value.flags.c_contiguous and (value.shape, value.dtype) == (place.shape, place.dtype)
        return place if whole else None

    def _kind(self, kind: type, names: tuple[str, ...]) -> type:
        """The same class for everyone who asks; its large arrays are properties."""
        if not names:
            return kind
        if (kind, names) not in self.kinds:
            body: dict[str, Any] = {name: self._reading(name) for name in names}
            # dataclasses.replace makes an ordinary value again, in memory.
            body["__new__"] = lambda _cls, *given, **named: kind(*given, **named)
            body |= {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
            self.kinds[kind, names] = type(kind.__name__, (kind,), body)
        return self.kinds[kind, names]

    def _reading(self, name: str) -> property:
        return property(lambda value: self.get(value.__dict__[name]))


class _Window(mmap.mmap):
    """A part of a shelf's file as memory, which the system fills as it is looked at."""

    of: tuple[_Shelf, _Place]


@dataclass(eq=False)
class _Row:
    """Room in a shelf's file. held: in memory, from when the disk took no more."""

    shelf: _Shelf
    place: _Place
    held: Room | None = None

    def put(self, start: int, rows: NDArray[Any]) -> None:
        if self.held is None:
            data = np.ascontiguousarray(rows, self.place.dtype)
            step = self.place.size // self.place.shape[0]
            try:
                return self.shelf.write(data.data.cast("B"), self.place.start + start * step)
            except OSError:
                self.held = _Held(np.array(self.shelf.get(self.place)))
        self.held.put(start, rows)
        return None

    def array(self) -> NDArray[Any]:
        return self.held.array() if self.held else np.asarray(self.shelf.get(self.place))
