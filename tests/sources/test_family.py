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
    "layer inside a layer": (
        {**of(cnn=[(0, CONVOLUTION)], fc=[(0, LINEAR)]), "cnn.0.0.weight": torch.zeros(4, 4, 3, 3)}, "cnn.0.weight",
    ),
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
        {"activation": "ReLU6", "behind-pointwise-1": "a pool"},
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
    assert set(averaged.questions) == {"activation", "behind-full-normed-2"}
    assert read(OPEN["separable"][0].state_dict()).questions["activation"][0] == "ReLU6"  # as MobileNet, homework 7
    assert set(read(OPEN["separable, PReLU"][0].state_dict()).questions) == set()
    pooled = read(OPEN["all stages pooled"][0].state_dict())
    assert pooled.questions["behind-pointwise-1"] == ("an activation", "a pool")


def test_a_missing_activation_behind_some_1x1_convolutions_is_missing_behind_all(tmp_path: Path) -> None:
    network = inferred(OPEN["separable"][0], tmp_path)
    kinds = {layer.name: layer.kind for layer in network.layers}
    assert kinds["cnn.8"] == "MaxPool2d"
    assert "behind-pointwise-1" not in network.questions


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


def nested(pools: int = 2, at_ends: bool = False, norm: bool = True) -> nn.Sequential:
    """As homework 7 writes it: each stage a Sequential of its own, whose end no key tells."""
    norms = [nn.BatchNorm2d] if norm else []
    made = [nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1), *[make(4) for make in norms], nn.ReLU6(), nn.MaxPool2d(2))]
    for place, (before, width) in enumerate(((4, 6), (6, 8), (8, 8)), 1):
        layers = [nn.Conv2d(before, before, 3, 1, 1, groups=before), *[make(before) for make in norms], nn.ReLU6()]
        layers += [nn.Conv2d(before, width, 1), *([nn.ReLU6()] if at_ends else [])]
        made.append(nn.Sequential(*layers, *([nn.MaxPool2d(2)] if place < pools else [])))
    return nn.Sequential(*made, nn.AdaptiveAvgPool2d(1))


def lenet(side: int, names: tuple[str, ...] = ("conv1", "conv2", "fc1", "fc2")) -> dict[str, Tensor]:
    """Attributes of their own; the head takes maps of that side."""
    layers = (nn.Conv2d(3, 4, 5), nn.Conv2d(4, 6, 5), nn.Linear(6 * side**2, 7), nn.Linear(7, COUNT))
    made = nn.ModuleDict(dict(zip(names, layers, strict=True)))
    return dict(settled(made).state_dict())


def answers_of(tensors: dict[str, Tensor], images: Tensor, answers: dict[str, str] | None = None) -> Tensor:
    """The logits of the network that is read off the tensors."""
    network = read(tensors)
    if answers:
        assert network.reread is not None
        network = network.reread(answers)
    network.module.load_state_dict(tensors)
    with torch.no_grad():
        logits: Tensor = network.module.eval()(images)
    return logits


IMAGES = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize(("pools", "at_ends"), [(2, False), (1, False), (3, True)])
def test_stages_that_are_sequentials_answer_as_the_true_network(pools: int, at_ends: bool) -> None:
    truth = settled(TwoParts(nested(pools, at_ends), nn.Sequential(nn.Linear(8, COUNT))))
    tensors = dict(truth.state_dict())
    network = read(tensors)
    assert {"pools", "at_ends", "activation"} <= set(network.questions)
    assert network.questions["pools"] == ("0", "1", "2", "3")
    assert network.strict == {"pools"}
    given = answers_of(tensors, IMAGES, {"pools": str(pools), "at_ends": "yes" if at_ends else "no"})
    with torch.no_grad():
        assert torch.equal(given, truth(IMAGES))
    assert "cnn.1.3" in network.module.state_dict().keys() | {key.rpartition(".")[0] for key in tensors}


def test_open_ends_without_batch_norm_are_refused_by_name() -> None:
    line = refusal(dict(TwoParts(nested(norm=False), nn.Sequential(nn.Linear(8, COUNT))).state_dict()))
    assert "E-ARCH-OPEN" in line
    assert "cnn.0, cnn.1, cnn.2" in line
    assert "max pool" in line


def test_whether_the_last_of_pooled_stages_has_a_pool_is_said_to_be_open() -> None:
    again = read(dict(TwoParts(nested(), nn.Sequential(nn.Linear(8, COUNT))).state_dict())).reread
    assert again is not None
    assert "note.last_stage" not in dict(again({"pools": "2"}).notes)
    assert "note.last_stage" in dict(again({"pools": "3"}).notes)


def test_nested_stages_with_a_head_of_fixed_size_are_asked_or_refused() -> None:
    """Maps of 8: 128 pixels halved four times, 64 three times, 32 twice. The numbers tell nothing else."""

    def network(norm: bool) -> nn.Module:
        features = nn.Sequential(*list(nested(norm=norm).children())[:-1])
        return settled(TwoParts(features, nn.Sequential(nn.Linear(8 * 64, COUNT))))

    truth = network(norm=True)
    found = read(dict(truth.state_dict()))
    assert found.questions["pools"] == ("4", "3", "2")
    assert found.strict == {"pools"}
    assert found.reread is not None
    sizes = {pools: found.reread({"pools": pools}).size for pools in found.questions["pools"]}
    assert sizes == {"4": (128, 128), "3": (64, 64), "2": (32, 32)}
    with torch.no_grad():
        assert torch.equal(answers_of(dict(truth.state_dict()), IMAGES, {"pools": "2"}), truth(IMAGES))
    line = refusal(dict(network(norm=False).state_dict()))
    assert "128 x 128 pixels with 4, 64 x 64 pixels with 3, 32 x 32 pixels with 2" in line


def test_attributes_without_padding_are_settled_by_the_size_of_the_head() -> None:
    """5x5 maps: 32 less 4, halved, less 4, halved; no other usual size gives them."""
    tensors = lenet(5)
    network = read(tensors)
    assert network.size == (32, 32)
    assert {"note.separate", "note.no_padding"} <= set(dict(network.notes))
    relu, pool = nn.functional.relu, nn.functional.max_pool2d
    maps = IMAGES
    for name in ("conv1", "conv2"):
        maps = pool(relu(nn.functional.conv2d(maps, tensors[f"{name}.weight"], tensors[f"{name}.bias"])), 2)
    hidden = relu(nn.functional.linear(maps.flatten(1), tensors["fc1.weight"], tensors["fc1.bias"]))
    assert torch.equal(
        answers_of(tensors, IMAGES), nn.functional.linear(hidden, tensors["fc2.weight"], tensors["fc2.bias"])
    )


def test_attributes_with_padding_keep_it() -> None:
    network = read(lenet(8))
    assert network.size == (32, 32)
    assert "note.no_padding" not in dict(network.notes)


def test_attributes_are_put_in_the_order_of_their_numbers() -> None:
    tensors = lenet(5)
    swapped = {key: tensors[key] for key in sorted(tensors, key=lambda key: key.startswith("conv1"))}
    assert torch.equal(answers_of(swapped, IMAGES), answers_of(tensors, IMAGES))


def test_batch_norms_that_are_attributes_stand_behind_the_convolution_of_their_number() -> None:
    layers = {
        "conv1": nn.Conv2d(3, 4, 3),
        "conv2": nn.Conv2d(4, 4, 3),
        "bn1": nn.BatchNorm2d(4),
        "bn2": nn.BatchNorm2d(4),
    }
    made = nn.ModuleDict({**layers, "fc": nn.Linear(4 * 64, COUNT)})
    names = [name for name, _ in read(dict(made.state_dict())).module.named_children()]
    assert names == [
        "conv1", "bn1", "bn1_activation", "bn1_pool", "conv2", "bn2", "bn2_activation", "bn2_last_pool", "fc",
    ]  # fmt: skip
    del made["bn2"]
    made["bn7"] = nn.BatchNorm2d(4)
    assert "bn7" in refusal(dict(made.state_dict()))


@pytest.mark.parametrize("kernel", [1, 5, 7])
def test_larger_kernels_keep_the_size_where_a_usual_one_fits(kernel: int, tmp_path: Path) -> None:
    features = nn.Sequential(nn.Conv2d(3, 4, kernel, padding=kernel // 2), nn.ReLU(), nn.MaxPool2d(2))
    truth = settled(TwoParts(features, nn.Sequential(nn.Linear(4 * 256, COUNT))))
    network = inferred(truth, tmp_path)
    assert network.size == (32, 32)
    with torch.no_grad():
        assert torch.equal(network.module.eval()(IMAGES), truth(IMAGES))


def test_padding_that_the_head_leaves_open_is_asked() -> None:
    """Maps of 14: 28 pixels halved, which nobody uses, or 32 less 4. Of averaged maps no size tells."""
    network = read(of(cnn=[(0, nn.Conv2d(3, 4, 5)), (1, nn.BatchNorm2d(4))], fc=[(0, nn.Linear(4 * 14 * 14, 5))]))
    assert network.size == (32, 32)
    averaged = read(of(cnn=[(0, nn.Conv2d(3, 4, 5)), (1, nn.BatchNorm2d(4))], fc=[(0, nn.Linear(4, 5))]))
    assert averaged.questions["padding"] == ("same", "none")


def test_a_bare_linear_head_and_a_whole_sequential() -> None:
    truth = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(4 * 256, COUNT),
    )  # fmt: skip
    settled(truth)
    whole = dict(truth.state_dict())
    bare = {f"body.{key}" if not key.startswith("5") else key.replace("5", "out"): t for key, t in whole.items()}
    with torch.no_grad():
        wanted = truth(IMAGES)
    for tensors in (whole, bare):
        assert read(tensors).size == (32, 32)
        assert torch.equal(answers_of(tensors, IMAGES), wanted)
    averaged = nn.Sequential(
        *list(truth.children())[:3], nn.AdaptiveAvgPool2d(1), nn.Flatten(), settled(nn.Linear(4, COUNT))
    )
    with torch.no_grad():
        assert torch.equal(answers_of(dict(averaged.state_dict()), IMAGES), averaged(IMAGES))


def test_strides_are_read_where_no_pool_can_stand_and_nothing_else_fits() -> None:
    layers: list[tuple[int, nn.Module]] = [(0, nn.Conv2d(3, 4, 3)), (2, nn.Conv2d(4, 4, 3)), (4, nn.Conv2d(4, 4, 3))]
    network = read(of(cnn=layers, fc=[(0, nn.Linear(4 * 8 * 8, 5))]))
    assert network.size == (64, 64)
    assert "note.strides" in dict(network.notes)
