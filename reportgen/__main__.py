"""The one place that prints errors and chooses exit codes."""

import os
import signal
import sys
import tempfile
import traceback
from types import FrameType

from typer.exceptions import Abort, TyperException

from reportgen.cli import app, spread
from reportgen.errors import ReportgenError, printable

BUG, INTERRUPTED, TERMINATED = 70, 130, 143


def main() -> None:
    """Run the command line and leave with its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code; every error becomes one line on stderr."""
    try:
        result = app(spread(arguments), prog_name="reportgen", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except ReportgenError as err:
        return _fail(err.line(), err.exit_code)
    except TyperException as err:
        if not err.format_message():  # no arguments: the help has been shown
            return 2
        hint = "Run: reportgen build --help"
        return _fail(printable(f"error[E-USAGE] command line: {err.format_message().rstrip('.')}. {hint}"), 2)
    except (KeyboardInterrupt, Abort):
        return _fail("interrupted: no new report was written, an old one stands as it was", INTERRUPTED)
    except BrokenPipeError:
        # The reader of stdout has left; what was asked for is done. Keep Python from complaining again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        return _fail(f"error[E-BUG] reportgen: this is a bug. Please report it with {_saved_traceback()}", BUG)


def _fail(line: str, code: int) -> int:
    print(line, file=sys.stderr)
    return code


def _saved_traceback() -> str:
    with tempfile.NamedTemporaryFile("w", prefix="reportgen-", suffix=".txt", delete=False, encoding="utf-8") as file:
        file.write(traceback.format_exc())
    return file.name


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    """Leave through `finally`, so that nothing half-written stays."""
    raise SystemExit(TERMINATED)


if __name__ == "__main__":
    main()
