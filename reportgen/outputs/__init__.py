"""What a document is written as: one file per format, one line here. Free of torch."""

from collections.abc import Mapping
from types import MappingProxyType

from reportgen.contracts import Output
from reportgen.outputs import html, json, pdf

OUTPUTS: Mapping[str, Output] = MappingProxyType(
    {output.name: output for output in (html.OUTPUT, pdf.OUTPUT, json.OUTPUT)}
)
