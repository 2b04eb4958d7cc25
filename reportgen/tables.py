"""A table on stdout: drawn at a terminal, plain columns for everyone else."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reportgen.errors import printable
from reportgen.language import Words, load_words
from reportgen.results import Facts, Scalar

if TYPE_CHECKING:  # the table needs no torch
    from reportgen.doctor import Finding
    from reportgen.inspection import LayerRow
    from reportgen.ledger import Shelf

COUNTS = ("images", "wrong", "results", "verdicts_supported", "verdicts_fails", "empty", "failed")
COLUMNS = ("name", "kind", "channels", "size", "field", "shown")
NUMBERS = ("channels", "size", "field")
MARKS = {"good": ("ok", "green"), "note": ("note", "yellow"), "bad": ("MISSING", "red")}
UNLIMITED = 10_000  # characters: without a terminal nothing is cut or broken


def layer_table(rows: Sequence["LayerRow"], console: Console | None = None) -> str:
    """The layers as a table; those that a build shows by itself are marked."""
    words = load_words()
    headings = {words(f"layers.column_{name}"): name in NUMBERS for name in COLUMNS}
    return _drawn(headings, [(_cells(row, words), "bold" if row.default else "") for row in rows], console)


def doctor_table(findings: Sequence["Finding"], console: Console | None = None) -> str:
    """What was found, in green, yellow or red at a terminal, in words for everyone; the fix below what needs one."""
    lines: list[tuple[tuple[str, ...], str]] = []
    for finding in findings:
        mark, colour = MARKS[finding.state]
        lines.append(((mark, finding.name, finding.found), colour))
        lines += [(("", "", f"-> {finding.fix}"), "")] if finding.fix else []
    return _drawn({"": False, "checked": False, "found": False}, lines, console)


def store_table(shelves: Sequence["Shelf"], root: Path | None, console: Console | None = None) -> str:
    """What is kept of each model, and all of it together; the model used last first."""
    if not shelves:
        return f"nothing is kept in {root}" if root else "nothing is kept: there is no home folder"
    total = (f"all, in {root}", sum(each.entries for each in shelves), sum(each.size for each in shelves))
    rows = [((each.name, str(each.entries), _megabytes(each.size), _day(each.used)), "") for each in shelves]
    rows.append(((total[0], str(total[1]), _megabytes(total[2]), ""), "bold"))
    return _drawn({"model": False, "results": True, "MB": True, "used": False}, rows, console)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f}"


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(seconds))


def plan_table(plan: Facts, console: Console | None = None) -> str:
    """What a build would do: what it is about, and how much of it."""
    words = load_words()
    rows = [((_planned(key, words), _amount(key, value)), "") for key, value in plan.items()]
    return _drawn({words("plan.what"): False, words("plan.amount"): False}, rows, console)


def result_table(paths: Sequence[Path], summary: Facts, console: Console | None = None) -> str:
    """What a build made: its files with their sizes, then how many images, pictures and failures are in them."""
    words = load_words()
    files = [((printable(str(path)), _size(path.stat().st_size)), "") for path in paths]
    counts = [((words(f"result.{key}"), f"{summary[key]:,}"), "") for key in COUNTS if key in summary]
    return _drawn({words("result.what"): False, words("result.amount"): True}, [*files, *counts], console)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def _planned(key: str, words: Words) -> str:
    part, _, name = key.partition("_")
    return words("plan.passes", name=name) if part == "passes" else words(f"plan.{key}")


def _amount(key: str, value: Scalar) -> str:
    if key.startswith("bytes"):
        return f"{int(value) / 1e6:.1f} MB"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _drawn(headings: Mapping[str, bool], rows: Sequence[tuple[tuple[str, ...], str]], console: Console | None) -> str:
    """headings: whether each column holds numbers; rows: cells and a style."""
    console = console or Console()
    drawn = console.is_terminal
    if not drawn:
        console.width = UNLIMITED
    table = Table(box=box.SIMPLE_HEAD if drawn else None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading, numbers in headings.items():
        table.add_column(heading, justify="right" if numbers else "left", overflow="fold")
    for cells, style in rows:
        # Text, not markup: a layer named "[red]" is a name.
        table.add_row(*map(Text, cells), style=style)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _cells(row: "LayerRow", words: Words) -> tuple[str, ...]:
    field = row.receptive_field
    shown = words("layers.shown_default" if row.default else "layers.shown")
    return (
        row.name,
        row.kind,
        str(row.channels or ""),
        _sides(row.size),
        words("layers.whole_image") if isinstance(field, str) else _sides(field),
        shown if row.visualisable else words("layers.not_shown", reason=row.reason),
    )


def _sides(size: tuple[int, int] | None) -> str:
    return "" if size is None else f"{size[0]} x {size[1]}"
