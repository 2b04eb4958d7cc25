"""Long or odd text is cut to what fits a sentence, and can be written anywhere."""

import os
from pathlib import Path

import pytest

from reportgen.excerpts import dimensions, listed, path_text, shortened


@pytest.mark.parametrize("length", [0, 79, 80])
def test_short_text_is_left_alone(length: int) -> None:
    assert shortened("x" * length) == "x" * length


def test_long_text_ends_in_dots_within_the_limit() -> None:
    assert shortened("x" * 81) == "x" * 77 + "..."
    assert shortened("abcdefgh", 6) == "abc..."


def test_lists_five_and_counts_the_rest() -> None:
    assert listed([]) == ""
    assert listed(range(5)) == "0, 1, 2, 3, 4"
    assert listed(range(8)) == "0, 1, 2, 3, 4 and 3 more"
    assert listed(["x" * 99], 5) == "xx..."


def test_shapes() -> None:
    assert dimensions((64, 3, 3, 3)) == "64 x 3 x 3 x 3"
    assert dimensions(()) == "a single number"


def test_names_that_are_no_utf8_can_be_written() -> None:
    text = path_text(Path(os.fsdecode(b"a/b\xff\xfe.png")))
    assert text == "a/b\\xff\\xfe.png"
    text.encode("utf-8")
