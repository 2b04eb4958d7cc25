"""What is equal has one fingerprint; what differs, in whatever small way, has another."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reportgen.fingerprint import fingerprint


@dataclass(frozen=True)
class Point:
    x: object


@dataclass(frozen=True)
class Place:
    x: object


DIFFERENT: list[Any] = [
    None, True, 1, 1.0, "1", b"1", 0.0, -0.0, False, "", (), ("",), ("", ""), ("ab", "c"), ("a", "bc"), (("a",), "bc"),
    {}, {"a": 1}, {"a": "1"}, {"a": 1, "b": None}, {"b": 1}, frozenset({"a"}), Point(1), Place(1), Point((1,)),
    np.zeros(2, np.float32), np.zeros(2), np.zeros((1, 2), np.float32), np.float32(0), np.array([0, 1], np.float32),
    np.zeros(2, ">f4"), "None", "\udcff",
]  # fmt: skip


def test_values_that_differ_have_fingerprints_that_differ() -> None:
    found = [fingerprint(value) for value in DIFFERENT]
    assert all(len(each) == 64 for each in found)
    alike = [
        (DIFFERENT[i], DIFFERENT[j]) for i, j in itertools.combinations(range(len(found)), 2) if found[i] == found[j]
    ]
    assert alike == []


def test_equal_values_have_one() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint([1, 2]) == fingerprint((1, 2))
    assert fingerprint({"x", "y", "z"}) == fingerprint(frozenset({"z", "y", "x"}))
    grid = np.arange(6.0).reshape(2, 3)
    assert fingerprint(grid.T) == fingerprint(np.ascontiguousarray(grid.T))
    assert fingerprint(Point(grid)) == fingerprint(Point(grid.copy()))


def test_what_it_cannot_see_into_is_refused() -> None:
    for value in (object(), Point, {"a": [object()]}, iter(())):
        with pytest.raises(TypeError, match="no fingerprint of a"):
            fingerprint(value)


def test_a_path_stands_for_what_lies_there(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert fingerprint(one) == fingerprint(two)  # nothing, both
    one.write_text("a")
    two.write_text("a")
    assert fingerprint(one) == fingerprint(two)
    two.write_text("b")
    assert fingerprint(one) != fingerprint(two)


def test_a_folder_stands_for_the_names_and_contents_of_its_files(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "a").write_text("1")
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")
    (tmp_path / "two" / "sub" / "a").rename(tmp_path / "two" / "sub" / "b")
    (tmp_path / "three" / "sub" / "a").write_text("2")
    assert len({fingerprint(tmp_path / name) for name in ("one", "two", "three")}) == 3
