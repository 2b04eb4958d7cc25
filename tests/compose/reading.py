"""What a report says, without its pictures: no sentence depends on one, and drawing takes most of the time."""

import functools
import re
from collections.abc import Iterator
from typing import Any

import pytest

from reportgen import figures
from reportgen.anchors import image_anchor
from reportgen.compose import compose
from reportgen.document import Paragraph, Picture, ReportDocument, Section, Sentence
from reportgen.language import load_words
from reportgen.results import Run

WORDS = load_words()


def _blank(*given: Any, **_: Any) -> Picture:  # noqa: ANN401 - whatever a picture is made from
    return Picture(b"", "image/png", 1, 1, next(each for each in given if isinstance(each, str)))


def _same(photo: Any, *_: Any) -> Any:  # noqa: ANN401
    return photo


@functools.cache
def written(run: Run, language: str = "en") -> ReportDocument:
    """The document with blank pictures."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("jpeg", "png", "colour_bar", "weights_chart"):
            patch.setattr(figures, name, _blank)
        for name in (
            "regions_overlay",
            "number_regions",
            "attribution_overlay",
            "saliency_overlay",
            "activation_overlay",
            "activation_outlined",
            "fit",
        ):
            patch.setattr(figures, name, _same)
        return compose(run, WORDS if language == "en" else load_words(language))


def card(run: Run, n: int) -> str:
    """The anchor of the n-th image's card."""
    return image_anchor(run.subjects[n - 1].image)


def all_sections(sections: tuple[Section, ...]) -> Iterator[Section]:
    for section in sections:
        yield section
        yield from all_sections(section.sections)


def said(run: Run, anchor: str = "") -> list[Sentence]:
    """All sentences, or those of one section; "image-2" is the second image's card."""
    if numeral := re.fullmatch(r"image-(\d+)", anchor):
        anchor = card(run, int(numeral[1]))
    return [
        sentence
        for section in all_sections(written(run).sections)
        if anchor in ("", section.anchor)
        for block in section.blocks
        if isinstance(block, Paragraph)
        for sentence in block.sentences
    ]


def texts(run: Run, anchor: str = "") -> str:
    return " ".join(sentence.text for sentence in said(run, anchor))


def says(run: Run, key: str, anchor: str = "") -> bool:
    """Whether the report says this sentence, whatever its values."""
    pattern = re.sub(r"\\\{\w+\\\}", ".*", re.escape(WORDS.sentences[key]))
    return any(re.fullmatch(pattern, sentence.text) for sentence in said(run, anchor))
