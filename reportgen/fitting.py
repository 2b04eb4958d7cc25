"""A file that is too large is written again with smaller pictures, step by step.

Where even the smallest do not fit, a shorter form of the document is taken, if there is one. Its first page says so.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from reportgen import figures
from reportgen.document import Paragraph, Picture, ReportDocument
from reportgen.errors import Incomplete
from reportgen.language import Words
from reportgen.phrasing import number, percent, said
from reportgen.pictures import with_pictures
from reportgen.shelf import Keep, in_memory

MB = 1_000_000
# JPEG quality and share of the size; below the last, photographs can no longer be told apart.
STEPS = ((80, 1.0), (70, 1.0), (65, 0.75), (60, 0.5), (50, 0.35), (40, 0.25))
GROWTH = {"html": 4 / 3, "pdf": 1.0}  # bytes of a file for each byte of a picture: base64 in a page
SAMPLE, SPARE = 60, 1.1  # pictures tried beforehand, and how far a sample may lie above what is allowed
WHERE = {"html": ("report.html", "--budget"), "pdf": ("report.pdf", "--max-pdf-mb")}


@dataclass(frozen=True)
class Forms:
    """A document; shorter: makes the form of it that is taken where even the smallest pictures do not fit."""

    whole: ReportDocument
    shorter: Callable[[], ReportDocument] | None = None


@dataclass(frozen=True)
class Fitted:
    """The file; step: what its pictures had to give up, None for nothing; problem: set where that was not enough.

    shorter: whether it is the shorter form of the document.
    """

    data: bytes
    step: tuple[int, float] | None = None
    problem: Incomplete | None = None
    shorter: bool = False


def fitted(
    forms: Forms,
    write: Callable[[ReportDocument], bytes],
    name: str,
    limit: float,
    words: Words,
    keep: Keep = in_memory,
) -> Fitted:
    """The document as a file of at most `limit` MB, as far as smaller pictures and a shorter form can do that.

    name: its format; keep: where smaller pictures wait.
    """
    document = forms.whole
    allowed = round(limit * MB)  # whole bytes: 0.260669 MB is one short of them otherwise
    if _weight(document) * GROWTH[name] <= allowed:  # drawing hundreds of pages takes a while
        data = write(document)
        if len(data) <= allowed:
            return Fitted(data)
        del data  # or there would be two of them soon
    steps = _promising(document, allowed / GROWTH[name])
    for step in steps:
        data = b""  # or there would be two of them soon
        reduced = _reduced(document, step, keep)
        must = step == steps[-1] and not forms.shorter
        if must or _weight(reduced) * GROWTH[name] <= allowed:  # else not even its pictures; each once, as in a PDF
            data = write(_announced(reduced, step, limit, words))
            if len(data) <= allowed:
                return Fitted(data, step)
    if forms.shorter:
        del data, reduced
        return replace(fitted(Forms(forms.shorter()), write, name, limit, words, keep), shorter=True)
    return Fitted(data, step, _too_large(name, len(data), limit))


def _promising(document: ReportDocument, allowed: float) -> Sequence[tuple[int, float]]:
    """The steps without those at the start that a sample of the pictures says are far from enough."""
    once = {_fingerprint(picture): picture for picture in _pictures(document.sections)}
    pictures = [once[each] for each in sorted(once)]
    sample = pictures[:SAMPLE]
    whole = sum(len(picture.data) for picture in pictures) / max(1, sum(len(picture.data) for picture in sample))

    def estimated(step: tuple[int, float]) -> float:
        return whole * sum(len(figures.smaller(picture, *step).data) for picture in sample)

    first = next((n for n, step in enumerate(STEPS) if estimated(step) <= SPARE * allowed), len(STEPS) - 1)
    return STEPS[first:]


def _fingerprint(picture: Picture) -> bytes:
    """Sorts pictures in an order that has nothing to do with what they show."""
    return sha256(picture.data).digest()


def _too_large(name: str, size: int, limit: float) -> Incomplete:
    file, option = WHERE[name]
    why = f"it takes {size / MB:.1f} MB even with its smallest pictures, and {limit:g} MB were allowed"
    return Incomplete("E-SIZE", file, why, f"Raise {option}, or explain fewer images with --limit")


def _reduced(document: ReportDocument, step: tuple[int, float], keep: Keep) -> ReportDocument:
    """The document with every photograph and overlay smaller; equal pictures are encoded once."""
    made: dict[Picture, Picture] = {}

    def shrunk(picture: Picture) -> Picture:
        if picture not in made:
            made[picture] = keep(figures.smaller(picture, *step))
        return made[picture]

    return replace(document, sections=with_pictures(document.sections, shrunk))


def _weight(document: ReportDocument) -> int:
    # By fingerprints, for their bytes may wait in a file and be more than the memory should hold at once.
    sizes = {sha256(picture.data).digest(): len(picture.data) for picture in _pictures(document.sections)}
    return sum(sizes.values())


def _pictures(part: Any) -> Iterator[Picture]:  # noqa: ANN401 - any part of a document
    if isinstance(part, Picture):
        yield part
    elif isinstance(part, tuple):
        for item in part:
            yield from _pictures(item)
    elif dataclasses.is_dataclass(part) and not isinstance(part, type):
        for slot in dataclasses.fields(part):
            yield from _pictures(getattr(part, slot.name))


def _announced(document: ReportDocument, step: tuple[int, float], limit: float, words: Words) -> ReportDocument:
    """The document that says so at the end of its first section."""
    quality, scale = step
    sentences = [said(words, "budget.reduced", (), limit=number(limit), scale=percent(scale), quality=quality)]
    if scale <= figures.HALF:
        sentences.append(said(words, "budget.charts", (), scale=percent(figures.HALF)))
    first, *others = document.sections
    note = Paragraph(tuple(sentences), "note")
    return replace(document, sections=(replace(first, blocks=(*first.blocks, note)), *others))
