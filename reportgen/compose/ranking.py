"""Which image a reader should look at first: one documented order, the worst first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reportgen.compose.agreeing import disagrees
from reportgen.phrasing import CONFIDENT
from reportgen.results import Run, Subject
from reportgen.verdicts import SILENT

Group = Literal["failed", "confident", "wrong", "unsupported", "disagreed", "rest"]
GROUPS: tuple[Group, ...] = ("failed", "confident", "wrong", "unsupported", "disagreed", "rest")  # the worst first


@dataclass(frozen=True)
class Ranked:
    """One image in the order. position: its place in the run; group: what put it where it stands."""

    position: int
    group: Group


def worst_first(run: Run) -> tuple[Ranked, ...]:
    """All images: a method failed on it; a confident error; an error; an answer without support; one
    that the methods disagree about; the rest.

    Errors come with the highest probability first, all others with the lowest; then as in the run.
    """
    ranked = [Ranked(position, group_of(subject)) for position, subject in enumerate(run.subjects)]

    def place(each: Ranked) -> tuple[int, float, int]:
        probability = run.subjects[each.position].prediction.first.probability
        error = each.group in ("confident", "wrong")
        return GROUPS.index(each.group), -probability if error else probability, each.position

    return tuple(sorted(ranked, key=place))


def group_of(subject: Subject) -> Group:
    """What is worst about an image; unsupported: pictures of its answer were tested, and none is supported."""
    if any(each.status == "failed" for each in subject.explanations):
        return "failed"
    if subject.prediction.right is False:
        return "confident" if subject.prediction.first.probability >= CONFIDENT else "wrong"
    states = tested_states(subject)
    if states and "supported" not in states:
        return "unsupported"
    return "disagreed" if disagrees(subject) else "rest"


def tested_states(subject: Subject) -> Sequence[str]:
    """The verdicts on the pictures of the predicted class, without those that were not tested."""
    about = [each.verdict.state for each in subject.explanations if each.verdict and each.target.leads]
    return [state for state in about if state not in SILENT]
