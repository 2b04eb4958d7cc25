"""The report for paper, where there are many images: the worst of them with their pictures, and every number.

Nothing is left out silently: the first section says how many images it holds and where the others are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reportgen.anchors import image_anchor
from reportgen.compose.ranking import worst_first
from reportgen.document import Answer, Block, Figure, NoPicture, Overview, Panel, Paragraph, ReportDocument, Section
from reportgen.language import Words
from reportgen.numbering import numbered
from reportgen.panels import COLUMNS, EMPTY
from reportgen.phrasing import said
from reportgen.results import Run

Column = tuple[str, tuple[Panel, ...]]  # the image's anchor, its panels from the top


def abridged(document: ReportDocument, run: Run, words: Words, most: int) -> ReportDocument:
    """The document with the cards and figures of the `most` worst images only; itself where it holds no more.

    A card with words of the author's stays, and so do all tables and sentences.
    """
    total = len(run.subjects)
    if total <= most:
        return document
    worst = [image_anchor(run.subjects[each.position].image) for each in worst_first(run)]
    cards = next(section for section in document.sections if section.anchor == "images").sections
    answered = {each.anchor for each in cards if any(isinstance(block, Answer) for block in each.blocks)}
    left_out = frozenset(worst[most:]) - answered
    sections = [_section(section, left_out) for section in document.sections]
    kept = total - len(left_out)
    note = Paragraph((said(words, "paper.abridged", ("summary.images",), shown=kept, total=total),), "note")
    first = replace(sections[0], blocks=(note, *sections[0].blocks))
    return replace(document, sections=numbered((first, *sections[1:])))


def _section(section: Section, left_out: frozenset[str]) -> Section:
    inner = tuple(_section(each, left_out) for each in section.sections if each.anchor not in left_out)
    return replace(section, blocks=tuple(_blocks(section.blocks, left_out)), sections=inner)


def _blocks(blocks: Sequence[Block], left_out: frozenset[str]) -> Iterator[Block]:
    """The blocks with figures closed up: what is left of several fills as few as can be."""
    for place, block in enumerate(blocks):
        if isinstance(block, Overview):
            yield replace(block, items=tuple(item for item in block.items if item.anchor not in left_out))
        elif not isinstance(block, Figure) or not block.about:
            yield block
        elif len(block.about) == 1:
            yield from () if block.about[0] in left_out else (block,)
        elif place == 0 or not _joins(blocks[place - 1], block):
            run_on = [block]
            for following in blocks[place + 1 :]:
                if not _joins(run_on[-1], following):
                    break
                run_on.append(following)  # type: ignore[arg-type]  # _joins says that it is a figure
            yield from _closed_up(run_on, left_out)


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
