"""A loaded program that is run many times in children: cut off, failing or killed at a step that is chosen.

A process of its own (`python crashing.py FOLDER`), for autograd's threads do not survive a fork. Reads one JSON list
from stdin: [kind, number] for each run, and writes one JSON object for each.
"""

import errno
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from reportgen import pipeline, progress, publish  # noqa: F401 - loaded once, for all children
from reportgen.__main__ import run
from reportgen.example import HONEST, SCENES
from reportgen.publish import LOG_FILE

# Changes of the file system, by the place of the path among the arguments.
CHANGES = {
    "os.rename": 1, "os.mkdir": 0, "os.remove": 0, "os.rmdir": 0, "os.truncate": 0, "os.link": 1, "os.symlink": 1,
    "os.chmod": 0, "shutil.rmtree": 0,
}  # fmt: skip
KILLED = 137


def watched(folder: str, act: Callable[[int, str], None]) -> None:
    """Call `act` with the number and the path of every change below the folder, just before it is made."""
    count = [0]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        path = None
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            path = arguments[0]
        elif event in CHANGES:
            path = arguments[CHANGES[event]]
        if isinstance(path, str | bytes | os.PathLike) and os.path.abspath(os.fsdecode(path)).startswith(folder):  # noqa: PTH100
            count[0] += 1
            act(count[0], os.fsdecode(path))

    sys.addaudithook(hook)


def build(folder: Path, title: str, images: int) -> int:
    """The command in this process; its lines go to a file."""
    where = os.open(folder / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(where, 2)
    os.dup2(where, 1)
    return run([
        "build", "--model", str(HONEST), "--images", str(photographs(folder.parent, images)), "--limit", str(images),
        "--methods", "lime" if images > 1 else "saliency", "--lime-samples", "8", "--once", "--lime-segments", "6",
        "--checks", "none", "--no-self-test", "--format", "html,json", "--batch-size", "4", "--title", title,
        "--out", str(folder / "out"),
    ])  # fmt: skip


def photographs(place: Path, images: int) -> Path:
    """A folder with so many photographs, made once: the scenes that ship are twelve, and each time cut otherwise."""
    folder = place / f"photographs-{images}"
    if not folder.exists():
        folder.mkdir()
        scenes = sorted(SCENES.rglob("*.jpg"))
        for n in range(images):
            cut = n // len(scenes)
            with Image.open(scenes[n % len(scenes)]) as scene:
                scene.crop((cut, cut, *scene.size)).save(folder / f"{n:03}.png")
    return folder


def child(work: Callable[[], int]) -> int:
    """The exit code of the work, done in a child."""
    pid = os.fork()
    if not pid:
        code = 99
        with suppress(BaseException):
            code = work()
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def one(folder: Path, kind: str, number: float, images: int) -> dict[str, Any]:
    """A run over an old report that goes wrong, and one after it that may not."""
    fresh(folder)
    old = old_report(folder, images)
    seen = folder.parent / "seen"  # outside, or noting it would be one more

    def cut(count: int, path: str) -> None:
        if kind == "count":
            seen.write_text(str(count))
        elif kind == "kept" and "/results/" in path and path.endswith(".part"):
            kept = sum(1 for each in (folder / "cache").rglob("*") if each.suffix == "" and each.is_file())
            if kept >= number:
                os._exit(KILLED)
        elif count == number and kind == "crash":
            os._exit(KILLED)
        elif count == number and kind == "fail":
            raise OSError(errno.ENOSPC, "No space left on device", path)

    def disturbed() -> int:
        watched(str(folder / "out") if kind == "fail" else str(folder), cut)
        return build(folder, "new", images)

    code = killed_after(disturbed, number) if kind == "kill" else child(disturbed)
    told = (folder / "stderr").read_text() if (folder / "stderr").exists() else ""
    after, left = report(folder), leftovers(folder)
    kept = {path: path.stat().st_ino for path in results(folder)}
    again = child(lambda: build(folder, "new", images))
    return {
        "kind": kind, "number": number, "code": code, "told": told, "old": old, "after": after, "left": left,
        "kept": len(kept), "remade": sum(path.stat().st_ino != inode for path, inode in kept.items()),
        "again": again, "new": report(folder), "left_again": leftovers(folder),
        "changes": int(seen.read_text()) if seen.exists() else 0,
    }  # fmt: skip


def killed_after(work: Callable[[], int], seconds: float) -> int:
    """Killed by the system after so long, unless it is done before."""
    pid = os.fork()
    if not pid:
        os._exit(work())
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return 0
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return KILLED


def fresh(folder: Path) -> None:
    """Nothing there but an empty cache."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (folder / "cache").mkdir(parents=True)


def results(folder: Path) -> list[Path]:
    """The stored results."""
    return [path for path in (folder / "cache").rglob("*") if path.is_file() and path.suffix == ""]


def old_report(folder: Path, images: int) -> dict[str, str]:
    """A report with another title in its place, made once; no result is stored."""
    kept = folder.parent / f"old-{images}"
    if not kept.exists():
        if child(lambda: build(folder, "old", images)):
            raise RuntimeError((folder / "stderr").read_text())
        shutil.copytree(folder / "out", kept)
        fresh(folder)
    shutil.copytree(kept, folder / "out")
    return report(folder)


def report(folder: Path) -> dict[str, str]:
    """The report's files by their fingerprints. The log holds seconds, and is left out."""
    files = [path for path in (folder / "out").rglob("*") if path.is_file() and ".reportgen-" not in str(path)]
    digests = {str(path.relative_to(folder / "out")): sha256(path.read_bytes()).hexdigest() for path in files}
    digests.pop(LOG_FILE, None)
    return digests


def leftovers(folder: Path) -> list[str]:
    """What is no report and no result."""
    odd = [path for path in folder.rglob("*") if ".reportgen-" in path.name or path.suffix == ".part"]
    return [str(path.relative_to(folder)) for path in odd]


if __name__ == "__main__":
    place = Path(sys.argv[1]).resolve()
    os.environ["XDG_CACHE_HOME"] = str(place / "cache")
    for asked_kind, asked_number, asked_images in json.load(sys.stdin):
        print(json.dumps(one(place, asked_kind, asked_number, asked_images)), flush=True)
