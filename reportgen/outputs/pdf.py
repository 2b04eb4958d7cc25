"""report.pdf: the same page, drawn by WeasyPrint on A4 with tags, bookmarks and page numbers; report.json is inside.

The same document gives the same bytes at any time of day.
"""

import logging
import re

from reportgen.contracts import Output, RenderOptions
from reportgen.document import ReportDocument
from reportgen.outputs import json
from reportgen.outputs.addresses import Pictures
from reportgen.outputs.apart import drawn_apart
from reportgen.outputs.drawing import Page
from reportgen.templating import Medium, render_page

SHEETS = ("tokens.css", "document.css", "print.css")
LOG = logging.getLogger("reportgen.pdf")
_NO_GLYPH = re.compile(r"\.notdef glyph .*\(U\+([0-9A-F]{4,6})\)$", re.DOTALL)
_CJK = ((0x2E80, 0xA4CF), (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0xFE30, 0xFE4F), (0xFF00, 0xFFEF), (0x20000, 0x3FFFF))


def render(document: ReportDocument, options: RenderOptions) -> bytes:
    """The PDF, drawn in a process of its own; complaints go to the log "reportgen.pdf" as warnings.

    Raises EnvironmentProblem where Pango is missing or drawing fails, takes too long or needs too much memory; and
    UsageError where a template or style sheet of the user's cannot be used or asks for something outside the document.
    """
    drawn = drawn_apart(page_of(document, options), options.pdf_timeout)
    for complaint in drawn.complaints:
        LOG.warning("%s", with_package(complaint))
    return drawn.data


def page_of(document: ReportDocument, options: RenderOptions) -> Page:
    """The page to draw, with its pictures and report.json. Raises as `render_page` does."""
    pictures = Pictures()
    page = render_page(document, options, Medium("paper", SHEETS, pictures.source))
    return Page(page, pictures.held, json.render(document, options), f"{document.stem}.json")


def with_package(complaint: str) -> str:
    """WeasyPrint's complaint; where no font has a character, with the package that holds one."""
    found = _NO_GLYPH.match(complaint)
    if not found:
        return complaint
    point = int(found[1], 16)
    package = "fonts-noto-cjk" if any(low <= point <= high for low, high in _CJK) else "fonts-noto-core"
    return f"{complaint}: the PDF shows a box there. Install a font that has it: apt install {package}"


OUTPUT = Output("pdf", "report.pdf", render)
