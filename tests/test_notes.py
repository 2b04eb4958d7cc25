"""Reading the author's words: what is found, what is refused, and one line for each oddity."""

from pathlib import Path

import pytest

from reportgen.contracts import Silent
from reportgen.errors import UsageError
from reportgen.markdown import NESTING
from reportgen.notes import LIMIT, read_notes
from reportgen.results import Note


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "notes.md"


def read(file: Path, content: bytes | str) -> tuple[tuple[Note, ...], list[str]]:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    progress = Silent()
    return read_notes(file, progress), progress.lines


def refused(file: Path, content: bytes) -> UsageError:
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_notes(file, Silent())
    assert caught.value.code == "E-NOTES"
    assert "\n" not in caught.value.line()
    return caught.value


def test_each_top_heading_is_a_note_and_the_file_is_named(file: Path) -> None:
    notes, lines = read(file, "﻿first\n# LIME\n\n*One* region.\n# 顯著圖\n中文\n")
    assert notes == (Note("", "first"), Note("LIME", "*One* region."), Note("顯著圖", "中文"))
    assert lines == [f"notes: {file}, 3 headings"]


def test_a_table_of_the_settings_gives_the_same() -> None:
    progress = Silent()
    assert read_notes({"LIME": "*One* region."}, progress) == (Note("LIME", "*One* region."),)
    assert progress.lines == ["notes: [notes], 1 headings"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<script>alert(1)</script>", "HTML is shown as text"),
        ("[x](javascript:alert(1))", "a link to something else than http, https or mailto is shown as text"),
        ("![x](https://example.org/x.png)", "a picture is shown as its description"),
        ("a\u202eb", "characters that are not seen, or turn the writing direction, are written out"),
        ("a\x00b", "characters that are not seen, or turn the writing direction, are written out"),
    ],
)
def test_what_is_shown_otherwise_is_told_in_one_line(file: Path, text: str, told: str) -> None:
    notes, lines = read(file, f"# A\n{text}\n# B\n{text}\n# C\nplain\r\n")
    assert len(notes) == 3
    assert lines[1:] == [f"{file}: {told} (below A, B)"]


def test_of_many_headings_the_first_are_named(file: Path) -> None:
    _, lines = read(file, "".join(f"# {name}\n<b>\n" for name in "ABCDE"))
    assert lines[1].endswith("(below A, B, C and 2 more)")


def test_five_megabytes_are_refused(file: Path) -> None:
    assert refused(file, b"# LIME\n" + b"x" * 5_000_000).why == "it is larger than 100,000 bytes"


def test_the_limit_itself_is_allowed(file: Path) -> None:
    notes, _ = read(file, b"# A\n" + b"x" * (LIMIT - 4))
    assert len(notes[0].text) == LIMIT - 4
    assert refused(file, b"# A\n" + b"x" * (LIMIT - 3)).why.startswith("it is larger")


def test_settings_are_as_limited_as_a_file() -> None:
    with pytest.raises(UsageError, match="more than 100,000 bytes"):
        read_notes({"A": "林" * (LIMIT // 3 + 1)}, Silent())


def test_what_is_not_utf8_is_refused_with_its_line(file: Path) -> None:
    problem = refused(file, b"# A\n\nfine\n\xb7\xed text\n")
    assert (problem.why, problem.fix) == ("line 4 is not UTF-8", "Save it as UTF-8")


def test_what_is_nested_too_deep_is_refused(file: Path) -> None:
    read(file, "# A\n" + "> " * (NESTING - 1) + "x")
    assert "(below A)" not in refused(file, b"# A\n" + b"> " * NESTING + b"x").why
    assert refused(file, b"# B\n" + b"> " * 30_000 + b"x").why.endswith("lie inside one another below B")


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.md", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            read_notes(path, Silent())
