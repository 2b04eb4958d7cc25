"""report.json: the facts behind the page."""

import json
from collections.abc import Mapping
from typing import Any

from reportgen.contracts import Output, RenderOptions
from reportgen.document import ReportDocument


def render(document: ReportDocument, options: RenderOptions) -> bytes:  # noqa: ARG001 - every writer is called alike
    """The facts, keys sorted, as UTF-8. Raises ValueError for NaN or infinity: a bug upstream, not a number."""
    text = json.dumps(document.facts, default=_plain, allow_nan=False, ensure_ascii=False, indent=2, sort_keys=True)
    # Half of a surrogate pair, as in a file name that is not UTF-8: written as \udc80, which JSON knows too.
    return (text + "\n").encode("utf-8", "backslashreplace")


def _plain(value: object) -> dict[str, Any]:
    """Read-only mappings, which json does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in report.json")


OUTPUT = Output("json", "report.json", render)
