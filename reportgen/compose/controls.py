"""What the cards can be narrowed down by and sorted by in a browser; Python decides what belongs to what."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reportgen.compose.ranking import worst_first
from reportgen.document import Card, Choice, Controls, Option, Section
from reportgen.language import Words
from reportgen.phrasing import CONFIDENT, percent, shown_name
from reportgen.results import Run, Subject
from reportgen.verdicts import STATES

UNSURE = 0.5  # below it the answer is less likely than all others together
BANDS = ("sure", "middling", "unsure")
OUTCOMES = ("right", "wrong", "unknown", "failed")
ORDERS = ("given", "worst", "least_sure", "most_sure", "name")


def with_controls(section: Section, run: Run, words: Words) -> Section:
    """The section of the cards, each with what it can be found by, below the controls for all of them.

    section: its subsections are the images that failed, then those of the run, in order. One card needs no controls.
    """
    failed = len(section.sections) - len(run.subjects)
    tokens = [("failed",)] * failed + [_tokens(subject) for subject in run.subjects]
    orders = _orders(run, failed)
    cards = tuple(
        replace(each, card=Card(mine, order))
        for each, mine, order in zip(section.sections, tokens, orders, strict=True)
    )
    if len(cards) < 2:
        return replace(section, sections=cards)
    present = {token for mine in tokens for token in mine}
    there = {name: [each for each in found if each.token in present] for name, found in _found(run, words)}
    choices = tuple(_choice(words, name, options) for name, options in there.items() if len(options) > 1)
    order = Choice(
        words("controls.order"), tuple(Option(str(n), words(f"controls.order_{each}")) for n, each in enumerate(ORDERS))
    )
    controls = Controls(choices, order)
    return replace(section, blocks=(*section.blocks, controls), sections=cards)


def _choice(words: Words, name: str, options: Sequence[Option]) -> Choice:
    return Choice(words(f"controls.{name}"), (Option("", words("controls.all")), *options))


def _found(run: Run, words: Words) -> Sequence[tuple[str, Sequence[Option]]]:
    """The lists of the controls with everything that may stand in them."""
    limits = {"high": percent(CONFIDENT), "low": percent(UNSURE)}
    bands = [Option(each, words(f"controls.{each}", **limits)) for each in BANDS]
    return (
        ("outcome", [Option(each, words(f"controls.{each}")) for each in OUTCOMES]),
        ("class", [Option(f"c{n}", shown_name(name)) for n, name in enumerate(run.model.classes)]),
        ("confidence", bands),
        ("verdict", [Option(f"v-{state}", words(f"verdict.{state}")) for state in STATES]),
    )


def _tokens(subject: Subject) -> tuple[str, ...]:
    """What an image is found by: its outcome, the classes of its answer and label, its confidence, its verdicts."""
    prediction = subject.prediction
    outcome = {None: "unknown", True: "right", False: "wrong"}[prediction.right]
    probability = prediction.first.probability
    band = "sure" if probability >= CONFIDENT else "unsure" if probability < UNSURE else "middling"
    classes = {each.index for each in (prediction.first, prediction.label) if each}
    states = {each.verdict.state for each in subject.explanations if each.verdict}
    verdicts = (f"v-{state}" for state in STATES if state in states)
    failed = ("failed",) if any(each.status == "failed" for each in subject.explanations) else ()
    return (outcome, *failed, *(f"c{index}" for index in sorted(classes)), band, *verdicts)


def _orders(run: Run, failed: int) -> Sequence[tuple[int, ...]]:
    """For each card its place in every way of sorting; what failed as a whole comes first in all of them."""
    subjects, indices = run.subjects, range(len(run.subjects))
    sequences: Mapping[str, Sequence[int]] = {
        "given": indices,
        "worst": [each.position for each in worst_first(run)],
        "least_sure": sorted(indices, key=lambda i: subjects[i].prediction.first.probability),
        "most_sure": sorted(indices, key=lambda i: -subjects[i].prediction.first.probability),
        "name": sorted(indices, key=lambda i: subjects[i].image.name),
    }
    places = [{each: place for place, each in enumerate(sequences[order], failed)} for order in ORDERS]
    return [(n,) * len(ORDERS) for n in range(failed)] + [tuple(place[i] for place in places) for i in indices]
