"""The whole filter task on networks of many shapes: it runs, gives them back, and holding does what it should."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from toy_models import FunctionalReLU, case, fingerprint, options, photographs, settled, wrapped

from reportgen.classifier import Classifier
from reportgen.explain import FILTER_METHODS
from reportgen.hooks import captured
from reportgen.results import FilterStudy

IMAGES = photographs(4)


class Pooled(nn.Module):
    """Layers, the mean of each map, and a linear head."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)
        self.head = nn.LazyLinear(3)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.body(images).mean(dim=(2, 3)))
        return logits


class Residual(nn.Module):
    """Two convolutions and a way around them; one in-place activation that runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.two(self.act(self.one(x)))
        y += x
        given: Tensor = self.act(y)
        return given


class InPlace(nn.Module):
    """Activations by function and in place, which write to what the layers gave."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1, stride=2)

    def forward(self, images: Tensor) -> Tensor:
        x = F.relu(self.one(images), inplace=True)
        x = self.two(x * 2)
        return F.relu6(x, inplace=True)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "grouped": lambda: Pooled(nn.Conv2d(3, 6, 3, groups=3), nn.ReLU(), nn.Conv2d(6, 6, 3, 2, groups=2), nn.ReLU()),
    "dilated": lambda: Pooled(nn.Conv2d(3, 6, 3, dilation=3, padding=3), nn.ReLU(inplace=True)),
    "depth-wise": lambda: Pooled(
        nn.Conv2d(3, 6, 1), nn.ReLU6(inplace=True), nn.Conv2d(6, 6, 3, 2, 1, groups=6), nn.BatchNorm2d(6), nn.ReLU6(),
        nn.Conv2d(6, 8, 1), nn.ReLU6(),
    ),
    "residual": lambda: Pooled(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), Residual(), Residual()),
    "in place by function": lambda: Pooled(InPlace()),
    "by function": FunctionalReLU,
    "smooth": lambda: Pooled(nn.Conv2d(3, 6, 3), nn.GELU(), nn.Conv2d(6, 6, 3, 2), nn.SiLU()),
    "transposed": lambda: Pooled(nn.Conv2d(3, 6, 3, 2), nn.ReLU(), nn.ConvTranspose2d(6, 4, 2, 2), nn.LeakyReLU(0.1)),
    "asymmetric": lambda: Pooled(nn.Conv2d(3, 6, (1, 5), (1, 2)), nn.ReLU(), nn.Conv2d(6, 4, (5, 1)), nn.PReLU()),
}  # fmt: skip
EACH = pytest.mark.parametrize("name", NETWORKS)


def network(name: str) -> Classifier:
    return wrapped(settled(NETWORKS[name]()), batch=3)


def studied(classifier: Classifier) -> list[FilterStudy]:
    cases = [case(classifier, each) for each in IMAGES]
    return list(FILTER_METHODS["filters"].explain(classifier, cases, options(filter_steps=2, filters_top=2)))


@EACH
def test_the_whole_task_runs_and_gives_the_network_back(name: str) -> None:
    classifier = network(name)
    before = fingerprint(classifier.module)
    found = studied(classifier)
    assert fingerprint(classifier.module) == before
    assert found
    assert {each.status for each in found} <= {"ok", "degenerate"}
    for each in found:
        if each.status == "ok":
            assert len(each.effects) == len(classifier.facts.classes)
            assert bool(each.crops) == (float(each.measures["maximum"]) > 0)


@EACH
def test_a_held_filter_is_held_for_all_that_follows(name: str) -> None:
    """Against a network in which the layer itself is replaced by one that gives the constant."""
    classifier = network(name)
    intact = classifier.probabilities(IMAGES)
    for each in studied(classifier):
        if each.status != "ok":
            continue
        *path, last = each.layer.split(".")
        parent = classifier.module.get_submodule(".".join(path))
        own, runs = parent.get_submodule(last), 2 if isinstance(parent, Residual) else 1
        setattr(parent, last, Held(own, runs, each.filter, float(each.measures["mean"])))
        held = classifier.probabilities(IMAGES)
        setattr(parent, last, own)
        first = intact.argmax(axis=1)
        changes = np.abs(intact - held)[np.arange(len(IMAGES)), first]
        assert each.measures["matters"] == pytest.approx(changes.mean(), abs=1e-6)
        for effect in each.effects:
            assert effect.change == pytest.approx(np.abs(intact - held)[:, effect.index].mean(), abs=1e-6)


class Held(nn.Module):
    """A layer with one channel replaced in its first run of each forward pass."""

    def __init__(self, layer: nn.Module, runs: int, channel: int, value: float) -> None:
        super().__init__()
        self.layer, self.runs, self.channel, self.value = layer, runs, channel, value
        self.ran = 0

    def forward(self, x: Tensor) -> Tensor:
        given: Tensor = self.layer(x)
        self.ran += 1
        if (self.ran - 1) % self.runs:
            return given
        changed = given.clone()
        changed[:, self.channel] = self.value
        return changed


@pytest.mark.parametrize(("name", "by_function"), [("by function", True), ("in place by function", True),
                                                   ("grouped", False), ("smooth", False)])  # fmt: skip
def test_what_runs_as_a_function_is_said_not_to_be_hooked(name: str, by_function: bool) -> None:
    assert {bool(each.parameters.get("no_activation")) for each in studied(network(name))} == {by_function}


def test_a_layer_before_an_in_place_function_is_seen_before_it() -> None:
    classifier = network("in place by function")
    seen: list[Tensor] = []
    handle = classifier.module.get_submodule("body.0.one").register_forward_hook(
        lambda _, __, output: seen.append(output.clone())
    )
    with torch.no_grad():
        classifier.forward(classifier.tensor(IMAGES))
    handle.remove()
    (own, *_) = [each for each in studied(classifier) if each.layer == "body.0.one"]
    np.testing.assert_allclose(own.activations, seen[0][:, own.filter].numpy(), atol=1e-6)
    assert own.activations.min() < 0


def test_a_network_without_gradient_shows_the_filters_most_excited() -> None:
    """Twice as many are tried exactly. Nothing can be climbed behind what cuts the graph, and that is said."""

    class Blocked(FunctionalReLU):
        def forward(self, images: Tensor) -> Tensor:
            x = self.first(images).tanh()
            x.mul_(2)  # the gradient of tanh needs what was written over
            return F.relu(self.second(x)).mean(dim=(2, 3))

    classifier = wrapped(settled(Blocked()))
    found = studied(classifier)
    assert {(each.layer, each.status, each.reason) for each in found} == {
        ("first", "ok", ""), ("second", "failed", "reason.raised"),
    }  # fmt: skip
    with torch.no_grad(), captured(classifier.module, ["first", "second"]) as outputs:
        classifier.forward(classifier.tensor(IMAGES))
        tops = {name: output.amax(dim=(0, 2, 3)) for name, output in outputs.items()}
    tried = {name: set(top.topk(4).indices.tolist()) for name, top in tops.items()}  # twice as many as are shown
    assert all(each.filter in tried[each.layer] for each in found)
