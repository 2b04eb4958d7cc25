"""A run that may not start new work after a while: what is left out costs itself, and the report says so."""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from reportgen.errors import ReportgenError, printable
from reportgen.results import Failure

T = TypeVar("T")
_NAMED = 5


class OutOfTime(ReportgenError):
    """Work was about to begin after the end; whoever set the end catches it."""


@dataclass(frozen=True)
class Deadline:
    """seconds: from its making on; None for no end."""

    seconds: float | None
    since: float

    @classmethod
    def after(cls, seconds: float | None) -> "Deadline":
        """One that starts now."""
        return cls(seconds, time.monotonic())

    @property
    def over(self) -> bool:
        """Whether no new work may begin."""
        return self.seconds is not None and time.monotonic() - self.since >= self.seconds

    def until(self, work: Iterator[T]) -> Iterator[T]:
        """What the work yields as long as there is time; the next step is not begun afterwards."""
        with suppress(OutOfTime):
            yield from self.checked(work)

    def checked(self, work: Iterator[T]) -> Iterator[T]:
        """What the work yields, all of it: raises OutOfTime where the next step would begin too late."""
        try:
            while not self.over:
                try:
                    yield next(work)
                except StopIteration:
                    return
            raise OutOfTime("E-METHOD", "--max-seconds", f"the {self.seconds:g} seconds were over", "Raise it")
        finally:
            if isinstance(work, Generator):  # gives back hooks and memory at once
                work.close()

    def left_out(self, name: str, items: Sequence[str] = ()) -> Failure:
        """What is told of work that was not begun. items: what it would have been about."""
        listed = ", ".join(printable(each) for each in items[:_NAMED])
        more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
        about = f" for {listed}{more}" if items else ""
        why = f"not computed{about}: the {self.seconds:g} seconds of --max-seconds were over"
        return Failure(name, "E-METHOD", why, "Raise --max-seconds, or lower --limit or --lime-samples")


NO_END = Deadline(None, 0.0)
