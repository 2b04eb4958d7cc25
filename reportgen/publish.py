"""A report appears whole or not at all: built beside, moved into place, `report.html` last.

Source: the commit-point ordering of ALICE (Pillai et al. 2014) and of torch-cam's bundles (manifest last).
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from reportgen.errors import OutputError

CHECK_FILES = ("rules.xml", "rules.md", "badge.json")
LOG_FILE = "run/log.json"  # holds seconds, so it alone differs from build to build
MANIFEST_FILE = "run/manifest.json"
REPORT_FILES = (
    "run/arrays.safetensors", "run/run.json", LOG_FILE, MANIFEST_FILE, *CHECK_FILES, "report.json",
    "report.pdf", "report.html",
)  # fmt: skip
COMPARISON_FILES = (*CHECK_FILES, "comparison.json", "comparison.pdf", "comparison.html")
_STAGING = ".reportgen-"
_KEPT = ".kept"


@dataclass(frozen=True)
class Kind:
    """What is published. files: in their order; marker: the file that shows that a folder is ours; name: in words."""

    files: tuple[str, ...]
    marker: str
    name: str


REPORT = Kind(REPORT_FILES, "run/run.json", "report")
COMPARISON = Kind(COMPARISON_FILES, "comparison.json", "comparison")


@contextmanager
def publishing(out: Path, *, overwrite: bool, kind: Kind = REPORT) -> Iterator[Path]:
    """A new empty folder to build in; what it holds at the end takes the place of the old report.

    On any exception the old report stays as it was and nothing of the new one is left.
    Raises OutputError if the folder is not ours, cannot be written to, or the disk is full.
    """
    check_target(out, overwrite=overwrite, kind=kind)
    staging = out / f"{_STAGING}{secrets.token_hex(4)}.tmp"
    new_folders = [folder for folder in (out / "run", out, *out.parents) if not folder.exists()]
    try:
        with writing(out):
            staging.mkdir(parents=True)
        yield staging
        with writing(out):
            _move_into_place(staging, out, kind)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        for folder in new_folders:
            with suppress(OSError):  # one that holds the report is not empty, and stays
                folder.rmdir()


def carry_over(out: Path, staging: Path) -> None:
    """Take the files of the present report along, so that only those written over change."""
    for name in REPORT_FILES:
        if (out / name).is_file():
            (staging / name).parent.mkdir(exist_ok=True)
            shutil.copy2(out / name, staging / name)


def add_files(out: Path, files: Mapping[str, bytes]) -> None:
    """Write further files of a finished report, each whole or not at all. Raises OutputError."""
    for name, data in files.items():
        staged = out / f"{_STAGING}{secrets.token_hex(4)}.tmp"
        with writing(out):
            try:
                staged.write_bytes(data)
                _sync(staged)
                staged.replace(out / name)
            finally:
                staged.unlink(missing_ok=True)


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Where files of the report are written: a full disk or a missing right becomes an OutputError."""
    try:
        yield
    except OSError as err:
        why = f"cannot be written: {err.strerror or err}"
        raise OutputError("E-OUT-WRITE", str(out), why, "Free space or choose another --out") from err


def check_target(out: Path, *, overwrite: bool, kind: Kind = REPORT) -> None:
    """Refuse a folder that holds something else than a report of ours, or a comparison. Raises OutputError."""
    with writing(out):
        _check_place(out)
        strangers = out.is_dir() and any(not entry.name.startswith(_STAGING) for entry in out.iterdir())
        if strangers and not overwrite and not _is_ours(out, kind):
            why = f"it holds files that are not a {kind.name} of this program"
            fix = "Choose another --out, or add --overwrite to write beside them"
            raise OutputError("E-OUT-FOREIGN", str(out), why, fix)


def _check_place(out: Path) -> None:
    if out.is_symlink() and not out.exists():
        raise OutputError("E-OUT-LINK", str(out), "it is a link that leads nowhere", "Choose another --out")
    if out.exists() and not out.is_dir():
        raise OutputError("E-OUT-FILE", str(out), "it is a file, and a folder is needed", "Choose another --out")
    if (out / "run").is_symlink():
        raise OutputError("E-OUT-LINK", str(out / "run"), "it is a link to another place", "Choose another --out")
    places = {Path(out.anchor or "/").resolve()}
    with suppress(RuntimeError):  # a user without an entry in the system has no home
        places.add(Path.home().resolve())
    if out.resolve() in places:
        fix = "Choose a folder of its own for --out"
        raise OutputError("E-OUT-PLACE", str(out), "a report does not belong there", fix)


def _is_ours(out: Path, kind: Kind) -> bool:
    try:
        content = json.loads((out / kind.marker).read_text(encoding="utf-8"))
        return bool(content["generator"] == "reportgen")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _move_into_place(staging: Path, out: Path, kind: Kind) -> None:
    made = [name for name in kind.files if (staging / name).is_file()]
    for name in made:
        _sync(staging / name)
        (out / name).parent.mkdir(exist_ok=True)
    kept = _kept(staging / _KEPT, out, kind)
    try:
        for name in kind.files:
            if name in made:
                (staging / name).replace(out / name)
            else:  # a file of the last report that this one does not have would tell of another model
                (out / name).unlink(missing_ok=True)
        for folder in {(out / name).parent for name in made} - {out}:
            _sync(folder)
        _sync(out)
    except BaseException:
        _put_back(kept, out, kind)
        raise


def _kept(folder: Path, out: Path, kind: Kind) -> Mapping[str, Path]:
    """The files of the old report under a second name, so that they outlive the first."""
    kept = {name: folder / name for name in kind.files if os.path.lexists(out / name)}
    for name, second in kept.items():
        second.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(out / name, second, follow_symlinks=False)
        except OSError:  # a disk without hard links
            shutil.copy2(out / name, second, follow_symlinks=False)
    return kept


def _put_back(kept: Mapping[str, Path], out: Path, kind: Kind) -> None:
    for name in kind.files:
        with suppress(OSError):  # one that cannot be saved must not cost the others
            if name in kept:
                kept[name].replace(out / name)
            else:
                (out / name).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until it is on the disk: after a crash, a rename that overtook its data leaves an empty file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
