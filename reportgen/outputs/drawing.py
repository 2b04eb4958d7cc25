"""WeasyPrint at work: a page and its pictures to a PDF, in this very process. `apart` runs it in a child.

The same page gives the same bytes at any time of day.
"""

import gc
import hashlib
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType

from reportgen.errors import EnvironmentProblem, UsageError
from reportgen.shortages import raise_shortage

ATTACHED = "report.json"
_NO_CLOCK = datetime(1980, 1, 1, tzinfo=UTC)  # an attachment needs a date, and the day of the build would change bytes

_INSTALL = {
    "linux": "Install it: apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0, or dnf install pango",
    "darwin": "Install it: brew install pango, and set DYLD_FALLBACK_LIBRARY_PATH=/opt/homebrew/lib if it is not found",
    "win32": "Install MSYS2, run pacman -S mingw-w64-ucrt-x86_64-pango, and set WEASYPRINT_DLL_DIRECTORIES",
}


@dataclass(frozen=True)
class Page:
    """What is drawn. pictures: URL -> (media type, bytes); facts: report.json, which the PDF carries along.

    attached: what that file is called.
    """

    html: str
    pictures: Mapping[str, tuple[str, bytes]]
    facts: bytes
    attached: str = ATTACHED


@dataclass(frozen=True)
class Drawn:
    """A PDF, and what WeasyPrint complained of while it drew it: a missing glyph, a rule of a user's style sheet."""

    data: bytes
    complaints: tuple[str, ...]


def draw(page: Page) -> Drawn:
    """The PDF, tagged for screen readers, with report.json as its only attachment.

    Raises EnvironmentProblem where Pango is missing, and UsageError where the page asks for something outside it.
    """
    weasyprint = load_weasyprint()
    # Only now: these need what was just found to be there.
    from weasyprint.urls import FatalURLFetchingError

    from reportgen.outputs.memory import MemoryFetcher

    fetcher = MemoryFetcher(page.pictures)
    # The pictures' URLs are their hashes, so the page names everything that the PDF shows.
    identifier = hashlib.sha256(page.html.encode()).digest()[:16]
    data = b""
    with _complaints() as complaints, _still_clock(), suppress(FatalURLFetchingError):
        html = weasyprint.HTML(string=page.html, url_fetcher=fetcher)
        facts = weasyprint.Attachment(
            string=page.facts, name=page.attached, created=_NO_CLOCK, modified=_NO_CLOCK, relationship="Data",
            url_fetcher=fetcher,
        )  # fmt: skip
        how = {"pdf_variant": "pdf/ua-1", "pdf_tags": True, "pdf_identifier": identifier, "attachments": [facts]}
        pages = html.render(**how)
        gc.collect()  # what laid them out; what writes them needs as much again
        data = pages.write_pdf(**how)
    if fetcher.refused:
        why = "the PDF may show only what the document holds, and this lies outside"
        raise UsageError("E-PDF-FETCH", fetcher.refused[0], why, "Remove it from --css or --templates")
    return Drawn(data, tuple(complaints))


def load_weasyprint() -> ModuleType:
    """WeasyPrint, loaded when it is needed. Raises EnvironmentProblem that says what to install."""
    try:
        import weasyprint
    except (ImportError, OSError) as err:
        raise_shortage(err, "report.pdf")
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
    os.environ["SOURCE_DATE_EPOCH"] = "0"  # whatever the caller's is: the same inputs give the same bytes
    try:
        yield
    finally:
        if given is None:
            del os.environ["SOURCE_DATE_EPOCH"]
