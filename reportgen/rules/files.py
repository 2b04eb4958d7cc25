"""Rules on the report's files: what can be mailed and opened, and how long they took."""

from collections.abc import Callable

from reportgen.rules.rule import BUILD, Evidence, Measured, NotTested, Rule


def _size(filename: str) -> Callable[[Evidence], Measured | NotTested]:
    """The file's size in bytes."""

    def measure(evidence: Evidence) -> Measured | NotTested:
        costs = evidence.costs or {}
        return Measured(float(costs[filename])) if filename in costs else NotTested("untested.file")

    return measure


def build_seconds(evidence: Evidence) -> Measured | NotTested:
    """How long the build took, by its log. Like a file's size it is judged afterwards: a report holds no clock."""
    costs = evidence.costs or {}
    return Measured(costs[BUILD]) if BUILD in costs else NotTested("untested.log")


RULES = (
    Rule("html_bytes", "files", "at_most", "bytes", _size("report.html")),
    Rule("pdf_bytes", "files", "at_most", "bytes", _size("report.pdf")),
    Rule("build_seconds", "files", "at_most", "seconds", build_seconds),
)
