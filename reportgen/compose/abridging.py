"""Shorter forms of the report, where there are many images: for paper the worst of them, for a page that would be too
large the worst in the figures of the methods.

On paper the very worst are shown with all that is said of them, the others with their pictures, the answer and the
verdicts. Nothing is left out silently: the first section says how many images it holds and where the rest is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from reportgen.anchors import image_anchor
from reportgen.compose.ranking import worst_first
from reportgen.document import (
    Answer,
    Block,
    Figure,
    NoPicture,
    Overview,
    Panel,
    Paragraph,
    ReportDocument,
    Section,
    Sentence,
    Table,
)
from reportgen.language import Words
from reportgen.numbering import numbered
from reportgen.panels import COLUMNS, EMPTY, MANY_COLUMNS, in_rows, padded
from reportgen.phrasing import counted, said, shown_name
from reportgen.results import Run

CARDS: Final = "images"  # anchor of the section with a card for each image
Column = tuple[str, tuple[Panel, ...]]  # the image's anchor, its panels from the top


@dataclass(frozen=True)
class _Fewer:
    """Anchors of images. gone: without a card and pictures; brief: with a short card, and in no other figure.

    names: what the images are called in tables; lost: those of images that are gone.
    """

    gone: frozenset[str]
    brief: frozenset[str]
    names: frozenset[str]
    lost: frozenset[str]

    @property
    def undrawn(self) -> frozenset[str]:
        """Those that the figures of the methods do without."""
        return self.gone | self.brief


def abridged(document: ReportDocument, run: Run, words: Words, most: int, full: int) -> ReportDocument:
    """The document with the `most` worst images only, in tables as well, and with all pictures and sentences for the
    `full` worst of these; itself where that leaves nothing out.

    A card with words of the author's stays as it is, and so does what is said of methods.
    """
    total = len(run.subjects)
    if total <= min(most, full):
        return document
    worst = [image_anchor(run.subjects[each.position].image) for each in worst_first(run)]
    cards = next(section for section in document.sections if section.anchor == "images").sections
    answered = {each.anchor for each in cards if any(isinstance(block, Answer) for block in each.blocks)}
    gone = frozenset(worst[most:]) - answered
    called = {image_anchor(subject.image): shown_name(subject.image.name) for subject in run.subjects}
    kept = frozenset(name for anchor, name in called.items() if anchor not in gone)
    fewer = _Fewer(
        gone, frozenset(worst[full:]) - gone - answered, frozenset(called.values()), frozenset(called.values()) - kept
    )
    sections = [_section(section, fewer) for section in document.sections]
    note = Paragraph(tuple(_note(words, total, fewer)), "note")
    first = replace(sections[0], blocks=(note, *sections[0].blocks))
    return replace(document, sections=numbered((first, *sections[1:])))


def with_fewer_figures(document: ReportDocument, run: Run, words: Words, most: int) -> ReportDocument:
    """The document with the `most` worst images only in the figures of the methods; itself where those are all.

    Each image keeps its card with all of its pictures, and its row in each table.
    """
    total = len(run.subjects)
    if total <= most:
        return document
    others = frozenset(image_anchor(run.subjects[each.position].image) for each in worst_first(run)[most:])
    fewer = _Fewer(frozenset(), others, frozenset(), frozenset())
    sections = [each if each.anchor == CARDS else _section(each, fewer) for each in document.sections]
    sentence = said(words, "budget.fewer", ("summary.images",), shown=most, total=total)
    first = replace(sections[0], blocks=(*sections[0].blocks, Paragraph((sentence,), "note")))
    return replace(document, sections=numbered((first, *sections[1:])))


def _note(words: Words, total: int, fewer: _Fewer) -> Iterator[Sentence]:
    shown = total - len(fewer.gone)
    if fewer.gone:
        yield said(words, "paper.abridged", ("summary.images",), shown=shown, total=total)
    if fewer.brief:
        full = shown - len(fewer.brief)
        about = ("summary.images",)
        yield counted(words, "paper.brief", full, about) if full else said(words, "paper.brief_all", about)
    yield said(words, "paper.numbers", ("summary.images",))


def _section(section: Section, fewer: _Fewer) -> Section:
    if section.anchor in fewer.brief:
        return _brief(section)
    inner = [each for each in section.sections if each.anchor not in fewer.gone]
    inner.sort(key=lambda each: each.anchor in fewer.brief)  # the whole cards first, in their order
    made = tuple(_section(each, fewer) for each in inner)
    return replace(section, blocks=tuple(_blocks(section.blocks, fewer)), sections=made)


def _brief(card: Section) -> Section:
    """The card with its answer and its pictures, each once and small."""
    answer = next(block for block in card.blocks if isinstance(block, Paragraph))
    figure = next(block for block in card.blocks if isinstance(block, Figure))
    # What stands in the figure once more, for a second class, has no anchor of its own.
    panels = [replace(panel, detail="") for row in figure.rows for panel in row if panel.anchor]
    rows = tuple(padded(row, MANY_COLUMNS) for row in in_rows(panels, MANY_COLUMNS))
    return replace(card, blocks=(answer, replace(figure, rows=rows, scales=())), lead=2)


def _blocks(blocks: Sequence[Block], fewer: _Fewer) -> Iterator[Block]:
    """The blocks with figures closed up: what is left of several fills as few as can be."""
    for place, block in enumerate(blocks):
        if isinstance(block, Overview):
            yield replace(block, items=tuple(item for item in block.items if item.anchor not in fewer.gone))
        elif isinstance(block, Table):
            yield _rows_kept(block, fewer)
        elif not isinstance(block, Figure) or not block.about:
            yield block
        elif len(block.about) == 1:
            yield from () if block.about[0] in fewer.undrawn else (block,)
        elif place == 0 or not _joins(blocks[place - 1], block):
            run_on = [block]
            for following in blocks[place + 1 :]:
                if not _joins(run_on[-1], following):
                    break
                run_on.append(following)  # type: ignore[arg-type]  # _joins says that it is a figure
            yield from _closed_up(run_on, fewer.undrawn)


def _rows_kept(table: Table, fewer: _Fewer) -> Table:
    """Of a table with a row for each image those of images that are shown; any other table as it is."""
    if not fewer.lost or not all(row[0] in fewer.names for row in table.rows):
        return table
    return replace(table, rows=tuple(row for row in table.rows if row[0] not in fewer.lost))


def _joins(one: Block, other: Block) -> bool:
    """Whether a figure goes on in the next block."""
    return isinstance(one, Figure) and isinstance(other, Figure) and min(len(one.about), len(other.about)) > 1


def _closed_up(figures: Sequence[Figure], left_out: frozenset[str]) -> Iterator[Figure]:
    columns = [column for figure in figures for column in _columns(figure) if column[0] not in left_out]
    for figure, start in zip(figures, range(0, len(columns), COLUMNS), strict=False):
        mine = columns[start : start + COLUMNS]
        rows = zip(*(panels for _, panels in mine), strict=True)
        empty = (EMPTY,) * (COLUMNS - len(mine))
        yield replace(figure, rows=tuple((*row, *empty) for row in rows), about=tuple(anchor for anchor, _ in mine))


def _columns(figure: Figure) -> Iterator[Column]:
    """Each image's panels; places without a picture fill the row up."""
    assert all(panel.content == NoPicture("") for row in figure.rows for panel in row[len(figure.about) :])
    return zip(figure.about, zip(*figure.rows, strict=True), strict=False)
