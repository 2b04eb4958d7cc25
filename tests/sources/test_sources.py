"""The whole way from a file and `--arch` to a network with its weights."""

import hashlib
from pathlib import Path

import pytest
import torch
from made_networks import TwoParts, head, ignored, saved, settled, stages
from safetensors.torch import save_file
from torch import nn

from reportgen import sources
from reportgen.contracts import Network, Weights
from reportgen.errors import ArchitectureError, CheckpointError
from reportgen.sources import food11

NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 3)
"""


def load(path: Path, arch: str | None = None) -> tuple[Weights, Network]:
    return sources.load(path, arch, ignored)


def refusal(path: Path, arch: str | None = None) -> str:
    with pytest.raises((ArchitectureError, CheckpointError)) as caught:
        load(path, arch)
    return caught.value.line()


def small() -> nn.Module:
    return settled(TwoParts(stages([[4], [6]]), head(384)))


def test_hash_and_name_are_those_of_the_file(tmp_path: Path) -> None:
    path = saved(small().state_dict(), tmp_path / "my net.pth")
    weights, _ = load(path)
    assert weights.file == "my net.pth"
    assert weights.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("arch", [None, "food11"])
def test_course_network_by_both_ways(arch: str | None, tmp_path: Path) -> None:
    truth = settled(food11.food11_network())
    _, network = load(saved({"model_state_dict": truth.state_dict(), "epoch": 1}, tmp_path / "a.pth"), arch)
    state = network.module.state_dict()
    assert all(torch.equal(state[key], tensor) for key, tensor in truth.state_dict().items())
    assert network.size == (128, 128)
    assert {layer.name: layer.kind for layer in network.layers}["cnn.15"] == "ReLU"
    assert len(network.layers) == 42
    assert len(network.classes) == (11 if arch else 0)


def test_network_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    lines: list[str] = []
    given = {"fc.weight": torch.ones(3, 2), "fc.bias": torch.zeros(3)}
    path = saved(given, tmp_path / "a.pth")
    _, network = sources.load(path, f"{tmp_path / 'net.py'}:Net", lines.append)
    assert network.module.state_dict()["fc.weight"].tolist() == [[1, 1]] * 3
    assert [(layer.name, layer.detail, layer.parameters) for layer in network.layers] == [("fc", "2 -> 3", 9)]
    assert len(lines) == 1


def test_weights_are_read_before_any_code_runs(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "net.py").write_text(f"from pathlib import Path\nPath({str(ran)!r}).touch()\n{NET}")
    path = saved(nn.Linear(2, 3), tmp_path / "a.pth")  # refused; code that ran before could have allowed it
    assert "E-CKPT-MODULE" in refusal(path, f"{tmp_path / 'net.py'}:Net")
    assert not ran.exists()


def test_mode_is_left_alone(tmp_path: Path) -> None:
    assert load(saved(small().state_dict(), tmp_path / "a.pth"))[1].module.training


UNKNOWN = {
    "fod11": "Did you mean food11?",
    "FOOD11": "Did you mean food11?",
    "net.py": "Name the class too: net.py:Class",
    "net.py:": "Name the class too: net.py:Class",
    "vit": "Give one of: food11, torchvision:NAME, timm:NAME, file.py:Class",
    "": "no architecture is called (nothing)",
    "x" * 500: "xxx...",
}


@pytest.mark.parametrize("arch", UNKNOWN)
def test_unknown_architecture_has_a_way_out(arch: str, tmp_path: Path) -> None:
    line = refusal(tmp_path / "never opened.pth", arch)
    assert line.startswith("error[E-ARCH-NAME] --arch: ")
    assert UNKNOWN[arch] in line
    assert len(line) < 250


def test_other_weights_than_the_architecture_wants(tmp_path: Path) -> None:
    line = refusal(saved(small().state_dict(), tmp_path / "a.pth"), "food11")
    assert "does not fit food11: 18 keys in the file, 81 in the network" in line


def test_only_one_source_is_meant_by_each_text() -> None:
    for arch in (None, "food11", "net.py:Net", "timm:resnet18", "torchvision:resnet18", "vit", ""):
        assert sum(source.accepts(arch) for source in sources.SOURCES) == (0 if arch in ("vit", "") else 1)


def test_the_attribute_of_a_wrapper_is_removed_where_the_rest_then_fits(tmp_path: Path) -> None:
    state = {f"model.{key}": tensor for key, tensor in small().state_dict().items()}
    path = saved({"state_dict": state, "pytorch-lightning_version": "2.5"}, tmp_path / "a.ckpt")
    weights, network = load(path)
    assert list(network.module.state_dict()) == [key.removeprefix("model.") for key in state]
    assert ("note.prefix", {"prefix": "model."}) in weights.notes
    assert "E-ARCH-MISMATCH" in refusal(path, "food11")


def test_what_lies_beside_the_network_is_left_aside_and_told(tmp_path: Path) -> None:
    """A loss's weights, a metric's counts, the number of an average's updates; torch.compile inside the wrapper."""
    state = {f"model._orig_mod.{key}": tensor for key, tensor in small().state_dict().items()}
    path = saved({"state_dict": {**state, "criterion.weight": torch.ones(3), "n": torch.ones(())}}, tmp_path / "a.ckpt")
    weights, network = load(path)
    assert list(network.module.state_dict()) == [key.removeprefix("model._orig_mod.") for key in state]
    assert [dict(facts)["prefix"] for key, facts in weights.notes if key == "note.prefix"] == ["_orig_mod.", "model."]
    assert ("note.left_aside", {"names": "criterion.weight, n", "count": 2}) in weights.notes


def test_where_only_parts_were_compiled_their_mark_is_removed(tmp_path: Path) -> None:
    state = small().state_dict()
    marked = {key.replace("cnn.", "cnn._orig_mod."): tensor for key, tensor in state.items()}
    weights, _ = load(saved(marked, tmp_path / "a.pth"))
    assert list(weights.tensors) == list(state)
    assert ("note.prefix", {"prefix": "_orig_mod."}) in weights.notes


def test_two_sets_that_both_fit_are_named(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    own = {"fc.weight": torch.ones(3, 2), "fc.bias": torch.zeros(3)}
    twins = {f"{part}.{key}": tensor for part in ("student", "teacher") for key, tensor in own.items()}
    path, arch = saved(twins, tmp_path / "a.pth"), f"{tmp_path / 'net.py'}:Net"
    lines: list[str] = []
    with pytest.raises(CheckpointError, match=r"student, teacher.*--state-key student"):
        sources.load(path, arch, lines.append)
    assert list(sources.load(path, arch, lines.append, "teacher")[0].tensors) == list(own)
    with pytest.raises(ArchitectureError):  # read off the weights, either could be another network's
        load(path)


def test_a_prefix_that_belongs_to_the_network_stays(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        NET.replace("self.fc = nn.Linear(2, 3)", "self.fc = nn.Sequential(nn.Linear(2, 3))")
    )
    path = saved({"fc.0.weight": torch.ones(3, 2), "fc.0.bias": torch.zeros(3)}, tmp_path / "a.pth")
    lines: list[str] = []
    weights, _ = sources.load(path, f"{tmp_path / 'net.py'}:Net", lines.append)
    assert list(weights.tensors) == ["fc.0.weight", "fc.0.bias"]
    assert len(lines) == 1


def test_code_runs_once_where_a_prefix_is_removed(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    path = saved({"net.fc.weight": torch.ones(3, 2), "net.fc.bias": torch.zeros(3)}, tmp_path / "a.pth")
    lines: list[str] = []
    weights, _ = sources.load(path, f"{tmp_path / 'net.py'}:Net", lines.append)
    assert list(weights.tensors) == ["fc.weight", "fc.bias"]
    assert len(lines) == 1


def test_safetensors_are_known_by_content(tmp_path: Path) -> None:
    state = {key: tensor.contiguous() for key, tensor in small().state_dict().items()}
    save_file(state, tmp_path / "a.pth")
    weights, network = load(tmp_path / "a.pth")
    assert all(torch.equal(network.module.state_dict()[key], tensor) for key, tensor in state.items())
    assert ("note.no_checksum", {}) in weights.notes


def test_one_of_several_sets_can_be_asked_for(tmp_path: Path) -> None:
    other = {key: tensor + 1 for key, tensor in small().state_dict().items()}
    path = saved({"generator": small().state_dict(), "discriminator": other}, tmp_path / "a.pth")
    assert "--state-key generator" in refusal(path)
    weights, _ = sources.load(path, None, ignored, "discriminator")
    assert torch.equal(weights.tensors["fc.0.bias"], other["fc.0.bias"])
