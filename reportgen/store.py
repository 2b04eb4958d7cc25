"""A run on disk: `run.json` with the numbers and words, `arrays.safetensors` with the arrays. No pickle, no model.

Everything that rendering needs is here, so a report can be made again without the model and without torch.
"""

import hashlib
import json
import mmap
import struct
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from reportgen.digests import file_sha256
from reportgen.errors import InputRefused
from reportgen.results import Run
from reportgen.shelf import LEAST, Keep, in_memory
from reportgen.shortages import raise_shortage
from reportgen.unbroken import unbroken

FORMAT = 1
RUN_FILE = "run.json"
ARRAYS_FILE = "arrays.safetensors"
_RUN = TypeAdapter(Run)
_DTYPES: Final = {  # those that results hold; see `arrays.lock`
    "|b1": "BOOL", "|u1": "U8", "|i1": "I8", "<i4": "I32", "<i8": "I64", "<f4": "F32", "<f8": "F64",
}  # fmt: skip
_KINDS: Final = {name: kind for kind, name in _DTYPES.items()}
_ALIGNED: Final = 8  # bytes
_SEEN: Final = 1 << 25  # bytes of a file that are looked at before what was seen is let go
_PIECE: Final = 1 << 20  # bytes


def save_run(run: Run, folder: Path) -> None:
    """Write the run into a new folder; same run, same bytes."""
    folder.mkdir()
    with (folder / f"{ARRAYS_FILE}.part").open("xb+") as part:
        arrays = _Arrays(part)
        with unbroken():  # pydantic would make a ValueError of what a signal raises
            content = _RUN.dump_python(run, mode="json", context={"arrays": arrays})
        arrays_sha256 = arrays.finish(folder / ARRAYS_FILE)
    (folder / f"{ARRAYS_FILE}.part").unlink()
    document = {
        "generator": "reportgen",
        "format": FORMAT,
        "arrays_sha256": arrays_sha256,
        "run_sha256": _digest(content),
        "run": content,
    }
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)  # facts keep their order
    # A file name may hold bytes that are no text; they were made printable when the image was found.
    (folder / RUN_FILE).write_text(text + "\n", encoding="utf-8")


class _Arrays:
    """Arrays on their way to a safetensors file, one after the other: never are all of them in memory at once."""

    def __init__(self, body: BinaryIO) -> None:
        self.body = body
        self.header: dict[str, dict[str, Any]] = {}
        self.failed: OSError | None = None

    def __len__(self) -> int:
        return len(self.header)

    def __setitem__(self, key: str, array: NDArray[Any]) -> None:
        start = self.body.tell()
        try:
            self.body.write(np.ascontiguousarray(array).data)
        except OSError as err:  # told by `finish`: pydantic, who calls this, would make another error of it
            self.failed = err
        entry = {
            "dtype": _DTYPES[array.dtype.str],
            "shape": list(array.shape),
            "data_offsets": [start, self.body.tell()],
        }
        self.header[key] = entry

    def finish(self, file: Path) -> str:
        """Write the file, and return its SHA-256. Raises the OSError that an array met."""
        if self.failed:
            raise self.failed
        head = json.dumps(self.header, separators=(",", ":")).encode()
        head += b" " * (-len(head) % _ALIGNED)
        digest = hashlib.sha256()
        self.body.seek(0)
        with file.open("xb") as whole:
            for piece in chain((len(head).to_bytes(8, "little"), head), iter(lambda: self.body.read(_PIECE), b"")):
                digest.update(piece)
                whole.write(piece)
        return digest.hexdigest()


def load_run(folder: Path, keep: Keep = in_memory) -> Run:
    """Read a run back. Raises InputRefused where a file is missing, damaged, or of another format.

    Its arrays are views of the file; keep: where they wait instead, for work that goes through many images.
    """
    document, arrays_sha256 = _read(folder)
    if arrays_sha256 != document.get("arrays_sha256"):
        raise _refused(folder, f"{ARRAYS_FILE} does not belong to {RUN_FILE}")
    if _digest(document.get("run")) != document.get("run_sha256"):
        raise _refused(folder, f"{RUN_FILE} was changed")
    return _run(folder, document, keep)


def load_changed(folder: Path) -> Run:
    """Read a run whose numbers may have been changed since, to say which. Raises InputRefused where it cannot be."""
    return _run(folder, _read(folder)[0])


def _read(folder: Path) -> tuple[dict[str, Any], str]:
    """What lies in run.json, and the digest of the arrays' file as it is."""
    try:
        document = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
        arrays_sha256 = file_sha256(folder / ARRAYS_FILE)
    except PermissionError as err:
        raise InputRefused("E-RUN", str(folder), "it may not be read by this user", "Change its permissions") from err
    except (OSError, ValueError, RecursionError) as err:
        raise_shortage(err, str(folder))
        raise _refused(folder, f"it cannot be read ({type(err).__name__})") from err
    if not isinstance(document, dict) or document.get("generator") != "reportgen" or document.get("format") != FORMAT:
        raise _refused(folder, f"it is not a run of format {FORMAT}")
    return document, arrays_sha256


def _run(folder: Path, document: dict[str, Any], keep: Keep = in_memory) -> Run:
    try:
        with (folder / ARRAYS_FILE).open("rb") as file:
            views = _Views(file)
        return _kept(_RUN.validate_python(document["run"], context={"arrays": views}), keep, views)
    except (OSError, KeyError, TypeError, ValueError, RecursionError, struct.error) as err:
        raise_shortage(err, str(folder))
        raise _refused(folder, f"it is damaged ({type(err).__name__})") from err


class _Views:
    """The arrays of a safetensors file by their keys, each a view of the file: what nobody looks at takes no memory.

    The format's own library copies what it reads, and has no view to give.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Raises ValueError, KeyError, TypeError or struct.error where the header does not hold."""
        self.file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        (length,) = struct.unpack("<Q", self.file[:8])
        self.header = json.loads(self.file[8 : 8 + length])
        self.start = 8 + length
        self.seen = 0  # bytes that were looked at, and may be in memory

    def __getitem__(self, key: str) -> NDArray[Any]:
        entry = self.header[key]
        kind, shape, (start, stop) = np.dtype(_KINDS[entry["dtype"]]), tuple(entry["shape"]), entry["data_offsets"]
        self.seen += stop - start
        if self.seen > _SEEN:
            self.let_go()
        if stop - start < LEAST:  # so that a small one does not hold the file
            return np.frombuffer(self.file[self.start + start : self.start + stop], kind).reshape(shape)
        return np.frombuffer(self.file, kind, (stop - start) // kind.itemsize, self.start + start).reshape(shape)

    def let_go(self) -> None:
        """What was looked at leaves the memory; it is read again where somebody looks again."""
        if hasattr(self.file, "madvise"):
            self.file.madvise(mmap.MADV_DONTNEED)
        self.seen = 0


def _kept(run: Run, keep: Keep, views: _Views) -> Run:
    """The run with its large arrays where they are kept."""
    if keep is in_memory:
        return run
    subjects = []
    for each in run.subjects:
        explanations = tuple(replace(one, result=keep(one.result)) for one in each.explanations)
        subjects.append(replace(each, image=keep(each.image), explanations=explanations))
        views.let_go()
    filters = []
    for study in run.filters:
        filters.append(keep(study))
        views.let_go()
    return replace(run, subjects=tuple(subjects), filters=tuple(filters))


def _digest(content: object) -> str:
    """The fingerprint of JSON values, however they are laid out in the file."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _refused(folder: Path, why: str) -> InputRefused:
    return InputRefused("E-RUN", str(folder), why, "Build the report again: reportgen build --model ...")
