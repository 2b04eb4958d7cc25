"""What a source of models, a method and an output are: a name, a function, what it needs, what it cites."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from reportgen.costs import OfFilters, OfImage, OfJudging, nothing
from reportgen.document import ReportDocument
from reportgen.heads import Kind
from reportgen.language import Words
from reportgen.options import BuildOptions
from reportgen.results import (
    Case,
    CheckResult,
    Explanation,
    Facts,
    FilterStudy,
    LayerFact,
    MethodCheck,
    Note,
    Target,
)
from reportgen.ruling import Checked
from reportgen.shelf import Keep, in_memory

if TYPE_CHECKING:  # the writers stay free of torch
    from torch import Tensor, nn

    from reportgen.classifier import Classifier


@dataclass(frozen=True)
class InputRecipe:
    """How a network is fed, as its own configuration or its checkpoint says; what it leaves open is empty.

    origin: "config" or "checkpoint"; the fields are those of InputSpec.
    """

    origin: str
    size: tuple[int, int] | None = None
    channel_order: Literal["rgb", "bgr"] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    resize: Literal["squash", "crop"] | None = None
    crop: float = 1.0


@dataclass(frozen=True, eq=False)
class Weights:
    """The tensors of a checkpoint, as read.

    tensors: key -> CPU tensor, prefixes of wrappers removed; file: its name without folders;
    classes: class names the checkpoint carries, else (); notes: (key of a sentence, values) on how it was read;
    recipe: how to feed the network, where the checkpoint says it.
    """

    file: str
    sha256: str
    tensors: Mapping[str, "Tensor"]
    classes: tuple[str, ...] = ()
    notes: tuple[tuple[str, Facts], ...] = ()
    recipe: InputRecipe | None = None


@dataclass(frozen=True, eq=False)
class Network:
    """A network with its weights loaded.

    size: (height, width) where the weights fix it, else None; layers: for the appendix, in order of execution where
    known; classes: names that the architecture implies, else (); recipe: how its configuration says it is fed;
    questions: what the weights leave open, name -> possible answers, the conventional one first; strict: those of them
    that no convention answers; reread: the network for other answers, with the weights in it; loaded: the source has
    put the weights in itself, wholly; head: how its configuration says that answers become probabilities, if it does.
    """

    module: "nn.Module"
    architecture: str
    layers: tuple[LayerFact, ...]
    size: tuple[int, int] | None = None
    classes: tuple[str, ...] = ()
    notes: tuple[tuple[str, Facts], ...] = ()
    recipe: InputRecipe | None = None
    questions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    strict: frozenset[str] = frozenset()
    reread: "Callable[[Mapping[str, str]], Network] | None" = None
    loaded: bool = False
    head: Kind | None = None


@dataclass(frozen=True)
class Source:
    """Builds a network for weights.

    accepts: whether it is meant by the text of `--arch` (None: not given); build: tells its third argument, in one
    line, of any code it is about to run, and raises ArchitectureError.
    """

    name: str
    accepts: Callable[[str | None], bool]
    build: Callable[[Weights, str | None, Callable[[str], None]], Network]


@dataclass(frozen=True)
class ImageMethod:
    """Explains single images: yields for each case its explanations, one per target, in the order of the cases.

    cites: keys in templates/references.toml; passes: what it mostly asks of the network about one image; rough: the
    same at less cost, near enough to compare pictures by rank.
    """

    name: str
    explain: Callable[["Classifier", Sequence[Case], BuildOptions], Iterator[tuple[Explanation, ...]]]
    cites: tuple[str, ...]
    passes: OfImage = nothing
    rough: "ImageMethod | None" = None


@dataclass(frozen=True)
class FilterMethod:
    """Explains filters of the network over all cases: yields one study for each layer and filter.

    passes: what it mostly asks of the network in a run.
    """

    name: str
    explain: "Studying"
    cites: tuple[str, ...]
    passes: OfFilters = nothing


class Studying(Protocol):
    """One study after the other."""

    def __call__(
        self, classifier: "Classifier", cases: Sequence[Case], options: BuildOptions, keep: Keep = in_memory
    ) -> Iterator[FilterStudy]:
        """keep: where maps of all cases find room while they are made."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What checks judge. explanations: for each case, in the order of the cases, what the methods said.

    methods: by name, for checks that ask again; method_checks: what was said of whole methods before.
    """

    classifier: "Classifier"
    cases: Sequence[Case]
    explanations: Sequence[tuple[Explanation, ...]]
    methods: Mapping[str, ImageMethod]
    options: BuildOptions
    method_checks: tuple[MethodCheck, ...] = ()


@dataclass(frozen=True)
class PictureCheck:
    """Judges pictures one by one: yields for each case one result for each of its explanations, in their order.

    What cannot be judged is "not_tested" with a reason, and what has no picture "degenerate"; nothing is left out.
    slow: made with `--checks full` only; passes: what it mostly asks of the network in a run.
    """

    name: str
    judge: Callable[[Evidence], Iterator[tuple[CheckResult, ...]]]
    cites: tuple[str, ...]
    slow: bool = False
    passes: OfJudging = nothing


@dataclass(frozen=True)
class RunCheck:
    """Judges methods as a whole, once in a run: yields one result for each method that it knows how to ask again.

    passes: what it mostly asks of the network in a run.
    """

    name: str
    judge: Callable[[Evidence], Iterator[MethodCheck]]
    cites: tuple[str, ...]
    passes: OfJudging = nothing


@dataclass(frozen=True)
class RenderOptions:
    """What a writer may be told: the user's own templates and style, and what may not be exceeded.

    html_mb, pdf_mb: largest file, in millions of bytes; pdf_timeout: seconds; pdf_images: most images with pictures in
    the PDF; pdf_full: so many of them with all their figures and sentences; paper: "a4" or "letter"; accent: a colour
    such as #7a1f5c, "" for the built-in one; logo: a PNG or JPEG for the title; notes: the author's words in place of
    those that the run holds, None for these; require_notes: whether a task without an answer is a problem;
    language: that of the page, None for the run's own; font: a file to set the PDF in; strict: whether a warning about
    a file is a problem.
    """

    templates: Path | None = None
    css: Path | None = None
    html_mb: float = 25.0
    pdf_mb: float = 10.0
    pdf_timeout: int = 300
    notes: tuple[Note, ...] | None = None
    require_notes: bool = False
    pdf_images: int = 100
    pdf_full: int = 12
    paper: str = "a4"
    accent: str = ""
    logo: Path | None = None
    language: str | None = None
    font: Path | None = None
    strict: bool = False

    @classmethod
    def of(
        cls, options: BuildOptions, notes: tuple[Note, ...] | None = None, language: str | None = None
    ) -> "RenderOptions":
        """Those of the settings that writers need. language: where it is not the run's own."""
        return cls(
            templates=options.templates,
            css=options.css,
            html_mb=options.budget,
            pdf_mb=options.max_pdf_mb,
            pdf_timeout=options.pdf_timeout,
            notes=notes,
            require_notes=options.require_notes,
            language=language,
            font=options.font,
            strict=options.strict,
            pdf_images=options.pdf_images,
            pdf_full=options.pdf_full,
            paper=options.paper,
            accent=options.accent,
            logo=options.logo,
        )


@dataclass(frozen=True)
class Output:
    """Writes a document in one format. Raises EnvironmentProblem where a library is missing."""

    name: str
    filename: str
    render: Callable[[ReportDocument, RenderOptions], bytes]


@dataclass(frozen=True)
class CheckOutput:
    """Writes what the rules say of a report in one format."""

    name: str
    filename: str
    render: Callable[[Checked, Words], bytes]


def labelled_target(case: Case) -> Target:
    """The class that the write-up explains: the label's, or the predicted one where no label is known."""
    first, label = case.prediction.first, case.prediction.label
    return Target(first.index, first.name, "predicted") if label is None else Target(label.index, label.name, "label")


class Progress(Protocol):
    """Where the pipeline tells how far it is. The default tells nobody."""

    def stage(self, name: str, total: int, about: Sequence[str] = ()) -> None:
        """A stage begins, with so many steps; 0 where the number is not known. about: the image of each step."""

    def watch(self, passed: Callable[[], int]) -> None:
        """How many images have gone through the network so far can be asked from now on."""

    def advance(self, steps: int = 1) -> None:
        """Steps of the current stage are done."""

    def say(self, line: str) -> None:
        """Something good to know: what was inferred, how images were chosen."""

    def warn(self, line: str) -> None:
        """Something that must be seen, terminal or not: code that runs, an image that failed."""


@dataclass
class Silent:
    """Progress for nobody; keeps the lines."""

    lines: list[str] = field(default_factory=list)

    def stage(self, name: str, total: int, about: Sequence[str] = ()) -> None:
        """Nothing to show."""

    def watch(self, passed: Callable[[], int]) -> None:
        """Nothing to show."""

    def advance(self, steps: int = 1) -> None:
        """Nothing to show."""

    def say(self, line: str) -> None:
        """Keep the line."""
        self.lines.append(line)

    def warn(self, line: str) -> None:
        """Keep the line."""
        self.lines.append(line)
