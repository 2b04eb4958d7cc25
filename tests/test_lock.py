"""One run at a time in a folder, and what dead runs leave there."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from report_files import OURS, content, fill

from reportgen.errors import OutputError
from reportgen.lock import LOCK_FILE, held
from reportgen.publish import REPORT_FILES, check_target, occupied, publishing

HOLD = """
import sys, time
from pathlib import Path
from reportgen.publish import occupied
with occupied(Path(sys.argv[1]), overwrite=False):
    print("held", flush=True)
    time.sleep(3600)
"""
OLD = {name: f"old {name}" for name in REPORT_FILES} | {"run/run.json": OURS}
NEW = {name: f"new {name}" for name in REPORT_FILES} | {"run/run.json": OURS + " "}


@contextmanager
def holder(out: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another run that holds the folder until it is killed, at the latest at the end of the block."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(out)], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout
            assert child.stdout.readline() == "held\n"
            yield child
        finally:
            child.kill()


def test_the_second_run_is_told_who_is_there_and_the_third_finds_a_dead_ones_lock(tmp_path: Path) -> None:
    out = tmp_path / "a" / "report"
    with holder(out) as child:
        with pytest.raises(OutputError, match=f"process {child.pid} on {platform.node()}, since 20") as caught:  # noqa: SIM117
            with occupied(out, overwrite=False):
                pass
        assert (caught.value.code, caught.value.exit_code) == ("E-OUT-LOCKED", 4)
        child.kill()
    assert (out / LOCK_FILE).exists()
    with occupied(out, overwrite=False):
        assert json.loads((out / LOCK_FILE).read_text())["pid"] == os.getpid()
    assert list(out.iterdir()) == []


def test_a_lock_that_says_nothing_is_one_all_the_same(tmp_path: Path) -> None:
    for text in ("", "[]", '{"pid": "x"}', "{" * 5000):
        with held(tmp_path):
            (tmp_path / LOCK_FILE).write_text(text)
            with pytest.raises(OutputError, match=r"another run writes here\. Wait"), held(tmp_path):
                pass


def test_a_link_under_the_locks_name_leads_nowhere(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    out = tmp_path / "out"
    out.mkdir()
    (out / LOCK_FILE).symlink_to(victim)
    with pytest.raises(OutputError), occupied(out, overwrite=False):
        pass
    assert victim.read_text() == "precious"


def test_what_a_run_leaves_is_no_stranger(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).write_text("")
    check_target(tmp_path, overwrite=False)


class TestWhatDeadRunsLeave:
    @pytest.mark.parametrize("had_one", [True, False])
    @pytest.mark.parametrize("owner_and_name", [(Path, "replace"), (Path, "rename"), (Path, "mkdir"), (os, "link")])
    def test_is_the_old_report_or_the_new_one(
        self, owner_and_name: tuple[object, str], had_one: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Killed before each step of its kind, in turn, and at each step of the tidying after it."""
        (owner, name), out = owner_and_name, tmp_path / "report"
        old = OLD if had_one else {}
        for step in range(40):
            out.mkdir()
            if had_one:
                fill(out, old)
            if not killed(monkeypatch, owner, name, step, lambda: publish(out)):
                assert content(out) == NEW
                break
            for again in range(40):
                if not killed(monkeypatch, owner, name, again, lambda: tidied(out)):
                    break
            assert content(out) in (old, NEW)
            assert not any(path.name.startswith(".") for path in out.rglob("*"))
            monkeypatch.undo()
            shutil.rmtree(out)
        assert step > 0 or (name, had_one) == ("link", False)  # nothing to keep

    def test_links_among_it_are_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere" / ".kept").mkdir(parents=True)
        fill(tmp_path / "report", OLD)
        (tmp_path / "report" / ".reportgen-1.tmp").symlink_to(tmp_path / "elsewhere")
        tidied(tmp_path / "report")
        assert content(tmp_path / "report") == OLD
        assert (tmp_path / "elsewhere" / ".kept").is_dir()


class Killed(BaseException):
    """Stands for SIGKILL: after it nothing at all is written."""


def publish(out: Path) -> None:
    with publishing(out, overwrite=False) as staging:
        fill(staging, NEW)


def tidied(out: Path) -> None:
    with occupied(out, overwrite=False):
        pass


def killed(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, step: int, work: Callable[[], None]) -> bool:
    """Whether the work was cut off before its n-th step of a kind; from there on the disk stays as it is."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] != 0
    original, left = getattr(owner, name), [step]

    def act(*arguments: object, **named: object) -> object:
        if not left[0]:
            os._exit(1)
        left[0] -= 1
        return original(*arguments, **named)

    monkeypatch.setattr(owner, name, act)
    try:
        work()
    except BaseException:
        os._exit(2)
    os._exit(0)
