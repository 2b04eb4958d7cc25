"""Freed memory is used again while there is work, and is the system's afterwards: counted by the system itself."""

import platform
import resource
import sys
from pathlib import Path

import pytest
import torch

from reportgen.freed import give_back, reusing

LARGE = 16 * 2**20  # bytes of an array
PAGE = resource.getpagesize()

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="only glibc is told what to keep"
)


def made(times: int = 1) -> None:
    """Arrays that are written to and gone."""
    for _ in range(times):
        torch.ones(LARGE, dtype=torch.uint8)


def faults() -> int:
    """Pages that the system had to hand out so far, without reading any from a disk."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def resident() -> int:
    """Bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def test_the_next_arrays_take_the_place_of_the_last() -> None:
    with reusing():
        made(16)
        before = faults()
        made(8)
        assert faults() - before < LARGE // PAGE  # what one alone asks for where nothing is kept


def test_what_is_kept_is_given_back_when_asked_and_at_the_end() -> None:
    with reusing():
        give_back()
        before = resident()
        made(16)
        assert resident() - before > LARGE / 2
        give_back()
        assert resident() - before < LARGE / 4
        made(16)
    assert resident() - before < LARGE / 4


def test_another_c_library_is_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> None:
        raise OSError("no libc.so.6")

    monkeypatch.setattr("ctypes.CDLL", missing)
    with reusing():
        give_back()
