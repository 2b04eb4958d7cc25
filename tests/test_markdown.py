"""The author's Markdown: what it becomes, and what it can never become."""

from xml.etree import ElementTree

import pytest
import tinyhtml5  # type: ignore[import-untyped]  # ships no types
from hypothesis import given
from hypothesis import strategies as st

from reportgen.markdown import NESTING, Part, deepest, oddities, parts, to_html

TAGS = {
    "p", "em", "strong", "a", "code", "pre", "ul", "ol", "li", "blockquote", "hr", "br", "table", "thead", "tbody",
    "tr", "th", "td",
}  # fmt: skip


def elements(page: str) -> list[ElementTree.Element]:
    """What a browser makes of it, without <html>, <head> and <body>."""
    tree = tinyhtml5.parse(f"<!doctype html><title>x</title><body>{page}")
    made = [(element.tag.rpartition("}")[2], element) for element in tree.iter() if isinstance(element.tag, str)]
    return [element for tag, element in made if tag not in ("html", "head", "title", "body")]


def tags(page: str) -> set[str]:
    return {element.tag.rpartition("}")[2] for element in elements(page)}


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a *b* **c** `d`", "<p>a <em>b</em> <strong>c</strong> <code>d</code></p>\n"),
        ("## A heading", '<p class="subheading">A heading</p>\n'),
        ("> # Quoted", '<blockquote>\n<p class="subheading">Quoted</p>\n</blockquote>\n'),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>\n'),
        ("```python\nx < 1\n```", "<pre><code>x &lt; 1\n</code></pre>\n"),
        (
            "[here](https://a.org/?b=1&c=2)",
            '<p><a href="https://a.org/?b=1&amp;c=2" rel="noreferrer">here</a></p>\n',
        ),
        ("<mailto:a@b.tw>", '<p><a href="mailto:a@b.tw" rel="noreferrer">mailto:a@b.tw</a></p>\n'),
        ("![a *map* & <x>](http://example.org/x.png)", "<p>a map &amp; &lt;x&gt;</p>\n"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("a <b onclick=x>b</b>", "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>\n"),
        ("x\n<!-- hidden -->", "<p>x\n&lt;!-- hidden --&gt;</p>\n"),
    ],
)
def test_what_it_becomes(text: str, html: str) -> None:
    assert to_html(text) == html


def test_a_table_is_aligned_by_a_class_for_the_policy_knows_no_style_attribute() -> None:
    page = to_html("| a | b |\n|---|--:|\n| 1 | 2 |")
    assert page.count('<td class="r">2</td>') == page.count('<th class="r">b</th>') == 1
    assert "<td>1</td>" in page
    assert "style" not in page


LINKS = (
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java&#115;cript:alert(1)", "javascript&colon;alert(1)",
    "vbscript:x", "data:text/html,x", "data:image/png;base64,x", "file:///etc/passwd", "ftp://a.org", "//a.org/x",
    "/etc/passwd", "x.html", "#x", "http", "blob:x", "picture:x",
)  # fmt: skip


@pytest.mark.parametrize("address", LINKS)
@pytest.mark.parametrize("form", ["[x]({})", "<{}>", "![x]({})", "[x][1]\n\n[1]: {}", "[![x](http://a.org/y)]({})"])
def test_no_link_leads_elsewhere(form: str, address: str) -> None:
    page = to_html(form.format(address))
    assert "href" not in page
    assert "src" not in page


@given(st.text(alphabet=st.sampled_from("ab<>[]()!`*_#|-:&;\"'/= \n\tjavascript:http://onload=") | st.characters()))
def test_whatever_is_written_no_tag_attribute_or_scheme_of_its_own_comes_out(text: str) -> None:
    page = to_html(text)
    assert tags(page) <= TAGS
    for element in elements(page):
        assert set(element.attrib) <= {"href", "rel", "class", "start", "title"}
        assert element.get("href", "http:").partition(":")[0].lower() in ("http", "https", "mailto")
        assert element.get("class", "r") in ("r", "subheading")


@pytest.mark.parametrize(
    ("text", "odd"),
    [
        ("plain, 1 < 2 and [a](http://a.org)", ()),
        ("`<b>` and\n\n    <pre>", ()),
        ("a <b>b</b>", ("html",)),
        ("<!-- x -->", ("html",)),
        ("[a](javascript:x)", ("link",)),
        ("![a](http://a.org/x)", ("picture",)),
        ("<br> [a](file:x) ![b](http://x)", ("html", "link", "picture")),
    ],
)
def test_what_is_shown_otherwise_than_written_is_known(text: str, odd: tuple[str, ...]) -> None:
    assert oddities(text) == odd


def test_the_text_is_cut_at_top_headings_only() -> None:
    text = "before\n# A\none\n## a\ntwo\n\n```\n# no heading\n```\n> # quoted\n\nB *b*\n===\nthree\n#\tLast #\n"
    assert parts(text) == (
        Part("", "before"),
        Part("A", "one\n## a\ntwo\n\n```\n# no heading\n```\n> # quoted\n"[:-1]),
        Part("B *b", "three"),
        Part("Last", ""),
    )


def test_every_line_end_counts_as_one() -> None:
    assert parts("# A\r\none\r\n# B\rtwo\r\n") == (Part("A", "one"), Part("B", "two"))


def test_an_empty_text_has_no_parts() -> None:
    assert parts("") == parts("\n \n") == ()


@pytest.mark.parametrize("depth", [1, 5, NESTING])
def test_how_deep_it_is(depth: int) -> None:
    assert deepest(f"{'> ' * depth}x") == depth + 1  # the text itself lies in a paragraph
    assert deepest("x") == 1


def test_too_deep_is_known_however_deep() -> None:
    for levels in (NESTING, NESTING + 50, 10_000):
        assert deepest("> " * levels + "x") > NESTING
