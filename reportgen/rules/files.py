"""Rules on the report's files: what can be mailed and opened."""

from collections.abc import Callable

from reportgen.rules.rule import Evidence, Measured, NotTested, Rule


def _size(filename: str) -> Callable[[Evidence], Measured | NotTested]:
    """The file's size in bytes."""

    def measure(evidence: Evidence) -> Measured | NotTested:
        files = evidence.files or {}
        return Measured(float(files[filename])) if filename in files else NotTested("untested.file")

    return measure


RULES = (
    Rule("html_bytes", "files", "at_most", "bytes", _size("report.html")),
    Rule("pdf_bytes", "files", "at_most", "bytes", _size("report.pdf")),
)
