"""report.html: one file that asks nobody for anything and runs nothing but its own script."""

import base64
from dataclasses import replace
from io import BytesIO

from reportgen import fonts
from reportgen.contracts import Output, RenderOptions
from reportgen.document import Picture, ReportDocument
from reportgen.templating import Medium, Standing, render_page


def render(document: ReportDocument, options: RenderOptions) -> bytes:
    """The page, as UTF-8. Raises UsageError where the user's templates, style sheet or font cannot be used."""
    style = fonts.installed(fonts.read_font(options.font)[1]) if options.font else ""
    standing, written = Standing(), BytesIO()
    page = render_page(document, options, replace(SCREEN, source=standing.source, style=style))
    for part in standing.parts(page):
        written.write((part if isinstance(part, str) else data_url(part)).encode())
    return written.getvalue()


def data_url(picture: Picture) -> str:
    """The picture itself, as a URL."""
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"


SHEETS = ("tokens.css", "document.css", "screen.css", "print.css")
SCREEN = Medium("screen", SHEETS, data_url, scripts=("report.js",))
OUTPUT = Output("html", "report.html", render)
