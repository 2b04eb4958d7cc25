"""The author's own words, put where they belong, and the places where an answer is missing."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reportgen.anchors import image_anchor
from reportgen.document import Answer, Block, Figure, Section
from reportgen.errors import printable
from reportgen.language import Words
from reportgen.phrasing import shown_name
from reportgen.results import Run

QUESTIONS = {"saliency": "Saliency maps", "filters": "Filter visualisation", "lime": "LIME"}  # task -> heading to write
_SHORT = {"summary": "Summary", "images": "Images", "appendix": "Appendix", **QUESTIONS}
_MOST_TOLD = 5


@dataclass(frozen=True)
class Answered:
    """sections: with the author's words in place; places: for each note the anchor that it stands at, or "".

    missing: the tasks of the report without an answer; remarks: lines for the author, on headings that name nothing.
    """

    sections: tuple[Section, ...]
    places: tuple[str, ...]
    missing: tuple[str, ...]
    remarks: tuple[str, ...]


def answered(sections: Sequence[Section], run: Run, words: Words) -> Answered:
    """The sections with every note below what it speaks of. Figures must be numbered.

    With profile hw5 a task without an answer says so in its place.
    """
    names = _names(sections, run, words)
    places = tuple(names.get(_plain(note.heading), "") for note in run.notes)
    texts: dict[str, list[str]] = {}
    for note, place in zip(run.notes, places, strict=True):
        if place and note.text.strip():
            texts.setdefault(place, []).append(note.text)
    missing = tuple(section.anchor for section in sections if section.anchor in QUESTIONS.keys() - texts.keys())
    blocks = {place: Answer(words("author.answer"), "\n\n".join(each)) for place, each in texts.items()}
    if run.profile == "hw5":
        for task in missing:
            gap = words("author.missing", heading=words(f"author.heading_{task}"))
            blocks[task] = Answer(words("author.answer"), "", gap)
    lost = [note.heading for note, place in zip(run.notes, places, strict=True) if not place]
    placed = tuple(_with(section, blocks) for section in sections)
    return Answered(placed, places, missing, tuple(_remarks(lost, names)))


def _with(section: Section, blocks: Mapping[str, Answer]) -> Section:
    """The section with the answers to it and to its figures; its own stands before its subsections."""
    own: list[Block] = []
    for block in section.blocks:
        own.append(block)
        if isinstance(block, Figure) and block.anchor in blocks:
            own.append(blocks[block.anchor])
    own += [blocks[section.anchor]] if section.anchor in blocks else []
    return replace(section, blocks=tuple(own), sections=tuple(_with(each, blocks) for each in section.sections))


def _names(sections: Sequence[Section], run: Run, words: Words) -> dict[str, str]:
    """What a heading may say -> the anchor that it names; what stands before the first heading is of the summary."""
    names = dict(_image_names(run))  # first, for an image may be called like a section
    for section in _below(sections):
        names |= {_plain(section.anchor): section.anchor, _plain(section.title): section.anchor}
        figures = (block for block in section.blocks if isinstance(block, Figure))
        for figure in figures:
            told = words("page.figure_n", n=figure.number)
            names |= {f"figure{figure.number}": figure.anchor, _plain(told): figure.anchor}
    for anchor in [section.anchor for section in sections if section.anchor in _SHORT]:
        keys = (f"section.{anchor}", f"section.{anchor}_hw5", f"author.heading_{anchor}")
        titles = [words(key) for key in keys if words.has(key)]
        names |= {_plain(name): anchor for name in (_SHORT[anchor], *titles)}
    return names | {"": "summary"}


def _image_names(run: Run) -> Iterator[tuple[str, str]]:
    """Every image by its whole name, and by the last part where that is its own."""
    whole = [shown_name(subject.image.name) for subject in run.subjects]
    last = [name.rpartition("/")[2] for name in whole]
    for subject, both in zip(run.subjects, zip(whole, last, strict=True), strict=True):
        anchor = image_anchor(subject.image)
        for name in both if last.count(both[1]) == 1 else both[:1]:
            yield from ((_plain(form), anchor) for form in (name, f"image: {name}"))


def _below(sections: Sequence[Section]) -> Iterator[Section]:
    for section in sections:
        yield section
        yield from _below(section.sections)


def _plain(heading: str) -> str:
    """A heading without what people write differently: case, spaces, a number before it, signs after it."""
    text = re.sub(r"^\s*(?:[#\d]+[.):]\s*)+", "", printable(heading).casefold())
    return re.sub(r"[\s:：]+", "", text).rstrip(".")


def _remarks(lost: Sequence[str], names: Mapping[str, str]) -> Iterator[str]:
    """One line for each heading that names nothing, with the nearest that does."""
    for heading in lost[:_MOST_TOLD]:
        near = difflib.get_close_matches(_plain(heading), [name for name in names if name], n=1, cutoff=0.4)
        hint = f"Did you mean # {_SHORT.get(names[near[0]], near[0])}?" if near else f"Write one of: {_listed()}"
        yield f"notes: # {printable(heading)[:60]} names nothing in this report, and its text is left out. {hint}"
    if len(lost) > _MOST_TOLD:
        yield f"notes: {len(lost) - _MOST_TOLD} more headings name nothing in this report, and their text is left out"


def _listed() -> str:
    return ", ".join(f"# {name}" for name in _SHORT.values()) + ", # image: NAME, # figure N"
