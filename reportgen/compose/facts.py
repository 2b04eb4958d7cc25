"""report.json: the run's numbers under the published schema."""

from collections.abc import Mapping
from typing import Any

from reportgen.compose import agreeing
from reportgen.compose.answers import Answered
from reportgen.compose.patterns import drawn
from reportgen.panels import PRESENTATION, agreement
from reportgen.results import (
    CheckResult,
    Crop,
    Explanation,
    FilterStudy,
    ModelFacts,
    RuleResult,
    Run,
    Scalar,
    Subject,
    Target,
    Verdict,
)
from reportgen.schema import (
    ClassReport,
    CropReport,
    CueReport,
    EffectReport,
    EvidenceReport,
    ExplanationReport,
    FailureReport,
    FilterReport,
    FindingReport,
    HeadReport,
    ImageReport,
    InputReport,
    LayerReport,
    ModelReport,
    NoteReport,
    PredictionReport,
    ProvenanceReport,
    ReportFacts,
    RuleReport,
)
from reportgen.verdict_schema import CheckReport, KnownAnswerReport, MethodCheckReport, VerdictReport


def report_facts(run: Run, summary: Mapping[str, Scalar], answered: Answered) -> dict[str, Any]:
    """The content of report.json. summary: numbers over all images; answered: where the author's words stand."""
    notes = zip(run.notes, answered.places, strict=True)
    facts = ReportFacts(
        profile=run.profile,
        summary=dict(summary),
        presentation=dict(PRESENTATION),
        model=_model(run.model),
        images=tuple(map(_image, run.subjects)),
        filters=tuple(map(_filter, run.filters)),
        notes=tuple(NoteReport(heading=n.heading, text=n.text, place=place or None) for n, place in notes),
        unanswered=answered.missing,
        failures=tuple(map(FailureReport.model_validate, run.failures)),
        rules=tuple(map(rule_report, run.rules)),
        method_checks=tuple(MethodCheckReport(method=m.method, result=_check(m.result)) for m in run.method_checks),
        known_answers=tuple(map(KnownAnswerReport.model_validate, run.known_answers)),
        provenance=ProvenanceReport.model_validate(run.provenance),
    )
    return facts.model_dump(mode="json")


def rule_report(result: RuleResult) -> RuleReport:
    """A rule's outcome under the schema."""
    names = [name for name in RuleReport.model_fields if name != "against"]
    given = {name: getattr(result, name) for name in names}
    return RuleReport(**given, against=tuple(image.name for image in result.against))


def _model(model: ModelFacts) -> ModelReport:
    spec = model.input
    return ModelReport(
        file=model.file,
        sha256=model.sha256,
        architecture=model.architecture,
        classes=model.classes,
        classes_from=model.classes_from,
        input=InputReport(
            size=spec.size,
            resize=spec.resize,
            crop=spec.crop,
            channel_order=spec.channel_order,
            scale="0-1",
            mean=spec.mean,
            std=spec.std,
            chosen_by={key: str(value) for key, value in spec.chosen_by.items()},
            evidence=EvidenceReport.model_validate(spec.evidence) if spec.evidence else None,
        ),
        head=HeadReport.model_validate(model.head),
        layers=tuple(map(LayerReport.model_validate, model.layers)),
        findings=tuple(map(FindingReport.model_validate, model.findings)),
    )


def _image(subject: Subject) -> ImageReport:
    prediction = subject.prediction
    first = prediction.first
    return ImageReport(
        file=subject.image.name,
        sha256=subject.image.sha256,
        label=ClassReport.model_validate(prediction.label) if prediction.label else None,
        prediction=PredictionReport(
            index=first.index,
            name=first.name,
            probability=first.probability,
            top=tuple(map(ClassReport.model_validate, prediction.top)),
        ),
        measures={**agreement(subject), **drawn(subject), **agreeing.numbers(subject)},
        cues=tuple(map(CueReport.model_validate, subject.cues)),
        explanations=tuple(map(_explanation, subject.explanations)),
    )


def _explanation(explanation: Explanation) -> ExplanationReport:
    target = explanation.target
    return ExplanationReport(
        method=explanation.method,
        target=_target(target),
        status=explanation.status,
        reason=_reason(explanation),
        parameters=dict(explanation.parameters),
        measures=dict(explanation.measures),
        verdict=_verdict(explanation.verdict),
    )


def _target(target: Target) -> dict[str, Scalar]:
    """With the class that it is held against, where there is one."""
    own: dict[str, Scalar] = {"index": target.index, "name": target.name, "role": target.role}
    return own if target.versus is None else own | {"versus": target.versus, "versus_name": target.versus_name}


def _verdict(verdict: Verdict | None) -> VerdictReport | None:
    if verdict is None:
        return None
    return VerdictReport(state=verdict.state, decided=verdict.decided, checks=tuple(map(_check, verdict.checks)))


def _check(result: CheckResult) -> CheckReport:
    given = {name: getattr(result, name) for name in CheckReport.model_fields}
    return CheckReport(**given | {"measures": dict(result.measures)})


def _filter(study: FilterStudy) -> FilterReport:
    return FilterReport(
        method=study.method,
        layer=study.layer,
        filter=study.filter,
        status=study.status,
        reason=_reason(study),
        parameters=dict(study.parameters),
        measures=dict(study.measures),
        images=tuple(map(dict, study.image_measures)),
        crops=tuple(map(_crop, study.crops)),
        effects=tuple(map(EffectReport.model_validate, study.effects)),
    )


def _crop(crop: Crop) -> CropReport:
    return CropReport(
        image=crop.image,
        subject=crop.subject if crop.subject >= 0 else None,
        kind=crop.kind,
        activation=crop.activation,
        unit=crop.unit,
        box=crop.box,
    )


def _reason(result: Explanation | FilterStudy) -> str:
    return " ".join(part for part in (result.reason, result.detail) if part)
