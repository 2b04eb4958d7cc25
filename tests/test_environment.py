"""The real command line in odd environments, killed at odd times, on a disk that fails at every step."""

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from reportgen.example import HONEST, SCENES
from reportgen.publish import LOG_FILE

ORACLE = Path(__file__).parent / "oracle"
ROOT = Path(__file__).parent.parent
SMALL = (
    "--methods", "saliency", "--checks", "none", "--no-self-test", "--format", "html,json", "--title", "né",
    "--batch-size", "2",
)  # fmt: skip
HOSTILE = ("torch.py", "numpy.py", "json.py", "reportgen.py", "sitecustomize.py")


def command(out: Path | str, *more: str, images: Sequence[Path] = (SCENES / "plus" / "1.jpg",)) -> list[str]:
    """A build so small that loading torch takes most of it."""
    chosen = [word for image in images for word in ("--images", str(image))]
    program = str(Path(sys.executable).with_name("reportgen"))
    start = [program] if Path(program).exists() else [sys.executable, "-m", "reportgen"]
    return [*start, "build", "--model", str(HONEST), *chosen, "--out", str(out), *SMALL, *more]


def environment(**given: str) -> dict[str, str]:
    """The least that a program can be given, and the project's own path."""
    kept = {name: os.environ[name] for name in ("XDG_CACHE_HOME", "OMP_NUM_THREADS") if name in os.environ}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | kept | given


def digests(out: Path) -> dict[str, str]:
    """The report's files by name. Nothing else may lie there. The log holds seconds and is nobody's to compare."""
    files = {str(path.relative_to(out)): path for path in out.rglob("*") if path.is_file()}
    files.pop(LOG_FILE, None)
    return {name: sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The report as it is made where nothing is odd."""
    out = tmp_path_factory.mktemp("usual") / "report"
    done = subprocess.run(command(out, "--no-store"), env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"{out}/report.html\n"), done.stderr
    return digests(out)


@pytest.mark.parametrize(
    ("shell", "given"),
    [
        ('exec "$@"', {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/proc/1/cache", "MPLCONFIGDIR": "/proc/1/mpl"}),
        ('exec "$@"', {"XDG_CACHE_HOME": "", "TMPDIR": "/nonexistent", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}),
        ('exec "$@" >&-', {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "TERM": "dumb", "COLUMNS": "1"}),
        ('"$@" | head -c 1; exit ${PIPESTATUS[0]}', {"PYTHONHASHSEED": "2", "LC_ALL": "tr_TR.UTF-8"}),
    ],
    ids=["no home", "no temporary folder", "closed stdout", "broken pipe"],
)
def test_odd_environments_change_nothing(
    shell: str, given: dict[str, str], usual: dict[str, str], tmp_path: Path
) -> None:
    """In a folder full of traps besides: what lies in the current directory is not code."""
    trap = tmp_path / "cwd"
    trap.mkdir()
    for name in HOSTILE:
        (trap / name).write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\nraise SystemExit(99)\n")
    (trap / "matplotlibrc").write_text("figure.dpi: 30\nbackend: TkAgg\n")
    out = tmp_path / "report"
    done = subprocess.run(
        ["bash", "-c", shell, "bash", *command(out)], cwd=trap, env=environment(**given), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert digests(out) == usual
    assert not (tmp_path / "sprung").exists()


def test_a_device_is_no_folder() -> None:
    done = subprocess.run(command("/dev/full"), env=environment(), capture_output=True, text=True)
    assert done.returncode == 4
    assert done.stderr.startswith("error[E-OUT")


class TestTwoRuns:
    def pair(self, out: Path) -> list[tuple[int, str]]:
        def run(_: int) -> tuple[int, str]:
            done = subprocess.run(command(out), env=environment(), capture_output=True, text=True)
            return done.returncode, done.stderr

        with ThreadPoolExecutor(2) as both:
            return sorted(both.map(run, range(2)))

    @pytest.mark.parametrize("times", [1, pytest.param(20, marks=pytest.mark.long)])
    def test_at_once_one_builds_and_one_says_who_does(self, times: int, usual: dict[str, str], tmp_path: Path) -> None:
        for n in range(times):
            (first, _), (second, told) = self.pair(tmp_path / str(n))
            assert first == 0
            # One may be done before the other begins, on a machine that is busy.
            assert second == 0 or (second, told[:19]) == (4, "error[E-OUT-LOCKED]")
            assert digests(tmp_path / str(n)) == usual
