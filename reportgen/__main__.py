"""The one place that prints errors and chooses exit codes."""

import io
import signal
import sys
import tempfile
import traceback
from types import FrameType

from typer.exceptions import TyperException

from reportgen.cli import app
from reportgen.command_line import spread
from reportgen.errors import ArchitectureError, EnvironmentProblem, ReportgenError, UsageError, printable

USAGE, BUG, INTERRUPTED, TERMINATED = UsageError.exit_code, 70, 130, 143


def main() -> None:
    """Run the command line and leave with its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: a path may hold what the terminal cannot show
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code; every error becomes one line on stderr."""
    try:
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
        if err.code == TERMINATED:
            raise
        why = f"error[E-ARCH-FORWARD] --arch: the network's own code ended the program (exit code {err.code})"
        return _fail(printable(f"{why}. Remove exit() from its forward"), ArchitectureError.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted: no new report was written, an old one stands as it was", INTERRUPTED)
    except MemoryError:
        fix = "Lower --batch-size, explain fewer images, or free memory"
        return _fail(f"error[E-MEMORY] reportgen: the memory does not suffice. {fix}", EnvironmentProblem.exit_code)
    except Exception as err:
        return _fail(printable(f"error[E-BUG] reportgen: this is a bug. Please report it with {_traceback(err)}"), BUG)


def _fail(line: str, code: int) -> int:
    if sys.stderr is not None:  # closed by the caller; print would then take stdout
        print(line, file=sys.stderr)
    return code


def _traceback(err: Exception) -> str:
    """The path of the saved traceback; the error itself where it cannot be saved."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="reportgen-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write("".join(traceback.format_exception(err)))
        return file.name
    except OSError:
        return f"this line: {traceback.format_exception_only(err)[-1].strip()}"


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    """Leave through `finally`, so that nothing half-written stays."""
    raise SystemExit(TERMINATED)


if __name__ == "__main__":
    main()
