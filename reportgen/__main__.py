"""The one place that prints errors and chooses exit codes."""

import io
import os
import signal
import sys
from types import FrameType

from reportgen.errors import ArchitectureError, EnvironmentProblem, ReportgenError, UsageError, printable
from reportgen.shortages import shortage

USAGE, BUG, INTERRUPTED, TERMINATED = UsageError.exit_code, 70, 130, 143
PIPE = 0  # nothing was asked for that is not there
# What a signal raised, for a library may turn it into something else: amid numpy's import it becomes an ImportError.
_STOPPED: list[KeyboardInterrupt] = []
_UNLOADABLE = "failed to map segment"  # the system's words where a library, such as torch's, finds no room in memory
GO_ON = (
    "nothing is half-written, and an old report stands unless the new one is whole. "
    "Run the same command again: what was finished is kept"
)


class Terminated(KeyboardInterrupt):
    """SIGTERM came: everything is left as on Ctrl-C, so that nothing half-written stays."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as a shell hands it to what runs in its background
        signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _terminate)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: a path may hold what the terminal cannot show
    code = run(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the work is done
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code; every error becomes one line on stderr."""
    try:
        try:
            return _work(arguments)
        except Exception as err:
            return _unforeseen(err)
    except KeyboardInterrupt as err:  # also while the command line itself is being loaded
        stopped, code = ("terminated", TERMINATED) if isinstance(err, Terminated) else ("interrupted", INTERRUPTED)
        return _fail(f"{stopped}: {GO_ON}", code)


def _work(arguments: list[str]) -> int:
    from typer.exceptions import TyperException

    from reportgen.cli import app  # here, where a signal finds `run` at work, for it takes its time
    from reportgen.command_line import spread
    from reportgen.settings import check_epoch

    try:
        check_epoch()
        work = app(spread(arguments), prog_name="reportgen", standalone_mode=False)
        return int(work() if callable(work) else work or 0)
    except ReportgenError as err:
        return _fail(err.line(), err.exit_code)
    except TyperException as err:
        message = err.format_message().rstrip(".")
        if not message:  # no arguments: the help has been shown
            return USAGE
        stop = "" if message.endswith("?") else "."
        context = getattr(err, "ctx", None)
        command = context.command_path if context else "reportgen"
        return _fail(printable(f"error[E-USAGE] command line: {message}{stop} Run: {command} --help"), USAGE)
    except SystemExit as err:
        if isinstance(err.__context__, BrokenPipeError):  # whoever read the help has seen enough; typer leaves so
            return PIPE
        why = f"error[E-ARCH-FORWARD] --arch: the network's own code ended the program (exit code {err.code})"
        return _fail(printable(f"{why}. Remove exit() from its forward"), ArchitectureError.exit_code)


def _unforeseen(err: Exception) -> int:
    """The exit code of an error that has no words of its own: a signal's, the machine's, or a bug."""
    if _STOPPED:
        raise _STOPPED[0] from err
    if short := shortage(err, "reportgen"):
        return _fail(short.line(), short.exit_code)
    if isinstance(err, MemoryError) or _UNLOADABLE in str(err):
        fix = "Lower --batch-size, explain fewer images, or free memory"
        return _fail(f"error[E-MEMORY] reportgen: the memory does not suffice. {fix}", EnvironmentProblem.exit_code)
    return _fail(printable(f"error[E-BUG] reportgen: this is a bug. Please report it with {_traceback(err)}"), BUG)


def _fail(line: str, code: int) -> int:
    if sys.stderr is not None:  # closed by the caller; print would then take stdout
        print(line, file=sys.stderr)
    return code


def _traceback(err: Exception) -> str:
    """The path of the saved traceback; the error itself where it cannot be saved."""
    import tempfile  # here, so that signals are minded sooner
    import traceback

    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="reportgen-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write("".join(traceback.format_exception(err)))
        return file.name
    except OSError:
        return f"this line: {traceback.format_exception_only(err)[-1].strip()}"


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Leave through `finally`, and at once where somebody cannot wait for it."""
    signal.signal(signal.SIGINT, _leave)
    _stop(KeyboardInterrupt())


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    _stop(Terminated())


def _stop(with_what: KeyboardInterrupt) -> None:
    _STOPPED.append(with_what)
    raise with_what


def _leave(_signal: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
