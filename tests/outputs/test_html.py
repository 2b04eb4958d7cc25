"""report.html: nothing is loaded, nothing runs, everything resolves, and text stays text."""

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from fake_run import fake_run
from page_tree import image_bytes, of_class, parse, text, with_text
from PIL import Image
from sample_document import NAMES, report
from sample_pictures import HOSTILE

from reportgen.compose import compose
from reportgen.contracts import RenderOptions
from reportgen.document import ReportDocument, Section
from reportgen.errors import UsageError
from reportgen.language import load_words
from reportgen.languages import LANGUAGES, Language
from reportgen.outputs import html
from reportgen.resources import templates_dir
from reportgen.slimming import slim_script
from reportgen.templating import visible

PLAIN = RenderOptions()
ROOM = 400  # bytes of the 15 KB that are to stay free, for verdicts below the pictures


@pytest.fixture(scope="module")
def document() -> ReportDocument:
    return report()


@pytest.fixture(scope="module")
def page(document: ReportDocument) -> bytes:
    return html.render(document, PLAIN)


@pytest.fixture(scope="module")
def root(page: bytes) -> Element:
    return parse(page)


def policy(root: Element) -> dict[str, str]:
    first = next(iter(root.find("head") or ()))
    assert first.tag == "meta"
    assert first.get("http-equiv") == "Content-Security-Policy"
    parts = (part.strip().partition(" ") for part in first.get("content", "").split(";"))
    return {name: value for name, _, value in parts}


def assert_harmless(root: Element) -> None:
    """No script but the page's own, no handler, no style attribute, no URL but data: and fragments; and the author's
    links, to follow."""
    (script,) = root.iter("script")
    slider = slim_script((templates_dir() / "scripts" / "swipe.js").read_text(encoding="utf-8"))
    assert script.attrib == {}
    assert script.text in (own_script(), f"{own_script()}\n{slider}")
    for element in root.iter():
        assert element.tag not in {"iframe", "object", "embed", "form", "base"}
        assert element.tag != "svg" or not len(element)
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name != "style"
            if name in {"src", "href", "srcset", "action", "data", "poster", "background"}:
                followed = element.tag == "a" and value.startswith(("http://", "https://", "mailto:"))
                assert followed or value.startswith(("data:image/", "#")) or value == "data:,"


def own_script() -> str:
    return slim_script((templates_dir() / "scripts" / "report.js").read_text(encoding="utf-8"))


def assert_policy_fits(root: Element) -> None:
    def hashes(tag: str) -> str:
        texts = [element.text or "" for element in root.iter(tag)]
        digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
        return " ".join(f"'sha256-{digest}'" for digest in digests)

    assert policy(root) == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": hashes("style"),
        "script-src": hashes("script"),
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_the_policy_comes_first_and_fits_the_style(root: Element) -> None:
    assert_policy_fits(root)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["sample", "default", "hw5"])
def test_style_and_script_take_at_most_15_kilobytes(kind: str, language: Language) -> None:
    words = load_words(language)
    run = replace(fake_run(images=5, profile="default" if kind == "sample" else kind), language=language)
    made = report(language=language) if kind == "sample" else compose(run, words)
    root = parse(html.render(made, PLAIN))
    own = [element.text or "" for tag in ("style", "script") for element in root.iter(tag)]
    assert len(own) == 2
    assert sum(len(text.encode()) for text in own) <= 15 * 1024 - ROOM


def test_nothing_else_runs_and_nothing_is_loaded(root: Element, page: bytes) -> None:
    assert_harmless(root)
    assert not re.search(rb"(src|<link[^>]*href)\s*=\s*[\"']?https?:|@import|url\(", page)


def test_every_link_leads_somewhere_and_no_name_is_used_twice(root: Element) -> None:
    ids = Counter(element.get("id") for element in root.iter() if element.get("id"))
    assert set(ids.values()) == {1}
    for element in root.iter():
        for name in ("href", "aria-labelledby"):
            value = element.get(name, "")
            if value and not value.startswith(("data:", "https:")):
                assert value.removeprefix("#") in ids


def test_the_contents_list_every_section_of_two_levels(document: ReportDocument, root: Element) -> None:
    nav = next(root.iter("nav"))
    expected = [s.title for top in document.sections for s in (top, *top.sections)]
    assert [text(link) for link in nav.iter("a")] == [*expected, "References"]


def test_images_state_their_size_and_what_they_show(root: Element) -> None:
    images = list(root.iter("img"))
    assert len(images) > 20
    for image in images:
        with Image.open(BytesIO(image_bytes(image.get("src", "")))) as opened:
            assert (image.get("width"), image.get("height")) == tuple(map(str, opened.size))
        assert image.get("alt")
        assert (image.get("loading"), image.get("decoding")) == ("lazy", "async")


def test_maps_are_enlarged_without_smoothing_and_photographs_are_not(root: Element) -> None:
    for image in root.iter("img"):
        is_map = (image.get("alt") or "").startswith("Activation")
        assert (image.get("class") == "pixelated") is is_map


def test_the_page_says_its_language_and_its_parts(document: ReportDocument, root: Element) -> None:
    assert root.get("lang") == document.language == "en"
    assert text(next(root.iter("title"))) == document.title
    assert [len(list(root.iter(tag))) for tag in ("header", "nav", "main", "h1")] == [1, 1, 1, 1]
    skip = next(of_class(root, "skip"))
    assert skip.get("href") == f"#{next(root.iter('main')).get('id')}"
    body = root.find("body")
    assert body is not None
    assert next(iter(body)) is skip


def test_headings_skip_no_level(root: Element) -> None:
    levels = [int(e.tag[1]) for e in root.iter() if re.fullmatch("h[1-6]", e.tag)]
    assert levels[0] == 1
    assert 4 in levels
    assert all(new <= old + 1 for old, new in pairwise(levels))


def test_every_block_is_there(root: Element) -> None:
    captions = [text(caption) for caption in root.iter("figcaption")]
    assert captions[0].startswith("Figure 1. 0_12.jpg: the photograph, where the saliency")
    tables = [text(caption) for caption in root.iter("caption")]
    assert "Table 2. What was measured on the saliency maps." in tables
    assert len(list(of_class(root, "bars"))) == len(NAMES)
    assert [text(e) for e in of_class(root, "verdict")] == ["right", "wrong", "no label", "right"]
    assert "Warning On 3 of 4 images" in text(next(of_class(root, "warning")))
    assert len([e for e in root.iter("li") if (e.get("id") or "").startswith("reference-")]) == 2


def test_a_missing_picture_says_why_and_an_empty_place_says_nothing(root: Element) -> None:
    missing = [text(e) for e in of_class(root, "missing")]
    assert missing[0].startswith("No picture The gradient is zero everywhere")
    assert len(missing) == 5
    empty = [e for e in of_class(root, "picture") if not len(e)]
    assert len(empty) == 1
    assert "missing" not in (empty[0].get("class") or "")


def test_sentences_name_the_numbers_they_rest_on(root: Element) -> None:
    prose = next(of_class(root, "prose"))
    spans = [span for span in prose.iter("span") if span.get("class") != "token"]
    assert len(spans) == 2
    assert {span.get("title") for span in spans} == {"images[0].explanations[0].measures.half_area"}


def test_bars_are_as_long_as_they_say(root: Element) -> None:
    bars = list(of_class(root, "bars"))[1]
    assert [e.get("width") for e in bars.iter("svg")] == ["87.2%", "6.1%", "3.4%", "2.1%", "0.4%"]
    assert [text(row) for row in bars.iter("tr")][:2] == [
        "checkered square predicted 87.2%",
        "ring label 6.1%",
    ]


def test_a_table_aligns_its_columns_and_names_its_rows(root: Element) -> None:
    table = next(e for e in root.iter("table") if e.get("id") == "table-2")
    for row in table.iter("tr"):
        assert [cell.get("class") for cell in row] == ["l", "l", "r", "r", "r", "r", "l"]
    assert [row[0].get("scope") for row in table.iter("tr")] == ["col", *["row"] * len(NAMES)]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_stays_text_in_every_slot(name: str) -> None:
    harmless, hostile = (html.render(with_text(report(NAMES[:1]), words), PLAIN) for words in ("word", name))
    root = parse(hostile)
    assert_harmless(root)
    assert_policy_fits(root)
    # <wbr> lets a long word break, and an option or a file's name is kept from it; apart from that the same elements
    # stand there, whatever the text says.
    expected, found = (
        Counter(e.tag for e in page.iter() if e.tag != "wbr" and e.get("class") != "token")
        for page in (parse(harmless), root)
    )
    assert found == expected
    shown = " ".join(visible(name).split())
    assert text(next(root.iter("h1"))) == shown
    assert {text(cell) for cell in root.iter("td") if cell.get("class") != "track"} == {shown}
    assert {e.get("alt") for e in root.iter("img")} == {visible(name)}
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u200b\u202e\ufeff\ud800-\udfff]", hostile.decode())


def test_the_same_document_gives_the_same_bytes(document: ReportDocument, page: bytes) -> None:
    assert html.render(document, PLAIN) == page


def test_sections_nest_as_deep_as_headings_go() -> None:
    section = Section("deepest", "Level 5")
    for level in range(4, 0, -1):
        section = Section(f"level-{level}", f"Level {level}", sections=(section,))
    document = report(NAMES[:1])
    page = html.render(ReportDocument(**{**vars(document), "sections": (section,)}), PLAIN)
    assert [e.tag for e in parse(page).iter() if text(e).startswith("Level") and e.tag.startswith("h")][-5:] == [
        "h2", "h3", "h4", "h5", "h6",
    ]  # fmt: skip


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_a_style_sheet_of_the_users_comes_last_and_is_allowed(
    document: ReportDocument, tmp_path: Path, ending: str
) -> None:
    css = tmp_path / "mine.css"
    css.write_bytes(f"h1 {{ color: teal }}{ending}h2 {{ color: navy }}{ending}".encode())
    root = parse(html.render(document, RenderOptions(css=css)))
    assert (next(root.iter("style")).text or "").rstrip().endswith("h1 { color: teal }\nh2 { color: navy }")
    assert_policy_fits(root)


@pytest.mark.parametrize(
    "content",
    [b"p {}</style><script>alert(1)</script>", b"p {} </STYLE >", b"\xff\xfe not UTF-8", b"p {}\0", None],
    ids=["script", "capitals", "encoding", "zero", "absent"],
)
def test_what_is_no_style_sheet_is_refused(document: ReportDocument, tmp_path: Path, content: bytes | None) -> None:
    css = tmp_path / "mine.css"
    if content is not None:
        css.write_bytes(content)
    with pytest.raises(UsageError, match=r"mine\.css") as caught:
        html.render(document, RenderOptions(css=css))
    assert caught.value.code == "E-CSS"
