"""Small values of each kind, with meaningless but distinct numbers, for tests of what carries them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from reportgen.results import (
    AttributionMap,
    CheckResult,
    ClassEffect,
    ColourSaliency,
    Crop,
    Cue,
    Explanation,
    Failure,
    FilterStudy,
    ForwardFacts,
    ImageInput,
    InputSpec,
    KnownAnswer,
    LayerFact,
    MethodCheck,
    ModelFacts,
    Note,
    Prediction,
    Provenance,
    RankedClass,
    RegionWeights,
    Run,
    SaliencyMap,
    Subject,
    Target,
    Verdict,
)
from reportgen.ruling import ImageRuling, RuleResult
from reportgen.verdicts import State

CAT, DOG = RankedClass(0, "cat", 0.75), RankedClass(1, "dog", 0.25)


def image(name: str = "a.jpg", **given: Any) -> ImageInput:  # noqa: ANN401 - fields of ImageInput
    """A photograph of 8 x 12 pixels that the network sees as 4 x 6."""
    rng = np.random.default_rng(len(name))
    fields: dict[str, Any] = {
        "original": rng.integers(0, 256, (8, 12, 3)),
        "pixels": rng.random((4, 6, 3), np.float32),
        "label": 1,
        "conversions": ("exif",),
        "original_size": (80, 120),
    }
    return ImageInput(name, "ab" * 32, **fields | given)


def prediction() -> Prediction:
    """Cat, where dog is right."""
    return Prediction((CAT, DOG), np.array([1.5, 0.401387711331891]), DOG)


def regions() -> RegionWeights:
    """Three regions on 4 x 6 pixels."""
    return RegionWeights(np.repeat([[0, 0, 1, 1, 2, 2]], 4, axis=0), np.array([0.1, -1 / 3, 1e-300]))


def explanations() -> tuple[Explanation, ...]:
    """One of each kind, and two that could not be made."""
    rng = np.random.default_rng(1)
    target = Target(0, "cat", "predicted")
    how: Mapping[str, bool | int | float | str] = {"samples": 10, "sigma": 1.0, "fill": "mean", "exact": True}
    return (
        Explanation("saliency", target, "ok", SaliencyMap(rng.random((4, 6))), parameters=how, measures={"a": 0.1}),
        Explanation("saliency_hw5", target, "ok", ColourSaliency(rng.random((4, 6, 3)))),
        Explanation("lime", target, "ok", regions(), verdict=verdict()),
        Explanation("occlusion", target, "ok", AttributionMap(rng.normal(size=(4, 6)))),
        Explanation("saliency", Target(1, "dog", "label"), "degenerate", reason="reason.flat_gradient"),
        Explanation("lime", target, "failed", reason="reason.raised", detail="ValueError: no"),
    )


def verdict() -> Verdict:
    """Supported, with one check that could not be made."""
    return Verdict("supported", "faithfulness", (check("faithfulness", "supported"), check("object", "not_tested")))


def filters() -> tuple[FilterStudy, ...]:
    """One that works and one that could not be run."""
    rng = np.random.default_rng(2)
    maps = rng.normal(size=(2, 3, 3))
    return (
        FilterStudy(
            "filters",
            "cnn.2",
            5,
            "ok",
            maps,
            rng.random((4, 6, 3)),
            parameters={"steps": 128},
            measures={"maximum": 2.5},
            image_measures=({"maximum": 1.0}, {}),
            crops=(
                Crop("c.jpg", "top", 2.5, (0, 1), (0, 2, 1, 4), (-1, 2, 1, 4), rng.integers(0, 255, (2, 3, 3)), 1),
                Crop("d.jpg", "bottom", 0.0, (2, 2), (1, 4, 3, 6), (1, 4, 3, 6), np.zeros((3, 3, 3))),
            ),
            effects=(ClassEffect(1, "dog", 0.1, 0.2, 0.5),),
            variants=rng.random((2, 4, 6, 3)),
        ),
        FilterStudy("filters", "fc", 0, "not_applicable", np.zeros((0, 0, 0)), reason="reason.not_spatial"),
    )


def check(name: str, state: State) -> CheckResult:
    """With a number, or with a reason why there is none."""
    if state == "not_tested":
        return CheckResult(name, state, reason="untested.masks")
    return CheckResult(name, state, 0.25, 0.1, above=False, measures={"insertion": 0.5, "kind": "blur"})


def rules() -> tuple[RuleResult, ...]:
    """One that fails by an image, and one that has nothing to judge."""
    seen = (ImageRuling("a.jpg", 1.0, True, "images[0]"), ImageRuling("b é.png", 0.0, False, "images[1]"))
    place: dict[str, str | int] = {"place": "lower_right", "n": 2}
    return (
        RuleResult(
            "lime_same_place", "evidence", "error", "failed", 2 / 3, 0.6, "below", "share", seen, ("images[0]",), place
        ),
        RuleResult(
            "lime_fit", "lime", "warn", "not_tested", None, 0.5, "at_least", "number", reason="untested.lime",
            required=True,
        ),
    )  # fmt: skip


def run() -> Run:
    """A run in which every field says something."""
    spec = InputSpec((4, 6), "bgr", (0.5, 0.25, 0.125), (0.1, 0.2, 0.3), {"size": "option"})
    layers = (LayerFact("cnn.0", "Conv2d", "3x3", 448), LayerFact("cnn.1", "ReLU", "", 0, True, "layer.relu"))
    forwards = ForwardFacts(True, "folded", 1, 2, "channels_last", "tf32", False, 0.01, 0.02, "bfloat16", 0.03, 8)
    return Run(
        model=ModelFacts("m.pth", "cd" * 32, "family", ("cat", "dog"), "option", layers, spec, (("n", {"k": 1}),)),
        subjects=(
            Subject(image(), prediction(), explanations(), (Cue("grey", 0.5, DOG),)),
            Subject(image("b é.png"), prediction(), ()),
        ),
        filters=filters(),
        failures=(Failure("c.jpg", "E-IMAGE", "it is broken", "Mend it"),),
        provenance=Provenance({"numpy": "2"}, "cpu", "float32", 16, {"lime_samples": 10}, forwards),
        profile="hw5",
        selection=(("selection.first", {"n": 2}),),
        title="Title",
        author="Ann",
        student_id="b1",
        rules=rules(),
        notes=(Note("LIME", "*Mine*\n\u202e"),),
        known_answers=(KnownAnswer("object_lime", 0.75, 0.5),),
        method_checks=(MethodCheck("lime", check("randomisation", "supported")),),
    )
