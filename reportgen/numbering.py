"""Numbers for figures and tables: each kind from 1, in the order of reading."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from reportgen.document import Block, Figure, Matrix, Section, Table


def numbered(sections: Sequence[Section]) -> tuple[Section, ...]:
    """The same sections with every figure and table numbered; what they were numbered before does not matter."""
    figures, tables = count(1), count(1)

    def block(each: Block) -> Block:
        if isinstance(each, Figure):
            return replace(each, number=next(figures))
        return replace(each, number=next(tables)) if isinstance(each, Matrix | Table) else each

    def section(each: Section) -> Section:
        blocks = tuple(map(block, each.blocks))  # before the subsections, as they are read
        return replace(each, blocks=blocks, sections=tuple(map(section, each.sections)))

    return tuple(map(section, sections))
