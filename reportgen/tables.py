"""A table on stdout: drawn at a terminal, plain columns for everyone else."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reportgen.language import Words, load_words

if TYPE_CHECKING:  # the table needs no torch
    from reportgen.inspection import LayerRow

COLUMNS = ("name", "kind", "channels", "size", "field", "shown")
NUMBERS = ("channels", "size", "field")
UNLIMITED = 10_000  # characters: without a terminal nothing is cut or broken


def layer_table(rows: Sequence["LayerRow"], console: Console | None = None) -> str:
    """The layers as a table; those that a build shows by itself are marked."""
    console = console or Console()
    words, drawn = load_words(), console.is_terminal
    if not drawn:
        console.width = UNLIMITED
    table = Table(box=box.SIMPLE_HEAD if drawn else None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in COLUMNS:
        heading = words(f"layers.column_{name}")
        table.add_column(heading, justify="right" if name in NUMBERS else "left", overflow="fold")
    for row in rows:
        # Text, not markup: a layer named "[red]" is a name.
        table.add_row(*map(Text, _cells(row, words)), style="bold" if row.default else "")
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
