"""Where methods disagree about one image: on its card, on page one, and high in the list."""

from collections.abc import Iterator
from statistics import fmean

from reportgen.document import Sentence
from reportgen.language import Words
from reportgen.measures.likeness import TOP_SHARE
from reportgen.panels import Found
from reportgen.phrasing import counted, listing, percent, said, shown_name
from reportgen.results import Run, Subject
from reportgen.verdicts import AGREEMENT

DISAGREE = 0.3  # of the strongest fifth that maps share on average, below which they point at different places


def shared(subject: Subject) -> float | None:
    """What the pictures of the predicted class share of their strongest fifth, on average; None for fewer than two."""
    found = [value for _, value in _measured(subject)]
    return fmean(found) if len(found) > 1 else None


def disagrees(subject: Subject) -> bool:
    """Whether the methods point at different places of the image."""
    common = shared(subject)
    return common is not None and common < DISAGREE


def worst_first(run: Run) -> tuple[int, ...]:
    """Places of the images, those that the methods disagree about first; else as they are."""
    return tuple(sorted(range(len(run.subjects)), key=lambda place: not disagrees(run.subjects[place])))


def sentences(words: Words, item: Found) -> Iterator[Sentence]:
    """For the card of an image. item: one of its explanations."""
    common = shared(item.subject)
    if common is not None and disagrees(item.subject):
        keys = _keys(item.subject, item.key.partition(".")[0])
        yield said(words, "trust.disagree_card", keys, share=percent(common), chance=percent(TOP_SHARE))


def warnings(run: Run, words: Words) -> Iterator[Sentence]:
    """For page one: the images that the methods disagree about."""
    against = [(f"images[{i}]", subject) for i, subject in enumerate(run.subjects) if disagrees(subject)]
    if against:
        keys = tuple(key for start, subject in against for key in _keys(subject, start))
        names = listing(words, [shown_name(subject.image.name) for _, subject in against])
        yield counted(words, "trust.disagree", len(against), keys, images=names)


def _keys(subject: Subject, start: str) -> tuple[str, ...]:
    return tuple(f"{start}.explanations[{j}].verdict.checks[{n}].value" for (j, n), _ in _measured(subject))


def _measured(subject: Subject) -> list[tuple[tuple[int, int], float]]:
    """Where each picture's agreement stands, explanation and check, and what it is."""
    return [
        ((j, n), check.value)
        for j, each in enumerate(subject.explanations)
        if each.verdict and each.target.leads
        for n, check in enumerate(each.verdict.checks)
        if check.check == AGREEMENT and check.value is not None
    ]
