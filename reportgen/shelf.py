"""Large arrays and pictures of finished values wait in a file, not in memory, and are read when somebody asks."""

import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Keep = Callable[[Any], Any]

LEAST: Final = 4096  # bytes that are worth the way to the disk


def in_memory(value: T) -> T:
    """Where there is no shelf: the value as it is."""
    return value


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
        yield _Shelf(file).keep


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

    def keep(self, value: T) -> T:
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

    def _put(self, value: NDArray[Any] | bytes) -> _Place:
        data = value if isinstance(value, bytes) else np.ascontiguousarray(value).tobytes()
        what = () if isinstance(value, bytes) else (value.dtype, value.shape)
        place = _Place(self.end, len(data), *what)
        if os.pwrite(self.file.fileno(), data, place.start) < len(data):
            raise OSError("the disk is full")
        self.end += len(data)
        return place

    def _get(self, place: _Place) -> NDArray[Any] | bytes:
        """An array is read-only: bytes cannot be written to."""
        data = os.pread(self.file.fileno(), place.size, place.start)
        return data if place.dtype is None else np.frombuffer(data, place.dtype).reshape(place.shape)

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
        return property(lambda value: self._get(value.__dict__[name]))
