"""A report appears whole or not at all: built beside, moved into place, `report.html` last.

Source: the commit-point ordering of ALICE (Pillai et al. 2014) and of torch-cam's bundles (manifest last).
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reportgen.errors import OutputError
from reportgen.lock import held, removed
from reportgen.unbroken import unbroken

CHECK_FILES = ("rules.xml", "rules.md", "badge.json")
LOG_FILE = "run/log.json"  # holds seconds, so it alone differs from build to build
MANIFEST_FILE = "run/manifest.json"
REPORT_FILES = (
    "run/arrays.safetensors", "run/run.json", LOG_FILE, MANIFEST_FILE, *CHECK_FILES, "report.json",
    "report.pdf", "report.html",
)  # fmt: skip
COMPARISON_FILES = (*CHECK_FILES, "comparison.json", "comparison.pdf", "comparison.html")
_STAGING: Final = ".reportgen-"
# The old files' second names, complete under the second of these names only: it is there while files move.
_COLLECTED, _KEPT, _DONE = ".collected", ".kept", ".done"


@dataclass(frozen=True)
class Kind:
    """What is published. files: in their order; marker: the file that shows that a folder is ours; name: in words."""

    files: tuple[str, ...]
    marker: str
    name: str


REPORT = Kind(REPORT_FILES, "run/run.json", "report")
COMPARISON = Kind(COMPARISON_FILES, "comparison.json", "comparison")
KINDS = (REPORT, COMPARISON)


@contextmanager
def occupied(out: Path, *, overwrite: bool, kind: Kind = REPORT) -> Iterator[None]:
    """The folder is this run's alone; what a run that was killed left in it is tidied first.

    Where that run was moving its files, the old report is put back. Raises OutputError where the folder is not ours,
    cannot be written to, or another run has it.
    """
    check_target(out, overwrite=overwrite, kind=kind)
    with ExitStack() as stack:
        with writing(out):
            stack.enter_context(_new_folders(out))
            stack.enter_context(held(out))
            _tidy(out)
        yield


@contextmanager
def publishing(out: Path, *, overwrite: bool, kind: Kind = REPORT) -> Iterator[Path]:
    """A new empty folder to build in; what it holds at the end takes the place of the old report.

    On any exception the old report stays as it was and nothing of the new one is left.
    Raises OutputError if the folder is not ours, cannot be written to, or the disk is full.
    """
    check_target(out, overwrite=overwrite, kind=kind)
    staging = out / f"{_STAGING}{kind.name}-{secrets.token_hex(4)}.tmp"
    with _new_folders(out, *_folders(out, kind.files)):
        try:
            with writing(out):
                staging.mkdir()
            yield staging
            made = [name for name in kind.files if (staging / name).is_file()]
            with writing(out):
                for name in made:
                    _sync(staging / name)
                with unbroken():
                    _move_into_place(staging, out, kind, made)
        finally:
            with unbroken():
                removed(staging)


@contextmanager
def _new_folders(out: Path, *inside: Path) -> Iterator[None]:
    """Makes the folder and those above it; of these and those inside, the new ones that stay empty go again."""
    new = [folder for folder in (*inside, out, *out.parents) if not folder.exists()]
    try:
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for folder in new * 2:  # what fails once may go well then
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
                removed(staged)


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
    if any(out.glob(f"{_STAGING}{kind.name}-*.tmp/{_KEPT}")):
        return True  # a run was killed while it moved files here
    try:
        content = json.loads((out / kind.marker).read_text(encoding="utf-8"))
        return bool(content["generator"] == "reportgen")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _folders(out: Path, names: Iterable[str]) -> list[Path]:
    """Those inside the folder that files of these names lie in."""
    return sorted({(out / name).parent for name in names} - {out})


def _move_into_place(staging: Path, out: Path, kind: Kind, made: Sequence[str]) -> None:
    kept = _kept(staging, out, kind)
    try:
        for folder in _folders(out, made):
            folder.mkdir(exist_ok=True)
        for name in kind.files:
            if name in made:
                (staging / name).replace(out / name)
            else:  # a file of the last report that this one does not have would tell of another model
                (out / name).unlink(missing_ok=True)
        for folder in _folders(out, made):
            _sync(folder)
        _sync(out)
        kept.rename(staging / _DONE)
    except BaseException:
        if kept.is_dir():  # else it was done already
            _put_back(kept, out, kind)
        raise


def _kept(staging: Path, out: Path, kind: Kind) -> Path:
    """A folder with the files of the old report under a second name, so that they outlive the first."""
    collected = staging / _COLLECTED
    collected.mkdir()
    for name in kind.files:
        if os.path.lexists(out / name):
            (collected / name).parent.mkdir(exist_ok=True)
            _second_name(out / name, collected / name)
    return collected.rename(staging / _KEPT)


def _second_name(path: Path, second: Path) -> None:
    try:
        os.link(path, second, follow_symlinks=False)
    except OSError:  # a disk without hard links
        shutil.copy2(path, second, follow_symlinks=False)


def _put_back(kept: Path, out: Path, kind: Kind) -> None:
    """The old report as it was. What is kept stays, for this too may be killed, and done again."""
    spare = kept.parent / "spare"
    for name in kind.files:
        with suppress(OSError):  # one that cannot be saved must not cost the others
            if os.path.lexists(kept / name):
                source = kept / name
                with suppress(OSError):  # neither hard links nor room for a copy
                    spare.unlink(missing_ok=True)
                    _second_name(kept / name, spare)
                    source = spare
                source.replace(out / name)
            else:
                (out / name).unlink(missing_ok=True)


def _tidy(out: Path) -> None:
    """Remove what runs that were killed left; where one was moving its files, the old report is put back."""
    for left in sorted(out.glob(f"{_STAGING}*.tmp")):
        if not left.is_symlink() and (left / _KEPT).is_dir():
            kind = next((each for each in KINDS if left.name.startswith(f"{_STAGING}{each.name}-")), REPORT)
            _put_back(left / _KEPT, out, kind)
            for folder in _folders(out, kind.files):
                with suppress(OSError):  # one that holds a run is not empty
                    folder.rmdir()
            (left / _KEPT).rename(left / _DONE)
        removed(left)


def _sync(path: Path) -> None:
    """Wait until it is on the disk: after a crash, a rename that overtook its data leaves an empty file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
