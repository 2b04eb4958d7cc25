"""A run on disk: `run.json` with the numbers and words, `arrays.safetensors` with the arrays. No pickle, no model.

Everything that rendering needs is here, so a report can be made again without the model and without torch.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors
import safetensors.numpy
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from reportgen.errors import InputRefused
from reportgen.results import Run

FORMAT = 1
RUN_FILE = "run.json"
ARRAYS_FILE = "arrays.safetensors"
_RUN = TypeAdapter(Run)


def save_run(run: Run, folder: Path) -> None:
    """Write the run into a new folder; same run, same bytes."""
    folder.mkdir()
    arrays: dict[str, NDArray[Any]] = {}
    content = _RUN.dump_python(run, mode="json", context={"arrays": arrays})
    data = safetensors.numpy.save(arrays)
    (folder / ARRAYS_FILE).write_bytes(data)
    document = {
        "generator": "reportgen",
        "format": FORMAT,
        "arrays_sha256": hashlib.sha256(data).hexdigest(),
        "run_sha256": _digest(content),
        "run": content,
    }
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)  # facts keep their order
    # A file name may hold bytes that are no text; they were made printable when the image was found.
    (folder / RUN_FILE).write_text(text + "\n", encoding="utf-8")


def load_run(folder: Path) -> Run:
    """Read a run back. Raises InputRefused where a file is missing, damaged, or of another format."""
    document, data = _read(folder)
    if hashlib.sha256(data).hexdigest() != document.get("arrays_sha256"):
        raise _refused(folder, f"{ARRAYS_FILE} does not belong to {RUN_FILE}")
    if _digest(document.get("run")) != document.get("run_sha256"):
        raise _refused(folder, f"{RUN_FILE} was changed")
    return _run(folder, document, data)


def load_changed(folder: Path) -> Run:
    """Read a run whose numbers may have been changed since, to say which. Raises InputRefused where it cannot be."""
    return _run(folder, *_read(folder))


def _read(folder: Path) -> tuple[dict[str, Any], bytes]:
    try:
        document = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
        data = (folder / ARRAYS_FILE).read_bytes()
    except (OSError, ValueError, RecursionError) as err:
        raise _refused(folder, f"it cannot be read ({type(err).__name__})") from err
    if not isinstance(document, dict) or document.get("generator") != "reportgen" or document.get("format") != FORMAT:
        raise _refused(folder, f"it is not a run of format {FORMAT}")
    return document, data


def _run(folder: Path, document: dict[str, Any], data: bytes) -> Run:
    try:
        return _RUN.validate_python(document["run"], context={"arrays": safetensors.numpy.load(data)})
    except (KeyError, ValidationError, safetensors.SafetensorError) as err:
        raise _refused(folder, f"it is damaged ({type(err).__name__})") from err


def _digest(content: object) -> str:
    """The fingerprint of JSON values, however they are laid out in the file."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _refused(folder: Path, why: str) -> InputRefused:
    return InputRefused("E-RUN", str(folder), why, "Build the report again: reportgen build --model ...")
