"""Freed memory is kept while there is work, and is the system's afterwards."""

import platform
import resource
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from reportgen.freed import give_back, reusing

LARGE = 16 * 2**20  # bytes of an array
TRIM, MAPPED = -1, -3  # in glibc's malloc.h

linux = pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="only glibc is told what to keep"
)


def made() -> None:
    """Arrays that are written to and gone."""
    [torch.ones(LARGE, dtype=torch.uint8) for _ in range(16)]


def resident() -> int:
    """Bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@linux
def test_what_is_kept_is_given_back_when_asked_and_at_the_end() -> None:
    with reusing():
        give_back()
        before = resident()
        made()
        assert resident() - before > 8 * LARGE
        give_back()
        assert resident() - before < LARGE
        made()
    assert resident() - before < LARGE


class Listening:
    """A C library that only hears what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int]] = []

    def mallopt(self, number: int, value: int) -> None:
        self.told.append(("mallopt", number, value))

    def malloc_trim(self, left: int) -> None:
        self.told.append(("malloc_trim", 0, left))


@linux
def test_blocks_are_kept_for_as_long_as_the_work_lasts_however_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    libc = Listening()
    monkeypatch.setattr("ctypes.CDLL", lambda _name: libc)

    def work() -> Any:  # noqa: ANN401 - it never ends well
        with reusing():
            assert libc.told == [("mallopt", MAPPED, 32 * 2**20), ("mallopt", TRIM, 2**31 - 1)]
            libc.told.clear()
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        work()
    assert libc.told == [("mallopt", TRIM, 64 * 2**20), ("malloc_trim", 0, 0)]


def test_another_c_library_is_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> None:
        raise OSError("no libc.so.6")

    monkeypatch.setattr("ctypes.CDLL", missing)
    with reusing():
        give_back()
