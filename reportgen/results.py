"""The values that flow through a run: frozen, read-only, checked at birth, free of torch.

Every array is a C-contiguous, read-only numpy array on the CPU. `Run` is all that a report is made from;
`store` writes it to disk and reads it back.
"""

from dataclasses import dataclass, field
from typing import Literal

from reportgen.arrays import NO_FACTS, Array, Facts, Scalar, lock, lock_facts, lock_notes
from reportgen.digests import TensorFact
from reportgen.forwards import ForwardFacts
from reportgen.heads import Head
from reportgen.inputs import Finding, InputCandidate, InputEvidence, InputSpec, Order
from reportgen.maps import AttributionMap, ColourSaliency, ObjectMask, RegionWeights, SaliencyMap
from reportgen.ruling import RuleResult
from reportgen.studies import ClassEffect, Crop, FilterStudy, Status
from reportgen.verdicts import CheckResult, KnownAnswer, MethodCheck, Verdict

__all__ = [
    "NO_FACTS", "WARNINGS", "Array", "AttributionMap", "Case", "CheckResult", "ClassEffect", "ColourSaliency", "Crop",
    "Cue", "CueName", "Explanation", "Facts", "Failure", "FilterStudy", "Finding", "ForwardFacts", "Head", "ImageInput",
    "InputCandidate", "InputEvidence", "InputSpec", "KnownAnswer", "LayerFact", "MethodCheck", "ModelFacts", "Note",
    "ObjectMask", "Order", "Prediction", "Provenance", "RankedClass", "RegionWeights", "Result", "RuleResult", "Run",
    "SaliencyMap", "Scalar", "Status", "Subject", "Target", "TensorFact", "Verdict",
]  # fmt: skip

# Notes on the model that must not be overlooked.
WARNINGS = frozenset(
    {
        "note.classes_alike",
        "note.ends_unsure",
        "note.fed_none",
        "note.fed_opposed",
        "note.fed_opposed_config",
        "note.fed_unknown",
        "note.fed_weak",
        "note.fed_weak_normalisation",
        "note.fed_weak_order",
        "note.last_stage",
        "note.separate",
        "note.unsteady",
    }
)


@dataclass(frozen=True)
class LayerFact:
    """One layer of the network, as the appendix lists it."""

    name: str
    kind: str
    detail: str
    parameters: int
    inferred: bool = False  # True where no key of the checkpoint stands for it
    assumption: str = ""  # key of a sentence where the reading is a convention, not a fact


@dataclass(frozen=True)
class ModelFacts:
    """What is known about the model. `notes`: (key of a sentence, its values) about how it was read.

    findings: what batch-norms said of what the weights leave open; tensors: fingerprints of the weights.
    """

    file: str
    sha256: str
    architecture: str
    classes: tuple[str, ...]
    classes_from: str  # "option" | "checkpoint" | "architecture" | "course" | "index"
    layers: tuple[LayerFact, ...]
    input: InputSpec
    notes: tuple[tuple[str, Facts], ...] = ()
    head: Head = field(default_factory=Head)
    findings: tuple[Finding, ...] = ()
    tensors: tuple[TensorFact, ...] = ()

    def __post_init__(self) -> None:
        """Lock the notes."""
        lock_notes(self, "notes")


@dataclass(frozen=True, eq=False)
class ImageInput:
    """One photograph: what a person sees and what the network gets."""

    name: str  # shown to the reader; relative to what was asked for
    sha256: str
    original: Array  # (H0, W0, 3) uint8 RGB, upright, longer side at most 640
    pixels: Array  # (H, W, 3) float32 RGB in [0, 1], the network's size
    label: int | None = None
    conversions: tuple[str, ...] = ()  # keys of sentences: "exif", "alpha", ...
    original_size: tuple[int, int] = (0, 0)  # height, width of the upright file, before the bound
    objects: tuple[ObjectMask, ...] = ()  # where they are, where --masks tells it

    def __post_init__(self) -> None:
        """Copy, check and lock the arrays."""
        lock(self, "original", "uint8", (None, None, 3))
        lock(self, "pixels", "float32", (None, None, 3))
        if self.pixels.size and not (self.pixels.min() >= 0 and self.pixels.max() <= 1):
            raise ValueError("pixels must lie in [0, 1]")


@dataclass(frozen=True)
class RankedClass:
    """A class with its probability in [0, 1]."""

    index: int
    name: str
    probability: float


@dataclass(frozen=True, eq=False)
class Prediction:
    """The network's answer to one image; `top` starts with the predicted class."""

    top: tuple[RankedClass, ...]
    logits: Array  # (K,) float32
    label: RankedClass | None = None

    def __post_init__(self) -> None:
        """Copy, check and lock the logits."""
        lock(self, "logits", "float32", (None,))

    @property
    def first(self) -> RankedClass:
        """The predicted class."""
        return self.top[0]

    @property
    def right(self) -> bool | None:
        """Whether the predicted class is the label; None where the label is unknown."""
        return None if self.label is None else self.label.index == self.first.index


@dataclass(frozen=True)
class Target:
    """A class to explain, and why: the network predicts it, the label says it, or it was asked for.

    versus: the class that it is held against, by index and name; None where its own score is explained.
    """

    index: int
    name: str
    role: Literal["predicted", "label", "asked"]
    versus: int | None = None
    versus_name: str = ""

    @property
    def leads(self) -> bool:
        """Whether it is the one of its image that counts where each image counts once."""
        return self.role != "label"


@dataclass(frozen=True, eq=False)
class Case:
    """One image to be explained: predicted class first, then the label's where it differs."""

    image: ImageInput
    prediction: Prediction
    targets: tuple[Target, ...]


CueName = Literal["grey", "swapped", "blurred", "shuffled"]
Result = SaliencyMap | AttributionMap | ColourSaliency | RegionWeights


@dataclass(frozen=True, eq=False)
class Explanation:
    """What one method says of one class on one image, or why it cannot.

    reason: key of a sentence where status is not "ok"; detail: the error's own words, if any.
    parameters: how it was computed; measures: numbers measured on the result; verdict: how far it can be believed,
    None where nothing was checked.
    """

    method: str
    target: Target
    status: Status
    result: Result | None = None
    reason: str = ""
    detail: str = ""
    parameters: Facts = field(default_factory=lambda: NO_FACTS)
    measures: Facts = field(default_factory=lambda: NO_FACTS)
    verdict: Verdict | None = None

    def __post_init__(self) -> None:
        """Lock the facts; a picture without status ok, or the reverse, is a bug."""
        lock_facts(self, "parameters", "measures")
        if (self.status == "ok") != (self.result is not None) or (self.status == "ok") == bool(self.reason):
            raise ValueError(f"status {self.status!r} with result {type(self.result).__name__}, reason {self.reason!r}")


@dataclass(frozen=True)
class Cue:
    """The answer to a picture from which one kind of evidence is taken.

    probability: of the class that is predicted for the picture as it is; answer: the class predicted now.
    """

    name: CueName
    probability: float
    answer: RankedClass


@dataclass(frozen=True, eq=False)
class Subject:
    """One image with its answer, all its explanations, and the answers to poorer copies of it."""

    image: ImageInput
    prediction: Prediction
    explanations: tuple[Explanation, ...]
    cues: tuple[Cue, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Something that costs only itself: an image that cannot be read, a method that failed."""

    what: str
    code: str
    why: str
    fix: str


@dataclass(frozen=True)
class Provenance:
    """What the numbers were made with. No clock, host or path: the same inputs give the same bytes.

    forwards: how the passes on perturbed images ran; None where no task needed them.
    """

    versions: Facts  # package -> version
    device: str
    precision: str
    seed: int
    settings: Facts  # resolved options that change a number or a picture
    forwards: ForwardFacts | None = None

    def __post_init__(self) -> None:
        """Lock the facts."""
        lock_facts(self, "versions", "settings")


@dataclass(frozen=True)
class Note:
    """The author's own words on one place of the report. heading: as written, it names the place; text: Markdown."""

    heading: str
    text: str


@dataclass(frozen=True, eq=False)
class Run:
    """Everything a report is made from.

    selection: sentences on how images and labels were found; language: that of the page; rules: what they said, where
    they were asked for; method_checks: what checks say of each method over all images; known_answers: the self-test of
    this installation.
    """

    model: ModelFacts
    subjects: tuple[Subject, ...]
    filters: tuple[FilterStudy, ...]
    failures: tuple[Failure, ...]
    provenance: Provenance
    profile: str
    selection: tuple[tuple[str, Facts], ...] = ()
    title: str = ""
    author: str = ""
    student_id: str = ""
    language: str = "en"
    rules: tuple[RuleResult, ...] = ()
    notes: tuple[Note, ...] = ()
    method_checks: tuple[MethodCheck, ...] = ()
    known_answers: tuple[KnownAnswer, ...] = ()

    def __post_init__(self) -> None:
        """Lock the notes."""
        lock_notes(self, "selection")
