import errno
import functools
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import reportgen
from reportgen.__main__ import Terminated, run
from reportgen.errors import (
    ArchitectureError,
    CheckpointError,
    EnvironmentProblem,
    ImagesError,
    LabelsError,
    OutputError,
    UsageError,
)

BUILD = ["build", "--model", "m.pth"]
# A program that is reportgen but for the pipeline, which does what the test says.
PROGRAM = """
import sys, types
def build(options, progress):
    {body}
    return types.SimpleNamespace(paths=("report/é\\udcff.html",), summary={{}}, exit_code=1, gate=None)
module = types.ModuleType("reportgen.pipeline")
module.build = build
sys.modules["reportgen.pipeline"] = module
sys.argv = ["reportgen", "build", "--model", "m.pth"]
from reportgen.__main__ import main
main()
"""


@pytest.fixture
def building(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], int]:
    """Runs a build that raises, in an empty folder; tracebacks are saved there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def act(error: BaseException) -> int:
        def build(*_: object, **__: object) -> None:
            raise error

        module = types.ModuleType("reportgen.pipeline")
        module.build = build  # type: ignore[attr-defined]  # a module made by hand
        monkeypatch.setitem(sys.modules, "reportgen.pipeline", module)
        return run(BUILD)

    return act


def test_a_reader_who_has_seen_enough_of_the_help_is_no_error() -> None:
    """Such as `head`, which closes the pipe."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "reportgen", "build", "--help"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (UsageError, 2),
        (CheckpointError, 3),
        (ArchitectureError, 3),
        (LabelsError, 3),
        (ImagesError, 3),
        (OutputError, 4),
        (EnvironmentProblem, 4),
    ],
)
def test_an_error_is_one_line_with_its_exit_code(
    kind: type[UsageError], code: int, building: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert building(kind("E-X", "a\nb", "it is \x1b[31mred", "Mend it")) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "error[E-X] a<U+000A>b: it is <U+001B>[31mred. Mend it\n"


@pytest.mark.parametrize(
    "error", [MemoryError(), ImportError("libtorch_cpu.so: failed to map segment from shared object")]
)
def test_no_memory_is_the_environment(
    error: Exception, building: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert building(error) == 4
    assert "--batch-size" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [ValueError("a\nb"), RecursionError("deep"), OSError(22, "odd"), EOFError(), BrokenPipeError(errno.EPIPE, "pipe")],
)
def test_a_bug_is_one_line_with_the_path_of_its_traceback(
    error: Exception, building: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert building(error) == 70
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "Traceback" not in line
    saved = re.search(r"with (\S+\.txt)", line)
    assert saved
    text = Path(saved[1]).read_text(encoding="utf-8")
    assert "Traceback" in text
    assert type(error).__name__ in text


def test_a_traceback_holds_whatever_was_said(
    building: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert building(ValueError("caf\udce9")) == 70
    assert capsys.readouterr().err.count("\n") == 1
    assert any("caf\\udce9" in path.read_text() for path in tmp_path.glob("reportgen-*.txt"))


def test_a_bug_is_told_also_where_nothing_can_be_saved(
    building: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    assert building(ValueError("what\nwent wrong")) == 70
    assert "ValueError: what<U+000A>went wrong" in capsys.readouterr().err


def test_an_interrupt_is_130(building: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]) -> None:
    assert building(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err.startswith("interrupted")


def test_a_termination_is_143(building: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]) -> None:
    assert building(Terminated()) == 143
    assert capsys.readouterr().err.startswith("terminated")


def program(body: str) -> list[str]:
    return [sys.executable, "-W", "error", "-c", PROGRAM.format(body=textwrap.indent(body, "    ").strip() or "pass")]


PATIENCE = 300  # seconds, on a machine however busy; what is waited for takes less than one
# A suite that runs in the background hands down an ignored SIGINT, and Python then leaves it ignored.
heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts a build that waits, and says when it does."""
    body = "from reportgen.publish import publishing\nfrom pathlib import Path\nimport time\n"
    body += "with publishing(Path('out'), overwrite=False) as folder:\n"
    body += "    (folder / 'report.html').write_text('half')\n    print('ready', flush=True)\n    time.sleep(3600)"
    children: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        child = subprocess.Popen(
            program(body), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heard
        )
        children.append(child)
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_and_nothing_half_written_stays(
    sent: signal.Signals, code: int, started: Callable[[], subprocess.Popen[str]], tmp_path: Path
) -> None:
    child = started()
    child.send_signal(sent)
    _, err = child.communicate(timeout=PATIENCE)
    assert child.returncode == code
    assert err.count("\n") == 1
    assert "Run the same command again" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("after", [0.05, 0.2, 0.6, 1.2])
def test_a_signal_at_any_time_of_the_start_is_minded(sent: signal.Signals, after: float, tmp_path: Path) -> None:
    """While the command line, and torch after it, are being loaded."""
    body = "import sys; from reportgen.__main__ import main; print('ready', flush=True); main()"
    command = [sys.executable, "-c", body, "build", "--model", "m.pth", "--images", "."]
    pipe = subprocess.PIPE
    child = subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True, preexec_fn=heard)
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    time.sleep(after)
    child.send_signal(sent)
    _, err = child.communicate(timeout=PATIENCE)
    assert child.returncode in (128 + sent, 3)  # 3: it was done already, for there is no checkpoint
    assert "Traceback" not in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("sent", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
@pytest.mark.parametrize(("command", "module"), [("build", "pipeline"), ("layers", "inspection")])
def test_a_signal_waits_for_the_start_of_torch(command: str, module: str, sent: str, code: int) -> None:
    """Amid which an exception ends the process by an error in C++."""
    body = f"""
import importlib.abc, importlib.util, os, signal, sys
class Starting(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        return importlib.util.spec_from_loader(name, self) if name == "reportgen.{module}" else None
    def exec_module(self, module):
        os.kill(os.getpid(), signal.{sent})
        [0 for _ in range(10**6)]
        print("whole", flush=True)
        module.build = module.inspect_layers = None
sys.meta_path.insert(0, Starting())
sys.argv = ["reportgen", "{command}", "--model", "m.pth"]
from reportgen.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True, preexec_fn=heard)
    assert (done.stdout, done.returncode) == ("whole\n", code)


@pytest.mark.parametrize(("sent", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_that_a_library_turns_into_an_error_is_no_bug(sent: str, code: int, tmp_path: Path) -> None:
    """As numpy does, where it comes amid its import."""
    body = f"import os, signal\ntry:\n    os.kill(os.getpid(), signal.{sent})\n    [0 for _ in range(10**6)]\n"
    body += "except BaseException:\n    pass\nraise ImportError('cannot load module more than once per process')"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(program(body), capture_output=True, text=True, preexec_fn=heard, env=environment)
    assert done.returncode == code
    assert done.stderr.count("\n") == 1
    assert "Run the same command again" in done.stderr
    assert list(tmp_path.iterdir()) == []  # no traceback was saved


def test_a_reader_who_leaves_changes_nothing(tmp_path: Path) -> None:
    """The exit code still says that something in the report failed, and nobody complains."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(program(""), cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_reader_of_stderr_who_leaves_does_not_stop_the_work(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    body = "progress.warn('one')\nprogress.warn('two')"
    done = subprocess.run(program(body), cwd=tmp_path, stdout=subprocess.PIPE, stderr=writing, text=True)
    os.close(writing)
    assert (done.returncode, done.stdout) == (1, "report/é\\udcff.html\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_errors(closed: str, tmp_path: Path) -> None:
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", *program("progress.warn('x')")]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 1


def test_an_error_never_goes_to_stdout(tmp_path: Path) -> None:
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *program("raise ValueError")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, env=os.environ | {"TMPDIR": str(tmp_path)})
    assert (done.returncode, done.stdout) == (70, b"")


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "latin-1"])
def test_a_path_that_the_terminal_cannot_show_is_no_bug(encoding: str, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run(program(""), cwd=tmp_path, capture_output=True, env=environment)
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.startswith(b"report/")


@pytest.mark.parametrize("command", [["reportgen"], [sys.executable, "-m", "reportgen"]])
def test_it_starts_by_both_names(command: list[str], tmp_path: Path) -> None:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    done = subprocess.run(
        [*command, "--version"], cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PATH": path}
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"reportgen {reportgen.__version__}\n", "")


def test_the_package_offers_build_and_nothing_by_surprise() -> None:
    assert set(reportgen.__all__) == {"__version__", "build"}
    assert callable(reportgen.build)
    with pytest.raises(AttributeError, match="no attribute 'biuld'"):
        reportgen.biuld  # noqa: B018 - asking is the point


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_result_that_cannot_be_printed_is_an_error_of_the_output() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "reportgen", "schema"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr.startswith("error[E-STDOUT]")
    assert done.stderr.count("\n") == 1


def test_a_network_that_ends_the_program_is_no_success(
    building: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert building(SystemExit(0)) == 3
    assert "ended the program (exit code 0)" in capsys.readouterr().err
    assert building(SystemExit(143)) == 3


@pytest.mark.parametrize("epoch", ["garbage", "", "1.5", "-1", "²"])
def test_a_date_that_is_none_is_a_mistake_in_usage(
    epoch: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """numpy itself would break down at it, and take the program along."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert run(["--version"]) == 2
    assert capsys.readouterr().err.startswith("error[E-EPOCH] SOURCE_DATE_EPOCH: ")
