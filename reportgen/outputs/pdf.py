"""report.pdf: the same page, drawn by WeasyPrint on A4 with tags, bookmarks and page numbers; report.json is inside.

The same document gives the same bytes at any time of day.
"""

import logging

from reportgen import fonts
from reportgen.contracts import Output, RenderOptions
from reportgen.document import ReportDocument
from reportgen.outputs import json
from reportgen.outputs.addresses import Pictures
from reportgen.outputs.apart import drawn_apart
from reportgen.outputs.drawing import Page
from reportgen.templating import Medium, render_page

SHEETS = ("tokens.css", "document.css", "print.css", "paper.css")
LOG = logging.getLogger("reportgen.pdf")


def render(document: ReportDocument, options: RenderOptions) -> bytes:
    """The PDF, drawn in a process of its own; complaints go to the log "reportgen.pdf" as warnings.

    Raises EnvironmentProblem where Pango is missing or drawing fails, takes too long or needs too much memory; and
    UsageError where a template or style sheet of the user's cannot be used or asks for something outside the document.
    """
    drawn = drawn_apart(page_of(document, options), options.pdf_timeout)
    for line in fonts.told(drawn.complaints):
        LOG.warning("%s", line)
    return drawn.data


def page_of(document: ReportDocument, options: RenderOptions) -> Page:
    """The page to draw, with its pictures, the user's font and report.json.

    Raises as `render_page` does, and UsageError for a font that cannot be used.
    """
    pictures = Pictures()
    style = fonts.embedded(pictures.keep(*fonts.read_font(options.font))) if options.font else ""
    page = render_page(document, options, Medium("paper", SHEETS, pictures.source, style))
    return Page(page, pictures.held, json.render(document, options), f"{document.stem}.json")


OUTPUT = Output("pdf", "report.pdf", render)
