"""run/log.json: how long each stage of a build took. The report holds no clock, so that it is the same each time."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reportgen.contracts import Progress
from reportgen.publish import LOG_FILE

DECIMALS: Final = 3


@dataclass
class Timed:
    """Progress that is passed on, with a clock beside it. clock: seconds from any beginning."""

    progress: Progress
    clock: Callable[[], float] = time.perf_counter
    seconds: dict[str, float] = field(default_factory=dict)  # of each stage; one that comes back is added up
    _stage: str = ""
    _since: float = 0.0

    def stage(self, name: str, total: int, about: Sequence[str] = ()) -> None:
        """A stage begins, and the last one ends."""
        self._end()
        self._stage, self._since = name, self.clock()
        self.progress.stage(name, total, about)

    def watch(self, passed: Callable[[], int]) -> None:
        """Passed on."""
        self.progress.watch(passed)

    def advance(self, steps: int = 1) -> None:
        """Passed on."""
        self.progress.advance(steps)

    def say(self, line: str) -> None:
        """Passed on."""
        self.progress.say(line)

    def warn(self, line: str) -> None:
        """Passed on."""
        self.progress.warn(line)

    def log(self) -> bytes:
        """The file, the current stage being over now."""
        self._end()
        stages = {name: round(value, DECIMALS) for name, value in self.seconds.items()}
        content = {"generator": "reportgen", "stages": stages, "seconds": round(sum(self.seconds.values()), DECIMALS)}
        return (json.dumps(content, indent=1) + "\n").encode()

    def _end(self) -> None:
        if self._stage:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + self.clock() - self._since
        self._stage = ""


def read_seconds(folder: Path) -> float | None:
    """How long the build of this report took; None where no log tells."""
    try:
        return float(json.loads((folder / LOG_FILE).read_text(encoding="utf-8"))["seconds"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
