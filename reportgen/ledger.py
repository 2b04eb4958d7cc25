"""Finished results on disk, each under the fingerprint of all that it was made from. No pickle.

One file for each result: its own SHA-256, then JSON, then arrays as safetensors. It appears whole, by renaming, so that
two runs may write the same one; what is damaged is no result. The size is bounded: what was not used for longest goes.
"""

import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import safetensors
import safetensors.numpy
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from reportgen.unbroken import unbroken

T = TypeVar("T")

ABOUT: Final = "about.json"
_MARK: Final = b"reportgen result 1\n"
_DIGEST: Final = hashlib.sha256().digest_size
_LENGTH: Final = 8  # bytes that tell how long the JSON is
_LARGEST: Final = 1 << 30  # bytes of one result
_KEPT_SHARE: Final = 0.8  # of the bound, to which it is brought down, or every new result would remove an old one
_ABANDONED: Final = 3600.0  # seconds after which a half-written file has no writer any more
_PART: Final = ".part"


class Damaged(Exception):
    """The file is there, and it is not what was written."""


@dataclass(frozen=True)
class Packing(Generic[T]):
    """Turns results of one type into bytes and back."""

    adapter: "TypeAdapter[T]"

    def pack(self, value: T) -> bytes:
        """The same value gives the same bytes."""
        arrays: dict[str, NDArray[Any]] = {}
        with unbroken():  # pydantic would make a ValueError of what a signal raises
            content = self.adapter.dump_python(value, mode="json", context={"arrays": arrays})
        text = json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")
        return len(text).to_bytes(_LENGTH, "big") + text + safetensors.numpy.save(arrays)

    def unpack(self, data: bytes) -> T:
        """Raises Damaged."""
        end = _LENGTH + int.from_bytes(data[:_LENGTH], "big")
        try:
            content = json.loads(data[_LENGTH:end].decode("utf-8", "surrogatepass"))
            return self.adapter.validate_python(content, context={"arrays": safetensors.numpy.load(data[end:])})
        except (KeyError, ValueError, RecursionError, ValidationError, safetensors.SafetensorError) as err:
            raise Damaged(type(err).__name__) from err


@dataclass(frozen=True)
class Shelf:
    """The results of one model. used: seconds since 1970 when one was last made or recalled; size: in bytes."""

    folder: Path
    name: str
    entries: int
    size: int
    used: float

    def as_json(self) -> dict[str, str | int | float]:
        """The same for a list on stdout."""
        return {"model": self.name, "results": self.entries, "bytes": self.size, "used": self.used}


@dataclass
class Ledger:
    """The results of one model in a folder of their own.

    recalled, made, damaged: how many were found, put there, and found damaged; off: why none is written.
    """

    folder: Path
    recalled: int = 0
    made: int = 0
    damaged: int = 0
    off: str = ""

    def holds(self, key: str) -> bool:
        """Whether there is something under the key, damaged or not."""
        return (self.folder / key).exists()

    def get(self, key: str) -> bytes | None:
        """The bytes put there under the key, marked as used; None where there are none, or they are damaged."""
        file = self.folder / key
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would be read for ever
            with os.fdopen(descriptor, "rb") as opened:
                status = os.fstat(descriptor)
                whole = opened.read() if stat.S_ISREG(status.st_mode) and status.st_size <= _LARGEST else b""
        except OSError:
            return None
        head = len(_MARK) + _DIGEST
        data = whole[head:]
        if whole[:head] != _MARK + hashlib.sha256(data).digest():
            self.damaged += 1
            return None
        with suppress(OSError):  # of another user, or a disk that may not be written to
            os.utime(file)
        return data

    def put(self, key: str, data: bytes, *, part: bool = False) -> None:
        """Keep the bytes; where that is impossible `off` says why, and nothing more is tried.

        part: of a result that is counted elsewhere.
        """
        self.made += not part
        if self.off:
            return
        try:
            _write(self.folder / key, _MARK + hashlib.sha256(data).digest() + data)
        except OSError as err:
            self.off = err.strerror or str(err)

    def describe(self, name: str) -> None:
        """Say whose results these are, for a list."""
        if not self.off and not (self.folder / ABOUT).exists():
            try:
                _write(self.folder / ABOUT, json.dumps({"name": name}).encode())
            except OSError as err:
                self.off = err.strerror or str(err)


def _write(file: Path, data: bytes) -> None:
    """The file appears whole or not at all, also for whoever writes it at the same time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=_PART)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(handle)
        Path(name).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def shelves(root: Path | None) -> tuple[Shelf, ...]:
    """What is kept, the model used last first."""
    found = []
    for folder in _folders(root):
        files = [status for _, status in _entries(folder)]
        if files:
            used = max(status.st_mtime for status in files)
            found.append(Shelf(folder, _name(folder), len(files), sum(status.st_size for status in files), used))
    return tuple(sorted(found, key=lambda shelf: (-shelf.used, shelf.folder)))


def trim(root: Path, most: int) -> int:
    """Bring all results together below so many bytes; returns how many were removed, those used longest ago first."""
    entries = [entry for folder in _folders(root) for entry in _entries(folder)]
    total = sum(status.st_size for _, status in entries)
    goal = total if total <= most else int(most * _KEPT_SHARE)
    gone = []
    for file, status in sorted(entries, key=lambda entry: entry[1].st_mtime):
        if total <= goal:
            break
        gone.append(file)
        total -= status.st_size
    return _remove(root, gone)


def remove(root: Path | None, older_than: float | None = None) -> int:
    """Remove all results, or those not used for so many seconds; returns how many."""
    limit = None if older_than is None else time.time() - older_than
    entries = [entry for folder in _folders(root) for entry in _entries(folder)]
    return _remove(root, [file for file, status in entries if limit is None or status.st_mtime <= limit])


def _remove(root: Path | None, files: Sequence[Path]) -> int:
    removed = 0
    for file in files:
        with suppress(OSError):  # another run was faster, or it is another user's
            file.unlink()
            removed += 1
    now = time.time()
    for folder in _folders(root):
        _sweep(folder, now)
    return removed


def _folders(root: Path | None) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink()) if root else []
    except OSError:
        return []


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:  # another run has just removed it, or it is another user's
        return
    for path in paths:
        if path.name != ABOUT and path.suffix != _PART:
            with suppress(OSError):
                status = path.lstat()
                if stat.S_ISREG(status.st_mode):
                    yield path, status


def _name(folder: Path) -> str:
    try:
        return str(json.loads((folder / ABOUT).read_bytes())["name"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return "?"


def _sweep(folder: Path, now: float) -> None:
    """Half-written files whose writer is gone, and a folder that holds nothing any more."""
    with suppress(OSError):
        for path in folder.glob(f"*{_PART}"):
            if now - path.lstat().st_mtime > _ABANDONED:
                path.unlink()
        if [path.name for path in folder.iterdir()] == [ABOUT]:
            shutil.rmtree(folder, ignore_errors=True)
