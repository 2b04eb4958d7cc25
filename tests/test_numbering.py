from reportgen.document import Figure, Paragraph, Section, Table
from reportgen.numbering import numbered


def test_figures_and_tables_count_apart_in_the_order_of_reading() -> None:
    def figure(anchor: str) -> Figure:
        return Figure(anchor, 0, "", ())

    def table(anchor: str) -> Table:
        return Table(anchor, 0, "", (), ())

    inner = Section("inner", "", (figure("b"), table("y")))
    sections = (
        Section("one", "", (figure("a"), Paragraph(()), table("x")), (inner,)),
        Section("two", "", (table("z"), figure("c"))),
    )
    one, two = numbered(sections)
    blocks = (*one.blocks, *one.sections[0].blocks, *two.blocks)
    assert {block.anchor: block.number for block in blocks if isinstance(block, Figure | Table)} == {
        "a": 1, "b": 2, "c": 3, "x": 1, "y": 2, "z": 3,
    }  # fmt: skip
    assert one.blocks[1] == Paragraph(())
    assert numbered((one, two)) == (one, two)
