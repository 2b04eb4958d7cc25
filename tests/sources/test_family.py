"""The network is read off its weights: the same logits as the true one, and no silent guess outside the family."""

from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from made_networks import COUNT, TwoParts, head, ignored, saved, settled, stages
from torch import Tensor, nn

from reportgen import sources
from reportgen.contracts import Network, Weights
from reportgen.errors import ArchitectureError
from reportgen.language import load_words
from reportgen.phrasing import noted
from reportgen.sources import family, family_layers, food11


def inferred(network: nn.Module, path: Path) -> Network:
    return sources.load(saved(network.state_dict(), path / "net.pth"), None, ignored)[1]


def read(tensors: dict[str, Tensor]) -> Network:
    return family.build(Weights("net.pth", "", tensors), None, ignored)


def refusal(tensors: dict[str, Tensor]) -> str:
    with pytest.raises(ArchitectureError) as caught:
        read(tensors)
    return caught.value.line()


TRUTHS = {
    "course": (TwoParts(stages([[4], [4], [6], [8], [8]]), head(128)), 128),
    "three convolutions in a stage": (TwoParts(stages([[4, 4, 4], [6, 6, 6], [8]]), head(512)), 64),
    "without batch-norm": (TwoParts(stages([[4, 4], [6], [8]], norm=False), head(512)), 64),
    "without biases": (TwoParts(stages([[4], [6]], bias=False), head(6 * 64)), 32),
    "other names": (TwoParts(stages([[4], [6]]), head(6 * 64), names=("features", "classifier")), 32),
    "linear part first": (TwoParts(stages([[4], [6]]), head(6 * 64), names=("z", "a"), swap=True), 32),
    "dropout after each pool": (TwoParts(stages([[4], [6], [8]], dropout=True), head(512)), 64),
    "no last pool": (TwoParts(stages([[4], [6], [8]], last_pool=False), head(8 * 56 * 56)), 224),
    "one stage": (TwoParts(stages([[4]]), head(4 * 16 * 16)), 32),
    "side not divisible": (TwoParts(stages([[2], [2], [2]]), head(2 * 37 * 37)), 299),
    "unusual side": (TwoParts(stages([[4], [6], [8]]), head(8 * 81)), 72),
    "one linear layer": (TwoParts(stages([[4], [6]]), nn.Sequential(nn.Linear(384, COUNT))), 32),
    "flatten first": (
        TwoParts(stages([[4], [6]]), nn.Sequential(nn.Flatten(), nn.Linear(384, 7), nn.ReLU(), nn.Linear(7, COUNT))),
        32,
    ),
    "batch-norm between linear layers": (
        TwoParts(
            stages([[4], [6]]),
            nn.Sequential(nn.Linear(384, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Dropout(), nn.Linear(7, COUNT)),
        ),
        32,
    ),
    "activation before batch-norm": (
        TwoParts(
            nn.Sequential(
                nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(4), nn.MaxPool2d(2),
                nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(6), nn.MaxPool2d(2),
            ),
            head(384),
        ),
        32,
    ),
    "ends with batch-norm after a pool": (
        TwoParts(
            nn.Sequential(
                nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.BatchNorm2d(4),
                nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.BatchNorm2d(6),
            ),
            head(384),
        ),
        32,
    ),
    "batch-norm without weights": (
        TwoParts(
            nn.Sequential(
                nn.BatchNorm2d(3, affine=False),
                nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4, affine=False), nn.ReLU(), nn.MaxPool2d(2),
            ),
            head(4 * 16 * 16),
        ),
        32,
    ),
    "no activation in between": (
        TwoParts(
            nn.Sequential(
                nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(),
                nn.MaxPool2d(2),
            ),
            nn.Sequential(nn.Linear(6 * 16 * 16, 7), nn.Linear(7, COUNT)),
        ),
        32,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRUTHS)
def test_answers_as_the_true_network(name: str, tmp_path: Path) -> None:
    truth, side = TRUTHS[name]
    settled(truth)
    network = inferred(truth, tmp_path)
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        wanted, given = truth(images), network.module.eval()(images)
    assert wanted.std() > 1e-4
    assert torch.equal(given, wanted)
    assert network.size == (side, side)


def test_course_network_keeps_its_indices(tmp_path: Path) -> None:
    truth = food11.food11_network()
    network = inferred(truth, tmp_path)
    kinds = {name: type(layer) for name, layer in truth.named_modules() if name and "." in name}
    assert {layer.name: layer.kind for layer in network.layers} == {name: kind.__name__ for name, kind in kinds.items()}
    assert type(network.module.get_submodule("cnn.15")) is nn.ReLU
    assert network.size == (128, 128)


def test_marks_what_no_key_stands_for(tmp_path: Path) -> None:
    network = inferred(TwoParts(stages([[4], [6]], dropout=True), head(384)), tmp_path)
    marks = {layer.name: (layer.inferred, layer.assumption, layer.detail) for layer in network.layers}
    assert marks["cnn.0"] == (False, "", "3 -> 4, 3x3, padding 1")
    assert marks["cnn.2"] == (True, "assume.activation", "")
    assert marks["cnn.3"] == (True, "assume.pool", "2x2")
    assert marks["cnn.4"] == (True, "assume.dropout", "")  # no rate: the weights do not tell it
    assert marks["cnn.8"] == (True, "assume.last_pool", "2x2")
    words = load_words()
    assert all(words.has(layer.assumption) for layer in network.layers if layer.assumption)


@pytest.mark.parametrize("layer", ["cnn.0", "fc.0"])
def test_marks_where_no_activation_can_stand(layer: str, tmp_path: Path) -> None:
    network = inferred(TRUTHS["no activation in between"][0], tmp_path)
    marked = [fact.name for fact in network.layers if fact.assumption == "assume.no_activation"]
    assert layer in marked
    assert len(marked) == 2


def test_last_activation_is_not_doubled(tmp_path: Path) -> None:
    network = inferred(TRUTHS["activation before batch-norm"][0], tmp_path)
    assert [layer.kind for layer in network.layers].count("ReLU") == 3  # two in the stages, one in the head


def notes_of(network: Network) -> dict[str, str]:
    words = load_words()
    return {key: noted(words, [(key, facts)])[0].text for key, facts in network.notes}


def test_says_where_the_more_usual_size_fits_as_well(tmp_path: Path) -> None:
    network = inferred(TwoParts(stages([[4], [6]]), head(6 * 64 * 64)), tmp_path)
    assert network.size == (256, 256)
    assert "128 x 128" in notes_of(network)["note.without_last_pool"]


def test_says_where_no_pool_closes_the_last_stage(tmp_path: Path) -> None:
    network = inferred(TRUTHS["no last pool"][0], tmp_path)
    assert "224 x 224" in notes_of(network)["note.no_last_pool"]


@pytest.mark.parametrize("name", ["course", "ends with batch-norm after a pool"])
def test_says_only_that_it_was_inferred_otherwise(name: str, tmp_path: Path) -> None:
    assert list(notes_of(inferred(TRUTHS[name][0], tmp_path))) == ["note.inferred"]


def of(**parts: list[tuple[int, nn.Module]]) -> dict[str, Tensor]:
    """The tensors of layers at chosen places of Sequentials."""
    sequentials = {
        name: nn.Sequential(OrderedDict((str(i), layer) for i, layer in part)) for name, part in parts.items()
    }
    return {f"{name}.{key}": t for name, part in sequentials.items() for key, t in part.state_dict().items()}


CONVOLUTION = nn.Conv2d(3, 4, 3)
LINEAR = nn.Linear(4 * 16 * 16, 5)
OUTSIDE = {
    "4x4 kernel": (of(cnn=[(0, nn.Conv2d(3, 4, 4))], fc=[(0, LINEAR)]), "cnn.0.weight (4 x 3 x 4 x 4)"),
    "grouped": (
        of(cnn=[(0, CONVOLUTION), (2, nn.Conv2d(4, 4, 3, groups=2))], fc=[(0, LINEAR)]), "cnn.2.weight (4 x 2 x 3 x 3)",
    ),
    "one-dimensional": (of(cnn=[(0, nn.Conv1d(3, 4, 3))], fc=[(0, LINEAR)]), "cnn.0.weight (4 x 3 x 3)"),
    "group-norm": (of(cnn=[(0, CONVOLUTION), (1, nn.GroupNorm(2, 4))], fc=[(0, LINEAR)]), "cnn.1.weight (4)"),
    "residual names": (
        {"layer1.0.conv1.weight": torch.zeros(4, 3, 3, 3), **of(fc=[(0, LINEAR)])},
        "layer1.0.conv1.weight (4 x 3 x 3 x 3)",
    ),
    "attention": (
        {"attention.in_proj_weight": torch.zeros(12, 4), **of(fc=[(0, LINEAR)])}, "attention.in_proj_weight (12 x 4)",
    ),
    "no Sequential": ({"fc1.weight": torch.zeros(3, 4)}, "linear layers and no convolution"),
    "widths that do not meet": (of(cnn=[(0, CONVOLUTION), (2, nn.Conv2d(5, 4, 3))], fc=[(0, LINEAR)]), "cnn.2.weight"),
    "norm of another width": (of(cnn=[(0, CONVOLUTION), (1, nn.BatchNorm2d(5))], fc=[(0, LINEAR)]), "cnn.1.weight (5)"),
    "three parts": (of(a=[(0, CONVOLUTION)], b=[(0, LINEAR)], c=[(0, LINEAR)]), "under a, b, c"),
    "no linear layer": (of(cnn=[(0, CONVOLUTION)]), "under cnn"),
    "too many layers without weights": (
        of(cnn=[(0, CONVOLUTION), (5, nn.Conv2d(4, 4, 3))], fc=[(0, LINEAR)]),
        "4 layers without weights at cnn.1 to cnn.4",
    ),
    "something before the first": (of(cnn=[(1, CONVOLUTION)], fc=[(0, LINEAR)]), "the layer without weights at cnn.0"),
    "size that no input gives": (of(cnn=[(0, CONVOLUTION)], fc=[(0, nn.Linear(4 * 17, 5))]), "takes 68 numbers"),
    "fewer numbers than channels": (of(cnn=[(0, CONVOLUTION)], fc=[(0, nn.Linear(3, 5))]), "takes 3 numbers"),
    "name that a module cannot have": (of(forward=[(0, CONVOLUTION)], fc=[(0, LINEAR)]), "forward.0.weight"),
}  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_refuses_what_is_outside_the_family(name: str) -> None:
    tensors, told = OUTSIDE[name]
    line = refusal(tensors)
    assert told in line
    assert "--arch food11" in line
    assert "--arch file.py:Class" in line


def test_names_the_first_five_keys_and_how_many_more() -> None:
    layers: list[tuple[int, nn.Module]] = [(i, nn.Conv2d(3, 3, 4, bias=False)) for i in range(9)]
    line = refusal(of(cnn=layers, fc=[(0, LINEAR)]))
    assert "9 of its 11 tensors" in line
    assert "cnn.4.weight (3 x 3 x 4 x 4) and 4 more" in line
    assert "cnn.5" not in line


def test_refuses_a_network_for_other_than_photographs() -> None:
    assert "takes 5 channels" in refusal(of(cnn=[(0, nn.Conv2d(5, 4, 3))], fc=[(0, LINEAR)]))


def test_reads_a_network_for_grey_images() -> None:
    network = read(of(cnn=[(0, nn.Conv2d(1, 4, 3))], fc=[(0, LINEAR)]))
    assert network.module(torch.zeros(1, 1, 32, 32)).shape == (1, 5)


def separable(activation: type[nn.Module] = nn.ReLU6, pools: int = 3) -> nn.Sequential:
    """As the course's student of homework 7: depth-wise, batch-norm, activation, 1x1; a pool behind the first few."""
    layers: list[nn.Module] = [nn.Conv2d(3, 4, 3, 1, 1), nn.BatchNorm2d(4), activation(), nn.MaxPool2d(2)]
    before = 4
    for place, width in enumerate((6, 8, 8, 8, 10)):
        layers += [nn.Conv2d(before, before, 3, 1, 1, groups=before), nn.BatchNorm2d(before), activation()]
        layers += [nn.Conv2d(before, width, 1), *([nn.MaxPool2d(2)] if place < pools else [])]
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1))


OPEN = {
    "separable": (TwoParts(separable(), nn.Sequential(nn.Linear(10, COUNT))), {"activation": "ReLU6"}),
    "separable, ReLU": (TwoParts(separable(nn.ReLU), nn.Sequential(nn.Linear(10, COUNT))), {"activation": "ReLU"}),
    "separable, no pool": (TwoParts(separable(pools=0), nn.Sequential(nn.Linear(10, COUNT))), {"activation": "ReLU6"}),
    "separable, PReLU": (TwoParts(separable(nn.PReLU), nn.Sequential(nn.Linear(10, COUNT))), {}),
    "all stages pooled": (
        TwoParts(separable(pools=5), nn.Sequential(nn.Linear(10, COUNT))),
        {"activation": "ReLU6", "what stands behind 1x1 convolutions (1 free)": "a pool"},
    ),
    "average of full convolutions": (
        TwoParts(
            nn.Sequential(*stages([[4], [6], [8]], last_pool=False), nn.AdaptiveAvgPool2d(1)),
            nn.Sequential(nn.Linear(8, COUNT)),
        ),
        {},
    ),
}


@pytest.mark.parametrize("name", OPEN)
def test_reads_networks_of_any_size(name: str, tmp_path: Path) -> None:
    truth, answers = OPEN[name]
    settled(truth)
    network = inferred(truth, tmp_path)
    assert network.size is None
    assert network.reread is not None
    network = network.reread(answers) if answers else network
    images = torch.rand(2, 3, 64, 80, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        wanted, given = truth(images), network.module.eval()(images)
    if name == "all stages pooled":  # of the last pool no key tells, and the average goes over what it would halve
        assert wanted.shape == given.shape
    else:
        assert torch.equal(given, wanted)


def test_a_flat_student_has_its_layers_by_index(tmp_path: Path) -> None:
    truth = TwoParts(separable(), nn.Sequential(nn.Linear(10, COUNT)))
    again = inferred(truth, tmp_path).reread
    assert again is not None
    network = again({"activation": "ReLU6"})
    kinds = {name: type(layer).__name__ for name, layer in truth.named_modules() if "." in name}
    assert {layer.name: layer.kind for layer in network.layers} == kinds


def test_what_is_open_is_asked_for() -> None:
    fixed = read(TRUTHS["course"][0].state_dict())
    assert list(fixed.questions) == ["activation"]  # the size of the first linear layer speaks for the pools
    assert fixed.questions["activation"][0] == "ReLU"
    averaged = read(OPEN["average of full convolutions"][0].state_dict())
    assert set(averaged.questions) == {"activation", "what stands behind full convolutions and batch-norm (2 free)"}
    assert set(read(OPEN["separable, PReLU"][0].state_dict()).questions) == set()
    pooled = read(OPEN["all stages pooled"][0].state_dict())
    assert pooled.questions["what stands behind 1x1 convolutions (1 free)"] == ("an activation", "a pool")


def test_a_missing_activation_behind_some_1x1_convolutions_is_missing_behind_all(tmp_path: Path) -> None:
    network = inferred(OPEN["separable"][0], tmp_path)
    kinds = {layer.name: layer.kind for layer in network.layers}
    assert kinds["cnn.8"] == "MaxPool2d"
    assert "what stands behind 1x1 convolutions (1 free)" not in network.questions


@pytest.mark.parametrize("activation", family_layers.ACTIVATIONS)
def test_every_activation_can_be_read(activation: str, tmp_path: Path) -> None:
    again = inferred(TRUTHS["course"][0], tmp_path).reread
    assert again is not None
    network = again({"activation": activation})
    found = [layer for layer in network.layers if layer.assumption == "assume.activation"]
    assert {layer.kind for layer in found} == {activation.split()[0].replace("none", "Identity")}
    assert len(found) == 6


def test_order_of_the_keys_does_not_matter() -> None:
    tensors = TRUTHS["course"][0].state_dict()
    backwards = dict(reversed(tensors.items()))
    assert list(read(backwards).module.state_dict()) == list(tensors)
