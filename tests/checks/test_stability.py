"""What stays when a method is asked again: by methods whose steadiness is known on paper."""

from dataclasses import replace

import numpy as np
import pytest
from asked_again import edges, evidence, honest, images_of, method_of, scene_images
from scipy.ndimage import gaussian_filter
from toy_models import Small, fingerprint, photographs, settled, wrapped

from reportgen.checks.stability import CHECK, RADIUS, STABLE, STABLE_REGIONS
from reportgen.classifier import Classifier
from reportgen.contracts import Evidence, ImageMethod
from reportgen.example.scenes import fresh_scenes
from reportgen.options import BuildOptions
from reportgen.randomness import stream
from reportgen.results import AttributionMap, Case, CheckResult, Explanation, RegionWeights, Result, Scalar, Target

PHOTOGRAPHS = images_of(photographs(4))


def smooth(rng: np.random.Generator, shape: tuple[int, ...]) -> Result:
    return AttributionMap(gaussian_filter(rng.normal(size=shape), 2))


def gambled(_classifier: Classifier, case: Case, _target: Target, options: BuildOptions) -> Result:
    """Another map for each seed."""
    return smooth(stream(options.seed, case.image.sha256), case.image.pixels.shape[:2])


def startled(_classifier: Classifier, case: Case, _target: Target, _options: BuildOptions) -> Result:
    """Another map for each image that differs by ever so little."""
    return smooth(np.random.default_rng(int(case.image.pixels.view(np.uint32).sum())), case.image.pixels.shape[:2])


def steady(_classifier: Classifier, case: Case, _target: Target, _options: BuildOptions) -> Result:
    """The same map for each image, whatever it shows."""
    return smooth(np.random.default_rng(1), case.image.pixels.shape[:2])


def judged(given: Evidence) -> dict[str, list[CheckResult]]:
    rows = [*CHECK.judge(given)]
    names = [each.method for each in given.explanations[0]]
    return {name: [row[n] for row in rows] for n, name in enumerate(names)}


@pytest.fixture
def classifier() -> Classifier:
    return wrapped(settled(Small()))


@pytest.mark.parametrize("checks", ["quick", "full"])
def test_chance_and_noise_are_told_from_what_stays(classifier: Classifier, checks: str) -> None:
    methods: list[ImageMethod | str] = [
        method_of("gambled", gambled),
        method_of("startled", startled),
        method_of("steady", steady),
        "saliency",
    ]
    found = judged(evidence(classifier, PHOTOGRAPHS, methods, checks=checks))
    for name in ("gambled", "startled"):
        assert {each.state for each in found[name]} <= {"weak", "fails"}
        assert max(float(each.value or 0) for each in found[name]) < STABLE
    assert {each.value for each in found["steady"]} == {1.0}
    assert {each.measures["sensitivity"] for each in found["steady"]} == {0.0}
    assert {each.measures["times"] for each in found["saliency"]} <= set(range(1, 7))


def test_the_sensitivity_is_the_change_as_a_share_of_the_map(classifier: Classifier) -> None:
    def brighter(asked: Classifier, case: Case, target: Target, options: BuildOptions) -> Result:
        first = steady(asked, case, target, options)
        assert isinstance(first, AttributionMap)
        return AttributionMap(first.heat * (1.25 if options.seed != 16 else 1.0))

    found = judged(evidence(classifier, PHOTOGRAPHS, [method_of("brighter", brighter)]))["brighter"]
    for each in found:
        assert each.value == pytest.approx(1)
        assert each.measures["sensitivity"] == pytest.approx(0.25, abs=1e-6)


def test_a_cheaper_way_is_held_against_itself(classifier: Classifier) -> None:
    """Not against the picture that is shown: how the two differ is no want of stability."""

    def doubled(asked: Classifier, case: Case, target: Target, options: BuildOptions) -> Result:
        first = steady(asked, case, target, options)
        assert isinstance(first, AttributionMap)
        return AttributionMap(2 * first.heat[::-1])

    def never(asked: Classifier, case: Case, target: Target, options: BuildOptions) -> Result:
        assert options.seed == 16, "the dear way is not asked again"
        return steady(asked, case, target, options)

    found = judged(evidence(classifier, PHOTOGRAPHS, [method_of("steady", never, doubled)]))["steady"]
    assert {(each.value, each.measures["sensitivity"]) for each in found} == {(1.0, 0.0)}
    startling = judged(evidence(classifier, PHOTOGRAPHS, [method_of("steady", steady, startled)]))["steady"]
    assert max(float(each.value or 0) for each in startling) < STABLE


def test_a_picture_that_vanishes_does_not_stay(classifier: Classifier) -> None:
    def once(asked: Classifier, case: Case, target: Target, options: BuildOptions) -> Result | None:
        return edges(asked, case, target, options) if options.seed == 16 else None

    found = judged(evidence(classifier, PHOTOGRAPHS, [method_of("once", once)]))["once"]
    assert [(each.state, each.value) for each in found] == [("fails", 0.0)] * 4


def test_where_the_answer_itself_changes_nothing_is_said(classifier: Classifier) -> None:
    given = evidence(classifier, PHOTOGRAPHS, [method_of("steady", steady)])
    turned = [replace(case, prediction=replace(case.prediction, top=case.prediction.top[::-1])) for case in given.cases]
    found = judged(replace(given, cases=turned))["steady"]
    assert {(each.state, each.reason) for each in found} == {("not_tested", "reason.answer_changes")}


def test_the_noise_is_tiny_and_each_image_has_its_own(classifier: Classifier) -> None:
    seen: dict[str, list[np.ndarray]] = {}

    def watched(asked: Classifier, case: Case, target: Target, options: BuildOptions) -> Result:
        seen.setdefault(case.image.sha256, []).append(case.image.pixels)
        return steady(asked, case, target, options)

    one = judged(evidence(classifier, PHOTOGRAPHS, [method_of("watched", watched), "saliency"]))["saliency"]
    changes = [noisy - first for first, noisy in seen.values()]
    assert 0 < max(float(np.abs(each).max()) for each in changes) <= RADIUS + 1e-6
    assert not np.array_equal(changes[0], changes[1])
    assert judged(evidence(classifier, PHOTOGRAPHS[::-1], ["saliency"]))["saliency"] == one[::-1]


def regions(facts: dict[str, Scalar]) -> Explanation:
    target = Target(0, "class 0", "predicted")
    return Explanation(
        "lime", target, "ok", RegionWeights(np.arange(320).reshape(16, 20), np.ones(320)), measures=facts
    )


@pytest.mark.parametrize(
    ("facts", "state", "value"),
    [
        ((0.6, 0.8, 0.9, 0.9), "supported", 0.75),  # fill, its ceiling, segmentation, its ceiling
        ((0.9, 0.9, 0.16, 0.8), "weak", 0.2),
        ((0.9, 0.9, -0.4, 0.8), "fails", -0.5),
        ((0.95, 0.9, 0.1, 0.4), "supported", 1.0),  # chance leaves the second too little, and no more than all
        ((0.9, 0.3, 0.1, 0.4), "not_tested", "reason.chance"),
    ],
)
def test_lime_has_asked_again_itself(
    classifier: Classifier, facts: tuple[float, ...], state: str, value: object
) -> None:
    names = ("fill_agreement", "fill_ceiling", "segmentation_agreement", "segmentation_ceiling")
    given = replace(
        evidence(classifier, PHOTOGRAPHS[:1], ["saliency"]),
        explanations=[(regions(dict(zip(names, facts, strict=True))), regions({}))],
    )
    ((found, once),) = CHECK.judge(given)
    assert (found.state, found.reason or pytest.approx(found.value)) == (state, value)
    assert (once.state, once.reason) == ("not_tested", "reason.asked_once")
    assert found.threshold in (None, STABLE_REGIONS)


def test_the_network_stays_as_it_is(classifier: Classifier) -> None:
    given = evidence(classifier, PHOTOGRAPHS, ["saliency", "smoothgrad"])
    before = fingerprint(classifier.module)
    judged(given)
    assert fingerprint(classifier.module) == before


def test_on_the_shipped_network_pictures_stay() -> None:
    with honest() as classifier:
        found = judged(evidence(classifier, scene_images(fresh_scenes(779, 4)), ["saliency", "gradcam"]))
    assert {each.state for results in found.values() for each in results} == {"supported"}
