"""What is to be reached, beside what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.tasks import Row


@dataclass(frozen=True)
class Target:
    """A goal. unit: "x" for times as fast, where more is better; "%" where less is."""

    name: str
    least: float
    aim: float
    measured: float
    unit: str

    @property
    def verdict(self) -> str:
        """How far it was reached: "aim", "reached" or "missed"."""
        sign = 1 if self.unit == "x" else -1
        if sign * self.measured >= sign * self.aim:
            return "aim"
        return "reached" if sign * self.measured >= sign * self.least else "missed"


def on_device(rows: Sequence[Row], device: str) -> tuple[Target, ...]:
    """The goals for the tasks; those of a GPU are other ones."""
    random, designed, _checked, _saliency, filters, _every, whole, _finished = rows
    if device != "cpu":
        return (Target("one LIME explanation at equal samples, on a GPU", 15, 40, random.ratio, "x"),)
    outside = 100 * (designed.ours.outside or 0) / designed.ours.seconds
    return (
        Target("one LIME explanation at equal samples", 2, 3, random.ratio, "x"),
        Target("one LIME explanation of equal quality", 8, 15, designed.ratio, "x"),
        Target("filter visualisation, one image", 10, 24, filters.ratio, "x"),
        Target("the whole workload, LIME of equal quality", 8, 15, whole.ratio, "x"),
        Target("time outside forward passes, LIME of equal quality", 10, 5, outside, "%"),
    )


def of_memory(peaks: Mapping[int, float]) -> Target:
    """The goal for memory: how much more many images take than few."""
    few, many = min(peaks), max(peaks)
    more = 100 * (peaks[many] / peaks[few] - 1)
    return Target(f"peak memory, {few} against {many} images", 10, 1, more, "%")
