"""What a rule is: a name, what it judges, how the value is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from reportgen.panels import Found, found
from reportgen.results import NO_FACTS, Facts, Run
from reportgen.ruling import Sense, Unit

T = TypeVar("T")  # what is judged: a run, or two of them
BUILD = "build"  # among the costs: seconds
FLAG = 0.5  # between no and yes, for images that are either


@dataclass(frozen=True, eq=False)
class Evidence:
    """What can be judged. summary: as in report.json; costs: as of `judge`, None where no file is written yet."""

    run: Run
    summary: Facts
    costs: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Seen:
    """What a rule measures on one image, in the rule's own sense; key: where report.json holds it."""

    name: str
    value: float
    key: str


@dataclass(frozen=True)
class Measured:
    """A rule's value. images: with it; limit: the threshold of a single image, None where it is the rule's own."""

    value: float
    keys: tuple[str, ...] = ()
    images: tuple[Seen, ...] = ()
    limit: float | None = None
    facts: Facts = field(default_factory=lambda: NO_FACTS)


@dataclass(frozen=True)
class NotTested:
    """Why a rule has nothing to judge: key of a sentence."""

    reason: str


@dataclass(frozen=True)
class Rule(Generic[T]):
    """One entry of the table. name: also the key of its sentences below [rule] and [broken] in the words."""

    name: str
    group: str
    sense: Sense
    unit: Unit
    measure: Callable[[T], Measured | NotTested]


def share(flags: tuple[Seen, ...]) -> float:
    """The share of images that are flagged."""
    return sum(seen.value > FLAG for seen in flags) / len(flags)


def predicted(run: Run, method: str) -> tuple[Found, ...]:
    """The explanations of the class that counts for its image, as predicted or asked for, that have a result."""
    return tuple(item for item in found(run, method) if item.ok and item.explanation.target.leads)


def named(item: Found, value: float, measure: str) -> Seen:
    """A value of an explanation, under the image's own name."""
    return Seen(item.subject.image.name, value, item.keys(measure)[0])
