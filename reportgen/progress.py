"""Progress for a person at a terminal; silence for everyone else."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from reportgen.errors import printable


class _Stderr(Console):
    """The console on stderr. Where its reader has left, the work goes on in silence."""

    def on_broken_pipe(self) -> None:
        """Write to nobody from here on; rich itself would end the program."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


@dataclass
class TerminalProgress:
    """One line per stage on stderr."""

    bar: Progress
    talkative: bool
    quiet: bool
    task: TaskID | None = None

    def stage(self, name: str, total: int) -> None:
        """A stage begins; the one before is complete."""
        self._finish()
        self.task = self.bar.add_task(name, total=total or None)

    def advance(self, steps: int = 1) -> None:
        """Steps of the current stage are done."""
        if self.task is not None:
            self.bar.advance(self.task, steps)

    def say(self, line: str) -> None:
        """Shown at a terminal, or when asked to be verbose."""
        if self.talkative:
            self._print(line)

    def warn(self, line: str) -> None:
        """Shown always but under --quiet."""
        if not self.quiet:
            self._print(line)

    def _print(self, line: str) -> None:
        # Not markup: a file name such as "[red]" is a name.
        self.bar.console.print(printable(line), markup=False, highlight=False, soft_wrap=True)

    def _finish(self) -> None:
        if self.task is not None:
            task = self.bar.tasks[self.task]
            self.bar.update(self.task, total=task.completed, completed=task.completed)


@contextmanager
def shown_progress(*, quiet: bool, verbose: bool) -> Iterator[TerminalProgress]:
    """Progress on stderr: bars at a terminal, plain lines when verbose, else warnings only."""
    terminal = sys.stderr is not None and sys.stderr.isatty()
    bar = Progress(
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=_Stderr(stderr=True),
        disable=quiet or not terminal,
    )
    with bar:
        yield TerminalProgress(bar, talkative=(terminal or verbose) and not quiet, quiet=quiet)
