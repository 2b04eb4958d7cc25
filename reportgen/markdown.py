"""The author's Markdown, made harmless: no HTML, no picture, no address but http, https and mailto.

markdown-it-py does the work; here is only what it may do. Source: CommonMark 0.31, and tables as on GitHub.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

SCHEMES = ("http", "https", "mailto")
NESTING = 20  # blocks inside blocks; a list counts two
_PARSED = 60  # to where the parser follows: far enough to tell what is too deep, near enough for Python's stack


@dataclass(frozen=True)
class Part:
    """What stands under one top heading. heading: as written, without emphasis; "" for what stands before the first."""

    heading: str
    text: str


def to_html(text: str) -> str:
    """The Markdown as HTML that stands below any heading: its own headings are paragraphs.

    HTML inside is shown as text, a picture as its description, and so is a link to any other scheme.
    """
    markdown = _Markdown()
    tokens = markdown.parse(text)
    for token in _all(tokens):
        _tame(token)
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    return html


def parts(text: str) -> tuple[Part, ...]:
    """The text cut at its headings of the first level; one inside a code block or a quotation is none."""
    tokens = _Markdown().parse(text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    tops = [
        (token.map, following.content.strip("*_` "))
        for token, following in itertools.pairwise(tokens)
        if token.type == "heading_open" and token.tag == "h1" and token.level == 0 and token.map
    ]
    starts = [(0, 0, ""), *((place[0], place[1], heading) for place, heading in tops)]
    ends = [*(place[0] for place, _ in tops), len(lines)]
    cut = [
        Part(heading, "\n".join(lines[begin:end]).strip("\n"))
        for (_, begin, heading), end in zip(starts, ends, strict=True)
    ]
    return tuple(part for part in cut if part.heading or part.text.strip())


def deepest(text: str) -> int:
    """How many blocks lie inside one another, at most; beyond `NESTING` it is only known to be more."""
    return max((token.level for token in _Markdown().parse(text)), default=0)


def oddities(text: str) -> tuple[str, ...]:
    """What `to_html` shows as text instead: keys "html", "link" and "picture"."""
    markdown = _Markdown()
    kinds = {token.type for token in _all(markdown.parse(text))}
    with_html = {token.type for token in _all(_Markdown(html=True).parse(text))}
    html = bool(with_html & {"html_block", "html_inline"})
    found = {"html": html, "link": bool(markdown.refused), "picture": "image" in kinds}
    return tuple(key for key, odd in found.items() if odd)


class _Markdown(MarkdownIt):
    """The parser, with the addresses that it did not follow."""

    def __init__(self, *, html: bool = False) -> None:
        super().__init__("commonmark", {"html": html, "maxNesting": _PARSED})
        self.enable("table")
        self.add_render_rule("image", _description)
        self.refused: list[str] = []

    def validateLink(self, url: str) -> bool:  # noqa: N802 - markdown-it's name for it
        """Whether a link may lead there."""
        scheme, colon, _ = url.partition(":")
        good = bool(colon) and scheme.lower() in SCHEMES
        self.refused += [] if good else [url]
        return good


def _description(renderer: Any, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:  # noqa: ANN401
    """A picture as the text that describes it."""
    text: str = renderer.renderInlineAsText(tokens[place].children or [], options, env)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _all(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or ())


def _tame(token: Token) -> None:
    """Take out what a page with headings and a content policy of its own has no place for."""
    if token.type in ("heading_open", "heading_close"):
        token.tag = "p"
        token.attrs = {"class": "subheading"} if token.nesting > 0 else {}
    if token.type == "link_open":
        token.attrSet("rel", "noreferrer")
    if token.type in ("th_open", "td_open"):  # a style attribute would need a hole in the policy
        side = str(token.attrs.pop("style", ""))
        token.attrs |= {"class": "r"} if side.endswith("right") else {}
    token.info = ""  # the language of a code block would become a class
