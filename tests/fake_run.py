"""A run made up by hand: every kind of result and of trouble, without a network.

Numbers are measured on the made-up arrays by `reportgen.measures`, as in a real run, so sentences can be checked.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.measures import (
    answers,
    attribution_measures,
    filter_preferences,
    heat_measures,
    heaviest_regions,
    region_measures,
)
from reportgen.results import (
    AttributionMap,
    ClassEffect,
    ColourSaliency,
    Crop,
    Explanation,
    Facts,
    Failure,
    FilterStudy,
    Finding,
    ForwardFacts,
    ImageInput,
    InputCandidate,
    InputEvidence,
    InputSpec,
    LayerFact,
    ModelFacts,
    Prediction,
    Provenance,
    RankedClass,
    RegionWeights,
    Run,
    SaliencyMap,
    Scalar,
    Subject,
    Target,
)

SIZE = (32, 40)  # height, width: not square, so that a swap shows
CLASSES = ("star", "ring", "plus", "tri{angle}", "<b>square</b>", "disc\u202e")
NAMES = ("a/star_0.jpg", "b/ring & plus.png", "c/<img src=x>.jpg", "d/{name}\u202egpj.exe")
METHODS = ("saliency", "filters", "lime")
ATTRIBUTIONS: dict[str, dict[str, Scalar]] = {  # method -> its parameters
    "smoothgrad": {"reduction": "max", "samples": 32, "noise": 0.1},
    "input_x_gradient": {"reduction": "sum", "baseline": "black"},
    "integrated_gradients": {"reduction": "sum", "baseline": "mean"},
    "gradcam": {"reduction": "relu", "layer": "cnn.1", "map_height": 8, "map_width": 10, "form": "map"},
    "guided_backprop": {"reduction": "max", "rectifiers": 5},
    "occlusion": {"fill": "mean", "window": 6, "stride": 3, "passes": 130},
}
SIGNED = ("input_x_gradient", "integrated_gradients", "occlusion")
REPORT_SHA = "ab" * 32

LIME_PARAMETERS: dict[str, Scalar] = {
    "samples": 1024, "segmentation": "slic", "asked": 20, "compactness": 20.0, "sigma": 1.0, "fill": "mean",
    "scale": "probability", "sampling": "designed", "confidence": 0.9, "second_fill": "blur",
    "second_segmentation": "grid",
}  # fmt: skip
LIME_HW5_PARAMETERS: dict[str, Scalar] = {
    "samples": 1000, "segmentation": "slic", "asked": 100, "compactness": 1.0, "sigma": 1.0, "fill": "segment",
    "scale": "logit", "kernel_width": 0.25, "alpha": 1.0, "features": 11, "least": 0.05,
}  # fmt: skip
FILTER_PARAMETERS: dict[str, Scalar] = {
    "steps": 64, "variants": 3, "lr": 0.05, "choice": "default", "kind": "ReLU", "height": 8, "width": 10,
    "decay": 1.0, "jitter": 1.0, "scale": 0.05, "rotate": 5.0, "diversity": 0.5, "colours": "images",
    "colours_borrowed": 0.0,
    "receptive_field_height": 14, "receptive_field_width": 16,
}  # fmt: skip


def fake_run(
    *,
    images: int = 4,
    methods: Sequence[str] = METHODS,
    profile: str = "hw5",
    labels: bool = True,
    trouble: bool = True,
) -> Run:
    """A run with so many images.

    Of four images one is right, one wrong (so two classes are explained), one unlabelled, one right.
    trouble: a flat saliency, a failed LIME, a dead filter, a layer without maps and an image that cannot be read.
    """
    inputs = tuple(fake_image(n, labels=labels) for n in range(images))
    predictions = tuple(fake_prediction(n, image.label) for n, image in enumerate(inputs))
    subjects = tuple(
        Subject(image, prediction, _explanations(n, prediction, methods, profile, trouble))
        for n, (image, prediction) in enumerate(zip(inputs, predictions, strict=True))
    )
    filters = _filters(inputs, profile, trouble) if "filters" in methods else ()
    failures = (Failure("e/torn.jpg", "E-IMG-TRUNCATED", "the file ends too early", "Copy it again from its source"),)
    selection: tuple[tuple[str, Facts], ...] = (
        ("summary.shipped_photographs", {}),
        ("select.limit", {"taken": images, "total": 20}),
    )
    return Run(
        fake_model(), subjects, filters, failures if trouble else (), fake_provenance(), profile, selection,
        author="A. Student <a@b>", student_id="B0{7}",
    )  # fmt: skip


def fake_model() -> ModelFacts:
    """A small course network, with a layer that is an assumption."""
    layers = (
        LayerFact("cnn.0", "Conv2d", "3 -> 8, 3x3, padding 1", 224),
        LayerFact("cnn.1", "ReLU", "", 0, True, "assume.activation"),
        LayerFact("cnn.2", "MaxPool2d", "2x2", 0, True, "assume.pool"),
        LayerFact("fc.0", "Linear", "640 -> 6", 3846),
    )
    spec = InputSpec(
        SIZE,
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        chosen_by={"size": "default", "channel_order": "batch-norm", "normalisation": "option", "resize": "default"},
        evidence=fake_evidence(),
    )
    notes: tuple[tuple[str, Facts], ...] = (("note.unwrapped", {"wrapper": "model_state_dict"}), ("note.inferred", {}))
    findings = (
        Finding("activation", "ReLU6", "weak", (("ReLU6", 0.052), ("ReLU", 0.121)), 0.9, 8),
        Finding("behind-depthwise-normed-1", "an activation", "none", (("an activation", 0.3),), 0.5, 8),
    )
    return ModelFacts(
        "weights <1>.pth", REPORT_SHA, "course network", CLASSES, "checkpoint", layers, spec, notes, findings=findings
    )


def fake_evidence() -> InputEvidence:
    """Three candidates, the first by far the nearest."""
    best = InputCandidate("rgb", "half", (0.5,), (0.5,), 0.01)
    others = InputCandidate("bgr", "half", (0.5,), (0.5,), 0.2), InputCandidate("rgb", "unit", (), (), 1.5)
    return InputEvidence((best, *others), best, 12, "clear", 1.0, "weak", 0.9)


def fake_provenance() -> Provenance:
    """Versions and settings as a run records them."""
    versions: dict[str, Scalar] = {"reportgen": "0.1.0", "torch": "2.13.0", "lime": "0.2.0.1"}
    settings: dict[str, Scalar] = {"seed": 16, "lime_samples": 1000, "classes": "", "pick": "first"}
    forwards = ForwardFacts(True, "folded", 4, 5, "channels_last", "bfloat16", False, 0.0021, 0.01, None, None, 8)
    return Provenance(versions, "cpu", "float32", 16, settings, forwards)


def fake_image(n: int, *, labels: bool = True) -> ImageInput:
    """A textured picture of its own for each n; every third image has no label."""
    rng = np.random.default_rng(n)
    small = rng.uniform(0, 1, (*SIZE, 3)).astype(np.float32)
    small[8:24, 10 + n % 8 : 26 + n % 8] *= 0.3
    original = np.repeat(np.repeat((small * 255).astype(np.uint8), 3, axis=0), 3, axis=1)
    name = NAMES[n] if n < len(NAMES) else f"more/image_{n:02d}.jpg"
    label = (0, 4, None, 3)[n % 4] if labels else None
    digest = sha256(name.encode()).hexdigest()
    conversions = ("exif", "alpha") if n == 1 else ()
    return ImageInput(name, digest, original, small, label, conversions, (SIZE[0] * 3, SIZE[1] * 3))


def fake_prediction(n: int, label: int | None, classes: Sequence[str] = CLASSES) -> Prediction:
    """The network answers class n % 4: so image 1 is answered against its label 4."""
    logits = np.linspace(1.0, 0.0, len(classes)).astype(np.float32)
    logits[n % 4] = 3.0 + 0.5 * (n % 5)
    exact = np.exp(logits.astype(np.float64))
    shares = exact / exact.sum()
    order = np.argsort(-shares, kind="stable")[:5]
    ranked = tuple(RankedClass(int(k), classes[k], float(shares[k])) for k in order)
    return Prediction(
        ranked, logits, None if label is None else RankedClass(label, classes[label], float(shares[label]))
    )


def fake_heat(n: int) -> NDArray[np.float32]:
    """A blob in the upper left of the image, wider with n."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    blob = np.exp(-(((rows - 8) / (3 + n % 5)) ** 2) - (((columns - 9) / (4 + n % 5)) ** 2))
    return np.asarray(blob * (1 + n), np.float32)


def fake_regions(n: int, scale: float = 1.0) -> RegionWeights:
    """A grid of 4 x 5 regions; the heaviest covers the blob, the second speaks against the class.

    With an odd n the sign of the third may be chance.
    """
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    segments = (rows // 8) * 5 + columns // 8
    weights = np.full(20, 0.001)
    weights[[6, 13, 2]] = (0.5 + 0.01 * n, -0.2, 0.1)
    return RegionWeights(segments, weights * scale, np.full(20, (0.03, 0.15)[n % 2]) * scale)


def _targets(prediction: Prediction) -> tuple[Target, ...]:
    first, label = prediction.first, prediction.label
    predicted = Target(first.index, first.name, "predicted")
    if label is None or label.index == first.index:
        return (predicted,)
    return predicted, Target(label.index, label.name, "label")


def _explanations(
    n: int, prediction: Prediction, methods: Sequence[str], profile: str, trouble: bool
) -> tuple[Explanation, ...]:
    targets = _targets(prediction)
    label = prediction.label
    written = targets[0] if label is None else Target(label.index, label.name, "label")
    found: list[Explanation] = []
    if "saliency" in methods:
        found += [fake_saliency(n, target, flat=trouble and n == 2) for target in targets]
        found += [fake_saliency_hw5(n, written, flat=trouble and n == 3)] * (profile == "hw5")
    for name in [name for name in ATTRIBUTIONS if name in methods]:
        found += [fake_attribution(n, target, name, flat=trouble and n == 2) for target in targets]
    if "lime" in methods:
        found += [fake_lime(n, target, fails=trouble and n == 3) for target in targets]
        found += [fake_lime_hw5(n, written)] * (profile == "hw5")
    return tuple(found)


def fake_saliency(n: int, target: Target, *, flat: bool = False) -> Explanation:
    """A map, or the value that stands where the gradient is zero everywhere."""
    parameters: dict[str, Scalar] = {"score": "logit", "reduction": "max"}
    if flat:
        return Explanation(
            "saliency", target, "degenerate", None, "reason.flat_gradient", "", parameters, {"maximum": 0.0}
        )
    heat = fake_heat(n)
    return Explanation("saliency", target, "ok", SaliencyMap(heat), parameters=parameters, measures=heat_measures(heat))


def fake_attribution(n: int, target: Target, name: str, *, flat: bool = False) -> Explanation:
    """A map of one of the further methods; those with a sign speak against the class on the right."""
    parameters: dict[str, Scalar] = {"score": "logit", **ATTRIBUTIONS[name]}
    measures: dict[str, Scalar] = {}
    if name == "integrated_gradients":
        parameters["steps"] = 16 * (1 + n % 2)
        measures = {"score": 5.0, "baseline_score": 1.0, "completeness_error": 0.1 * n}
        measures["completeness_relative"] = 0.04 * n
    if flat:
        return Explanation(name, target, "degenerate", None, "reason.flat_gradient", "", parameters, {"maximum": 0.0})
    heat = fake_heat(n + 1)
    if name not in SIGNED:
        return Explanation(name, target, "ok", SaliencyMap(heat), "", "", parameters, {**heat_measures(heat)})
    signed = heat - 0.5 * np.roll(heat, 20, axis=1)
    measures = {**attribution_measures(signed), **measures}
    return Explanation(name, target, "ok", AttributionMap(signed), "", "", parameters, measures)


def fake_saliency_hw5(n: int, target: Target, *, flat: bool = False) -> Explanation:
    """The write-up's map in three channels."""
    parameters: dict[str, Scalar] = {"score": "cross-entropy"}
    measures: dict[str, Scalar] = {"maximum": 0.0 if flat else 10.0**-n, "loss": 0.01}
    if flat:
        return Explanation("saliency_hw5", target, "degenerate", None, "reason.flat_gradient", "", parameters, measures)
    heat = np.stack([fake_heat(n + k) / fake_heat(n + k).max() for k in range(3)], axis=-1)
    shape = heat_measures(heat.max(axis=-1))
    measures |= {name: shape[name] for name in ("half_area", "place")}
    return Explanation("saliency_hw5", target, "ok", ColourSaliency(heat), "", "", parameters, measures)


def fake_lime(n: int, target: Target, *, fails: bool = False) -> Explanation:
    """Weights of regions, or a failure with the error's own words."""
    if fails:
        return Explanation(
            "lime", target, "failed", None, "reason.raised", "RuntimeError: <out> of {memory}\x1b[0m", LIME_PARAMETERS
        )
    regions = fake_regions(n)
    measures = region_measures(regions.segments, regions.weights) | {
        "r2": 0.9 - 0.2 * (n % 4), "intercept": 0.1, "local": 0.6 + 0.01 * (n % 4), "score": 0.9,
        "passes": 64 * (1 + n % 3), "settled": n % 2 == 0, "unsettled": n % 2, "cut_by": "slic",
        "mean": 0.35 + 0.005 * (n % 4),
        "largest_margin": (0.03, 0.15)[n % 2], "fill_agreement": 0.9 - 0.01 * n, "fill_ceiling": 0.95,
        "segmentation_agreement": 0.1 * (n % 5), "segmentation_ceiling": 0.8,
    }  # fmt: skip
    return Explanation("lime", target, "ok", regions, "", "", LIME_PARAMETERS, measures)


def fake_lime_hw5(n: int, target: Target) -> Explanation:
    """The same on logits, as the write-up runs it."""
    regions = fake_regions(n, scale=5.0)
    shown = heaviest_regions(regions.weights, 11, 0.05)
    measures = region_measures(regions.segments, regions.weights) | {
        "r2": 0.7, "intercept": 0.2, "local": 3.0, "score": 4.0, "shown": len(shown),
    }  # fmt: skip
    return Explanation("lime_hw5", target, "ok", regions, "", "", LIME_HW5_PARAMETERS, measures)


def fake_study(
    layer: str, number: int, images: Sequence[ImageInput], kind: str = "ok", method: str = "filters"
) -> FilterStudy:
    """One filter. kind: "ok", "dead" or "not_spatial"."""
    if kind == "not_spatial":
        return FilterStudy(
            method, layer, 0, "not_applicable", np.zeros((0, 0, 0)), None, "reason.not_spatial", "", FILTER_PARAMETERS
        )
    rng = np.random.default_rng(number)
    maps = np.stack([image.pixels[::4, ::4, number % 3] for image in images]) * (kind != "dead")
    maps = maps * np.linspace(1.0, 0.5, len(images))[:, None, None] * (1 + number)
    measures: dict[str, Scalar] = {**answers(maps), "channels": 8, "silent": 1, "silent_filters": "7", "pool": 5}
    images_ = tuple({"maximum": float(each.max()), "mean": float(each.mean())} for each in maps)
    if kind == "dead":
        return FilterStudy(
            method, layer, number, "degenerate", maps, None, "reason.dead_filter", "", FILTER_PARAMETERS,
            measures | {"reached": 0.0}, images_,
        )  # fmt: skip
    highest = float(measures["maximum"])
    measures |= filter_preferences(maps, np.stack([image.pixels for image in images]))
    measures |= {"reached": 2.5 * highest, "ratio": 2.5, "mean": float(maps.mean()), "spread": float(maps.std())}
    measures |= {"matters": 0.04 + 0.01 * number, "largest_change": 0.1, "steady": False}
    images_ = tuple(each | {"relative": each["maximum"] / highest} for each in images_)
    pictures = rng.uniform(0, 1, (3, *SIZE, 3))
    return FilterStudy(
        method, layer, number, "ok", maps, pictures[0], "", "", FILTER_PARAMETERS, measures, images_,
        fake_crops(images, maps), fake_effects(number), pictures[1:],
    )  # fmt: skip


def fake_crops(images: Sequence[ImageInput], maps: NDArray[np.floating[Any]]) -> tuple[Crop, ...]:
    """Three from the top, one at the border; one each from the middle and the bottom, of an image that is not shown."""
    made: list[Crop] = []
    for n in range(min(3, len(images))):
        box, field = ((0, 9, 4, 20), (-5, 9, 4, 20)) if n == 1 else ((8, 22, 4, 20), (8, 22, 4, 20))
        pixels = np.round(images[n].pixels[box[0] : box[1], box[2] : box[3]] * 255)
        made.append(Crop(images[n].name, "top", float(maps.max()) / (n + 1), (2, 3), box, field, pixels, n))
    kinds: tuple[Literal["middle", "bottom"], ...] = ("middle", "bottom")
    for kind in kinds:
        pixels = np.full((14, 16, 3), 90)
        activation = float(maps.mean() if kind == "middle" else maps.min())
        made.append(Crop("lent/1.png", kind, activation, (0, 1), (8, 22, 4, 20), (8, 22, 4, 20), pixels))
    return tuple(made)


def fake_effects(number: int) -> tuple[ClassEffect, ...]:
    """Three classes fall and one gains."""
    return (
        ClassEffect(1, CLASSES[1], 0.1, 0.12 + 0.01 * number, 0.8),
        ClassEffect(3, CLASSES[3], 0.03, 0.02, 1.1),
        ClassEffect(4, CLASSES[4], 0.001, 0.0001, 0.01),
        ClassEffect(0, CLASSES[0], 0.05, -0.06, -0.4),
    )


def fake_study_hw5(images: Sequence[ImageInput]) -> FilterStudy:
    """The write-up's filter, its pixels far outside [0, 1]."""
    study = fake_study("cnn.1", 0, images)
    parameters: dict[str, Scalar] = {"steps": 100, "lr": 0.1, "layer_assumed": True, "kind": "ReLU"}
    picture = np.random.default_rng(5).normal(0.5, 4.0, (*SIZE, 3)).astype(np.float32)
    outside = float(((picture < 0) | (picture > 1)).mean())
    measures: dict[str, Scalar] = {"low": float(picture.min()), "high": float(picture.max()), "outside": outside}
    measures |= {"maximum": float(study.activations.max()), "edges": float(study.measures["edges"])}
    return FilterStudy("filters_hw5", "cnn.1", 0, "ok", study.activations, picture, "", "", parameters, measures)


def _filters(images: Sequence[ImageInput], profile: str, trouble: bool) -> tuple[FilterStudy, ...]:
    studies = [fake_study("cnn.0", 1, images), fake_study("cnn.0", 5, images), fake_study("cnn.1", 0, images)]
    if trouble:
        studies += [fake_study("cnn.1", 7, images, "dead"), fake_study("fc.0", 0, images, "not_spatial")]
    return (*studies, *([fake_study_hw5(images)] if profile == "hw5" else []))
