"""What templates and writers see: a tree of text, pictures and tables, and the facts behind them. Nothing else.

Python decides what is said; templates only place it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reportgen.verdicts import State

FORMAT = 1


@dataclass(frozen=True)
class Picture:
    """An encoded image. width, height: pixels of the file; pixelated: enlarge without smoothing."""

    data: bytes
    media_type: Literal["image/jpeg", "image/png"]
    width: int
    height: int
    alt: str
    pixelated: bool = False
    kind: Literal["picture"] = "picture"


@dataclass(frozen=True)
class NoPicture:
    """Stands where a picture cannot: drawn as a hatched box that says why. An empty reason leaves the place empty."""

    reason: str
    kind: Literal["no_picture"] = "no_picture"


@dataclass(frozen=True)
class Chip:
    """How far a picture can be believed, in a few words. anchor: of the section that has the details."""

    state: State
    text: str
    anchor: str


@dataclass(frozen=True)
class Panel:
    """One picture of a figure, with a short label above, an optional line of numbers and a verdict below."""

    content: Picture | NoPicture
    label: str
    detail: str = ""
    chip: Chip | None = None
    anchor: str = ""  # on a card: where a link to this picture leads


@dataclass(frozen=True)
class ScaleBar:
    """The colour scale of a figure."""

    picture: Picture
    low: str
    high: str
    label: str


@dataclass(frozen=True)
class Figure:
    """A numbered figure: rows of panels, a caption, how it was computed.

    swipe: where each row has two pictures to be laid over each other, what the slider between them says; else empty.
    """

    anchor: str
    number: int
    caption: str
    rows: tuple[tuple[Panel, ...], ...]
    method: str = ""  # method, target class, scale and parameters in one line
    scales: tuple[ScaleBar, ...] = ()
    about: tuple[str, ...] = ()  # anchors of the images: of the one it shows, or of one in each column
    swipe: str = ""
    kind: Literal["figure"] = "figure"


@dataclass(frozen=True)
class Sentence:
    """A sentence of commentary and the keys of the JSON numbers it rests on."""

    text: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Paragraph:
    """Sentences that belong together. tone: how it is set."""

    sentences: tuple[Sentence, ...]
    tone: Literal["plain", "finding", "note", "warning"] = "plain"
    heading: str = ""  # run-in heading such as "What it is"
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True)
class Table:
    """A numbered table. align: one letter a column, "l" or "r"."""

    anchor: str
    number: int
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: str = ""
    kind: Literal["table"] = "table"


@dataclass(frozen=True)
class MatrixCell:
    """How many images, and their share of the row as one of the steps 0 to 5; right: on the diagonal."""

    text: str
    heat: int
    right: bool = False


@dataclass(frozen=True)
class MatrixRow:
    """One class of the labels: how its images were answered, and the share answered as labelled."""

    name: str
    cells: tuple[MatrixCell, ...]
    share: str


@dataclass(frozen=True)
class Matrix:
    """A numbered confusion matrix, set as a table: a row for each label, a column for each answer.

    corner: what rows and columns stand for; share: heads the last column.
    """

    anchor: str
    number: int
    caption: str
    corner: str
    columns: tuple[str, ...]
    share: str
    rows: tuple[MatrixRow, ...]
    kind: Literal["matrix"] = "matrix"


@dataclass(frozen=True)
class Option:
    """One line of a choice. token: what cards carry that it shows, "" for all."""

    token: str
    text: str


@dataclass(frozen=True)
class Choice:
    """A list of which the reader takes one."""

    label: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Controls:
    """What the cards of this section can be narrowed down and sorted by. Only a script can; paper shows none of it.

    order: its tokens are positions in each card's `order`.
    """

    filters: tuple[Choice, ...]
    order: Choice
    kind: Literal["controls"] = "controls"


@dataclass(frozen=True)
class Card:
    """What a card can be found by. tokens: of the choices that show it; order: its place in each way of sorting."""

    tokens: tuple[str, ...]
    order: tuple[int, ...]


@dataclass(frozen=True)
class Bar:
    """A class with its probability, drawn as a bar.

    label: the bare name, for the page adds in words what tone says: the network, the label or both name this class.
    """

    label: str
    value: float  # in [0, 1]
    text: str
    tone: Literal["predicted", "label", "both", "other"] = "other"


@dataclass(frozen=True)
class Bars:
    """A small bar chart of probabilities."""

    caption: str
    bars: tuple[Bar, ...]
    kind: Literal["bars"] = "bars"


@dataclass(frozen=True)
class Overview:
    """The first page's small pictures, in the order of the items. caption: what that order is."""

    items: tuple["OverviewItem", ...]
    caption: str = ""
    kind: Literal["overview"] = "overview"


@dataclass(frozen=True)
class OverviewItem:
    """One image of the overview."""

    anchor: str
    thumbnail: Picture
    name: str
    answer: str
    tone: Literal["right", "wrong", "unknown"]
    why: str = ""  # what puts it where it stands


@dataclass(frozen=True)
class Answer:
    """The author's own words, told apart from the program's. text: Markdown; missing: said in its place if empty."""

    label: str
    text: str
    missing: str = ""
    kind: Literal["answer"] = "answer"


Block = Answer | Bars | Controls | Figure | Matrix | Overview | Paragraph | Table


@dataclass(frozen=True)
class Section:
    """A heading with its blocks and subsections."""

    anchor: str
    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple["Section", ...] = ()
    page_break: bool = False  # starts a page in the PDF
    lead: int = 0  # so many of the first blocks stand on the heading's page in the PDF
    card: Card | None = None  # set where the section is about one image


@dataclass(frozen=True)
class Reference:
    """A source that the text cites."""

    key: str
    text: str
    url: str = ""


@dataclass(frozen=True)
class ReportDocument:
    """A whole report, ready to be placed. `facts` is report.json; stem: what its files are called."""

    language: str
    title: str
    subtitle: str
    byline: tuple[str, ...]  # author, student number, model: one line each
    running_head: str
    sections: tuple[Section, ...]
    references: tuple[Reference, ...]
    facts: Mapping[str, Any] = field(repr=False)
    words: Mapping[str, str] = field(repr=False)  # the page's own words: "contents", "references", ...
    format: int = FORMAT
    remarks: tuple[str, ...] = ()  # lines for the author, not for the page
    author: str = ""  # for the file's own metadata; what the reader sees is `byline`
    stem: Literal["report", "comparison"] = "report"
