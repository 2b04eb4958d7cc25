"""Long or odd text cut to what fits a sentence: keys of a checkpoint, shapes, the names of files."""

import os
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Final

SHOWN: Final = 5  # items named in a sentence
LONGEST: Final = 80  # characters of one item


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text, its end replaced by dots where it is longer."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def listed(items: Sequence[object], longest: int = LONGEST) -> str:
    """The first few items, and how many more there are. longest: characters of one item."""
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(shortened(str(item), longest) for item in items[:SHOWN]) + more


def dimensions(lengths: Iterable[int]) -> str:
    """The shape of a tensor: 64 x 3 x 3 x 3."""
    return " x ".join(str(length) for length in lengths) or "a single number"


def path_text(path: PurePath) -> str:
    r"""The path with slashes, as text that can be written anywhere: bytes that are no UTF-8 become \xNN."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")
