"""A document drawn in this very process, where a test can watch and disturb it."""

from reportgen.contracts import RenderOptions
from reportgen.document import ReportDocument
from reportgen.outputs import drawing, pdf

PLAIN = RenderOptions()


def draw(document: ReportDocument, options: RenderOptions = PLAIN) -> drawing.Drawn:
    """The PDF with WeasyPrint's complaints."""
    return drawing.draw(pdf.page_of(document, options))
