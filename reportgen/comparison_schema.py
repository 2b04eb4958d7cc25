"""The published shape of comparison.json. Same major version: readers of an older file keep working."""

from typing import Any, Literal

from reportgen.schema import ClassReport, RuleReport
from reportgen.verdict_schema import Number, Strict
from reportgen.verdicts import State

SCHEMA_VERSION = "1.0"


class SideReport(Strict):
    """One of the two reports: its checkpoint and how many images it explains."""

    file: str
    sha256: str
    architecture: str
    images: int
    seed: int


class FloorReport(Strict):
    """Below which number a map has moved, and where that is known from.

    rounding: the method has no chance in it; intervals: LIME's own, widened; measured: two seeds of a known network;
    stability: the check of that name in both reports.
    """

    rank: float
    overlap: float
    source: Literal["rounding", "intervals", "measured", "stability"]


class MapSideReport(Strict):
    """A map in one report: where its evidence lies, and its verdict; null where that was not measured."""

    status: Literal["ok", "degenerate", "failed", "not_applicable"]
    place: str | None
    verdict: State | None


class MapChangeReport(Strict):
    """How far one method's map of one class moved; 1 is not at all.

    rank: Spearman's correlation of the evidence, pixel by pixel; overlap: of the strongest fifth, or of LIME's three
    heaviest regions for the class; `state` "open": it is not known what another seed gives.
    """

    method: str
    target: dict[str, Number]
    state: Literal["moved", "same", "open", "not_compared"]
    reason: str
    rank: float | None
    overlap: float | None
    floor: FloorReport | None
    base: MapSideReport
    new: MapSideReport
    verdict: Literal["lost", "gained", "within_noise", "none"]


class ImageChangeReport(Strict):
    """One image in both reports. `confidence`: of the class that the first predicts, in first and second."""

    file: str
    sha256: str
    label: ClassReport | None
    base: ClassReport
    new: ClassReport
    flipped: bool
    confidence: tuple[float, float]
    maps: tuple[MapChangeReport, ...]


class SettingChangeReport(Strict):
    """Something that was set or fed otherwise."""

    name: str
    base: Number
    new: Number


class RuleChangeReport(Strict):
    """A rule on reports whose outcome is another one in the second."""

    base: RuleReport
    new: RuleReport


class ComparisonFacts(Strict):
    """comparison.json. `images` are those in both reports, worst first; `summary`: numbers over all of them.

    `rules`: what the rules of comparison say; `presentation`: constants that words and pictures depend on.
    """

    generator: Literal["reportgen"] = "reportgen"
    kind: Literal["comparison"] = "comparison"
    schema_version: str = SCHEMA_VERSION
    base: SideReport
    new: SideReport
    summary: dict[str, Number]
    presentation: dict[str, Number]
    images: tuple[ImageChangeReport, ...]
    only_base: tuple[str, ...]
    only_new: tuple[str, ...]
    settings: tuple[SettingChangeReport, ...]
    rule_changes: tuple[RuleChangeReport, ...]
    rules: tuple[RuleReport, ...]


def comparison_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of comparison.json."""
    schema = ComparisonFacts.model_json_schema()
    return schema | {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "reportgen comparison.json"}
