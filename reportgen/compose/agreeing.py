"""Where methods disagree about one image: on its card, on page one, and high in the list."""

from collections.abc import Iterator
from statistics import fmean

from reportgen.document import Sentence
from reportgen.language import Words
from reportgen.panels import Found, agreement
from reportgen.phrasing import ALIKE, DENSER, counted, listing, number, percent, said, shown_name
from reportgen.results import Run, Subject
from reportgen.verdicts import AGREEMENT

# Of the strongest fifth that the pictures share on average, below which they point at different places: maps of two
# different scenes share 0.26 in the median, for objects lie near the middle.
DISAGREE = 0.3
HALF = 0.5


def shared(subject: Subject) -> float | None:
    """What the pictures of the predicted class share of their strongest fifth, on average; None for fewer than two."""
    found = _measured(subject)
    return fmean(found) if len(found) > 1 else None


def numbers(subject: Subject) -> dict[str, float]:
    """For `measures` of the image in report.json; empty where nothing was compared."""
    common = shared(subject)
    return {} if common is None else {"shared": common, "compared": len(_measured(subject))}


def disagrees(subject: Subject) -> bool:
    """Whether the methods point at different places of the image."""
    common = shared(subject)
    return common is not None and common < DISAGREE


def sentences(words: Words, item: Found) -> Iterator[Sentence]:
    """For the card of an image. item: one of its explanations."""
    common = shared(item.subject)
    if common is not None and disagrees(item.subject):
        start = item.key.partition(".")[0]
        yield said(words, "trust.disagree_card", _keys(start), share=percent(common))


def warnings(run: Run, words: Words) -> Iterator[Sentence]:
    """For page one: the images that the methods disagree about."""
    against = [(f"images[{i}]", subject) for i, subject in enumerate(run.subjects) if disagrees(subject)]
    if against:
        keys = tuple(key for start, _ in against for key in _keys(start))
        names = listing(words, [shown_name(subject.image.name) for _, subject in against])
        yield counted(words, "trust.disagree", len(against), keys, images=names)


def of_saliency_and_lime(words: Words, subject: Subject, key: str) -> Iterator[Sentence]:
    """For the card of an image: whether saliency gathers where LIME's regions speak for the class."""
    if measured := agreement(subject):
        density = measured["agreement_density"]
        told = "card.agreement" if density >= ALIKE else "card.agreement_low"
        if density >= DENSER:
            told = "card.agreement_high" if measured["agreement"] >= HALF else "card.agreement_dense"
        keys = tuple(f"{key}.measures.{name}" for name in ("agreement", "agreement_area", "agreement_density"))
        share, area = percent(measured["agreement"]), percent(measured["agreement_area"])
        yield said(words, told, keys, share=share, area=area, times=number(density))


def _keys(start: str) -> tuple[str, ...]:
    return f"{start}.measures.shared", f"{start}.measures.compared"


def _measured(subject: Subject) -> list[float]:
    """What the pictures of the leading class share with the others."""
    results = [each.verdict.check(AGREEMENT) for each in subject.explanations if each.verdict and each.target.leads]
    return [result.value for result in results if result and result.value is not None]
