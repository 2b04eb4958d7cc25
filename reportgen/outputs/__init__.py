"""What a document and a check are written as: one file per format, one line here. Free of torch."""

from collections.abc import Mapping
from types import MappingProxyType

from reportgen.contracts import CheckOutput, Output
from reportgen.outputs import annotations, badge, html, json, junit, markdown, pdf

OUTPUTS: Mapping[str, Output] = MappingProxyType(
    {output.name: output for output in (html.OUTPUT, pdf.OUTPUT, json.OUTPUT)}
)
CHECK_OUTPUTS: Mapping[str, CheckOutput] = MappingProxyType(
    {output.name: output for output in (junit.OUTPUT, markdown.OUTPUT, badge.OUTPUT, annotations.OUTPUT)}
)
