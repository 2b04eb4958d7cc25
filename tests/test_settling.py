"""What the weights leave open is settled by batch-norms that were trained one way, and left to convention by others."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn
from trained_networks import PIPELINES, SIDE, as_images, crops, trained

from reportgen.contracts import Network
from reportgen.language import load_words
from reportgen.phrasing import noted
from reportgen.results import LayerFact
from reportgen.settling import FARTHEST, fitted_side, settle, whole_distance

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
    (key, facts), *_ = settled.notes
    assert key == "note.settled_clear"
    assert facts["answer"] == "Tanh"
    assert str(facts["distances"]).startswith("Tanh 0.0")
    assert {layer.name: layer.assumption for layer in settled.network.layers} == {
        "2": "assume.activation_fitted", "0": "",
    }  # fmt: skip
    assert "Tanh" in noted(load_words(), settled.notes)[0].text


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
    assert [key for key, _ in settled.notes] == ["note.settled_none"]
    assert settled.network.layers[0].assumption == "assume.activation"


def test_without_batch_norm_nothing_is_tried() -> None:
    network = reading(trained(PIPELINES["rgb unit"], norm=False))
    settled = settle(network, at, CPU, 16)
    assert settled.network is network
    assert settled.notes == ()


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
