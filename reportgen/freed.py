"""Memory that was freed: kept for the next arrays while there is work, given back to the system between its parts."""

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

# Of glibc's mallopt: bytes free at the end of the heap that go back to the system by themselves, and bytes of a block
# from which the system itself is asked for it. To 32 MiB glibc raises the second by itself, as it sees such blocks go,
# and sets the first to twice as much. Above, freed blocks leave holes that the next of the same size does not fit into.
_TRIM, _MAPPED = -1, -3
_LARGE: Final = 32 * 2**20
_NEVER: Final = 2**31 - 1


def give_back() -> None:
    """Give back what lies free between blocks in use.

    glibc returns only what is free at the end of its heap. The large short-lived tensors of a group of images leave
    holes that later ones do not fit into, so that the heap grows with the number of images, and empty as it is stays
    resident.
    """
    _call(lambda libc: libc.malloc_trim(0))


@contextmanager
def reusing() -> Iterator[None]:
    """While the block lasts, arrays of up to 32 MiB are made in memory that others left.

    By itself glibc may ask the system for each of them anew, which hands it out page by page, each cleared first. What
    is too much is returned by `give_back`, and at the end. The settings cannot be read and so not be put back; they end
    as glibc itself would have them.
    """
    _call(lambda libc: (libc.mallopt(_MAPPED, _LARGE), libc.mallopt(_TRIM, _NEVER)))
    try:
        yield
    finally:
        _call(lambda libc: libc.mallopt(_TRIM, 2 * _LARGE))
        give_back()


def _call(ask: Callable[[Any], object]) -> None:
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ask(ctypes.CDLL("libc.so.6"))
