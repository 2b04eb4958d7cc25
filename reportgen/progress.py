"""Progress for a person at a terminal; silence for everyone else."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from reportgen.errors import printable

NAME: Final = 28  # signs of an image's name that are shown
LONG_ENOUGH: Final = 0.5  # seconds, from which a rate tells something


class _Stderr(Console):
    """The console on stderr. Where its reader has left, the work goes on in silence."""

    def on_broken_pipe(self) -> None:
        """Write to nobody from here on; rich itself would end the program."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


@dataclass
class Rate:
    """How fast images go through the network in a stage.

    passed: how many have by now; start, since: how many had, and the clock, at its begin.
    """

    passed: Callable[[], int]
    start: int
    since: float
    text: str = ""

    def told(self) -> str:
        """Images in a second since the begin, "" where none passed; what was told last once it has ended."""
        seconds, count = time.monotonic() - self.since, self.passed() - self.start
        if count > 0 and seconds >= LONG_ENOUGH:
            self.text = f"{count / seconds:,.0f} passes/s"
        return self.text

    def end(self) -> None:
        """What is told stays as it is: what passes from now on belongs to another stage."""
        self.told()
        self.start = sys.maxsize


class PassesColumn(ProgressColumn):
    """Passes through the network per second."""

    def render(self, task: Task) -> Text:
        """Of the task's stage."""
        rate: Rate = task.fields["rate"]
        return Text(rate.told(), style="progress.data.speed")


@dataclass
class TerminalProgress:
    """One line per stage on stderr: its name, the image, steps, passes per second, time left."""

    bar: Progress
    talkative: bool
    quiet: bool
    task: TaskID | None = None
    about: Sequence[str] = ()
    passed: Callable[[], int] = int  # until there is a network: 0

    def stage(self, name: str, total: int, about: Sequence[str] = ()) -> None:
        """A stage begins; the one before is complete."""
        self._finish()
        self.about = about
        rate = Rate(self.passed, self.passed(), time.monotonic())
        self.task = self.bar.add_task(name, total=total or None, image=image_shown(about, 0), rate=rate)

    def watch(self, passed: Callable[[], int]) -> None:
        """From here on the images that went through the network are counted so."""
        self.passed = passed

    def advance(self, steps: int = 1) -> None:
        """Steps of the current stage are done."""
        if self.task is not None:
            done = int(self.bar.tasks[self.task].completed) + steps
            self.bar.update(self.task, advance=steps, image=image_shown(self.about, done))

    @property
    def drawn(self) -> bool:
        """Whether somebody sees bars, and would see a table."""
        return not self.bar.disable

    def say(self, line: str) -> None:
        """Shown at a terminal, or when asked to be verbose."""
        if self.talkative:
            self._print(line)

    def warn(self, line: str) -> None:
        """Shown always; under --quiet only what is an error, for the exit code is 1 and somebody must know why."""
        if not self.quiet or line.startswith("error["):
            self._print(line)

    def _print(self, line: str) -> None:
        # Not markup: a file name such as "[red]" is a name.
        self.bar.console.print(printable(line), markup=False, highlight=False, soft_wrap=True)

    def _finish(self) -> None:
        if self.task is not None:
            task = self.bar.tasks[self.task]
            task.fields["rate"].end()
            self.bar.update(self.task, total=task.completed, completed=task.completed, image="")


def image_shown(names: Sequence[str], place: int) -> str:
    """The name of the image that is worked on, its end where it is long: that is what tells files apart."""
    name = printable(names[place]) if place < len(names) else ""
    return name if len(name) <= NAME else f"…{name[-NAME + 1 :]}"


@contextmanager
def shown_progress(*, quiet: bool, verbose: bool) -> Iterator[TerminalProgress]:
    """Progress on stderr: bars at a terminal, plain lines when verbose, else warnings only."""
    terminal = sys.stderr is not None and sys.stderr.isatty()
    bar = Progress(
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        PassesColumn(table_column=Column(no_wrap=True)),
        # Not markup: a file name such as "[red]" is a name.
        TextColumn("{task.fields[image]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
        console=_Stderr(stderr=True),
        disable=quiet or not terminal,
    )
    with bar:
        yield TerminalProgress(bar, talkative=(terminal or verbose) and not quiet, quiet=quiet)
