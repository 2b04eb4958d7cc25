"""One run at a time in a folder. The lock goes with the process that holds it, however that ends."""

import json
import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from reportgen.errors import OutputError

LOCK_FILE: Final = ".reportgen-lock"
_LARGEST: Final = 1000  # bytes of an owner's note


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder is locked for as long as the block lasts.

    Raises OutputError that names the owner where another run holds it, and OSError where no lock can be made.
    """
    file = folder / LOCK_FILE
    lock = FileLock(file, timeout=0)
    try:
        lock.acquire()
    except Timeout as err:
        why = f"another run writes here{_owner(file)}"
        raise OutputError("E-OUT-LOCKED", str(folder), why, "Wait for it, or choose another --out") from err
    try:
        note = {"pid": os.getpid(), "host": platform.node(), "start": time.strftime("%Y-%m-%d %H:%M:%S")}
        file.write_text(json.dumps(note), encoding="utf-8")
        yield
    finally:
        # While it is still held: whoever waits for this file finds it gone, and makes a new one.
        removed(file)
        lock.release()


def removed(path: Path) -> bool:
    """Whether a file or folder of ours is gone. Tried twice: what fails once may go well then."""
    for _ in range(2):
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
            return True
    return False


def _owner(file: Path) -> str:
    """Who holds it, as far as the file tells."""
    try:
        with file.open("rb") as opened:
            note = json.loads(opened.read(_LARGEST))
        return f" (process {int(note['pid'])} on {note['host']}, since {note['start']})"
    except (OSError, ValueError, TypeError, KeyError):
        return ""
