"""report.pdf in Chinese: what stands on the page can be read, by eye, by search and by a screen reader.

Needs Noto CJK; where it is missing, what is said about that is tested all the same.
"""

import functools
import logging
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pypdf
import pypdfium2 as pdfium  # type: ignore[import-untyped]  # ships no types
import pytest
from drawn_here import draw
from fake_run import fake_run
from PIL import Image

from reportgen import fonts
from reportgen.compose import compose
from reportgen.contracts import RenderOptions, Silent
from reportgen.document import Figure, ReportDocument, Section, Table
from reportgen.errors import UsageError
from reportgen.language import load_words
from reportgen.options import FORMATS
from reportgen.outputs import drawing, html, pdf
from reportgen.rendering import write_report

FONTS = {"zh-Hant": "CJK-TC", "zh-Hans": "CJK-SC"}
LATIN = Path(matplotlib.get_data_path()) / "fonts" / "ttf"  # DejaVu: no Chinese
HAN = ("\u3400", "\u9fff")


@pytest.fixture(scope="module")
def noto() -> None:
    """Skips where a page cannot be set in the fonts that the style names first."""
    page = '<html lang="zh-Hant"><style>p { font-family: "Noto Sans CJK TC" }</style><p>顯</p>'
    if not any("CJK-TC" in str(each["/FontName"]) for each in embedded(draw_page(page))):
        pytest.skip("Noto Sans CJK and Noto Serif CJK are not installed")


def draw_page(page: str) -> bytes:
    return drawing.draw(drawing.Page(page, {}, b"{}")).data


def embedded(data: bytes) -> list[Any]:
    """The descriptions of a PDF's fonts."""
    reader = pypdf.PdfReader(BytesIO(data))
    size: Any = reader.trailer["/Size"]
    objects: list[Any] = [reader.get_object(number) for number in range(1, size)]
    return [each for each in objects if isinstance(each, dict) and each.get("/Type") == "/FontDescriptor"]


@pytest.fixture
def no_chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Chinese fonts, for the process that draws."""
    config = tmp_path / "fonts.conf"
    config.write_text(
        f'<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>{LATIN}</dir>'
        f"<cachedir>{tmp_path / 'cache'}</cachedir></fontconfig>"
    )
    monkeypatch.setenv("FONTCONFIG_FILE", str(config))


@functools.cache
def report(language: str) -> ReportDocument:
    return compose(fake_run(images=2), load_words(language))


@pytest.fixture(scope="module", params=FONTS)
def document(request: pytest.FixtureRequest) -> ReportDocument:
    return report(request.param)


@pytest.fixture(scope="module")
def drawn(noto: None, document: ReportDocument) -> drawing.Drawn:
    del noto
    return draw(document)


def sections(given: tuple[Section, ...]) -> Iterator[Section]:
    for section in given:
        yield section
        yield from sections(section.sections)


def squeezed(text: str) -> str:
    """Without spaces, for lines break anywhere in Chinese."""
    return "".join(text.split())


def test_what_is_read_can_be_found(document: ReportDocument, drawn: drawing.Drawn) -> None:
    reader = pypdf.PdfReader(BytesIO(drawn.data))
    text = squeezed("".join(page.extract_text() for page in reader.pages))
    assert squeezed(document.title) in text
    for section in sections(document.sections):
        assert squeezed(section.title) in text
        for block in section.blocks:
            if isinstance(block, Figure | Table) and "<" not in block.caption and "\u202e" not in block.caption:
                assert squeezed(block.caption) in text
    for image in document.facts["images"]:
        assert squeezed(image["prediction"]["name"]) in text
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"] == document.language


def test_the_fonts_are_those_of_the_place_and_inside_the_file(document: ReportDocument, drawn: drawing.Drawn) -> None:
    """A font for the mainland draws 骨 and the comma otherwise than one for Taiwan does."""
    assert drawn.complaints == ()
    found = embedded(drawn.data)
    assert all({"/FontFile", "/FontFile2", "/FontFile3"} & each.keys() for each in found)
    chinese = {str(each["/FontName"]) for each in found if "CJK" in str(each["/FontName"])}
    assert len(chinese) >= 3  # serif, sans and bold
    assert all(FONTS[document.language] in name for name in chinese)


def test_no_two_characters_look_alike(drawn: drawing.Drawn) -> None:
    """Where a font lacks a character there is a box, and all boxes look the same."""
    shapes = looks(drawn.data)
    assert len({letter for letters in shapes.values() for letter in letters}) > 300
    assert max(map(len, shapes.values())) == 1


def test_without_a_font_all_characters_look_alike(no_chinese: None) -> None:
    """The test above can fail."""
    del no_chinese
    plain = ReportDocument(
        "zh-Hant", "顯著圖與感受野", "卷積核", (), "頁", (), (), {}, load_words("zh-Hant").table("page")
    )
    shapes = looks(pdf.render(plain, RenderOptions()))
    assert max(map(len, shapes.values())) > 5


def looks(data: bytes) -> dict[bytes, set[str]]:
    """What Chinese characters look like on the pages -> the characters that do; large ones only."""
    shapes: dict[bytes, set[str]] = defaultdict(set)
    scale = 6
    for page in pdfium.PdfDocument(data):
        text, height = page.get_textpage(), page.get_height()
        picture = page.render(scale=scale, grayscale=True).to_pil()
        for n in range(text.count_chars()):
            letter = text.get_text_range(n, 1)
            if not HAN[0] <= letter <= HAN[1]:
                continue
            left, bottom, right, top = (scale * side for side in text.get_charbox(n))
            box = picture.crop((round(left), round(scale * height - top), round(right), round(scale * height - bottom)))
            if box.height >= 7 * scale:
                small = np.asarray(box.resize((24, 24), Image.Resampling.BOX))
                shapes[(small < small.mean()).tobytes()].add(letter)
    return shapes


def test_one_line_names_the_package(no_chinese: None, caplog: pytest.LogCaptureFixture) -> None:
    """The page is drawn in a process of its own, and what it lacks comes back."""
    del no_chinese
    with caplog.at_level(logging.WARNING, "reportgen.pdf"):
        pdf.render(report("zh-Hant"), RenderOptions())
    (line,) = [record.getMessage() for record in caplog.records if "no font here" in record.getMessage()]
    assert fonts.install(chinese=True) in line
    assert "--font" in line


@pytest.mark.parametrize("strict", [False, True])
def test_strict_makes_it_an_error_and_the_files_stand(no_chinese: None, tmp_path: Path, strict: bool) -> None:
    del no_chinese
    told = Silent()
    run = fake_run(images=1, methods=("saliency",), profile="default", trouble=False)
    options = RenderOptions(language="zh-Hans", strict=strict)
    written = write_report(replace(run, language="zh-Hans"), tmp_path / "out", FORMATS, options, False, told)
    assert [problem.code for problem in written.problems] == ["E-STRICT"] * strict
    assert len(written.paths) == len(FORMATS)
    assert any("no font here" in line for line in told.lines)


@pytest.fixture
def latin(tmp_path: Path) -> Path:
    """A font file of the user's."""
    return Path(shutil.copy(LATIN / "DejaVuSansMono.ttf", tmp_path / "own.ttf"))


def test_a_font_of_the_users_sets_the_page(latin: Path) -> None:
    options = RenderOptions(font=latin)
    one, other = (draw(report("en"), options).data for _ in range(2))
    assert any("Report-Font" in str(each["/FontName"]) for each in embedded(one))
    assert one == other


def test_the_page_on_the_screen_takes_the_font_where_it_is_installed(latin: Path) -> None:
    page = html.render(report("en"), RenderOptions(font=latin)).decode()
    assert 'src: local("DejaVu Sans Mono"), local("DejaVu Sans Mono Book")' in page
    assert "font/ttf" not in page


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: path.write_bytes(b"\0\1\0\0 no font"), "no font"),
        (lambda path: path.write_bytes(b""), "no font"),
        (lambda path: path.write_bytes(b"ttcf" + bytes(100)), "collection"),
        (lambda path: path.unlink(), "cannot be read"),
    ],
)
def test_what_is_no_font_is_refused(latin: Path, spoil: Callable[[Path], object], why: str) -> None:
    spoil(latin)
    for render in (pdf.page_of, html.render):
        with pytest.raises(UsageError, match=why) as caught:
            render(report("en"), RenderOptions(font=latin))
        assert caught.value.code == "E-FONT"


def test_complaints_about_glyphs_become_one_line_for_each_package() -> None:
    said = '.notdef glyph rendered for Unicode string unsupported by fonts: "%s" (U+%04X)'
    letters = "顯著圖與感受野ᚠ顯"
    lines = list(fonts.told(["Ignored x", *(said % (letter, ord(letter)) for letter in letters)]))
    assert lines[0] == "Ignored x"
    assert "7 characters" in lines[1]
    assert "(顯 著 圖 與 感 …)" in lines[1]
    assert lines[1].endswith(fonts.install(chinese=True))
    assert "1 character " in lines[2]
    assert lines[2].endswith(fonts.install(chinese=False))
    assert len(lines) == 3
