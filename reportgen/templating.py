"""The one Jinja environment: what templates may call, who overrides whom, and the only place that makes Markup."""

import base64
import hashlib
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup, escape

from reportgen.contracts import RenderOptions
from reportgen.document import Figure, Picture, ReportDocument, Section
from reportgen.errors import UsageError
from reportgen.markdown import to_html
from reportgen.resources import templates_dir

ENTRY = "report.html.j2"


@dataclass(frozen=True)
class Medium:
    """What a page is made for.

    sheets: names of its style sheets, in order; source: a picture's URL; style: rules added before the user's own.
    """

    name: Literal["screen", "paper"]
    sheets: tuple[str, ...]
    source: Callable[[Picture], str]
    style: str = ""


# Characters that are not seen, or that turn the writing direction: a name with them may lie about itself (UTS-39); and
# half of a surrogate pair cannot be written at all. Line feed and tab stay.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\uf8ff\ufeff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U0010ffff]"
)
# Han, kana and hangul break anywhere but before punctuation, and need no help.
_LONG_WORD = re.compile("[^\\s\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]{21,}")
_PIECE = 12  # characters between two places where a long word may break
_BAR_WIDTHS = "\n".join(f".w{share} {{ width: {share}% }}" for share in range(101))


def render_page(document: ReportDocument, options: RenderOptions, medium: Medium) -> str:
    """The document as one HTML page with its style inside, the user's own style last.

    Raises UsageError where the user's templates or style sheet cannot be used.
    """
    jinja = environment(options.templates, medium)
    try:
        style = _style(jinja, medium, options.css)
        script = _script(jinja, document, medium)
        page = jinja.get_template(ENTRY)
        policy = content_policy(style, script)
        return page.render(document=document, words=document.words, style=style, script=script, policy=policy)
    except UsageError:
        raise
    except Exception as err:
        if options.templates is None:
            raise  # a bug of ours
        raise _template_error(err, options.templates) from err  # a template is code: anything may come out of it


def environment(templates: Path | None, medium: Medium) -> SandboxedEnvironment:
    """Jinja for the built-in templates, with the user's own folder before them.

    A template of the user's reaches the one that it replaces as "default:NAME".
    Raises UsageError where the user's folder is none.
    """
    builtin = FileSystemLoader(templates_dir())
    loaders: list[BaseLoader] = [builtin, PrefixLoader({"default": builtin}, delimiter=":")]
    if templates is not None:
        if not templates.is_dir():
            raise UsageError("E-TEMPLATES", str(templates), "it is not a folder", "Name a folder with templates")
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
    jinja.filters |= {"breakable": breakable, "bar_width": bar_width, "markdown": markdown}
    return jinja


def content_policy(style: str, script: str = "") -> str:
    """The content security policy of a page with this one style sheet and, if any, script: nothing else is loaded."""
    runs = f"script-src {_digest(script)}; " if script else ""
    allowed = f"default-src 'none'; img-src data:; style-src {_digest(style)}; {runs}"
    return f"{allowed}base-uri 'none'; form-action 'none'"


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


def markdown(text: str) -> Markup:
    """The author's Markdown as HTML that holds nothing dangerous; what cannot be seen is written out."""
    return Markup(to_html(visible(text.replace("\r\n", "\n"))))


def bar_width(share: float) -> str:
    """The class that makes a bar so long; a style attribute would need a hole in the policy. share: in [0, 1]."""
    return f"w{round(100 * min(max(share, 0.0), 1.0))}"


def _visible(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _script(jinja: SandboxedEnvironment, document: ReportDocument, medium: Medium) -> Markup:
    """What a page runs: the slider of a comparison; empty for every other page, and on paper."""
    if medium.name == "paper" or not any(map(_swipes, document.sections)):
        return Markup("")
    assert jinja.loader is not None
    return Markup(jinja.loader.get_source(jinja, "scripts/swipe.js")[0])


def _swipes(section: Section) -> bool:
    figures = any(isinstance(block, Figure) and block.swipe for block in section.blocks)
    return figures or any(map(_swipes, section.sections))


def _style(jinja: SandboxedEnvironment, medium: Medium, css: Path | None) -> Markup:
    """All style sheets in one, as it stands between <style> and </style>."""
    assert jinja.loader is not None
    parts = [jinja.loader.get_source(jinja, f"styles/{name}")[0] for name in medium.sheets]
    parts += [_BAR_WIDTHS, medium.style, _own_style(css) if css else ""]
    text = "\n".join(parts)  # every line ends in \n, as a browser reads it, or the policy's hash would not fit
    if "</style" in text.lower() or "\0" in text:
        raise UsageError("E-CSS", str(css), "it is no style sheet: it holds </style or a zero byte", "Remove it")
    return Markup(text)


def _own_style(css: Path) -> str:
    try:
        return css.read_text(encoding="utf-8-sig")  # turns every line end into \n
    except (OSError, UnicodeDecodeError) as err:
        raise UsageError("E-CSS", str(css), f"it cannot be read ({err})", "Name a UTF-8 style sheet for --css") from err


def _template_error(err: Exception, templates: Path) -> UsageError:
    """Where the template went wrong: Jinja puts the template's own lines into the traceback."""
    lines = [frame for frame in traceback.extract_tb(err.__traceback__) if frame.filename.endswith(".j2")]
    place = f"{lines[-1].filename}, line {lines[-1].lineno}" if lines else str(templates)
    why = f"{type(err).__name__}: {err or 'no reason given'}"
    return UsageError("E-TEMPLATE", place, why, "See templates/README.md for what a template can use")
