"""What the self-test of this installation gave: a line in every report, and a warning where it is not as known."""

from collections.abc import Iterator, Sequence

from reportgen.document import Sentence
from reportgen.language import Words
from reportgen.phrasing import listing, number, percent, said
from reportgen.results import KnownAnswer, Run

SHARES = frozenset({"answers", "object_lime"})


def known(run: Run, words: Words) -> Iterator[Sentence]:
    """What came out, where all of it is as known."""
    if run.known_answers and not _wrong(run):
        yield _told(run, words, "known.passed", range(len(run.known_answers)))


def warnings(run: Run, words: Words) -> Iterator[Sentence]:
    """What is not as known."""
    if wrong := _wrong(run):
        yield _told(run, words, "known.failed", wrong)


def _wrong(run: Run) -> list[int]:
    return [n for n, each in enumerate(run.known_answers) if not each.holds]


def _told(run: Run, words: Words, key: str, which: Sequence[int]) -> Sentence:
    keys = tuple(f"known_answers[{n}].{name}" for n in which for name in ("value", "threshold"))
    answers = listing(words, [_answer(words, run.known_answers[n]) for n in which])
    return said(words, key, (*keys, "provenance.device"), answers=answers, device=run.provenance.device)


def _answer(words: Words, answer: KnownAnswer) -> str:
    shown = percent if answer.name in SHARES else number
    bound = words("known.at_least" if answer.above else "known.at_most", threshold=shown(answer.threshold))
    return words(f"known.{answer.name}", value=shown(answer.value), bound=bound)
