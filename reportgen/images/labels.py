"""Labels and class names: from files that people write, from folders, from the course's file names.

Files are hostile input: they are read with a limit, as UTF-8, and never silently mended.
"""

import csv
import io
import json
import re
import stat
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from reportgen.arrays import NO_FACTS, Facts
from reportgen.errors import LabelsError
from reportgen.excerpts import shortened
from reportgen.shortages import raise_shortage

MAX_BYTES: Final = 64 * 2**20
LONGEST_NAME: Final = 200  # characters of a class name
DELIMITERS: Final = (",", ";", "\t")  # spreadsheets write any of them
COURSE_NAME: Final = re.compile(r"(\d{1,6})_", re.ASCII)
SPLITS: Final = frozenset(
    {"train", "training", "val", "valid", "validation", "test", "testing", "eval", "evaluation"}
)  # folders that hold parts of a data set, not classes

Labels = tuple[int | None, ...]
Note = tuple[str, Facts]


class Image(Protocol):
    """What labels need to know of an image found."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    @property
    def name(self) -> str:
        """As shown to the reader: relative to the folder asked for."""

    @property
    def folder(self) -> str | None:
        """The sub-folder of an ImageFolder tree that it lies in."""

    @property
    def unread(self) -> bool:
        """Whether its name is that of a picture whose format is not read."""


def read_class_names(path: Path) -> tuple[str, ...]:
    """Class names in index order: a text file with one per line, or a JSON list.

    Raises LabelsError for anything but names: a blank line in the middle would shift all that follow.
    """
    text = _text(path)
    if path.suffix.lower() == ".json":
        content = _json(text, path)
        if not isinstance(content, list):
            raise LabelsError("E-LABELS-FORMAT", str(path), "it is no list of class names", 'Write ["Bread", "Soup"]')
        names = content
    else:
        names = _lines(text.rstrip())
    if not names:
        raise LabelsError("E-LABELS-COUNT", str(path), "it holds no class names", "Write one per line, in index order")
    return tuple(_class_name(name, number, path) for number, name in enumerate(names, 1))


def read_labels(path: Path, found: Sequence[Image], classes: Sequence[str]) -> Labels:
    """The class index of each image, None where the file does not name it.

    path: CSV with two columns (a first line without a file name is a heading), or a JSON object: file name -> class
    index or class name. A file is named by its name, or by folders and name; names of other files are passed over.
    Raises LabelsError for an unknown class, an image named twice or ambiguously, and a file that is no such table.
    """
    text = _text(path)
    is_json = path.suffix.lower() == ".json" or text.lstrip().startswith("{")
    rows = _json_rows(text, path) if is_json else _csv_rows(text, path)
    positions = _positions(found)
    if not is_json and rows and _is_heading(rows[0], positions, classes):
        rows = rows[1:]
    index = _Classes(classes)
    labels: dict[int, int] = {}
    for where, key, value in rows:
        label = index.find(value)
        if label is None:
            known = f"Use 0 to {len(classes) - 1}, or a class name such as {classes[0]}" if classes else "Check it"
            raise LabelsError("E-LABELS-CLASS", str(path), f"{where}: no class is {_value(value)}", known)
        at = positions.get(_key(key), ())
        if len(at) > 1:
            why = f"{where}: {len(at)} images are called {shortened(key)}"
            raise LabelsError("E-LABELS-FORMAT", str(path), why, "Write folder/name")
        if at and at[0] in labels:
            raise LabelsError("E-LABELS-FORMAT", str(path), f"{where}: {shortened(key)} is named twice", "Keep one")
        labels |= dict.fromkeys(at, label)
    if not labels:
        why = f"none of its {len(rows)} lines names one of the {len(found)} images"
        raise LabelsError("E-LABELS-FORMAT", str(path), why, "Write file name and class: soup_1.jpg,9")
    return tuple(labels.get(position) for position in range(len(found)))


def infer_labels(found: Sequence[Image], classes: Sequence[str]) -> tuple[Labels, Note]:
    """Labels from folders or from the course's file names, and the sentence that says so.

    Folders count where every image lies in one: by their names where all are class names, else in alphabetical order
    where there are as many as classes. File names count where each starts with `<class index>_`. Pictures of a format
    that is not read have no say, and no label.
    """
    labels, note = _inferred([image for image in found if not image.unread], classes)
    given = iter(labels)
    return tuple(None if image.unread else next(given) for image in found), note


def _inferred(found: Sequence[Image], classes: Sequence[str]) -> tuple[Labels, Note]:
    folders = sorted({image.folder for image in found if image.folder is not None})
    if folders and all(image.folder is not None for image in found) and not SPLITS & {f.lower() for f in folders}:
        named = _by_name(folders, classes)
        if named is not None:
            return tuple(named[str(image.folder)] for image in found), ("select.labels_folders", NO_FACTS)
        if len(folders) == len(classes):
            places = {folder: place for place, folder in enumerate(folders)}
            note = ("select.labels_folders_sorted", {"last": len(folders) - 1})
            return tuple(places[str(image.folder)] for image in found), note
    numbers = [COURSE_NAME.match(image.path.name) for image in found]
    labels = [int(number[1]) for number in numbers if number]
    if found and len(labels) == len(found) and max(labels) < len(classes):
        return tuple(labels), ("select.labels_course", NO_FACTS)
    return (None,) * len(found), ("select.labels_none", NO_FACTS)


class _Classes:
    """Class names, found by index, by name, and by name but for capitals and separators."""

    def __init__(self, classes: Sequence[str]) -> None:
        self.count = len(classes)
        self.exact = _unique((name, index) for index, name in enumerate(classes))
        self.loose = _unique((_plain(name), index) for index, name in enumerate(classes))

    def find(self, value: object) -> int | None:
        """The index meant by a name, a whole number, or a whole number in digits; None where none is."""
        if isinstance(value, str):
            value = value.strip()
            if (index := self.exact.get(value, self.loose.get(_plain(value)))) is not None:
                return index
            value = int(value) if re.fullmatch(r"\d{1,6}", value, re.ASCII) else None
        whole = isinstance(value, int) and not isinstance(value, bool)
        return value if whole and isinstance(value, int) and 0 <= value < self.count else None


def _unique(pairs: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    """The pairs whose name stands for one class only."""
    listed = list(pairs)
    often = Counter(name for name, _ in listed)
    return {name: index for name, index in listed if often[name] == 1}


def _plain(name: str) -> str:
    """The name without capitals and separators: a folder cannot be called Noodles/Pasta."""
    return " ".join(re.split(r"[\W_]+", name.casefold())).strip() or name


def _by_name(folders: Sequence[str], classes: Sequence[str]) -> Mapping[str, int] | None:
    """The class of each folder, where all of them are names of different classes."""
    index = _Classes(classes)
    named = {folder: index.exact.get(folder, index.loose.get(_plain(folder))) for folder in folders}
    known = {folder: place for folder, place in named.items() if place is not None}
    return known if len(known) == len(set(known.values())) == len(folders) else None


def _positions(found: Sequence[Image]) -> Mapping[str, tuple[int, ...]]:
    """The images that each way of naming one stands for: as shown, by the file alone, by as many folders as one likes.

    What is shown names one image only, even where others end the same way.
    """
    ends: defaultdict[str, list[int]] = defaultdict(list)
    for position, image in enumerate(found):
        parts = image.path.absolute().parts
        for start in range(len(parts)):
            ends[PurePosixPath(*parts[start:]).as_posix()].append(position)
    shown = {_key(image.name): (position,) for position, image in enumerate(found)}
    return {**{end: tuple(positions) for end, positions in ends.items()}, **shown}


def _key(name: str) -> str:
    return PurePosixPath(name.strip().replace("\\", "/")).as_posix()


Row = tuple[str, str, object]  # where it stands, file name, class


def _csv_rows(text: str, path: Path) -> list[Row]:
    rows: list[Row] = []
    first = next((line for line in _lines(text) if line.strip()), "")
    delimiter = next((mark for mark in DELIMITERS if mark in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            full = [cell.strip() for cell in cells]
            where = f"line {reader.line_num}"
            if not any(full):
                continue
            if len(full) != 2 or not all(full):
                why = f"{where} has {sum(map(bool, full))} columns instead of 2"
                raise LabelsError("E-LABELS-FORMAT", str(path), why, "Write file name and class: soup_1.jpg,9")
            rows.append((where, full[0], full[1]))
    except csv.Error as err:
        why = f"line {reader.line_num} is not CSV ({err})"
        raise LabelsError("E-LABELS-FORMAT", str(path), why, "Save it as CSV again") from err
    return rows


def _is_heading(row: Row, positions: Mapping[str, object], classes: Sequence[str]) -> bool:
    _, key, value = row
    return _key(key) not in positions and not PurePosixPath(key).suffix and _Classes(classes).find(value) is None


def _json_rows(text: str, path: Path) -> list[Row]:
    content = _json(text, path)
    if not isinstance(content, dict):
        why = "it is not an object of file names and classes"
        raise LabelsError("E-LABELS-FORMAT", str(path), why, 'Write {"soup_1.jpg": 9}')
    return [(f"key {shortened(key)}", key, value) for key, value in content.items()]


def _json(text: str, path: Path) -> object:
    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        often = Counter(key for key, _ in items)
        if twice := next((key for key, times in often.items() if times > 1), None):
            raise LabelsError("E-LABELS-FORMAT", str(path), f"the key {shortened(twice)} stands twice", "Keep one")
        return dict(items)

    def constant(name: str) -> object:
        raise LabelsError("E-LABELS-FORMAT", str(path), f"it holds {name}, which is no class", "Write class indices")

    try:
        content: object = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except (ValueError, RecursionError) as err:
        place = f" (line {err.lineno})" if isinstance(err, json.JSONDecodeError) else ""
        raise LabelsError(
            "E-LABELS-FORMAT", str(path), f"it is not valid JSON{place}", "Check it with a JSON tool"
        ) from err
    return content


def _text(path: Path) -> str:
    """The file as text, its line ends as they are. Raises LabelsError for what is no regular file of UTF-8 text."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise LabelsError("E-LABELS-NOTFILE", str(path), "this is no ordinary file", "Name a text file")
        if status.st_size > MAX_BYTES:
            why = f"it has {status.st_size / 2**20:.0f} MB; at most {MAX_BYTES // 2**20} are read"
            raise LabelsError("E-LABELS-FORMAT", str(path), why, "Name a text file")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise LabelsError("E-LABELS-ENCODING", str(path), "it is not UTF-8 text", "Save it as UTF-8") from err
    except (OSError, ValueError) as err:
        raise_shortage(err, str(path))
        why = "there is no such file" if isinstance(err, FileNotFoundError) else "it cannot be read"
        raise LabelsError("E-LABELS-NOTFILE", str(path), why, "Check the path and its permissions") from err
    if "\0" in text:
        raise LabelsError("E-LABELS-FORMAT", str(path), "it holds NUL characters, so it is no text", "Name a text file")
    return text


def _lines(text: str) -> list[str]:
    # str.splitlines also splits at characters that may stand in a name, and would shift the rest.
    return re.split(r"\r\n|\n|\r", text) if text else []


def _class_name(name: object, number: int, path: Path) -> str:
    if not isinstance(name, str) or not name.strip():
        why = f"name {number} is empty" if isinstance(name, str) else f"entry {number} is no name"
        raise LabelsError("E-LABELS-COUNT", str(path), why, "Write one name per line, without gaps, in index order")
    if len(name.strip()) > LONGEST_NAME:
        why = f"name {number} has {len(name)} characters; at most {LONGEST_NAME} are taken"
        raise LabelsError("E-LABELS-FORMAT", str(path), why, "Shorten it")
    if not name.isascii() and any("\ud800" <= c <= "\udfff" for c in name):
        raise LabelsError("E-LABELS-FORMAT", str(path), f"name {number} is no valid Unicode text", "Write it again")
    return name.strip()


def _value(value: object) -> str:
    return shortened(value if isinstance(value, str) else json.dumps(value))
