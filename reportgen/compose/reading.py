"""How the model was read: in a sentence or two for the summary, with every candidate for the appendix."""

from collections.abc import Iterator

from reportgen.document import Block, Paragraph, Section, Sentence, Table
from reportgen.inputs import Finding
from reportgen.language import Words
from reportgen.phrasing import apart, counted, noted, number, percent, said
from reportgen.results import WARNINGS, Run

COLUMNS = ("open", "answer", "sure", "nats", "share")
# What anybody expects in a gap, and so is told in the appendix only, where it is clear.
PLAIN = ("an activation", "activation and pool", "no")
# Notes that the first page needs: what the answers mean, and readings that would answer otherwise.
FIRST_PAGE = (
    "note.classes_", "note.averaged", "note.without_last_pool", "note.padding_", "note.pools_by_size",
)  # fmt: skip


def summary(run: Run, words: Words) -> Iterator[Sentence]:
    """What was read, who settled what the weights leave open, and how sure that is."""
    inferred = any(key == "note.inferred" for key, _ in run.model.notes)
    settled = [*_points(run, words, ("clear", "weak")), *_inputs(run, words)]
    points, keys = apart(words, [text for text, _ in settled]), tuple(key for _, key in settled)
    if settled and inferred:
        yield counted(words, "summary.read_settled", len(settled), keys, points=points)
    elif settled:
        yield counted(words, "summary.settled", len(settled), keys, points=points)
    elif inferred:
        yield said(words, "summary.read")
    if undecided := [*_points(run, words, ("none",))]:
        keys = tuple(key for _, key in undecided)
        yield said(words, "summary.undecided", keys, points=apart(words, [text for text, _ in undecided]))
    yield from noted(words, [note for note in run.model.notes if _on_first_page(note[0])])


def sections(run: Run, words: Words) -> tuple[Section, ...]:
    """The section of the appendix: the notes, and a row for each point that batch-norms were asked about."""
    told = [note for note in run.model.notes if note[0] not in WARNINGS and not _on_first_page(note[0])]
    blocks: list[Block] = [Paragraph(noted(words, told))] if told else []
    if findings := run.model.findings:
        header = tuple(words(f"reading.column_{column}") for column in COLUMNS)
        rows = tuple(_row(words, finding) for finding in findings)
        blocks += [
            Paragraph((said(words, "reading.how"),)),
            Table("table-reading", 0, words("reading.table"), header, rows, "lllll"),
        ]
    return (Section("reading", words("section.reading"), tuple(blocks)),) if blocks else ()


def _on_first_page(key: str) -> bool:
    return key not in WARNINGS and key.startswith(FIRST_PAGE)


def _points(run: Run, words: Words, sure: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Points of the layers that are so sure, in words, with the key in report.json."""
    for place, finding in enumerate(run.model.findings):
        if finding.sure in sure and not (finding.sure == "clear" and finding.answer in PLAIN):
            text = words("open.point", what=_question(words, finding), answer=_answer(words, finding.answer))
            text = words("open.weakly", point=text) if finding.sure == "weak" else text
            yield text, f"model.findings[{place}].answer"


def _inputs(run: Run, words: Words) -> Iterator[tuple[str, str]]:
    """The same for what is fed, where batch-norms decided."""
    spec = run.model.input
    by = {name for name, who in spec.chosen_by.items() if who == "batch-norm"}
    if "channel_order" in by:
        order = words("open.point", what=words("open.channel_order"), answer=spec.channel_order.upper())
        yield order, "model.input.channel_order"
    if "normalisation" in by and spec.evidence:
        name = words(f"normalisation.{spec.evidence.chosen.normalisation}")
        yield words("open.point", what=words("open.normalisation"), answer=name), "model.input.evidence.chosen.mean"
    if "size" in by:
        size = words("open.pixels", height=spec.size[0], width=spec.size[1])
        yield words("open.point", what=words("open.size"), answer=size), "model.input.size"


def _row(words: Words, finding: Finding) -> tuple[str, ...]:
    distances = [f"{_answer(words, answer)} {number(nats)}" for answer, nats in finding.distances]
    share = percent(finding.share) if len(distances) > 1 else words("reading.alone")
    sure = words(f"certainty.{finding.sure}")
    return _question(words, finding), _answer(words, finding.answer), sure, apart(words, distances), share


def _question(words: Words, finding: Finding) -> str:
    name, *rest = finding.question.split("-")
    kind = words(f"convolution.{rest[0]}") if rest else ""
    return words(f"open.{name}", kind=kind)


def _answer(words: Words, answer: str) -> str:
    key = f"answer.{answer.replace(' ', '_')}"
    return words(key) if words.has(key) else answer
