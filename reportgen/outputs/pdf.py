"""report.pdf: the same page, drawn by WeasyPrint on A4 with tags, bookmarks and page numbers.

The same document gives the same bytes at any time of day.
"""

import hashlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import ModuleType

from reportgen.contracts import Output, RenderOptions
from reportgen.document import ReportDocument
from reportgen.errors import EnvironmentProblem, UsageError
from reportgen.templating import Medium, render_page

SHEETS = ("tokens.css", "document.css", "print.css")
LOG = logging.getLogger("reportgen.pdf")

_INSTALL = {
    "linux": "Install it: apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0, or dnf install pango",
    "darwin": "Install it: brew install pango, and set DYLD_FALLBACK_LIBRARY_PATH=/opt/homebrew/lib if it is not found",
    "win32": "Install MSYS2, run pacman -S mingw-w64-ucrt-x86_64-pango, and set WEASYPRINT_DLL_DIRECTORIES",
}


@dataclass(frozen=True)
class Drawn:
    """A PDF, and what WeasyPrint complained of while it drew it: a missing glyph, a rule of a user's style sheet."""

    data: bytes
    complaints: tuple[str, ...]


def render(document: ReportDocument, options: RenderOptions) -> bytes:
    """The PDF; complaints go to the log "reportgen.pdf" as warnings. Raises as `draw` does."""
    drawn = draw(document, options)
    for complaint in drawn.complaints:
        LOG.warning("%s", complaint)
    return drawn.data


def draw(document: ReportDocument, options: RenderOptions) -> Drawn:
    """The PDF with WeasyPrint's complaints.

    Raises EnvironmentProblem where Pango is missing, and UsageError where a template or style sheet of the user's
    cannot be used or asks for something outside the document.
    """
    weasyprint = load_weasyprint()
    # Only now: these need what was just found to be there.
    from weasyprint.urls import FatalURLFetchingError

    from reportgen.outputs.memory import MemoryFetcher, Pictures

    pictures = Pictures()
    page = render_page(document, options, Medium("paper", SHEETS, pictures.source))
    fetcher = MemoryFetcher(pictures.held)
    # The pictures' URLs are their hashes, so the page names everything that the PDF shows.
    identifier = hashlib.sha256(page.encode()).digest()[:16]
    data = b""
    with _complaints() as complaints, _still_clock(), suppress(FatalURLFetchingError):
        html = weasyprint.HTML(string=page, url_fetcher=fetcher)
        data = html.write_pdf(pdf_variant="pdf/ua-1", pdf_tags=True, pdf_identifier=identifier)
    if fetcher.refused:
        why = "the PDF may show only what the document holds, and this lies outside"
        raise UsageError("E-PDF-FETCH", fetcher.refused[0], why, "Remove it from --css or --templates")
    return Drawn(data, tuple(complaints))


def load_weasyprint() -> ModuleType:
    """WeasyPrint, loaded when it is needed. Raises EnvironmentProblem that says what to install."""
    try:
        import weasyprint
    except (ImportError, OSError) as err:
        fix = _INSTALL.get(sys.platform, _INSTALL["linux"])
        why = f"WeasyPrint cannot be loaded, mostly because Pango is missing ({' '.join(str(err).split())[:200]})"
        raise EnvironmentProblem("E-PDF", "report.pdf", why, fix) from err
    module: ModuleType = weasyprint
    return module


class _Collector(logging.Handler):
    """Keeps what is logged as a warning or worse, once each."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line."""
        self.lines[record.getMessage()] = None


@contextmanager
def _complaints() -> Iterator[dict[str, None]]:
    """What WeasyPrint logs inside, instead of on stderr; its logger is as it was afterwards."""
    logger, collector = logging.getLogger("weasyprint"), _Collector()
    level, propagate = logger.level, logger.propagate
    logger.addHandler(collector)
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    try:
        yield collector.lines
    finally:
        logger.removeHandler(collector)
        logger.setLevel(level)
        logger.propagate = propagate


@contextmanager
def _still_clock() -> Iterator[None]:
    """A fixed time for fontTools, which stamps the fonts it cuts where harfbuzz-subset is missing."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ.setdefault("SOURCE_DATE_EPOCH", "0")
    try:
        yield
    finally:
        if given is None:
            del os.environ["SOURCE_DATE_EPOCH"]


OUTPUT = Output("pdf", "report.pdf", render)
