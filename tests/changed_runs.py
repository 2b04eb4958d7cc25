"""Made-up pairs of runs whose differences are known: a run, and the same with one thing changed."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from fake_run import fake_run

from reportgen.results import CheckResult, Explanation, RankedClass, RegionWeights, Run, SaliencyMap, Subject
from reportgen.verdicts import State, verdict


def alone(_: int, subject: Subject) -> Subject:
    """Answered as labelled, so that only the predicted class is explained."""
    prediction = replace(subject.prediction, label=subject.prediction.first)
    explanations = tuple(one for one in subject.explanations if one.target.role == "predicted")
    return Subject(subject.image, prediction, explanations)


def each(run: Run, change: Callable[[int, Subject], Subject]) -> Run:
    """The run with every image changed."""
    return replace(run, subjects=tuple(change(n, subject) for n, subject in enumerate(run.subjects)))


PLACES = ("centre", "upper", "lower", "left")


def spread(n: int, subject: Subject) -> Subject:
    """The evidence in a place of its own."""
    explanations = tuple(replace(one, measures={**one.measures, "place": PLACES[n]}) for one in subject.explanations)
    return replace(subject, explanations=explanations)


BASE = each(each(fake_run(profile="default", trouble=False), alone), spread)


def explained(run: Run, method: str, change: Callable[[Explanation], Explanation]) -> Run:
    """The run with every explanation of one method changed."""

    def with_changed(_: int, subject: Subject) -> Subject:
        changed = tuple(change(one) if one.method == method else one for one in subject.explanations)
        return replace(subject, explanations=changed)

    return each(run, with_changed)


def answered(run: Run, *positions: int, right: bool = False) -> Run:
    """The run with other answers to these images. right: the label is the new answer."""

    def flip(n: int, subject: Subject) -> Subject:
        if n not in positions:
            return subject
        old = subject.prediction
        first, second, *others = old.top
        top = (replace(second, probability=first.probability), replace(first, probability=second.probability), *others)
        logits = old.logits.copy()
        logits[[first.index, second.index]] = logits[[second.index, first.index]]
        label: RankedClass | None = top[0] if right else old.label
        explanations = tuple(
            replace(one, target=replace(one.target, index=top[0].index, name=top[0].name))
            for one in subject.explanations
        )
        return replace(subject, prediction=replace(old, top=top, logits=logits, label=label), explanations=explanations)

    return each(run, flip)


def less_sure(run: Run, by: float) -> Run:
    """The run with the logit of every answer lower."""

    def lower(_: int, subject: Subject) -> Subject:
        logits = subject.prediction.logits.copy()
        logits[subject.prediction.first.index] -= by
        return replace(subject, prediction=replace(subject.prediction, logits=logits))

    return each(run, lower)


def moved_lime(run: Run, place: str = "lower_right") -> Run:
    """The weights in the reverse order of the regions, and the heaviest said to lie there."""

    def turned(one: Explanation) -> Explanation:
        assert isinstance(one.result, RegionWeights)
        result = replace(one.result, weights=one.result.weights[::-1], margins=np.full(len(one.result.weights), 0.001))
        return replace(one, result=result, measures={**one.measures, "place": place})

    return explained(run, "lime", turned)


def moved_saliency(run: Run, place: str = "lower_right") -> Run:
    """The maps turned by half a turn, and their centre said to lie there."""

    def turned(one: Explanation) -> Explanation:
        assert isinstance(one.result, SaliencyMap)
        result = SaliencyMap(one.result.heat[::-1, ::-1])
        return replace(one, result=result, measures={**one.measures, "place": place})

    return explained(run, "saliency", turned)


def gathered(run: Run) -> Run:
    """All evidence in one corner."""
    return moved_saliency(moved_lime(run))


def judged(run: Run, states: Sequence[State], value: float = 0.5) -> Run:
    """The run with these verdicts, image by image, on every picture."""

    def with_verdicts(n: int, subject: Subject) -> Subject:
        made = verdict([CheckResult("faithfulness", states[n], value, 0.1)])
        return replace(subject, explanations=tuple(replace(one, verdict=made) for one in subject.explanations))

    return each(run, with_verdicts)
