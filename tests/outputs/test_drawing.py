"""Drawing report.pdf: a silent log, the same bytes at any hour, nothing from outside, and what to do without Pango."""

import dataclasses
import logging
import os
import re
import sys
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import OpenerDirector, Request

import pypdf
import pytest
from drawn_here import draw
from page_tree import pictures
from sample_document import report, small
from sample_pictures import HOSTILE

from reportgen import fonts
from reportgen.contracts import RenderOptions
from reportgen.document import ReportDocument
from reportgen.errors import EnvironmentProblem, UsageError
from reportgen.outputs import pdf
from reportgen.outputs.drawing import Drawn

PLAIN = RenderOptions()


@pytest.fixture(scope="module")
def document() -> ReportDocument:
    return report()


@pytest.fixture(scope="module")
def drawn(document: ReportDocument) -> Drawn:
    return draw(document, PLAIN)


def test_the_log_is_silent(drawn: Drawn) -> None:
    assert drawn.complaints == ()


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_the_log_is_silent_whatever_an_image_is_called(name: str) -> None:
    drawn = draw(dataclasses.replace(small(), title=name, running_head=name, byline=(name,)), PLAIN)
    assert drawn.complaints == ()
    assert drawn.data.startswith(b"%PDF")


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)


def test_the_clock_changes_nothing(monkeypatch: pytest.MonkeyPatch, drawn: Drawn, document: ReportDocument) -> None:
    later(monkeypatch)
    assert draw(document, PLAIN).data == drawn.data


def test_the_clock_changes_nothing_where_fonttools_cuts_the_fonts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from weasyprint.pdf import fonts

    css = tmp_path / "latin.css"
    css.write_text(":root { --serif: 'DejaVu Serif'; --sans: 'DejaVu Sans' }")
    document = dataclasses.replace(small(), byline=(), author="", running_head="")
    monkeypatch.setattr(fonts, "harfbuzz_subset", None)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    first = draw(document, RenderOptions(css=css)).data
    later(monkeypatch)
    assert draw(document, RenderOptions(css=css)).data == first
    assert "SOURCE_DATE_EPOCH" not in os.environ


def test_another_document_has_another_identifier(drawn: Drawn) -> None:
    def identifier(data: bytes) -> Any:  # noqa: ANN401 - as pypdf gives it
        return pypdf.PdfReader(BytesIO(data)).trailer["/ID"][0]  # type: ignore[index]  # an array in fact

    other = identifier(draw(dataclasses.replace(small(), title="Other"), PLAIN).data)
    assert identifier(drawn.data) != other != identifier(draw(small(), PLAIN).data)


PASSWORDS = "file:///etc/passwd"
OUTSIDE = (PASSWORDS, "http://127.0.0.1:9/x", "https://example.org/x", "ftp://127.0.0.1/x", "picture:unknown")
SVG = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><image href='{}' width='9' height='9'/></svg>"
IMAGE = '<img src="{}" alt="x">'
VECTORS = (
    '<link rel="stylesheet" href="{}">',
    '<link rel="attachment" href="{}">',
    '<a rel="attachment" href="{}">x</a>',
    '<object data="{}">x</object>',
    '<embed src="{}">',
    f'<img src="data:image/svg+xml,{SVG}" alt="x">',
    f"<p>{SVG}</p>",
    '<style>@import "{}";</style>',
    "<style>@font-face {{ font-family: x; src: url({}) }} p {{ font-family: x }}</style><p>x</p>",
    "<style>body {{ background: url({}) }}</style>",
    "<style>@page {{ @top-center {{ content: url({}) }} }}</style>",
    "<style>li {{ display: list-item; list-style: url({}) }}</style>",
)


@pytest.mark.parametrize(("vector", "address"), [*((IMAGE, a) for a in OUTSIDE), *((v, PASSWORDS) for v in VECTORS)])
def test_nothing_outside_the_document_is_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, vector: str, address: str
) -> None:
    asked = []
    real = OpenerDirector.open

    def watched(self: OpenerDirector, request: Request, **how: Any) -> Any:  # noqa: ANN401 - as it is
        asked.append(request.full_url)
        return real(self, request, **how)

    monkeypatch.setattr(OpenerDirector, "open", watched)
    (tmp_path / "report.html.j2").write_text(
        '{% extends "default:report.html.j2" %}{% block references %}' + vector.format(address) + "{% endblock %}"
    )
    with pytest.raises(UsageError, match=re.escape(address)) as caught:
        draw(small(), RenderOptions(templates=tmp_path))
    assert caught.value.code == "E-PDF-FETCH"
    assert all(url.startswith("data:") for url in asked)


def test_a_picture_inside_the_style_sheet_is_drawn(tmp_path: Path, document: ReportDocument) -> None:
    from reportgen.outputs.html import data_url

    css = tmp_path / "mine.css"
    picture = pictures(document.sections)[0]
    css.write_text(f"h1 {{ background: url({data_url(picture)}) }}")
    drawn = draw(small(), RenderOptions(css=css))
    assert drawn.complaints == ()
    assert picture.data in drawn.data


def test_complaints_are_kept_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    css = tmp_path / "mine.css"
    css.write_text("p { colour: teal; colour: navy }")
    bassa_vah = dataclasses.replace(small(), title="\U00016ad0")  # a letter that hardly any font has
    pdf.render(bassa_vah, RenderOptions(css=css))
    ours = [record.getMessage() for record in caplog.records if record.name == "reportgen.pdf"]
    assert any("colour" in line for line in ours)
    assert any("1 character " in line and line.endswith("apt install fonts-noto-core") for line in ours)
    assert len(ours) == len(set(ours)) == len([r for r in caplog.records if r.levelno >= logging.WARNING])


@pytest.mark.parametrize("content", ["p { color: teal }", "@import 'file:///etc/passwd';"], ids=["well", "badly"])
def test_the_logger_is_given_back(tmp_path: Path, content: str) -> None:
    logger = logging.getLogger("weasyprint")
    logger.setLevel(logging.ERROR)
    before = (logger.level, logger.propagate, tuple(logger.handlers))
    css = tmp_path / "mine.css"
    css.write_text(content)
    with suppress(UsageError):
        draw(small(), RenderOptions(css=css))
    assert (logger.level, logger.propagate, tuple(logger.handlers)) == before
    logger.setLevel(logging.NOTSET)


class Broken:
    """An import hook that stands for a machine without Pango."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def find_spec(self, name: str, *_: object) -> None:
        if name == "weasyprint":
            raise self.error


@pytest.mark.parametrize(
    "error", [OSError("cannot load library 'libpango-1.0-0'"), ImportError("")], ids=["os", "import"]
)
@pytest.mark.parametrize(
    ("platform", "fix"), [("linux", "libpango-1.0-0 "), ("darwin", "brew"), ("win32", "MSYS2"), ("sunos", "pango")]
)
def test_without_pango_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, error: Exception, platform: str, fix: str
) -> None:
    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(error), *sys.meta_path])
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(EnvironmentProblem) as caught:
        draw(small())
    assert caught.value.code == "E-PDF"
    assert fix in caught.value.fix
    assert str(error) in caught.value.why


@pytest.mark.parametrize(
    ("letter", "package"), [("顯", "cjk"), ("한", "cjk"), ("，", "cjk"), ("\U00020000", "cjk"), ("ऄ", "core")]
)
def test_a_missing_letter_names_the_package_that_has_it(
    letter: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaint = f'.notdef glyph rendered for Unicode string unsupported by fonts: "{letter}" (U+{ord(letter):04X})'
    monkeypatch.setattr(sys, "platform", "linux")
    (line,) = fonts.told([complaint])
    assert line.endswith(f"apt install fonts-noto-{package}")
    assert letter in line


def test_other_complaints_stay_as_they_are() -> None:
    complaint = "Ignored `colour: teal`, unknown property."
    assert list(fonts.told([complaint, complaint])) == [complaint, complaint]
