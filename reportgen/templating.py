"""The one Jinja environment: what templates may call, who overrides whom, and the only place that makes Markup."""

import base64
import hashlib
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup, escape

from reportgen.contracts import RenderOptions
from reportgen.document import Figure, Picture, ReportDocument, Section
from reportgen.errors import UsageError
from reportgen.fonts import read_font
from reportgen.looks import accent_style, paper_style, read_logo
from reportgen.markdown import to_html
from reportgen.resources import templates_dir
from reportgen.shortages import raise_shortage
from reportgen.slimming import slim_script, slim_style, used_only

ENTRY = "report.html.j2"


@dataclass(frozen=True)
class Medium:
    """What a page is made for.

    sheets, scripts: names of files, in order; source: a picture's URL; style: rules added before the user's own.
    """

    name: Literal["screen", "paper"]
    sheets: tuple[str, ...]
    source: Callable[[Picture], str]
    style: str = ""
    scripts: tuple[str, ...] = ()


class Standing:
    """Marks in place of pictures until the page is written: Jinja puts its text together once for each level."""

    def __init__(self) -> None:
        self._pictures: list[Picture] = []

    def source(self, picture: Picture) -> Markup:
        """What stands for the picture's URL."""
        self._pictures.append(picture)
        return Markup(f"\0picture {len(self._pictures) - 1}\0")

    def parts(self, page: str) -> Iterator[str | Picture]:
        """The page from its beginning to its end, text and pictures in turn."""
        for n, part in enumerate(_STANDING.split(page)):
            yield self._pictures[int(part)] if n % 2 else part


# Characters that are not seen, or that turn the writing direction: a name with them may lie about itself (UTS-39); and
# half of a surrogate pair cannot be written at all. Line feed and tab stay.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\uf8ff\ufeff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U0010ffff]"
)
# Han, kana and hangul break anywhere but before punctuation, and need no help.
_LONG_WORD = re.compile("[^\\s\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]{21,}")
_PIECE = 12  # characters between two places where a long word may break
# Options, layers, short names of files, |d y / d x|, and what was measured beside what it is held against (escaped):
# all are hard to read in two lines.
_FILE = r"(?:\b[\w-]+/)?\b[\w-]+\.(?:csv|html|jpe?g|json|md|pdf|png|pth|py|toml|txt|webp|xml)\b"
_HELD = r"−?\d\.\d+ (?:&lt;|&gt;|=) −?\d\.\d+"
_TOKEN = re.compile(
    rf"--[a-z][a-z-]*|{_FILE}|{_HELD}|\|d [^|]{{3,20}}\||\b[a-z_]\w*(?:\.\w+)*?\.\d+(?:\.\w+)*", re.ASCII
)
_TOKEN_MOST = 28  # characters, for a phone's line holds no more
# Where the page's style, script and policy go once it is known what they are: no text can hold a zero byte.
_PLACES = {name: f"\0{name}\0" for name in ("style", "script", "policy")}
_STANDING = re.compile("\0picture ([0-9]+)\0")
_CLASSES, _ELEMENT, _NAME = re.compile(r'class="([^"]*)"'), re.compile(r"<([a-z][a-z0-9]*)"), re.compile(r"[\w-]+")
LISTED = 12  # sections inside another that the printed contents list
_BAR_WIDTHS = "\n".join(f".w{share} {{ width: {share}% }}" for share in range(101))


def render_page(document: ReportDocument, options: RenderOptions, medium: Medium) -> str:
    """The document as one HTML page with its style and script inside, the user's own style last.

    Raises UsageError where the user's templates or style sheet cannot be used.
    """
    jinja = environment(options.templates, medium)
    try:
        places = {name: Markup(mark) for name, mark in _PLACES.items()}
        logo = read_logo(options.logo) if options.logo else None
        page = jinja.get_template(ENTRY).render(document=document, words=document.words, logo=logo, **places)
        script = _script(jinja, _scripts(document, medium))
        style = _style(jinja, medium, script, page, document.language) + _own_looks(options, medium)
    except UsageError:
        raise
    except Exception as err:
        if options.templates is None:
            raise  # a bug of ours
        raise _template_error(err, options.templates) from err  # a template is code: anything may come out of it
    made = {"style": style, "script": script, "policy": str(escape(content_policy(style, script)))}
    if medium.name == "paper":  # WeasyPrint isolates no writing direction, and every cell would hold a box more
        page = page.replace("<bdi>", "").replace("</bdi>", "")
    for name, mark in _PLACES.items():
        page = page.replace(mark, made[name])
    return page


def check_own(options: RenderOptions) -> None:
    """The user's own templates, style sheet, logo, font and accent colour, before work is done that they would cost.

    Raises UsageError where one of them cannot be used; what a template or a style sheet does shows on the page only.
    """
    _check_folder(options.templates)
    accent_style(options.accent, paper=False)
    _own_style(options.css)
    if options.logo:
        read_logo(options.logo)
    if options.font:
        read_font(options.font)


def _check_folder(templates: Path | None) -> None:
    if templates is not None and not templates.is_dir():
        raise UsageError("E-TEMPLATES", str(templates), "it is not a folder", "Name a folder with templates")


def environment(templates: Path | None, medium: Medium) -> SandboxedEnvironment:
    """Jinja for the built-in templates, with the user's own folder before them.

    A template of the user's reaches the one that it replaces as "default:NAME".
    Raises UsageError where the user's folder is none.
    """
    builtin = FileSystemLoader(templates_dir())
    loaders: list[BaseLoader] = [builtin, PrefixLoader({"default": builtin}, delimiter=":")]
    _check_folder(templates)
    if templates is not None:
        loaders.insert(0, FileSystemLoader(templates))
    jinja = SandboxedEnvironment(
        loader=ChoiceLoader(loaders),
        autoescape=True,  # select_autoescape() would leave *.html.j2 unescaped
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.globals |= {"medium": medium.name, "source": medium.source}
    jinja.filters |= {
        "bar_length": bar_length, "bar_width": bar_width, "breakable": breakable, "columns": columns,
        "markdown": markdown, "whole_tokens": whole_tokens,
    }  # fmt: skip
    return jinja


def content_policy(style: str, script: str = "") -> str:
    """The content security policy of a page with this one style sheet and script: nothing else runs or is loaded."""
    runs = f"script-src {_digest(script)}; " if script else ""
    return f"default-src 'none'; img-src data:; style-src {_digest(style)}; {runs}base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def visible(text: str) -> str:
    """The text with what cannot be seen written out, as <U+202E>."""
    return _UNSEEN.sub(lambda match: f"<U+{ord(match[0]):04X}>", text)


def breakable(text: str) -> Markup:
    """The text, escaped, with places in long words where a line may break: a name of 300 letters stays in its cell."""

    def cut(word: re.Match[str]) -> str:
        pieces = (word[0][start : start + _PIECE] for start in range(0, len(word[0]), _PIECE))
        return "\0".join(pieces)  # no text holds it any more, so it can mark the places

    return Markup("<wbr>").join(escape(part) for part in _LONG_WORD.sub(cut, visible(text)).split("\0"))


def whole_tokens(text: str) -> Markup:
    """The text, escaped, with options, layers, short names of files and "0.1 < 0.2" in elements that no line breaks."""

    def held(token: re.Match[str]) -> str:
        return f'<span class="token">{token[0]}</span>' if len(token[0]) <= _TOKEN_MOST else token[0]

    return Markup(_TOKEN.sub(held, str(breakable(text))))


def markdown(text: str) -> Markup:
    """The author's Markdown as HTML that holds nothing dangerous; what cannot be seen is written out."""
    return Markup(to_html(visible(text.replace("\r\n", "\n"))))


@dataclass(frozen=True)
class Entry:
    """A line of the printed contents. depth: 1 for a section, 2 for one inside it."""

    depth: int
    anchor: str
    title: str


def columns(document: ReportDocument) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """The printed contents in two columns as level as can be: WeasyPrint would take seconds to find where to cut them.

    Of a section with more than a dozen inside these are left to the bookmarks, so that the verdict stands on page one.
    """
    lines = []
    for section in document.sections:
        lines.append(Entry(1, section.anchor, section.title))
        if len(section.sections) <= LISTED:
            lines += [Entry(2, each.anchor, each.title) for each in section.sections]
    if document.references:
        lines.append(Entry(1, "references", document.words["references"]))
    half = (len(lines) + 1) // 2
    return tuple(lines[:half]), tuple(lines[half:])


def bar_length(share: float) -> str:
    """The length of a bar as an attribute of its drawing. share: in [0, 1]."""
    return f"{100 * min(max(share, 0.0), 1.0):.1f}%"


def bar_width(share: float) -> str:
    """The class that makes a bar so long; a style attribute would need a hole in the policy. share: in [0, 1]."""
    return f"w{round(100 * min(max(share, 0.0), 1.0))}"


def _visible(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _scripts(document: ReportDocument, medium: Medium) -> tuple[str, ...]:
    """The medium's own, and the slider where the document has two pictures to lay over each other."""
    return (*medium.scripts, "swipe.js") if medium.scripts and any(map(_swipes, document.sections)) else medium.scripts


def _swipes(section: Section) -> bool:
    figures = any(isinstance(block, Figure) and block.swipe for block in section.blocks)
    return figures or any(map(_swipes, section.sections))


def _style(jinja: SandboxedEnvironment, medium: Medium, script: str, page: str, language: str) -> str:
    """All style sheets in one; on the screen without what this page cannot use, for it is read over a network."""
    style = "\n".join(_file(jinja, f"styles/{name}") for name in medium.sheets)
    if medium.name == "paper":
        return f"{style}\n{_BAR_WIDTHS}\n"
    classes = {name for names in _CLASSES.findall(page) for name in names.split()}
    names = classes | set(_ELEMENT.findall(page)) | set(_NAME.findall(script))
    return used_only(slim_style(style), names, language) + "\n"


def _script(jinja: SandboxedEnvironment, names: Sequence[str]) -> str:
    script = "\n".join(slim_script(_file(jinja, f"scripts/{name}")) for name in names)
    if "</script" in script.lower() or "<!--" in script:
        raise UsageError("E-TEMPLATES", "scripts", "a script holds </script or <!--", "Write it in another way")
    return script


def _file(jinja: SandboxedEnvironment, name: str) -> str:
    assert jinja.loader is not None
    text = jinja.loader.get_source(jinja, name)[0]
    if "</style" in text.lower() or "\0" in text:
        raise UsageError("E-TEMPLATES", name, "it holds </style or a zero byte", "Remove it")
    return text


def _own_looks(options: RenderOptions, medium: Medium) -> str:
    """What the user set, the style sheet last."""
    on_paper = medium.name == "paper"
    accent = accent_style(options.accent, paper=on_paper)
    return (paper_style(options.paper) if on_paper else "") + accent + medium.style + _own_style(options.css)


def _own_style(css: Path | None) -> str:
    if css is None:
        return ""
    try:
        text = css.read_text(encoding="utf-8-sig")  # turns every line end into \n, or the policy's hash would not fit
    except (OSError, UnicodeDecodeError) as err:
        raise_shortage(err, str(css))
        raise UsageError("E-CSS", str(css), f"it cannot be read ({err})", "Name a UTF-8 style sheet for --css") from err
    if "</style" in text.lower() or "\0" in text:
        raise UsageError("E-CSS", str(css), "it is no style sheet: it holds </style or a zero byte", "Remove it")
    return text


def _template_error(err: Exception, templates: Path) -> UsageError:
    """Where the template went wrong: Jinja puts the template's own lines into the traceback."""
    lines = [frame for frame in traceback.extract_tb(err.__traceback__) if frame.filename.endswith(".j2")]
    place = f"{lines[-1].filename}, line {lines[-1].lineno}" if lines else str(templates)
    why = f"{type(err).__name__}: {err or 'no reason given'}"
    return UsageError("E-TEMPLATE", place, why, "See templates/README.md for what a template can use")
