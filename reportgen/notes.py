"""Read the author's own words, and refuse or tell of what a page cannot hold. The program never writes an answer."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from reportgen.contracts import Progress
from reportgen.errors import UsageError, printable
from reportgen.markdown import NESTING, deepest, oddities, parts
from reportgen.results import Note
from reportgen.shortages import raise_shortage
from reportgen.templating import visible

LIMIT = 100_000  # bytes: fifty pages; hostile Markdown of this size is parsed in seconds
SETTINGS = "[notes]"
_FIX = "Name another file with --notes"
_TOLD = {
    "html": "HTML is shown as text",
    "link": "a link to something else than http, https or mailto is shown as text",
    "picture": "a picture is shown as its description",
    "unseen": "characters that are not seen, or turn the writing direction, are written out",
}


def read_notes(source: Path | Mapping[str, str], progress: Progress) -> tuple[Note, ...]:
    """The notes in a Markdown file, one for each heading of the first level; or of a table, heading -> Markdown.

    Tells what was found, and in one line for each kind what is shown otherwise than written.
    Raises UsageError where the file cannot be read, is no UTF-8, too large, or nested too deep.
    """
    if isinstance(source, Path):
        name = printable(str(source))
        notes = tuple(Note(part.heading, part.text) for part in parts(_text(source, name)))
    else:
        name = SETTINGS
        notes = tuple(Note(heading, text) for heading, text in source.items())
        if sum(len(note.text.encode()) for note in notes) > LIMIT:
            raise _refused(name, f"it holds more than {LIMIT:,} bytes")
    for note in notes:
        if deepest(note.text) > NESTING:
            raise _refused(name, f"more than {NESTING} lists or quotations lie inside one another {_below([note])}")
    progress.say(f"notes: {name}, {len(notes)} headings")
    _tell(name, notes, progress)
    return notes


def _text(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)  # no more, however large it says it is
        if len(data) > LIMIT:
            raise _refused(name, f"it is larger than {LIMIT:,} bytes")
        return data.decode("utf-8-sig")
    except OSError as err:
        raise_shortage(err, name)
        raise _refused(name, f"it cannot be read ({err.strerror or err})") from err
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        raise _refused(name, f"line {line} is not UTF-8", "Save it as UTF-8") from err


def _tell(name: str, notes: Sequence[Note], progress: Progress) -> None:
    """One line for each kind of thing that is shown otherwise than written."""
    found = {note: {*oddities(note.text), *(["unseen"] if _hides(note.text) else [])} for note in notes}
    for kind, told in _TOLD.items():
        if where := [note for note in notes if kind in found[note]]:
            progress.warn(f"{name}: {told} ({_below(where)})")


def _hides(text: str) -> bool:
    plain = text.replace("\r\n", "\n")
    return visible(plain) != plain


def _below(notes: Sequence[Note]) -> str:
    """Where: below which headings."""
    headings = dict.fromkeys(note.heading[:60] or "the first lines" for note in notes)
    shown = list(headings)[:3]
    more = f" and {len(headings) - 3} more" if len(headings) > 3 else ""
    return f"below {', '.join(shown)}{more}"


def _refused(name: str, why: str, fix: str = _FIX) -> UsageError:
    return UsageError("E-NOTES", name, why, fix)
