"""Errors of the machine, not of the file that was being read: no more file handles, no memory, a disk that fails."""

import errno
import os
from collections.abc import Iterator
from typing import Final

from reportgen.errors import EnvironmentProblem

_AGAIN: Final = "run the same command again"
FREE_MEMORY: Final = f"Free memory, and {_AGAIN}"
_HANDLES: Final = "Raise the limit (ulimit -n 1024), or end other programs, and "
# Errno: code, what is wrong, what to do.
_SHORT: Final = {
    errno.EMFILE: ("E-FILES", "this process may not open more files at once", _HANDLES + _AGAIN),
    errno.ENFILE: ("E-FILES", "this machine cannot open more files at once", _HANDLES + _AGAIN),
    errno.ENOMEM: ("E-MEMORY", "the memory does not suffice", FREE_MEMORY),
    errno.EIO: ("E-DISK", "a disk fails (input or output error)", f"Check the disk or take another, and {_AGAIN}"),
}  # fmt: skip


def shortage(err: BaseException, what: str) -> EnvironmentProblem | None:
    """What the machine lacks, where that is behind an error, whatever a library has made of it; else None.

    what: the thing concerned, such as the file that was being read.
    """
    for each in _behind(err):
        if (number := _number(each)) in _SHORT:
            code, why, fix = _SHORT[number]
            return EnvironmentProblem(code, what, why, fix)
    return None


def raise_shortage(err: BaseException, what: str) -> None:
    """Raise EnvironmentProblem where the machine is at fault, so that the file is not blamed."""
    if found := shortage(err, what):
        raise found from err


def _number(err: BaseException) -> int | None:
    if isinstance(err, OSError):
        return err.errno
    if isinstance(err, ImportError):  # the system's words where a library finds no handle, or no room
        return next((known for known in _SHORT if os.strerror(known) in str(err)), None)
    return None


def _behind(err: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that led to it."""
    seen: set[int] = set()
    while err is not None and id(err) not in seen:
        seen.add(id(err))
        yield err
        err = err.__cause__ or err.__context__
