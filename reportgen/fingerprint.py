"""One fingerprint for any frozen value: arrays by their bytes, dataclasses by their fields, files by their content."""

import dataclasses
import hashlib
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from reportgen.shortages import raise_shortage


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...


def fingerprint(*values: Any) -> str:  # noqa: ANN401 - whatever a result is made from
    """64 hexadecimal digits; equal values give the same ones, and values that differ, be it in a type, others.

    values: None, scalars, text, bytes, paths (by what lies there), arrays, mappings, sequences, sets and dataclasses of
    these. Raises TypeError for anything else: a fingerprint that overlooks something would recall a wrong result.
    """
    digest = hashlib.sha256()
    _feed(digest, values)
    return digest.hexdigest()


def _feed(digest: _Hash, value: Any) -> None:  # noqa: ANN401 - see above
    match value:
        case None | bool() | int() | float() | str():
            _put(digest, type(value).__name__, repr(value).encode("utf-8", "surrogatepass"))
        case bytes():
            _put(digest, "bytes", value)
        case Path():
            _feed_path(digest, value)
        case np.generic() | np.ndarray():
            array = np.ascontiguousarray(value)
            _put(digest, f"array {array.dtype.str} {np.shape(value)}", array.tobytes())
        case Mapping():
            _put(digest, "mapping", str(len(value)).encode())
            for key in sorted(value, key=repr):
                _feed(digest, key)
                _feed(digest, value[key])
        case set() | frozenset():
            _feed(digest, ("set", *sorted(value, key=repr)))
        case tuple() | list():
            _put(digest, "sequence", str(len(value)).encode())
            for each in value:
                _feed(digest, each)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            _put(digest, "value", type(value).__name__.encode())
            for each in dataclasses.fields(value):
                _feed(digest, each.name)
                _feed(digest, getattr(value, each.name))
        case _:
            raise TypeError(f"no fingerprint of a {type(value).__name__}")


def _put(digest: _Hash, kind: str, data: bytes) -> None:
    """With its kind and length, so that no two values can look like one."""
    digest.update(f"{kind} {len(data)}\0".encode())
    digest.update(data)


def _feed_path(digest: _Hash, path: Path) -> None:
    """What lies there: a file's content, or the names and contents of a folder's files; where it lies says nothing."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        name = "" if file == path else file.relative_to(path).as_posix()
        try:
            if not stat.S_ISREG(file.stat().st_mode):
                continue
            with file.open("rb") as opened:
                content = hashlib.file_digest(opened, "sha256").digest()
        except OSError as err:  # whoever needs it will say so
            raise_shortage(err, str(file))
            content = b""
        _put(digest, "file", name.encode("utf-8", "surrogateescape") + b"\0" + content)
    _put(digest, "files", str(len(files)).encode())
