"""A method that shows the photograph is told from one that shows the weights; the network is never written to."""

import threading
import weakref
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from asked_again import edges, evidence, honest, images_of, method_of, scene_images
from torch import Tensor, nn
from toy_models import Linear, Small, fingerprint, photographs, settled, wrapped

from reportgen.checks.randomisation import CHECK, LEAST, THRESHOLD
from reportgen.classifier import Classifier
from reportgen.contracts import Evidence
from reportgen.errors import MethodError
from reportgen.example.scenes import fresh_scenes
from reportgen.explain import IMAGE_METHODS
from reportgen.options import BuildOptions
from reportgen.reinitialised import layers_as_run, reinitialised, upper_layers
from reportgen.results import AttributionMap, Case, CheckResult, Result, Target

PHOTOGRAPHS = images_of(photographs(LEAST + 2))


def weights(classifier: Classifier, _case: Case, target: Target, _options: BuildOptions) -> Result:
    """The weights of the class themselves, which is the gradient of f = w x."""
    module = classifier.module
    assert isinstance(module, Linear)
    return AttributionMap(module.weights[target.index].detach().abs().amax(0).numpy())


def linear(seed: int = 1) -> Classifier:
    return wrapped(Linear(torch.randn(3, 3, 16, 20, generator=torch.Generator().manual_seed(seed))))


def judged(given: Evidence) -> dict[str, CheckResult]:
    return {each.method: each.result for each in CHECK.judge(given)}


def test_what_shows_the_photograph_fails_and_what_shows_the_weights_does_not() -> None:
    found = judged(evidence(linear(), PHOTOGRAPHS, ["saliency", method_of("edges", edges), method_of("own", weights)]))
    assert found["edges"].value == 1.0
    assert found["edges"].state == "fails"
    for name in ("saliency", "own"):
        assert found[name].state == "supported"
        assert found[name].value == pytest.approx(0, abs=0.15)  # 320 pixels drawn anew: 1 / sqrt(320) is 0.06
    assert {each.threshold for each in found.values()} == {THRESHOLD}
    assert not any(each.above for each in found.values())


def test_a_map_that_vanishes_does_not_stay_the_same() -> None:
    first = linear()

    def only_learned(classifier: Classifier, case: Case, target: Target, options: BuildOptions) -> Result | None:
        return edges(classifier, case, target, options) if classifier.module is first.module else None

    assert judged(evidence(first, PHOTOGRAPHS, [method_of("edges", only_learned)]))["edges"].value == 0


def test_few_images_are_joined_by_shipped_ones_and_few_pictures_are_not_judged() -> None:
    seen: list[int] = []

    def counted(classifier: Classifier, case: Case, target: Target, options: BuildOptions) -> Result:
        seen.append(1)
        return edges(classifier, case, target, options)

    classifier = linear()
    given = evidence(classifier, PHOTOGRAPHS[:2], [method_of("edges", counted)])
    assert judged(given)["edges"].value == 1.0
    assert len(seen) == 2 + (LEAST - 2) + LEAST  # for the report, those that joined, and all with random weights

    def seldom(classifier: Classifier, case: Case, target: Target, options: BuildOptions) -> Result | None:
        return edges(classifier, case, target, options) if case.image.pixels.mean() > 0.5 else None

    found = judged(evidence(classifier, PHOTOGRAPHS, [method_of("seldom", seldom)]))["seldom"]
    assert (found.state, found.reason) == ("not_tested", "reason.few_maps")


def test_a_cheaper_way_is_asked_where_there_is_one_but_for_what_the_report_shows() -> None:
    shown: list[int] = []
    compared: list[int] = []

    def exact(classifier: Classifier, case: Case, target: Target, options: BuildOptions) -> Result:
        shown.append(1)
        return edges(classifier, case, target, options)

    def rough(classifier: Classifier, case: Case, target: Target, options: BuildOptions) -> Result:
        compared.append(1)
        return edges(classifier, case, target, options)

    given = evidence(linear(), PHOTOGRAPHS[:2], [method_of("edges", exact, rough)])
    assert judged(given)["edges"].value == 1.0
    assert len(shown) == 2
    assert len(compared) == (LEAST - 2) + LEAST  # those that joined, and all with random weights


def test_by_few_steps_the_correlation_is_that_of_precise_maps() -> None:
    methods = [IMAGE_METHODS["integrated_gradients"], replace(IMAGE_METHODS["integrated_gradients"], rough=None)]
    with honest() as classifier:
        images = scene_images(fresh_scenes(778, LEAST))
        rough, precise = (judged(evidence(classifier, images, [each]))["integrated_gradients"] for each in methods)
    assert rough.value == pytest.approx(precise.value, abs=0.01)
    assert rough.value != precise.value


def test_the_order_of_images_and_the_other_methods_change_nothing() -> None:
    classifier = wrapped(settled(Small()))
    one = judged(evidence(classifier, PHOTOGRAPHS, ["saliency"]))["saliency"]
    other = judged(evidence(classifier, PHOTOGRAPHS[::-1], [method_of("edges", edges), "saliency"]))["saliency"]
    assert one == other


def test_the_network_stays_as_it_is_and_its_copy_goes() -> None:
    module = settled(Small())
    classifier = wrapped(module)
    copies: list[weakref.ref[nn.Module]] = []

    def kept(asked: Classifier, case: Case, target: Target, options: BuildOptions) -> Result:
        if asked.module is not module:
            copies.append(weakref.ref(asked.module))
            if len(copies) == 3:
                raise RuntimeError("no")
        return edges(asked, case, target, options)

    given = evidence(classifier, PHOTOGRAPHS, [method_of("kept", kept), "saliency"])
    before = fingerprint(module)
    found = judged(given)
    assert fingerprint(module) == before
    assert found["kept"].reason == "reason.few_maps"
    assert found["saliency"].value is not None
    assert copies
    assert {copy() for copy in copies} == {None}


def test_a_network_that_cannot_be_copied_is_told() -> None:
    module = settled(Small())
    module.lock = threading.Lock()  # type: ignore[assignment]
    found = judged(evidence(wrapped(module), PHOTOGRAPHS, ["saliency"]))["saliency"]
    assert (found.state, found.reason) == ("not_tested", "reason.uncopied")
    with pytest.raises(MethodError, match="cannot be copied"), reinitialised(wrapped(module), ("",), 1):
        pass


def test_a_network_without_layers_has_nothing_that_could_be_random() -> None:
    class Bright(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.stack([images.mean((1, 2, 3)), images.amax((1, 2, 3))], dim=1)

    found = judged(evidence(wrapped(Bright()), PHOTOGRAPHS, ["saliency"]))["saliency"]
    assert (found.state, found.reason) == ("not_tested", "reason.no_layers")


def test_lime_is_asked_again_only_when_all_is_asked() -> None:
    classifier = wrapped(settled(Small()))
    small = {"lime_samples": 40, "lime_segments": 8, "segmentation": "grid", "lime_once": True}
    (quick,) = judged(evidence(classifier, PHOTOGRAPHS, ["lime"], **small)).values()
    assert (quick.state, quick.reason) == ("not_tested", "reason.only_full")
    (full,) = judged(evidence(classifier, PHOTOGRAPHS, ["lime"], checks="full", **small)).values()
    assert full.value is not None


def test_the_whole_cascade_goes_from_the_last_layer_to_all() -> None:
    classifier = wrapped(settled(Small()))
    (found,) = judged(evidence(classifier, PHOTOGRAPHS, ["saliency"], checks="full")).values()
    order = layers_as_run(classifier, classifier.tensor(PHOTOGRAPHS[0].pixels[None]))
    layers = [value for name, value in found.measures.items() if name.endswith("_layers")]
    assert layers == sorted({int(value) for value in layers})
    assert (layers[0], layers[-1]) == (1, len(order))
    assert found.measures["stage_1_from"] == order[-1]
    judged_at = layers.index(found.measures["layers"]) + 1
    assert found.measures[f"stage_{judged_at}"] == found.value


class Block(nn.Module):
    """Layers in the order of `names`, run from the first to the last, whatever order they are kept in."""

    def __init__(self, layers: Sequence[tuple[str, nn.Module]]) -> None:
        super().__init__()
        for name, layer in reversed(layers):
            self.add_module(name, layer)
        self.names = [name for name, _ in layers]

    def forward(self, images: Tensor) -> Tensor:
        for name in self.names:
            images = self.get_submodule(name)(images)
            images = images.mean((2, 3)) if name == "last" else images
        return images


def convolution(n: int) -> nn.Module:
    return nn.Conv2d(3, 3, n, padding=n // 2)


def ordered(*layers: tuple[str, nn.Module]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    classifier = wrapped(Block(layers).eval())
    order = layers_as_run(classifier, classifier.tensor(photographs(1)))
    return order, upper_layers(classifier.module, order)


def test_the_upper_layers_begin_with_the_last_convolution() -> None:
    layers = [("a", convolution(3)), ("b", nn.BatchNorm2d(3)), ("c", convolution(3)), ("last", nn.BatchNorm2d(3))]
    order, upper = ordered(*layers, ("fc", nn.Linear(3, 2)))
    assert order == ("a", "b", "c", "last", "fc")
    assert upper == ("c", "last", "fc")


def test_a_convolution_that_answers_counts_as_linear() -> None:
    _, upper = ordered(("a", convolution(3)), ("b", convolution(3)), ("last", convolution(1)))
    assert upper == ("b", "last")


def test_behind_an_embedding_of_patches_the_last_quarter_is_taken() -> None:
    norms = [(f"norm{n}", nn.BatchNorm2d(3)) for n in range(6)]
    _, upper = ordered(("patches", convolution(3)), *norms, ("last", nn.BatchNorm2d(3)))
    assert upper == ("norm5", "last")


def test_each_layer_draws_its_own_weights_and_all_others_stay() -> None:
    module = settled(Small())
    classifier = wrapped(module)
    order = layers_as_run(classifier, classifier.tensor(photographs(1)))
    top, every = order[-1:], order
    with reinitialised(classifier, top, 3) as few, reinitialised(classifier, every, 3) as all_:
        for name, tensor in few.module.state_dict().items():
            inside = name.rpartition(".")[0] in top
            assert torch.equal(tensor, all_.module.state_dict()[name]) or not inside
            assert torch.equal(tensor, module.state_dict()[name]) != inside
        for part in all_.module.modules():
            if isinstance(part, nn.BatchNorm2d) and part.running_mean is not None:
                assert torch.equal(part.running_mean, torch.zeros_like(part.running_mean))
                assert torch.equal(part.weight, torch.ones_like(part.weight))
        with reinitialised(classifier, top, 4) as other:
            assert not torch.equal(other.module.get_submodule(top[0]).weight, few.module.get_submodule(top[0]).weight)  # type: ignore[arg-type]


def test_guided_backprop_fails_on_the_shipped_network_where_the_others_follow_the_weights() -> None:
    methods = ["saliency", "integrated_gradients", "gradcam", "guided_backprop"]
    with honest() as classifier:
        found = judged(evidence(classifier, scene_images(fresh_scenes(777, LEAST)), methods))
    assert {name: each.state for name, each in found.items()} == {
        "saliency": "supported", "integrated_gradients": "supported", "gradcam": "supported",
        "guided_backprop": "fails",
    }  # fmt: skip
    assert {each.measures["from"] for each in found.values()} == {"cnn.16"}
