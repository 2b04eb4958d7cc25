"""report.pdf: every page, picture, tag, bookmark and page number is there, and nothing is cut."""

import dataclasses
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pypdf
import pypdfium2 as pdfium  # type: ignore[import-untyped]  # ships no types
import pytest
from drawn_here import draw
from fake_run import fake_run
from page_tree import pictures
from PIL import Image
from pypdf.generic import IndirectObject
from sample_document import NAMES, report, small

from reportgen.compose import compose
from reportgen.contracts import RenderOptions
from reportgen.document import Figure, NoPicture, Panel, Paragraph, ReportDocument, Section, Sentence, Table
from reportgen.language import load_words
from reportgen.outputs import json
from reportgen.outputs.drawing import ATTACHED, Drawn

PLAIN = RenderOptions()


@pytest.fixture(scope="module")
def document() -> ReportDocument:
    return report()


@pytest.fixture(scope="module")
def drawn(document: ReportDocument) -> Drawn:
    return draw(document, PLAIN)


@pytest.fixture(scope="module")
def reader(drawn: Drawn) -> pypdf.PdfReader:
    return pypdf.PdfReader(BytesIO(drawn.data))


@pytest.fixture(scope="module")
def pages(reader: pypdf.PdfReader) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in reader.pages]


def drawn_pages(section: Section) -> list[str]:
    """The text of each page of a document with this one section, which starts a page."""
    document = dataclasses.replace(small(), sections=(dataclasses.replace(section, page_break=True),))
    reader = pypdf.PdfReader(BytesIO(draw(document, PLAIN).data))
    return [page.extract_text() for page in reader.pages]


def figures(sections: tuple[Section, ...]) -> list[Figure]:
    return [
        figure
        for section in sections
        for figure in (*(b for b in section.blocks if isinstance(b, Figure)), *figures(section.sections))
    ]


def structure(reader: pypdf.PdfReader) -> list[dict[str, Any]]:
    """All elements of the tree of tags."""
    root: Any = reader.trailer["/Root"]
    found: list[dict[str, Any]] = []
    waiting: list[Any] = [root["/StructTreeRoot"]]
    while waiting:
        element = waiting.pop()
        element = element.get_object() if isinstance(element, IndirectObject) else element
        if isinstance(element, list):
            waiting += element
        elif isinstance(element, dict):
            found.append(element)
            waiting += [element["/K"]] if "/K" in element else []
    return found


def stream_images(reader: pypdf.PdfReader) -> list[Any]:
    """The image streams, each once."""
    size: Any = reader.trailer["/Size"]
    objects: list[Any] = [reader.get_object(number) for number in range(1, size)]
    return [item for item in objects if isinstance(item, dict) and item.get("/Subtype") == "/Image"]


def resources_of(reader: pypdf.PdfReader) -> list[Any]:
    return [page["/Resources"] for page in reader.pages]


def test_page_numbers_stand_on_every_page_and_running_heads_from_the_second_on(
    document: ReportDocument, pages: list[str]
) -> None:
    assert len(pages) > 4
    for number, text in enumerate(pages, 1):
        assert f"{number} / {len(pages)}" in text
        assert (document.running_head in text) == (number > 1)
    assert "Image by image" in pages[2]  # the chapter, in the running head of a page that does not start it


def test_the_contents_give_the_page_of_each_section(document: ReportDocument, pages: list[str]) -> None:
    starts: dict[str, int] = {}
    for section in (s for top in document.sections for s in (top, *top.sections)):
        found = re.search(re.escape(section.title) + r" ?[. ]{9,}(\d+)", pages[0])
        assert found, section.title
        starts[section.title] = int(found[1])
        assert section.title in pages[starts[section.title] - 1]
    assert list(starts.values()) == sorted(starts.values())
    assert starts["Summary"] == 1  # a reader has the verdict on the first page
    assert starts["Appendix"] == len(pages)


def test_every_figure_and_table_is_there_and_can_be_found(document: ReportDocument, pages: list[str]) -> None:
    text = " ".join(pages)
    for figure in figures(document.sections):
        assert text.count(f"Figure {figure.number}. ") == 1
    for number in (1, 2, 3, 4):
        assert text.count(f"Table {number}. ") == 1
    assert "展覽/夜市小吃.jpg: the photograph" in text
    assert "No picture The gradient is zero everywhere" in text


def test_bookmarks_nest_as_the_sections_do(document: ReportDocument, reader: pypdf.PdfReader) -> None:
    def titles(outline: list[Any]) -> list[Any]:
        return [titles(item) if isinstance(item, list) else item.title for item in outline]

    def nested(sections: tuple[Section, ...]) -> list[Any]:
        return [part for s in sections for part in ([s.title, nested(s.sections)] if s.sections else [s.title])]

    assert titles(reader.outline) == [*nested(document.sections), "References"]


def test_photographs_go_in_untouched_and_maps_keep_their_pixels(
    document: ReportDocument, reader: pypdf.PdfReader
) -> None:
    unique = {picture.data: picture for picture in pictures(document.sections)}
    images = stream_images(reader)
    jpegs = [image._data for image in images if image["/Filter"] == "/DCTDecode"]
    assert set(jpegs) == {data for data, picture in unique.items() if picture.media_type == "image/jpeg"}
    assert len(images) == len(unique)  # a picture that is shown twice is held once
    maps = [(i["/Width"], i["/Height"]) for i in images if i["/Width"] == 14]
    assert set(maps) == {(14, 14)}
    assert not any(image["/Interpolate"].value for image in images if image["/Width"] == 14)
    assert any(image["/Interpolate"].value for image in images)


def test_the_file_is_tagged_for_screen_readers(document: ReportDocument, reader: pypdf.PdfReader) -> None:
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"pdfuaid" in root["/Metadata"].get_data()
    elements = structure(reader)
    shown = [element for element in elements if element.get("/S") == "/Figure"]
    assert sorted(element["/Alt"] for element in shown) == sorted(p.alt for p in pictures(document.sections))
    kinds = {element.get("/S") for element in elements}
    assert {"/H1", "/H2", "/H3", "/H4", "/Table", "/TH", "/TD", "/L", "/LI", "/Link", "/P", "/Caption"} <= kinds


def test_the_file_names_itself(document: ReportDocument, reader: pypdf.PdfReader) -> None:
    assert reader.metadata is not None
    assert (reader.metadata.title, reader.metadata.author) == (document.title, document.author)
    assert reader.metadata.creation_date is None  # or the bytes would change with the clock


def test_a_cjk_font_is_embedded_for_names_that_need_it(reader: pypdf.PdfReader) -> None:
    fonts = {
        str(font.get_object()["/BaseFont"])
        for resources in resources_of(reader)
        for font in resources.get("/Font", {}).values()
    }
    assert any("CJK" in font or "Source" in font for font in fonts), fonts
    assert all(re.match(r"/[A-Z]{6}\+", font) for font in fonts)  # subsets only


def test_no_page_is_blank_or_nearly_so(drawn: Drawn) -> None:
    for page in pdfium.PdfDocument(drawn.data):
        pixels = page.render(scale=0.4).to_numpy()
        height, width = pixels.shape[:2]
        body = pixels[int(0.07 * height) : int(0.93 * height), :, :3].min(axis=(1, 2))
        assert (body < 200).mean() > 0.15
        margin = pixels[:, : int(0.08 * width)], pixels[:, -int(0.08 * width) :]
        assert min(side.min() for side in margin) > 250  # nothing runs over the edge


def test_a_figure_is_cut_between_its_rows_only_and_keeps_its_caption() -> None:
    """Figures of 60 % of a page, one after another."""
    picture = pictures(report(NAMES[:1]).sections[0])[0]

    def row(figure: int, which: int) -> tuple[Panel, ...]:
        return (Panel(picture, f"label{figure}-{which};", f"detail{figure}-{which};"), *[Panel(picture, "middle")] * 3)

    made = tuple(Figure(f"figure-{n}", n, f"caption{n}.", tuple(row(n, k) for k in range(3))) for n in range(8))
    texts = drawn_pages(Section("figures", "Figures", made))

    def page_of(words: str) -> int:
        (page,) = [number for number, text in enumerate(texts) if words in text]
        return page

    for n in range(8):
        assert all(page_of(f"label{n}-{k};") == page_of(f"detail{n}-{k};") for k in range(3))
        assert page_of(f"caption{n}.") == page_of(f"label{n}-2;")
    assert len(texts) < 8  # the contents, and a page for each, would be 9


def test_the_lead_of_a_section_stands_on_the_page_of_its_heading() -> None:
    """Sections of 40 % of a page, one after another."""
    line = Paragraph(
        (Sentence("A sentence that fills a line of the page, and then another one that does the same. " * 2),)
    )

    def cut(lead: int) -> int:
        cards = (
            Section(f"card-{n}", f"first{n}", (*[line] * 8, Paragraph((Sentence(f"last{n}."),))), lead=lead)
            for n in range(8)
        )
        texts = drawn_pages(Section("cards", "Cards", sections=tuple(cards)))[1:]  # after the contents
        return sum([f"first{n}" in t for t in texts] != [f"last{n}." in t for t in texts] for n in range(8))

    assert cut(lead=9) == 0
    assert cut(lead=0) > 1


def test_a_section_starts_a_page_where_it_says_so(document: ReportDocument, pages: list[str]) -> None:
    assert document.sections[-1].page_break
    assert "Table 3." in pages[-1]
    assert "Figure" not in pages[-1]
    broken = tuple(dataclasses.replace(section, page_break=False) for section in document.sections)
    together = draw(dataclasses.replace(document, sections=broken), PLAIN)
    assert len(pypdf.PdfReader(BytesIO(together.data)).pages) < len(pages)


def test_a_short_table_is_not_cut_and_a_long_one_leaves_no_row_alone() -> None:
    def pages_of(rows: int, above: int) -> list[int]:
        """How many of the table's rows each page holds, below so many lines of text."""
        lines = (Paragraph((Sentence("A line."),)),) * above
        cells = tuple((f"row{n}.", "x") for n in range(rows))
        table = Table("table-1", 1, "Rows.", ("Name", "Value"), cells)
        texts = drawn_pages(Section("rows", "Rows", (*lines, table)))[1:]
        return [count for count in (text.count("row") for text in texts) if count]

    assert pages_of(rows=12, above=20) == [12]
    longer = pages_of(rows=40, above=20)
    assert sum(longer) == 40
    assert len(longer) == 2
    assert min(pages_of(rows=longer[0] + 1, above=20)) >= 2


def test_a_row_with_fewer_panels_keeps_their_places() -> None:
    """A row of one panel below a row of four: a hatched box that is no wider than the picture above it."""
    picture = pictures(report(NAMES[:1]).sections[0])[0]
    rows = ((Panel(picture, "a"),) * 4, (Panel(NoPicture("none"), "b"),))
    section = Section("figures", "Figures", (Figure("figure-1", 1, "Caption.", rows),), page_break=True)
    data = draw(dataclasses.replace(small(), sections=(section,)), PLAIN).data
    pixels = pdfium.PdfDocument(data)[1].render(scale=1).to_numpy()[:, :, :3].min(axis=2)
    height, width = pixels.shape
    lower = pixels[int(0.3 * height) : int(0.36 * height)]  # through the hatched box
    assert (lower[:, : width // 3] < 250).any()
    assert not (lower[:, width // 2 :] < 250).any()


def test_report_json_is_the_only_attachment_and_bears_no_date_of_the_build(
    document: ReportDocument, reader: pypdf.PdfReader
) -> None:
    assert dict(reader.attachments) == {ATTACHED: [json.render(document, PLAIN)]}
    (attached,) = reader.attachment_list
    assert attached.creation_date is not None
    assert attached.creation_date.year == 1980


@pytest.fixture(scope="module")
def composed() -> bytes:
    """The PDF of a whole report: nine images, two of which are explained for two classes."""
    return draw(compose(fake_run(images=9, trouble=False), load_words()), PLAIN).data


def test_no_page_is_half_empty_but_the_last_of_a_part(composed: bytes) -> None:
    reader = pypdf.PdfReader(BytesIO(composed))
    starts = {
        reader.get_destination_page_number(item)
        for item in reader.outline
        if not isinstance(item, list) and item.title == "Appendix"
    }
    ends = {start - 1 for start in starts if start is not None} | {len(reader.pages) - 1}
    assert len(ends) == 2
    filled = []
    for page in pdfium.PdfDocument(composed):
        pixels = page.render(scale=0.8).to_numpy()[:, :, :3].min(axis=2)
        height, width = pixels.shape
        body = pixels[int(0.07 * height) : int(0.93 * height), int(0.07 * width) : int(0.93 * width)]
        filled.append((np.flatnonzero((body < 200).any(axis=1)).max() + 1) / len(body))
    assert [(n, share) for n, share in enumerate(filled) if share < 0.5 and n not in ends] == []
    assert np.mean(filled) > 0.8


def test_two_images_share_a_page(composed: bytes) -> None:
    reader = pypdf.PdfReader(BytesIO(composed))
    texts = [page.extract_text() for page in reader.pages]
    cards = [text.count("Probabilities of the best classes") for text in texts]
    assert max(cards) == 2
    assert sum(count > 0 for count in cards) < 9


@pytest.mark.parametrize(("paper", "size"), [("a4", (595, 842)), ("letter", (612, 792))])
def test_the_paper_is_the_one_asked_for(paper: str, size: tuple[int, int]) -> None:
    box = pypdf.PdfReader(BytesIO(draw(small(), RenderOptions(paper=paper)).data)).pages[0].mediabox
    assert (round(float(box.width)), round(float(box.height))) == size


def test_a_matrix_is_a_table_with_headers_and_drawn_in_colour(reader: pypdf.PdfReader, drawn: Drawn) -> None:
    rows = [row for table in structure(reader) if table.get("/S") == "/Table" for row in [table]]
    assert rows
    assert sum(element.get("/S") == "/TH" for element in structure(reader)) > 20
    assert not [complaint for complaint in drawn.complaints if "Ignored" in complaint]


def test_an_accent_colours_the_page_and_a_logo_stands_on_it(tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    Image.new("RGB", (80, 40), (10, 200, 10)).save(logo)
    made = draw(small(), RenderOptions(accent="#7a1f5c", logo=logo))
    assert made.complaints == ()
    pixels = pdfium.PdfDocument(made.data)[0].render(scale=1).to_numpy()[:, :, :3].reshape(-1, 3)
    assert (np.abs(pixels.astype(int) - (10, 200, 10)).max(axis=1) < 8).sum() > 500
