"""What the weights leave open is settled by batch-norms that were trained one way, and left to convention by others."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from trained_networks import PIPELINES, SIDE, as_images, crops, trained

from reportgen import settling
from reportgen.contracts import Network
from reportgen.errors import ArchitectureError
from reportgen.normfit import Numbers
from reportgen.results import LayerFact
from reportgen.settling import FARTHEST, FEW, TAKEN, fitted_side, settle, whole_distance

CPU = torch.device("cpu")
IMAGES = as_images(crops(9, 24)[0])
KINDS: Mapping[str, type[nn.Module]] = {"ReLU": nn.ReLU, "Tanh": nn.Tanh, "none": nn.Identity}
TRUTH = trained(PIPELINES["rgb unit"], nn.Tanh)


def at(size: tuple[int, int]) -> Tensor:
    return nn.functional.interpolate(IMAGES, size, mode="bilinear", antialias=True)


def reading(weights: nn.Sequential, size: tuple[int, int] | None = (SIDE, SIDE)) -> Network:
    """The network as its weights would be read: every activation is open."""

    def read(answers: Mapping[str, str]) -> Network:
        make = KINDS[answers.get("activation", "ReLU")]
        layers = [make() if isinstance(layer, nn.Tanh | nn.ReLU) else layer for layer in weights]
        marks = (LayerFact("2", "?", "", 0, True, "assume.activation"), LayerFact("0", "Conv2d", "", 0))
        return Network(nn.Sequential(*layers), "net", marks, size, questions={"activation": tuple(KINDS)}, reread=read)

    return read({})


def test_the_activation_of_training_is_found() -> None:
    settled = settle(reading(TRUTH), at, CPU, 16)
    assert isinstance(settled.network.module.get_submodule("2"), nn.Tanh)
    (finding,) = settled.findings
    assert (finding.question, finding.answer, finding.sure) == ("activation", "Tanh", "clear")
    assert finding.layers == 2  # the first batch-norm stands before any activation
    assert finding.distances[0][0] == "Tanh"
    assert finding.distances[0][1] < 0.1
    assert {layer.name: layer.assumption for layer in settled.network.layers} == {
        "2": "assume.activation_fitted", "0": "",
    }  # fmt: skip


def test_where_the_convention_is_right_it_stays() -> None:
    settled = settle(reading(trained(PIPELINES["rgb unit"])), at, CPU, 16)
    assert isinstance(settled.network.module.get_submodule("2"), nn.ReLU)


def test_where_nothing_fits_the_convention_stays() -> None:
    strange = nn.Sequential(*(layer for layer in trained(PIPELINES["rgb unit"], nn.Tanh)))
    for layer in strange:
        if isinstance(layer, nn.BatchNorm2d) and layer.running_mean is not None:
            layer.running_mean += 1000
    settled = settle(reading(strange), at, CPU, 16)
    assert isinstance(settled.network.module.get_submodule("2"), nn.ReLU)
    assert [finding.sure for finding in settled.findings] == ["none"]
    assert settled.network.layers[0].assumption == "assume.activation"


class Brighter(nn.Module):
    def __init__(self, more: float) -> None:
        super().__init__()
        self.more = more

    def extra_repr(self) -> str:
        return str(self.more)

    def forward(self, images: Tensor) -> Tensor:
        return images + self.more


def test_what_the_batch_norms_hardly_tell_apart_follows_convention() -> None:
    """Two readings that differ by a hair: the nearer one wins nearly every resample, and yet nothing is claimed."""
    norm = nn.BatchNorm2d(3, momentum=None).train()  # None: the plain average
    norm(IMAGES)

    def read(answers: Mapping[str, str]) -> Network:
        more = {"usual": 0.0505, "other": 0.05}[answers.get("brightness", "usual")]
        asked = {"brightness": ("usual", "other")}
        return Network(nn.Sequential(Brighter(more), norm), "net", (), (SIDE, SIDE), questions=asked, reread=read)

    (finding,) = settle(read({}), at, CPU, 16).findings
    assert finding.share > TAKEN
    assert (finding.answer, finding.sure, finding.distances[0][0]) == ("usual", "none", "other")


def test_what_no_convention_answers_is_refused_where_nothing_fits() -> None:
    strange = nn.Sequential(*trained(PIPELINES["rgb unit"], nn.Tanh))
    for layer in strange:
        if isinstance(layer, nn.BatchNorm2d) and layer.running_mean is not None:
            layer.running_mean += 1000
    network = replace(reading(strange), strict=frozenset({"activation"}))
    with pytest.raises(ArchitectureError, match="the answers depend on it"):
        settle(network, at, CPU, 16)


def test_readings_alike_up_to_a_batch_norm_are_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, ...]] = []

    def counting(module: nn.Module, images: Tensor, seed: int, window: tuple[int, int]) -> Numbers:
        asked.append((len(images), *window))
        return whole_distance(module, images, seed, window)

    monkeypatch.setattr(settling, "whole_distance", counting)
    settle(reading(TRUTH), at, CPU, 16)
    few, many = [each for each in asked if each[0] == FEW], [each for each in asked if each[0] > FEW]
    assert few.count((FEW, 1, 2)) == len(KINDS)
    assert len(many) < len(KINDS)  # those that few photographs rule out are not judged on all


def test_without_batch_norm_nothing_is_tried() -> None:
    network = reading(trained(PIPELINES["rgb unit"], norm=False))
    settled = settle(network, at, CPU, 16)
    assert settled.network is network
    assert settled.findings == ()


def test_a_network_of_any_size_is_tried_at_several() -> None:
    settled = settle(reading(TRUTH, None), at, CPU, 16)
    assert isinstance(settled.network.module.get_submodule("2"), nn.Tanh)


def test_a_reading_that_cannot_run_is_infinitely_far() -> None:
    network = nn.Sequential(nn.Conv2d(5, 3, 1), nn.BatchNorm2d(3))
    assert whole_distance(network, IMAGES, 16).min() == float("inf")


@pytest.mark.parametrize(
    ("sides", "factor", "found"), [((128, SIDE), 1.25, SIDE), ((128, SIDE), 1e9, 128), ((SIDE, 128), 1.25, SIDE)]
)
def test_a_usual_size_is_left_only_where_it_is_clearly_wrong(sides: tuple[int, ...], factor: float, found: int) -> None:
    assert fitted_side(trained(PIPELINES["rgb unit"]), at, sides, factor) == found


def test_of_sizes_that_fit_alike_the_more_usual_is_taken() -> None:
    norm = nn.BatchNorm2d(3, momentum=None).train()  # None: the plain average
    norm(IMAGES)
    norm.eval().get_buffer("running_mean").add_(0.1)
    network = nn.Sequential(norm)
    brighter = {256: -1.0, 50: -0.002, 48: 0.0, 46: -0.5}
    distances = {side: float(whole_distance(network, IMAGES + more, 0)[0]) for side, more in brighter.items()}
    assert distances[48] < distances[50] < 1.25 * distances[48] < distances[256]

    def of_brightness(size: tuple[int, int]) -> Tensor:
        return IMAGES + brighter[size[0]]

    assert fitted_side(network, of_brightness, (256, 46, 50, 48), 1.25) == 50


def test_what_fits_no_size_keeps_the_usual_one() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3)).eval()
    network.get_buffer("0.running_mean").add_(1000)
    assert whole_distance(network, IMAGES, 0)[0] > FARTHEST
    assert fitted_side(network, at, (64, 32), 1.25) == 64
