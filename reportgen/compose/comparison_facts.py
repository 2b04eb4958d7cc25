"""comparison.json: what changed, under the published schema."""

from collections.abc import Mapping
from typing import Any, Final

from reportgen import measures, noise
from reportgen.changes import Comparison, ImageChange, MapChange
from reportgen.comparison_schema import (
    ComparisonFacts,
    FloorReport,
    ImageChangeReport,
    MapChangeReport,
    MapSideReport,
    RuleChangeReport,
    SettingChangeReport,
    SideReport,
)
from reportgen.compose.facts import rule_report
from reportgen.results import Explanation, Run, Scalar
from reportgen.schema import ClassReport

CARDS: Final = 24  # images with pictures, worst first; the others stand in the tables
CONSTANTS: Final[Mapping[str, Scalar]] = {
    "cards": CARDS,
    "strongest": measures.TOP_SHARE,
    "top_regions": measures.TOP,
    "draws": measures.DRAWS,
    "wider": measures.WIDER,
    "rounding_rank": noise.ROUNDING.rank,
    "rounding_overlap": noise.ROUNDING.overlap,
}


def comparison_facts(comparison: Comparison) -> dict[str, Any]:
    """The content of comparison.json."""
    facts = ComparisonFacts(
        base=_side(comparison.base),
        new=_side(comparison.new),
        summary=dict(comparison.summary()),
        presentation=dict(CONSTANTS),
        images=tuple(map(_image, comparison.images)),
        only_base=comparison.only_base,
        only_new=comparison.only_new,
        settings=tuple(
            SettingChangeReport(name=name, base=before, new=after)
            for name, (before, after) in comparison.settings.items()
        ),
        rule_changes=tuple(
            RuleChangeReport(base=rule_report(each.base), new=rule_report(each.new)) for each in comparison.rule_changes
        ),
        rules=tuple(map(rule_report, comparison.results)),
    )
    return facts.model_dump(mode="json")


def _side(run: Run) -> SideReport:
    return SideReport(
        file=run.model.file,
        sha256=run.model.sha256,
        architecture=run.model.architecture,
        images=len(run.subjects),
        seed=run.provenance.seed,
    )


def _image(change: ImageChange) -> ImageChangeReport:
    label = change.base.prediction.label
    return ImageChangeReport(
        file=change.base.image.name,
        sha256=change.base.image.sha256,
        label=ClassReport.model_validate(label) if label else None,
        base=ClassReport.model_validate(change.base.prediction.first),
        new=ClassReport.model_validate(change.new.prediction.first),
        flipped=change.flipped,
        confidence=change.confidence,
        maps=tuple(map(_map, change.maps)),
    )


def _map(change: MapChange) -> MapChangeReport:
    target, (before, after) = change.target, change.places
    return MapChangeReport(
        method=change.method,
        target={"index": target.index, "name": target.name, "role": target.role},
        state=change.state,
        reason=change.reason,
        rank=change.rank,
        overlap=change.overlap,
        floor=FloorReport.model_validate(change.floor) if change.floor else None,
        base=_map_side(change.base, before),
        new=_map_side(change.new, after),
        verdict=change.verdict,
    )


def _map_side(explanation: Explanation, place: str) -> MapSideReport:
    state = explanation.verdict.state if explanation.verdict else None
    return MapSideReport(status=explanation.status, place=place or None, verdict=state)
