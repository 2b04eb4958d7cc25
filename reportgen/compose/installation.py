"""What the self-test of this installation gave: a table in every report, and a warning where it is not as known."""

from collections.abc import Iterator, Sequence

from reportgen.document import Block, Paragraph, Sentence, Table
from reportgen.language import Words
from reportgen.phrasing import apart, capital, number, percent, said
from reportgen.results import KnownAnswer, Run

SHARES = frozenset({"answers", "object_lime"})


def known(run: Run, words: Words) -> Iterator[Block]:
    """What came out, and where all of it is as known, that it is."""
    if not run.known_answers:
        return
    if not _wrong(run):
        keys = tuple(f"known_answers[{n}].value" for n in range(len(run.known_answers)))
        device = run.provenance.device
        passed = said(words, "known.passed", (*keys, "provenance.device"), n=len(keys), device=device)
        yield Paragraph((passed,), "note")
    header = tuple(words(f"known.column_{column}") for column in ("what", "found", "asked"))
    rows = tuple(_row(words, each) for each in run.known_answers)
    yield Table("verdicts-known", 0, words("known.table"), header, rows, "lrl")


def warnings(run: Run, words: Words) -> Iterator[Sentence]:
    """What is not as known."""
    if wrong := _wrong(run):
        yield _told(run, words, wrong)


def _wrong(run: Run) -> list[int]:
    return [n for n, each in enumerate(run.known_answers) if not each.holds]


def _told(run: Run, words: Words, which: Sequence[int]) -> Sentence:
    keys = tuple(f"known_answers[{n}].{name}" for n in which for name in ("value", "threshold"))
    answers = apart(words, [_answer(words, run.known_answers[n]) for n in which])
    return said(words, "known.failed", (*keys, "provenance.device"), answers=answers, device=run.provenance.device)


def _answer(words: Words, answer: KnownAnswer) -> str:
    what, value, bound = _told_of(words, answer)
    return words("known.answer", what=what, value=value, bound=bound)


def _row(words: Words, answer: KnownAnswer) -> tuple[str, ...]:
    what, value, bound = _told_of(words, answer)
    return capital(what), value, bound


def _told_of(words: Words, answer: KnownAnswer) -> tuple[str, str, str]:
    """What was asked, what was found, what it is held against."""
    shown = percent if answer.name in SHARES else number
    bound = words("rules.at_least" if answer.above else "rules.at_most", threshold=shown(answer.threshold))
    return words(f"known.{answer.name}"), shown(answer.value), bound
