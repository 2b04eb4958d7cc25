"""A file larger than it may be: smaller pictures, said on the page, nothing left out; or a problem that says so."""

import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from reportgen import figures
from reportgen.contracts import RenderOptions
from reportgen.document import Figure, Panel, Paragraph, Picture, ReportDocument, Section
from reportgen.fitting import MB, STEPS, Forms, fitted
from reportgen.language import load_words
from reportgen.outputs import html

WORDS = load_words()


def noise(seed: int) -> NDArray[np.uint8]:
    return np.asarray(np.random.default_rng(seed).integers(0, 256, (160, 160, 3)), np.uint8)


def document(pictures: int = 3) -> ReportDocument:
    """Photographs of noise, one of them twice, and an exact map."""
    photos = [figures.jpeg(noise(seed), f"Photograph {seed}.") for seed in range(pictures)]
    exact = figures.png(noise(99)[:16, :16, 0], "An exact map.", True)
    row = tuple(Panel(picture, picture.alt) for picture in (*photos, photos[0], exact))
    figure = Figure("figure-1", 1, "Noise.", (row,))
    sections = (Section("summary", "Summary"), Section("images", "Images", (figure,)))
    words = WORDS.table("page")
    return ReportDocument("en", "Title", "", (), "", sections, (), {}, words)


def write(document: ReportDocument) -> bytes:
    return html.render(document, RenderOptions())


WHOLE = len(write(document()))


def shown(document: ReportDocument) -> list[Picture]:
    (figure,) = (block for block in document.sections[1].blocks if isinstance(block, Figure))
    return [panel.content for panel in figure.rows[0] if isinstance(panel.content, Picture)]


def told(document: ReportDocument) -> list[str]:
    return [s.text for b in document.sections[0].blocks if isinstance(b, Paragraph) for s in b.sentences]


@pytest.mark.parametrize("limit", [WHOLE, 10 * WHOLE])
def test_what_fits_is_left_as_it_is(limit: int) -> None:
    made = fitted(Forms(document()), write, "html", limit / MB, WORDS)
    assert (made.data, made.step, made.problem) == (write(document()), None, None)


@pytest.mark.parametrize("share", [0.9, 0.6, 0.4, 0.25])
def test_pictures_give_way_until_it_fits_and_the_page_says_so(share: float) -> None:
    seen: list[ReportDocument] = []

    def watched(document: ReportDocument) -> bytes:
        seen.append(document)
        return write(document)

    made = fitted(Forms(document()), watched, "html", share * WHOLE / MB, WORDS)
    assert len(made.data) <= share * WHOLE
    assert made.problem is None
    assert made.step in STEPS
    last = seen[-1]
    assert write(last) == made.data
    assert [picture.alt for picture in shown(last)] == [picture.alt for picture in shown(document())]
    assert shown(last)[-1] == shown(document())[-1]  # the map keeps every pixel
    assert shown(last)[0] is shown(last)[3]
    sentence, *more = told(last)
    quality, scale = made.step
    assert more == (["Charts are stored at 50% of their size."] if scale <= 0.5 else [])
    assert re.search(rf"at {scale:.0%} of their size and JPEG quality {quality}\. None is left out", sentence)


def test_the_first_step_that_is_enough_is_taken() -> None:
    """Each step but the last in vain, and it would have been taken."""
    sizes = [fitted(Forms(document()), write, "html", share * WHOLE / MB, WORDS) for share in (0.9, 0.6, 0.4, 0.25)]
    steps = [STEPS.index(made.step) for made in sizes if made.step]
    assert steps == sorted(steps)
    assert steps[0] == 0
    assert len(set(steps)) > 2


def test_every_step_takes_less_than_the_one_before() -> None:
    photo = figures.jpeg(noise(0), "")
    weights = [len(photo.data), *(len(figures.smaller(photo, *step).data) for step in STEPS)]
    assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize(("name", "option"), [("html", "--budget"), ("pdf", "--max-pdf-mb")])
def test_what_cannot_fit_is_written_as_small_as_it_can_be_and_is_a_problem(name: str, option: str) -> None:
    made = fitted(Forms(document()), write, name, 0.001, WORDS)
    assert made.step == STEPS[-1]
    assert len(made.data) < 0.5 * WHOLE
    assert made.problem is not None
    assert made.problem.exit_code == 1
    assert option in made.problem.fix
    assert f"report.{name}" in made.problem.line()


def test_a_document_without_pictures_cannot_give_way() -> None:
    bare = replace(document(), sections=document().sections[:1])
    made = fitted(Forms(bare), write, "html", 0.001, WORDS)
    assert made.problem is not None


def test_steps_that_cannot_be_enough_are_not_written() -> None:
    """A PDF takes seconds to draw."""
    calls = 0

    def counted(document: ReportDocument) -> bytes:
        nonlocal calls
        calls += 1
        return write(document)

    fitted(Forms(document()), counted, "html", 0.001, WORDS)
    assert calls == 1  # as small as it can be
    calls = 0
    fitted(Forms(document()), counted, "html", 0.4 * WHOLE / MB, WORDS)
    assert calls == 1  # the step that is enough is foreseen


def test_a_shorter_form_is_taken_only_where_the_smallest_pictures_do_not_fit() -> None:
    asked = 0

    def shorter() -> ReportDocument:
        nonlocal asked
        asked += 1
        summary, images = document().sections
        return replace(document(), sections=(summary, replace(images, blocks=())))

    whole = fitted(Forms(document(), shorter), write, "html", 0.25 * WHOLE / MB, WORDS)
    assert (whole.shorter, asked) == (False, 0)
    bare = len(write(shorter()))
    made = fitted(Forms(document(), shorter), write, "html", (bare + 100) / MB, WORDS)
    assert (made.data, made.step, made.problem, made.shorter) == (write(shorter()), None, None, True)
    beyond = fitted(Forms(document(), shorter), write, "html", (bare - 100) / MB, WORDS)
    assert beyond.shorter
    assert beyond.problem is not None
