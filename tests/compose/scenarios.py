"""Runs of all shapes, for the tests of compose."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from fake_run import (
    ATTRIBUTIONS,
    CLASSES,
    METHODS,
    fake_lime,
    fake_model,
    fake_prediction,
    fake_run,
    fake_saliency,
    fake_study,
)

from reportgen.results import (
    CheckResult,
    Cue,
    CueName,
    Explanation,
    Failure,
    FilterStudy,
    Head,
    KnownAnswer,
    MethodCheck,
    Prediction,
    RankedClass,
    Run,
    Scalar,
    Subject,
    Target,
)
from reportgen.verdicts import SILENT, STATES, State, verdict


def one_layer() -> Run:
    run = fake_run(images=2, profile="default", trouble=False)
    return replace(run, filters=run.filters[:1], model=replace(run.model, layers=run.model.layers[:1]))


def many_classes() -> Run:
    """30 classes, one of them predicted; the label is not among the best five."""
    classes = tuple(f"class {k}" for k in range(30))
    run = fake_run(images=2, profile="default", trouble=False)
    subjects = []
    for n, subject in enumerate(run.subjects):
        prediction = fake_prediction(n, 29, classes)
        targets = (Target(prediction.first.index, prediction.first.name, "predicted"), Target(29, "class 29", "label"))
        explanations = tuple(make(n, target) for make in (fake_saliency, fake_lime) for target in targets)
        subjects.append(Subject(subject.image, prediction, explanations))
    return replace(run, subjects=tuple(subjects), model=replace(fake_model(), classes=classes))


def nothing_drawn() -> Run:
    """Every explanation degenerate or failed, every filter dead."""
    run = fake_run(images=2, profile="default", trouble=False)
    subjects = tuple(
        replace(
            subject,
            explanations=(
                fake_saliency(n, _predicted(subject), flat=True),
                fake_lime(n, _predicted(subject), fails=True),
            ),
        )
        for n, subject in enumerate(run.subjects)
    )
    images = [subject.image for subject in run.subjects]
    return replace(run, subjects=subjects, filters=(fake_study("cnn.1", 7, images, "dead"),))


def broken_down() -> Run:
    """Each method broke down as a whole: only images and answers are left."""
    run = fake_run(images=2, profile="hw5", methods=(), trouble=False)
    return replace(run, failures=(Failure("saliency", "E-METHOD", "RuntimeError: no", "Check it"),))


def half_broken_down() -> Run:
    """Of the write-up's methods only one is there, of the corrected ones two."""
    run = fake_run(images=2)
    drop = {"saliency", "lime_hw5"}
    subjects = tuple(
        replace(each, explanations=tuple(e for e in each.explanations if e.method not in drop)) for each in run.subjects
    )
    return replace(run, subjects=subjects, filters=tuple(s for s in run.filters if s.method != "filters"))


def failed_filters() -> Run:
    """A network that cuts the gradient: activations, but no synthetic image; and a layer with one silent filter."""
    run = fake_run(images=2, profile="hw5", trouble=False)
    study = replace(run.filters[0], crops=(), effects=(), variants=None)
    failed = replace(study, status="failed", visualisation=None, reason="reason.raised", detail="cut", measures={},
                     image_measures=())  # fmt: skip
    facts = tuple({"maximum": -1.0, "mean": -1.0} for _ in run.subjects)
    measures = {"maximum": -1.0, "active": 0.0, "reached": 2.0}
    silent = replace(study, layer="cnn.2", activations=-np.ones((2, 4, 4)), measures=measures, image_measures=facts)
    written = replace(
        run.filters[-1], status="degenerate", visualisation=None, reason="hw5.filters_dead", measures={"maximum": 0.0}
    )
    return replace(run, filters=(failed, silent, written))


def of_tokens(layers: int, patches_only: bool) -> Run:
    """A network some of whose layers give tokens; the filters of its one map see the whole image."""
    run = fake_run(images=2, profile="default", trouble=False)
    seen = {name: value for name, value in run.filters[0].parameters.items() if not name.startswith("receptive")}
    parameters = {**seen, "receptive_field": "whole image", "token_layers": layers, "patches_only": patches_only}
    return replace(run, filters=(replace(run.filters[0], parameters=parameters),))


def no_maps() -> Run:
    """A network without any layer to show."""
    run = fake_run(images=1, profile="default", trouble=False)
    return replace(run, filters=(FilterStudy("filters", "", 0, "not_applicable", np.zeros((0, 0, 0)), None,
                                             "reason.no_maps"),))  # fmt: skip


def one_class() -> Run:
    """A network with a single class and nothing beside it."""
    run = fake_run(images=1, profile="default", trouble=False)
    alone = RankedClass(0, "all", 1.0)
    prediction = Prediction((alone,), np.zeros(1), alone)
    return replace(run, subjects=(replace(run.subjects[0], prediction=prediction),))


def unanswered(read: bool = True) -> Run:
    """A network that answers every image with NaN. read: whether all of them could at least be read."""
    run = fake_run(images=3, methods=(), profile="default", trouble=not read)
    why = ("E-OUTPUT-NAN", "the network answers with NaN or infinity", "Check the checkpoint")
    nan = tuple(Failure(subject.image.name, *why) for subject in run.subjects)
    return replace(run, subjects=(), failures=(*run.failures, *nan))


def with_head(head: Head) -> Run:
    """Probabilities need not add up to 1; saliency may be that of a log-probability."""
    run = fake_run()
    return replace(run, model=replace(run.model, head=head))


def _predicted(subject: Subject) -> Target:
    first = subject.prediction.first
    return Target(first.index, first.name, "predicted")


def with_lime(run: Run, measures: Sequence[Mapping[str, Scalar]]) -> Run:
    """The run with these LIME measures, image by image."""

    def changed(explanation: Explanation, facts: Mapping[str, Scalar]) -> Explanation:
        if explanation.method != "lime" or explanation.status != "ok":
            return explanation
        return replace(explanation, measures={**explanation.measures, **facts})

    subjects = tuple(
        replace(subject, explanations=tuple(changed(each, facts) for each in subject.explanations))
        for subject, facts in zip(run.subjects, measures, strict=True)
    )
    return replace(run, subjects=subjects)


def with_filters(run: Run, measures: Mapping[str, float | str]) -> Run:
    """The run with one filter that has these measures."""
    study: FilterStudy = run.filters[0]
    return replace(run, filters=(replace(study, measures={**study.measures, **measures}),))


def lime_parameters(run: Run, parameters: Mapping[str, Scalar]) -> Run:
    """The run with LIME computed in another way."""
    subjects = tuple(
        replace(
            subject,
            explanations=tuple(
                replace(each, parameters={**each.parameters, **parameters}) if each.method == "lime" else each
                for each in subject.explanations
            ),
        )
        for subject in run.subjects
    )
    return replace(run, subjects=subjects)


def judged_as(run: Run, states: Sequence[State], randomised: State | None = None, shared: Sequence[float] = ()) -> Run:
    """The run with these verdicts in turn, each with other numbers.

    randomised: what is said of saliency as a whole; shared: what pictures have in common with others, in turn.
    """
    turn, common = itertools.cycle(enumerate(states)), itertools.cycle(shared)
    of_method = (MethodCheck("saliency", _checked("randomisation", randomised, 7)),) if randomised else ()

    def changed(explanation: Explanation) -> Explanation:
        n, state = next(turn)
        own = [_checked(name, state, n) for name in ("faithfulness", "stability", "object")]
        own += [CheckResult("agreement", "weak", next(common), 0.5)] if shared else []
        about = [each.result for each in of_method if each.method == explanation.method]
        return replace(explanation, verdict=verdict(own, about))

    subjects = tuple(replace(each, explanations=tuple(map(changed, each.explanations))) for each in run.subjects)
    return replace(run, subjects=subjects, method_checks=of_method)


def _checked(name: str, state: State, n: int) -> CheckResult:
    if state in SILENT:
        return CheckResult(name, state, reason="reason.flat_map")
    value = 0.31 + 0.01 * n if state in ("supported", "weak") else 0.02
    measures: dict[str, Scalar] = {"control": 0.2, "deletion": 0.4, "insertion": 0.3} if name == "faithfulness" else {}
    if name == "object":
        measures = {
            "mass": value, "area": 0.11 + 0.01 * n, "hit": n % 2 == 0, "middle_mass": 0.2, "middle_hit": True,
            "of": ("class", "all", "unnamed")[n % 3],
        }  # fmt: skip
    # Two decimals would not tell these two apart.
    return CheckResult(name, state, value, value + 0.001 if state == "indistinct" else 0.1, measures=measures)


def with_gaps(run: Run, **measures: float) -> Run:
    """The run where every check of a picture measured this."""

    def changed(explanation: Explanation) -> Explanation:
        found = explanation.verdict
        if found is None:
            return explanation
        checks = tuple(replace(each, measures={**each.measures, **measures}) for each in found.checks)
        return replace(explanation, verdict=replace(found, checks=checks))

    subjects = tuple(replace(each, explanations=tuple(map(changed, each.explanations))) for each in run.subjects)
    return replace(run, subjects=subjects)


def installed(run: Run, *failing: str) -> Run:
    """The run on an installation where these known answers fail."""
    answers = [
        ("answers", 1.0, 5 / 6, True), ("object_saliency", 5.07, 3.0, True), ("object_gradcam", 4.0, 2.0, True),
        ("object_integrated_gradients", 6.1, 3.0, True), ("object_lime", 1.0, 5 / 6, True),
        ("object_random", 1.2, 1.5, False), ("planted_lime", 4.4e-6, 1e-3, False),
    ]  # fmt: skip
    known = tuple(
        KnownAnswer(name, (0.25 if above else 2.0) if name in failing else value, threshold, above)
        for name, value, threshold, above in answers
    )
    return replace(run, known_answers=known)


def with_cues(run: Run, answers: Mapping[CueName, Sequence[int]]) -> Run:
    """The run with the classes that win on each poorer copy, image by image; half as sure as of the whole picture."""
    subjects = tuple(
        replace(
            subject,
            cues=tuple(
                Cue(name, subject.prediction.first.probability / 2, ranked(run, answers[name][n])) for name in answers
            ),
        )
        for n, subject in enumerate(run.subjects)
    )
    return replace(run, subjects=subjects)


def ranked(run: Run, index: int) -> RankedClass:
    return RankedClass(index, run.model.classes[index], 0.875)


def placed_lime(run: Run, places: Sequence[str]) -> Run:
    """The run with LIME's heaviest regions in these places, image by image."""
    return with_lime(run, [{"place": place} for place in places])


def all_answered_alike(run: Run) -> Run:
    """Class 0 for every image."""
    alike = run.subjects[0].prediction
    subjects = []
    for subject in run.subjects:
        label = subject.prediction.label
        prediction = replace(alike, label=label)
        subjects.append(replace(subject, prediction=prediction))
    return replace(run, subjects=tuple(subjects))


def labelled(run: Run, labels: Sequence[int]) -> Run:
    """The run with these labels, image by image."""
    subjects = tuple(
        replace(subject, prediction=replace(subject.prediction, label=replace(ranked(run, label), probability=0.05)))
        for subject, label in zip(run.subjects, labels, strict=True)
    )
    return replace(run, subjects=subjects)


def with_border(run: Run, shares: Sequence[float]) -> Run:
    """The run with so much of each image's saliency along its edges."""

    def changed(explanation: Explanation, share: float) -> Explanation:
        if explanation.method != "saliency" or explanation.status != "ok":
            return explanation
        return replace(explanation, measures={**explanation.measures, "border": share, "border_area": 0.36})

    subjects = tuple(
        replace(subject, explanations=tuple(changed(each, share) for each in subject.explanations))
        for subject, share in zip(run.subjects, shares, strict=True)
    )
    return replace(run, subjects=subjects)


RANDOM: Mapping[str, Scalar] = {"sampling": "random", "kernel_width": 0.25, "alpha": 1.0}
PLAIN = fake_run(images=2, profile="default", trouble=False)

QUIET = fake_run(images=8, profile="default", trouble=False)  # answers 0, 1, 2, 3, 0, 1, 2, 3


def of_methods(images: int = 4, *, trouble: bool = False) -> Run:
    """The further methods that give each pixel a number, and the three tasks."""
    return fake_run(images=images, methods=(*METHODS, *ATTRIBUTIONS), profile="default", trouble=trouble)


def with_explanations(run: Run, change: Callable[[Explanation], Explanation]) -> Run:
    """The run with each explanation changed."""
    subjects = (replace(each, explanations=tuple(map(change, each.explanations))) for each in run.subjects)
    return replace(run, subjects=tuple(subjects))


def of_few_maps() -> Run:
    """A network of tokens, another that Grad-CAM does not apply to, and maps that crowd the rim of one image."""

    def changed(each: Explanation) -> Explanation:
        if each.method == "guided_backprop":
            parameters = {"score": "logit", "reduction": "max"}
            return replace(each, status="not_applicable", result=None, reason="reason.no_relu", parameters=parameters,
                           measures={})  # fmt: skip
        if each.method == "gradcam":
            return replace(each, parameters={**each.parameters, "form": "tokens"})
        return replace(each, measures={**each.measures, "border": 0.9, "completeness_relative": 2.0})

    return with_explanations(of_methods(3), changed)


def held_against(run: Run) -> Run:
    """One class held against another on every image."""

    def changed(each: Explanation) -> Explanation:
        return replace(each, target=Target(0, CLASSES[0], "asked", 4, CLASSES[4]))

    kept = (replace(each, explanations=each.explanations[:1] + each.explanations[-1:]) for each in run.subjects)
    return with_explanations(replace(run, subjects=tuple(kept)), changed)


RUNS: Mapping[str, Run] = {
    "further methods": of_methods(),
    "further methods, trouble": of_methods(trouble=True),
    "further methods, homework": fake_run(methods=("saliency", "gradcam", "lime")),
    "further methods, one image": of_methods(1),
    "further methods, twelve images": judged_as(of_methods(12), STATES),
    "few maps": of_few_maps(),
    "one class against another": held_against(fake_run(methods=METHODS, profile="default", trouble=False)),
    "one class against another, by its gradient": held_against(
        fake_run(methods=("integrated_gradients", "occlusion"), profile="default", trouble=False)
    ),
    "asked for": with_explanations(of_methods(1), lambda each: replace(each, target=Target(0, CLASSES[0], "asked"))),
    "answers by colour": with_cues(
        QUIET,
        {
            "grey": [1] * 8,
            "swapped": [0, 1, 2, 3, 4, 4, 4, 4],
            "blurred": [0, 1, 2, 3, 0, 1, 2, 3],
            "shuffled": [4] * 8,
        },
    ),
    "answers by any colour": with_cues(
        QUIET, {"grey": [1] * 8, "swapped": [0, 1, 2, 3, 0, 1, 4, 4], "blurred": [0, 1, 2, 3, 0, 1, 2, 3]}
    ),
    "answers by these colours alone": with_cues(
        QUIET, {"grey": [1] * 8, "swapped": [4] * 8, "blurred": [0, 1, 2, 3, 0, 1, 2, 3]}
    ),
    "answers by patches": with_cues(QUIET, {"blurred": [4] * 8, "shuffled": [0, 1, 2, 3, 0, 1, 2, 4]}),
    "one corner, one class": all_answered_alike(placed_lime(QUIET, ["lower_right"] * 8)),
    "one corner, all classes": placed_lime(QUIET, ["lower_right"] * 7 + ["left"]),
    "along the edges": with_border(QUIET, [0.9] * 6 + [0.3] * 2),
    "channels exchanged": with_cues(labelled(QUIET, [1, 1, 1, 1, 0, 1, 2, 3]), {"swapped": [1, 1, 1, 1, 0, 1, 2, 3]}),
    "names in another order": labelled(QUIET, [1, 2, 3, 0, 1, 2, 3, 0]),
    "guessing": labelled(QUIET, [1, 2, 1, 0, 1, 2, 3, 0]),
    "a dead layer": with_filters(PLAIN, {"silent": 8, "channels": 8}),
    "one filter": with_filters(PLAIN, {"matters": 0.62}),
    "judged": judged_as(fake_run(images=12), STATES),
    "judged, all supported": installed(judged_as(PLAIN, ["supported"], "supported")),
    "judged, one disagreed about": judged_as(PLAIN, ["supported"], None, (0.9, 0.8, 0.1, 0.5, 0.2, 0.5)),
    "judged, all disagreed about": judged_as(
        fake_run(images=3, profile="default", trouble=False), ["weak"], "supported", (0.1, 0.2)
    ),
    "wrong installation": installed(judged_as(PLAIN, ["supported"]), "object_lime", "planted_lime"),
    "judged, one picture": judged_as(
        fake_run(images=1, profile="default", methods=("saliency",), trouble=False), ["supported"]
    ),
    "judged, one supported": judged_as(PLAIN, ["supported", "indistinct", "weak", "fails"]),
    "judged, none supported": judged_as(fake_run(), ["indistinct", "fails"], "fails"),
    "judged, nothing moves": with_gaps(judged_as(PLAIN, ["indistinct"]), control=0.01),
    "judged, only weak ones": judged_as(PLAIN, ["weak", "indistinct"]),
    "judged, only one weak": judged_as(PLAIN, ["indistinct", "weak"]),
    "judged, one not supported": judged_as(
        fake_run(images=1, profile="default", methods=("saliency",), trouble=False), ["fails"], "fails"
    ),
    "judged, nothing tested": judged_as(fake_run(images=2), ["not_tested"], "not_tested"),
    "homework": fake_run(),
    "default": fake_run(profile="default"),
    "no trouble": fake_run(trouble=False),
    "one image": fake_run(images=1, profile="default", trouble=False),
    "one image, homework": fake_run(images=1),
    "no labels": fake_run(images=3, labels=False),
    "twelve images": fake_run(images=12),
    "saliency only": fake_run(methods=("saliency",), profile="default"),
    "filters only": fake_run(methods=("filters",), profile="default"),
    "lime only": fake_run(methods=("lime",)),
    "no lime": fake_run(methods=("saliency", "filters")),
    "random masks": lime_parameters(PLAIN, RANDOM),
    "quickshift": with_lime(lime_parameters(PLAIN, {"segmentation": "quickshift"}), [{"cut_by": "quickshift"}, {}]),
    "felzenszwalb": lime_parameters(PLAIN, {"segmentation": "felzenszwalb"}),
    "grid": with_lime(lime_parameters(PLAIN, {"segmentation": "grid", "second_segmentation": "slic"}), [{}, {}]),
    "all settled": with_lime(PLAIN, [{"settled": True, "unsettled": 0, "passes": 128}] * 2),
    "none settled": with_lime(PLAIN, [{"settled": False, "unsettled": 2}] * 2),
    "one not settled": with_lime(
        fake_run(images=1, profile="default", trouble=False), [{"settled": False, "unsettled": 1}]
    ),
    "no region stands out": with_lime(PLAIN, [{"largest_margin": 0.9, "largest_weight": 0.002, "mean": 0.97}] * 2),
    "checks against": with_lime(PLAIN, [{"fill_agreement": 0.1, "segmentation_agreement": 0.1}] * 2),
    "one check against": with_lime(
        PLAIN,
        [
            {"fill_agreement": 0.1, "segmentation_agreement": 0.1},
            {"fill_agreement": 0.8, "segmentation_agreement": 0.7},
        ],
    ),
    "checks for": with_lime(PLAIN, [{"fill_agreement": 0.8, "segmentation_agreement": 0.7}] * 2),
    "checks for one": with_lime(
        PLAIN,
        [{"fill_ceiling": 0.2, "segmentation_ceiling": 0.2}, {"fill_agreement": 0.9, "segmentation_agreement": 0.9}],
    ),
    "checks unknown": with_lime(PLAIN, [{"fill_ceiling": 0.2, "segmentation_ceiling": 0.2}] * 2),
    "one layer": one_layer(),
    "one class": one_class(),
    "many classes": many_classes(),
    "nothing drawn": nothing_drawn(),
    "broken down": broken_down(),
    "half broken down": half_broken_down(),
    "failed filters": failed_filters(),
    "tokens": of_tokens(12, patches_only=True),
    "some tokens": of_tokens(1, patches_only=False),
    "no maps": no_maps(),
    "unanswered": unanswered(),
    "unanswered and unread": unanswered(read=False),
    "multi-label": with_head(Head("sigmoid", "logits", "option")),
    "softmax inside": with_head(Head("softmax", "softmax")),
}
