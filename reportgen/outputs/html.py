"""report.html: one file that asks nobody for anything and runs nothing but its own script."""

import base64
import re
from dataclasses import replace
from io import BytesIO
from typing import Final

from markupsafe import Markup

from reportgen import fonts
from reportgen.contracts import Output, RenderOptions
from reportgen.document import Picture, ReportDocument
from reportgen.templating import Medium, render_page


def render(document: ReportDocument, options: RenderOptions) -> bytes:
    """The page, as UTF-8. Raises UsageError where the user's templates, style sheet or font cannot be used."""
    style = fonts.installed(fonts.read_font(options.font)[1]) if options.font else ""
    pictures: list[Picture] = []

    def source(picture: Picture) -> Markup:
        """Stands for a picture until the page is written, for a template puts a page together many times over."""
        pictures.append(picture)
        return Markup(f"\0picture {len(pictures) - 1}\0")

    page = render_page(document, options, replace(SCREEN, source=source, style=style))
    written = BytesIO()
    for n, part in enumerate(_STANDING.split(page)):
        written.write((data_url(pictures[int(part)]) if n % 2 else part).encode())
    return written.getvalue()


def data_url(picture: Picture) -> str:
    """The picture itself, as a URL."""
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"


_STANDING: Final = re.compile("\0picture ([0-9]+)\0")  # no text can hold a zero byte
SHEETS = ("tokens.css", "document.css", "screen.css", "print.css")
SCREEN = Medium("screen", SHEETS, data_url, scripts=("report.js",))
OUTPUT = Output("html", "report.html", render)
