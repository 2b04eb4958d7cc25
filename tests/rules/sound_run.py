"""A run that passes every rule of both presets, and one planted fault for each rule, its value known on paper."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from fake_run import fake_lime, fake_run, fake_saliency, fake_study

from reportgen.results import (
    CheckResult,
    Explanation,
    Facts,
    Failure,
    MethodCheck,
    RankedClass,
    Run,
    SaliencyMap,
    Scalar,
    Subject,
)
from reportgen.verdicts import State, verdict

IMAGES = 4
SIZES: Mapping[str, float] = MappingProxyType({"report.html": 9_000_000, "report.pdf": 9_000_000, "build": 60.0})
Measures = Sequence[Mapping[str, Scalar]]


def sound() -> Run:
    """Four images, all answered as labelled, their evidence in four places, everything settled."""
    run = fake_run(images=IMAGES, profile="default", trouble=False)
    run = replace(run, subjects=tuple(map(_alone, run.subjects)))
    run = measured(run, "saliency", [{"place": place} for place in ("left", "centre", "upper", "right")])
    steady: dict[str, Scalar] = {
        "settled": True, "unsettled": 0, "r2": 0.9, "fill_agreement": 0.9, "fill_ceiling": 0.95,
        "segmentation_agreement": 0.7, "segmentation_ceiling": 0.8,
    }  # fmt: skip
    places = ("centre", "centre", "lower", "lower_right")
    return believed(measured(run, "lime", [steady | {"place": place} for place in places]), ["supported"], "supported")


def _alone(subject: Subject) -> Subject:
    """Answered as labelled, so that only the predicted class is explained."""
    prediction = replace(subject.prediction, label=subject.prediction.first)
    explanations = tuple(each for each in subject.explanations if each.target.role == "predicted")
    return Subject(subject.image, prediction, explanations)


def believed(run: Run, states: Sequence[State], randomised: State, denser: float = 3.0) -> Run:
    """The run with these verdicts in turn; randomised: what is said of saliency and LIME with random weights.

    denser: how dense the evidence is on the object.
    """
    turn = itertools.cycle(states)

    def checked(explanation: Explanation) -> Explanation:
        result = CheckResult("faithfulness", next(turn), 0.3, 0.1)
        on_object = CheckResult("object", "supported", denser, 1.5)
        return replace(explanation, verdict=verdict([result, on_object]))

    subjects = tuple(replace(each, explanations=tuple(map(checked, each.explanations))) for each in run.subjects)
    results: Sequence[tuple[str, State]] = (("saliency", randomised), ("lime", "supported"), ("gradcam", "not_tested"))
    methods = tuple(
        MethodCheck(name, CheckResult("randomisation", state, reason="untested.images"))
        if state == "not_tested"
        else MethodCheck(name, CheckResult("randomisation", state, 0.3, 0.7, above=False))
        for name, state in results
    )
    return replace(run, subjects=subjects, method_checks=methods)


def changed(run: Run, method: str, change: Callable[[Explanation, int], Explanation]) -> Run:
    """The run with the method's explanations changed, each with its image's number."""
    return replace(
        run,
        subjects=tuple(
            replace(
                subject,
                explanations=tuple(change(each, i) if each.method == method else each for each in subject.explanations),
            )
            for i, subject in enumerate(run.subjects)
        ),
    )


def measured(run: Run, method: str, facts: Measures) -> Run:
    """The run with these measures, image by image; where the list ends, the others stay."""
    return changed(
        run,
        method,
        lambda each, i: replace(each, measures={**each.measures, **(facts[i] if i < len(facts) else {})}),
    )


def noted(run: Run, key: str) -> Run:
    note: tuple[str, Facts] = (key, {})
    return replace(run, model=replace(run.model, notes=(*run.model.notes, note)))


def one_wrong(run: Run) -> Run:
    subject = run.subjects[2]
    label = RankedClass(5, "disc", 0.0)
    wrong = replace(subject, prediction=replace(subject.prediction, label=label))
    return replace(run, subjects=(*run.subjects[:2], wrong, *run.subjects[3:]))


def torn(run: Run) -> Run:
    return replace(run, failures=(Failure("torn.jpg", "E-IMG-TRUNCATED", "it ends too early", "Copy it again"),))


def flat(run: Run) -> Run:
    """Even maps: as dense in LIME's regions as anywhere."""
    even = SaliencyMap(np.ones_like(run.subjects[0].image.pixels[..., 0]))
    return changed(run, "saliency", lambda each, _: replace(each, result=even))


def with_dead(run: Run) -> Run:
    images = [subject.image for subject in run.subjects]
    return replace(run, filters=(*run.filters, *(fake_study("cnn.1", n, images, "dead") for n in (7, 8))))


@dataclass(frozen=True)
class Fault:
    """A change that one rule must notice. value: what it then measures; against: the images it names."""

    value: float
    plant: Callable[[Run], Run] = lambda run: run
    against: tuple[int, ...] = ()
    sizes: Mapping[str, float] = field(default_factory=lambda: SIZES)


ALL = (0, 1, 2, 3)
HARDLY: tuple[State, ...] = ("supported", *(("indistinct",) * 7))
CORNER: Measures = [{"place": "lower_right"}] * 3
FAULTS: Mapping[str, Fault] = {
    "accuracy": Fault(3 / 4, one_wrong, (2,)),
    "images_failed": Fault(1 / 5, torn),
    # 4 saliency maps, 4 LIME explanations, 3 filters
    "methods_failed": Fault(
        1 / 11, lambda run: changed(run, "lime", lambda e, i: e if i else fake_lime(i, e.target, fails=True)), (0,)
    ),
    "degenerate": Fault(
        3 / 8,
        lambda run: changed(run, "saliency", lambda e, i: fake_saliency(i, e.target, flat=True) if i else e),
        (1, 2, 3),
    ),
    # saliency and LIME in turn
    "supported": Fault(1 / 8, lambda run: believed(run, HARDLY, "supported"), ALL),
    "on_object": Fault(1.2, lambda run: believed(run, ["supported"], "supported", 1.2), ALL),
    "weights_matter": Fault(1 / 2, lambda run: believed(run, ["supported"], "fails")),
    "saliency_border": Fault(
        1.6, lambda run: measured(run, "saliency", [{"border": 0.4, "border_area": 0.25}] * 4), ALL
    ),
    "lime_same_place": Fault(1.0, lambda run: measured(run, "lime", CORNER), ALL),
    "saliency_same_place": Fault(3 / 4, lambda run: measured(run, "saliency", CORNER), (0, 1, 2)),
    "methods_agree": Fault(1.0, flat, ALL),
    "lime_settled": Fault(1 / 4, lambda run: measured(run, "lime", [{"settled": False}] * 3), (0, 1, 2)),
    "lime_fit": Fault(0.4, lambda run: measured(run, "lime", [{"r2": 0.4}] * 3), (0, 1, 2)),
    "lime_fill": Fault(1 / 2, lambda run: measured(run, "lime", [{"fill_agreement": 0.1}] * 2), (0, 1)),
    "lime_segmentation": Fault(1 / 2, lambda run: measured(run, "lime", [{"segmentation_agreement": 0.1}] * 2), (0, 1)),
    "dead_filters": Fault(2 / 5, with_dead),
    "input_contradicted": Fault(1.0, lambda run: noted(run, "note.fed_opposed")),
    "input_unsure": Fault(1.0, lambda run: noted(run, "note.fed_weak")),
    "html_bytes": Fault(25_000_001, sizes={**SIZES, "report.html": 25_000_001}),
    "pdf_bytes": Fault(25_000_001, sizes={**SIZES, "report.pdf": 25_000_001}),
    "build_seconds": Fault(3601.5, sizes={**SIZES, "build": 3601.5}),
}
