"""What a rule says of a run: frozen, free of words, as it is stored, shown and written for a CI job."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

from reportgen.arrays import NO_FACTS, Facts, lock_facts

Level = Literal["off", "warn", "error"]
Outcome = Literal["passed", "failed", "not_tested"]
Sense = Literal["at_least", "at_most", "below"]
Unit = Literal["share", "number", "flag", "bytes", "seconds"]
SENSES: tuple[Sense, ...] = get_args(Sense)
HOLDS: Mapping[Sense, Callable[[float, float], bool]] = MappingProxyType(
    {"at_least": operator.ge, "at_most": operator.le, "below": operator.lt}
)


@dataclass(frozen=True)
class ImageRuling:
    """What a rule measured on one image. against: it speaks against the run; key: where report.json holds it."""

    name: str
    value: float
    against: bool
    key: str


@dataclass(frozen=True)
class RuleResult:
    """One rule's outcome. value: None where it could not be tested, and `reason` (key of a sentence) says why.

    images: worst first; keys: what of report.json the value rests on; facts: what its sentence tells besides;
    required: a rule that cannot be tested counts as failed.
    """

    name: str
    group: str
    level: Level
    outcome: Outcome
    value: float | None
    threshold: float
    sense: Sense
    unit: Unit
    images: tuple[ImageRuling, ...] = ()
    keys: tuple[str, ...] = ()
    facts: Facts = field(default_factory=lambda: NO_FACTS)
    reason: str = ""
    required: bool = False

    def __post_init__(self) -> None:
        """Lock the facts; an outcome without a value, or the reverse, is a bug."""
        lock_facts(self, "facts")
        if (self.outcome == "not_tested") != (self.value is None) or (self.value is None) != bool(self.reason):
            raise ValueError(f"{self.name}: {self.outcome} with value {self.value}, reason {self.reason!r}")

    @property
    def broken(self) -> bool:
        """Whether it counts as failed, at whichever level."""
        return self.outcome == "failed" or (self.required and self.outcome == "not_tested")

    @property
    def fails(self) -> bool:
        """Whether it stops a CI job."""
        return self.broken and self.level == "error"

    @property
    def against(self) -> tuple[ImageRuling, ...]:
        """The images that speak against the run, worst first."""
        return tuple(image for image in self.images if image.against)


@dataclass(frozen=True)
class Checked:
    """A report, or two, as the rules see it. folder: its name for links; results: as in the table, none "off"."""

    model: str
    sha256: str
    folder: str
    images: int
    results: tuple[RuleResult, ...]
    page: str = "report.html"

    @property
    def fails(self) -> bool:
        """Whether an error rule fails: exit code 1."""
        return any(result.fails for result in self.results)

    @property
    def broken(self) -> tuple[RuleResult, ...]:
        """The rules that failed, errors before warnings."""
        return tuple(sorted((each for each in self.results if each.broken), key=lambda each: not each.fails))
