"""Drawing in a child: the same bytes, and whatever befalls the child costs the PDF alone."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import FrameType

import pytest
from drawn_here import draw
from sample_document import report, small

from reportgen.contracts import RenderOptions
from reportgen.errors import EnvironmentProblem, UsageError
from reportgen.outputs import apart, pdf

PLAIN = RenderOptions()
PID = "import os, pathlib; pathlib.Path(__file__).with_name('pid').write_text(str(os.getpid()))\n"


@pytest.fixture
def weasyprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that the child takes for WeasyPrint; its code is for the test to write."""
    package = tmp_path / "stand-in" / "weasyprint"
    package.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(package.parent), *sys.path])  # this process has loaded the real one
    return package / "__init__.py"


def refusal(options: RenderOptions = PLAIN) -> EnvironmentProblem:
    with pytest.raises(EnvironmentProblem) as caught:
        pdf.render(small(), options)
    assert "reportgen render" in caught.value.fix or caught.value.code == "E-PDF"
    return caught.value


def test_the_child_draws_the_same_bytes() -> None:
    document = report()
    assert pdf.render(document, PLAIN) == draw(document).data


def test_what_lies_in_the_current_directory_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weasyprint.py").write_text("raise SystemExit('run')")
    monkeypatch.chdir(tmp_path)
    assert pdf.render(small(), PLAIN).startswith(b"%PDF")


def test_one_that_never_ends_is_ended(weasyprint: Path) -> None:
    weasyprint.write_text(f"{PID}import time; time.sleep(600)")
    note = weasyprint.with_name("pid")
    for seconds in (3, 30, 300):  # long enough for the child to begin, on a machine however busy
        problem = refusal(RenderOptions(pdf_timeout=seconds))
        assert (problem.code, problem.why) == ("E-PDF-TIME", f"drawing it took longer than {seconds} seconds")
        if note.exists() and note.read_text():
            break
    assert not alive(int(note.read_text()))


def test_nothing_is_left_of_one_that_was_ended_beside_a_temporary_file(
    weasyprint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    told = tmp_path / "told"
    made = f"pathlib.Path({str(told)!r}).write_text(tempfile.mkstemp()[1])"
    weasyprint.write_text(f"import pathlib, tempfile, time\n{made}\ntime.sleep(60)\n")
    assert refusal(RenderOptions(pdf_timeout=5)).code == "E-PDF-TIME"
    assert Path(told.read_text()).is_relative_to(tmp_path / "temporary")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_an_interrupt_ends_it_too(weasyprint: Path) -> None:
    weasyprint.write_text(f"{PID}import time; time.sleep(600)")
    note = weasyprint.with_name("pid")

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def once_it_runs() -> None:
        while not note.exists() or not note.read_text():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        threading.Thread(target=once_it_runs).start()
        with pytest.raises(KeyboardInterrupt):
            pdf.render(small(), PLAIN)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not alive(int(note.read_text()))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the memory of a process")
def test_one_that_takes_all_memory_is_refused_it(weasyprint: Path) -> None:
    weasyprint.write_text(f"bytearray({apart.MEMORY})")
    assert refusal().code == "E-PDF-MEMORY"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("raise RuntimeError('the layout broke')", "RuntimeError: the layout broke"),
        ("import os; os.abort()", "code -6"),
        ("import os; os._exit(0)", "code 0"),
        ('import os; os.write(3, b\'{"complaints": [], "sizes": [5]}\\n%PDF\'); os._exit(0)', "code 0"),
    ],
    ids=["raises", "aborts", "ends", "stops in the middle of its answer"],
)
def test_one_that_breaks_is_told_in_one_line(weasyprint: Path, code: str, told: str) -> None:
    weasyprint.write_text(code)
    problem = refusal()
    assert problem.code == "E-PDF-DRAW"
    assert told in problem.why
    assert "\n" not in problem.line()


def test_without_pango_the_child_says_what_to_install(weasyprint: Path) -> None:
    weasyprint.write_text("raise OSError('cannot load library libpango-1.0-0')")
    problem = refusal()
    assert problem.code == "E-PDF"
    assert "pango" in problem.fix


def test_what_a_style_sheet_asks_for_is_refused_by_the_child_as_well(tmp_path: Path) -> None:
    css = tmp_path / "mine.css"
    css.write_text("h1 { background: url(file:///etc/passwd) }")
    with pytest.raises(UsageError, match="passwd") as caught:
        pdf.render(small(), RenderOptions(css=css))
    assert caught.value.code == "E-PDF-FETCH"


def test_no_process_can_be_started() -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", fails)
        assert refusal().code == "E-PDF-START"


ATTEMPTS = {
    "connects": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "looks up": "import socket; socket.getaddrinfo('example.org', 80)",
    "starts a program": "import subprocess; subprocess.run(['true'])",
    "asks the shell": "import os; os.system('true')",
    "forks": "import os; os.fork() or os._exit(0)",
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_the_child_has_no_network_and_no_other_program(attempt: str) -> None:
    code = f"import sys; from reportgen.outputs.apart import _refuse; sys.addaudithook(_refuse)\n{attempt}"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "PermissionError: the process that draws the PDF has no" in ended.stderr


def test_the_hook_is_set_before_anything_is_drawn(weasyprint: Path) -> None:
    weasyprint.write_text("def HTML(**_):\n    import socket; socket.socket()\ndef Attachment(**_): pass")
    weasyprint.with_name("urls.py").write_text(
        "class URLFetcher:\n    def __init__(self, **_): pass\n"
        "class URLFetcherResponse: pass\nclass FatalURLFetchingError(Exception): pass\n"
    )
    assert "has no socket" in refusal().why
