"""The published shape of report.json. Same major version: readers of an older file keep working."""

from typing import Any, Literal

from reportgen.verdict_schema import KnownAnswerReport, MethodCheckReport, Number, Strict, VerdictReport

SCHEMA_VERSION = "1.0"


class CandidateReport(Strict):
    """A way to feed photographs, and its distance from what the first batch-norm stores, in nats."""

    channel_order: Literal["rgb", "bgr", "grey"]
    normalisation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    divergence: float


class EvidenceReport(Strict):
    """What the first batch-norm says of the input, nearest candidate first; shares are of resampled photographs."""

    candidates: tuple[CandidateReport, ...]
    chosen: CandidateReport
    images: int
    order: Literal["clear", "weak", "none"]
    order_share: float
    normalisation: Literal["clear", "weak", "none"]
    normalisation_share: float


class InputReport(Strict):
    """What the network was fed; `chosen_by` says who decided each field."""

    size: tuple[int, int]
    resize: Literal["squash", "crop"]
    crop: float
    channel_order: Literal["rgb", "bgr", "grey"]
    scale: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    chosen_by: dict[str, str]
    evidence: EvidenceReport | None


class HeadReport(Strict):
    """How answers become probabilities. ends: what the network itself gives; `chosen_by`: who decided on the kind."""

    kind: Literal["softmax", "sigmoid"]
    ends: Literal["logits", "log_softmax", "softmax", "sigmoid"]
    chosen_by: str


class LayerReport(Strict):
    """One layer; `inferred` where no key of the checkpoint stands for it."""

    name: str
    kind: str
    detail: str
    parameters: int
    inferred: bool
    assumption: str


class FindingReport(Strict):
    """What batch-norms said of one point that the weights leave open; `distances` in nats, nearest first."""

    question: str
    answer: str
    sure: Literal["clear", "weak", "none"]
    distances: tuple[tuple[str, float], ...]
    share: float
    layers: int


class ModelReport(Strict):
    """The checkpoint and how it was read."""

    file: str
    sha256: str
    architecture: str
    classes: tuple[str, ...]
    classes_from: str
    input: InputReport
    head: HeadReport
    layers: tuple[LayerReport, ...]
    findings: tuple[FindingReport, ...]


class ClassReport(Strict):
    """A class with its probability."""

    index: int
    name: str
    probability: float


class PredictionReport(Strict):
    """The answer: the predicted class and the best few."""

    index: int
    name: str
    probability: float
    top: tuple[ClassReport, ...]


class ExplanationReport(Strict):
    """One method, one class, one image. `verdict` is null where nothing was checked.

    `target`: index, name and role ("predicted", "label" or "asked"); versus and versus_name where the score is held
    against that of another class.
    """

    method: str
    target: dict[str, Number]
    status: Literal["ok", "degenerate", "failed", "not_applicable"]
    reason: str
    parameters: dict[str, Number]
    measures: dict[str, Number]
    verdict: VerdictReport | None = None


class CueReport(Strict):
    """The answer to a poorer copy: `probability` of the class that is predicted for the whole picture; `answer` now."""

    name: Literal["grey", "swapped", "blurred", "shuffled"]
    probability: float
    answer: ClassReport


class ImageReport(Strict):
    """One image with everything said of it.

    `measures`: how far its explanations agree, where they can be compared, and what drew a wrong answer away.
    """

    file: str
    sha256: str
    label: ClassReport | None
    prediction: PredictionReport
    measures: dict[str, Number]
    explanations: tuple[ExplanationReport, ...]
    cues: tuple[CueReport, ...] = ()


class CropReport(Strict):
    """What one position of a filter's map sees; `box`: top, bottom, left, right in pixels of what the network is fed.

    `unit`: row and column in the map; `subject`: place in `images[]`, null for an image that only lends crops.
    """

    image: str
    subject: int | None
    kind: Literal["top", "middle", "bottom"]
    activation: float
    unit: tuple[int, int]
    box: tuple[int, int, int, int]


class EffectReport(Strict):
    """What holding a filter at its mean does to a class's probability.

    `change`: mean absolute change; `drop`: by how much it falls on the images that the filter answers to more than on
    average; `fall`: the same of the logit less the mean of all logits.
    """

    index: int
    name: str
    change: float
    drop: float
    fall: float


class FilterReport(Strict):
    """One filter of one layer; `images`: measures on each image, in the order of `images[]`."""

    method: str
    layer: str
    filter: int
    status: Literal["ok", "degenerate", "failed", "not_applicable"]
    reason: str
    parameters: dict[str, Number]
    measures: dict[str, Number]
    images: tuple[dict[str, Number], ...]
    crops: tuple[CropReport, ...] = ()
    effects: tuple[EffectReport, ...] = ()


class NoteReport(Strict):
    """The author's own words, as Markdown; `place`: the anchor that they stand at, null where there is none."""

    heading: str
    text: str
    place: str | None


class FailureReport(Strict):
    """Something that failed and cost only itself."""

    what: str
    code: str
    why: str
    fix: str


class RuleReport(Strict):
    """What a rule said of the run. `against`: names of the images that speak against it, worst first.

    `value` is null where it could not be tested; `keys`: what of this file it rests on.
    """

    name: str
    group: str
    level: Literal["warn", "error"]
    outcome: Literal["passed", "failed", "not_tested"]
    value: float | None
    threshold: float
    sense: Literal["at_least", "at_most", "below"]
    unit: Literal["share", "number", "flag", "bytes", "seconds"]
    required: bool
    keys: tuple[str, ...]
    against: tuple[str, ...]


class ForwardReport(Strict):
    """How passes on perturbed images ran; distances are of class probabilities, from the network in float32."""

    copied: bool
    folding: Literal["folded", "none", "hooks", "untraceable", "unpaired", "differs", "uncopied"]
    folded: int
    batch_norms: int
    layout: Literal["contiguous", "channels_last"]
    precision: Literal["float32", "tf32", "bfloat16"]
    asked: bool
    distance: float
    limit: float
    rejected: Literal["float32", "tf32", "bfloat16"] | None
    rejected_distance: float | None
    probes: int


class ProvenanceReport(Strict):
    """What the numbers were made with; `forwards` is null where nothing was perturbed."""

    versions: dict[str, Number]
    device: str
    precision: str
    seed: int
    settings: dict[str, Number]
    forwards: ForwardReport | None = None


class ReportFacts(Strict):
    """report.json. `summary`: numbers over all images; `presentation`: constants of pictures and sentences.

    `rules`: what was judged with the build; empty where no rules were asked for. `unanswered`: tasks on which the
    author has said nothing.
    """

    generator: Literal["reportgen"] = "reportgen"
    schema_version: str = SCHEMA_VERSION
    profile: str
    summary: dict[str, Number]
    presentation: dict[str, Number]
    model: ModelReport
    images: tuple[ImageReport, ...]
    filters: tuple[FilterReport, ...]
    notes: tuple[NoteReport, ...]
    unanswered: tuple[str, ...]
    failures: tuple[FailureReport, ...]
    rules: tuple[RuleReport, ...]
    method_checks: tuple[MethodCheckReport, ...]
    known_answers: tuple[KnownAnswerReport, ...]
    provenance: ProvenanceReport


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of report.json."""
    schema = ReportFacts.model_json_schema()
    return schema | {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "reportgen report.json"}
