"""A report appears whole or not at all: built beside, moved into place, `report.html` last.

Source: the commit-point ordering of ALICE (Pillai et al. 2014) and of torch-cam's bundles (manifest last).
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reportgen.errors import OutputError

REPORT_FILES = ("run/arrays.safetensors", "run/run.json", "run/log.json", "report.json", "report.pdf", "report.html")
_STAGING = ".reportgen-"


@contextmanager
def publishing(out: Path, *, overwrite: bool) -> Iterator[Path]:
    """A new empty folder to build in; what it holds at the end takes the place of the old report.

    On any exception the old report stays untouched and nothing of the new one is left.
    Raises OutputError if the folder is not ours, cannot be written to, or the disk is full.
    """
    check_target(out, overwrite=overwrite)
    staging = out / f"{_STAGING}{secrets.token_hex(4)}.tmp"
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        staging.mkdir()
    try:
        yield staging
        with writing(out):
            _move_into_place(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Where files of the report are written: a full disk or a missing right becomes an OutputError."""
    try:
        yield
    except OSError as err:
        why = f"cannot be written: {err.strerror or err}"
        raise OutputError("E-OUT-WRITE", str(out), why, "Free space or choose another --out") from err


def check_target(out: Path, *, overwrite: bool) -> None:
    """Refuse a folder that holds something else than a report of ours. Raises OutputError."""
    if out.is_symlink() and not out.exists():
        raise OutputError("E-OUT-LINK", str(out), "it is a link that leads nowhere", "Choose another --out")
    if out.exists() and not out.is_dir():
        raise OutputError("E-OUT-FILE", str(out), "it is a file, and a folder is needed", "Choose another --out")
    if out.resolve() in (Path(out.anchor or "/").resolve(), Path.home().resolve()):
        raise OutputError(
            "E-OUT-PLACE", str(out), "a report does not belong there", "Choose a folder of its own for --out"
        )
    strangers = out.is_dir() and any(not entry.name.startswith(_STAGING) for entry in out.iterdir())
    if strangers and not overwrite and not _is_ours(out):
        why = "it holds files that are not a report of this program"
        raise OutputError(
            "E-OUT-FOREIGN", str(out), why, "Choose another --out, or add --overwrite to write beside them"
        )


def _is_ours(out: Path) -> bool:
    try:
        content = json.loads((out / "run" / "run.json").read_text(encoding="utf-8"))
        return bool(content["generator"] == "reportgen")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _move_into_place(staging: Path, out: Path) -> None:
    (out / "run").mkdir(exist_ok=True)
    made = [name for name in REPORT_FILES if (staging / name).is_file()]
    for name in made:
        _sync(staging / name)
    # A file of the last report that this one does not have would tell of another model.
    for name in set(REPORT_FILES) - set(made):
        (out / name).unlink(missing_ok=True)
    for name in made:
        (staging / name).replace(out / name)
    _sync(out)


def _sync(path: Path) -> None:
    """Wait until it is on the disk: after a crash, a rename that overtook its data leaves an empty file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
