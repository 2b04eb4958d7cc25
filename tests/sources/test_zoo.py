"""Networks of libraries: with stand-ins, for the libraries need not be there; without them, a clear way out."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from made_networks import ignored, saved
from safetensors.torch import save_file
from torch import Tensor, nn

from reportgen import sources
from reportgen.contracts import InputRecipe, Network
from reportgen.errors import ArchitectureError, CheckpointError
from reportgen.sources import hf_folder


class Net(nn.Module):
    """Convolution and head, as small as may be."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)
        self.fc = nn.Linear(2, num_classes) if num_classes else nn.Identity()
        self.pretrained_cfg = {
            "input_size": (3, 96, 96), "mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6), "crop_pct": 0.9,
            "crop_mode": "center",
        }  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.conv(images).mean((2, 3)))
        return logits


def create(name: str, pretrained: bool | None = None, weights: object = None, **more: int) -> Net:
    assert not pretrained
    assert weights is None
    if name == "features":  # as timm has DINOv2's: without a head unless one is asked for
        return Net(**{"num_classes": 0, **more})
    if name == "positions":
        return Positions(**more)
    if name != "net":
        raise RuntimeError(f"Unknown model ({name})")
    print("advice of a library")
    return Net(**more)


class Positions(Net):
    """With an embedding of the place of each patch of 16 x 16 pixels and of one token more, as a transformer has it."""

    def __init__(self, num_classes: int = 10, img_size: int = 96) -> None:
        super().__init__(num_classes)
        self.pos_embed = nn.Parameter(torch.zeros(1, (img_size // 16) ** 2 + 1, 4))


def known_weights(name: str) -> Any:  # noqa: ANN401 - as torchvision's
    told = SimpleNamespace(crop_size=[96], resize_size=[120], mean=[0.1, 0.2, 0.3], std=[0.4, 0.5, 0.6])
    return SimpleNamespace(DEFAULT=SimpleNamespace(transforms=lambda: told if name == "net" else None))


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    timm, vision = ModuleType("timm"), ModuleType("torchvision")
    timm.create_model = create  # type: ignore[attr-defined] # a stand-in
    models = SimpleNamespace(
        get_model=create, get_model_weights=known_weights, list_models=lambda module: ["net"] if module else []
    )
    vision.models = models  # type: ignore[attr-defined] # a stand-in
    monkeypatch.setitem(sys.modules, "timm", timm)
    monkeypatch.setitem(sys.modules, "torchvision", vision)


def load(arch: str | None, path: Path) -> Network:
    return sources.load(path, arch, ignored)[1]


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize(("library", "crop"), [("timm", 0.9), ("torchvision", 0.8)])
@pytest.mark.parametrize("classes", [10, 3])
def test_a_network_by_name_with_its_head_and_its_input(
    library: str, crop: float, classes: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = Net(classes)
    network = load(f"{library}:net", saved(truth.state_dict(), tmp_path / "a.pth"))
    assert torch.equal(network.module.state_dict()["fc.weight"], truth.state_dict()["fc.weight"])
    assert network.architecture == f"{library} net"
    assert network.recipe == InputRecipe("config", (96, 96), "rgb", (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), "crop", crop)
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_the_head_fits_the_weights_within_a_wrapper_too(library: str, tmp_path: Path) -> None:
    """As a checkpoint of Lightning has them."""
    truth = Net(3)
    state = {f"model.{key}": tensor for key, tensor in truth.state_dict().items()}
    network = load(f"{library}:net", saved({"state_dict": state}, tmp_path / "a.ckpt"))
    assert torch.equal(network.module.state_dict()["fc.weight"], truth.state_dict()["fc.weight"])


@pytest.mark.usefixtures("libraries")
def test_a_network_made_for_its_features_gets_the_head_that_the_weights_have(tmp_path: Path) -> None:
    truth = Net(4)
    network = load("timm:features", saved(truth.state_dict(), tmp_path / "a.pth"))
    assert torch.equal(network.module.state_dict()["fc.weight"], truth.state_dict()["fc.weight"])
    more = {**truth.state_dict(), "other.bias": torch.ones(5)}
    with pytest.raises(ArchitectureError, match=r"3 that the network does not have: fc\.weight, fc\.bias"):
        load("timm:features", saved(more, tmp_path / "b.pth"))


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("side", [96, 64, 192])
def test_a_transformer_trained_at_another_size_is_made_for_that(side: int, tmp_path: Path) -> None:
    truth = Positions(3, side)
    network = load("timm:positions", saved(truth.state_dict(), tmp_path / "a.pth"))
    assert network.module.state_dict()["pos_embed"].shape == truth.pos_embed.shape
    assert network.recipe is not None
    assert network.recipe.size == (side, side)


@pytest.mark.usefixtures("libraries")
def test_positions_that_are_no_grid_are_a_mismatch(tmp_path: Path) -> None:
    truth = Positions(3)
    truth.pos_embed = nn.Parameter(torch.zeros(1, 20, 4))
    with pytest.raises(ArchitectureError, match="1 of another shape: pos_embed"):
        load("timm:positions", saved(truth.state_dict(), tmp_path / "a.pth"))


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize(
    ("arch", "told"),
    [
        ("timm:nett", "it cannot be made: Unknown model"),
        ("timm:hf_hub:timm/net", "nothing is downloaded here"),
        ("torchvision:nett", "no image classifier of that name. Did you mean torchvision:net"),
        ("torchvision:fcn_resnet50", "no image classifier of that name. Check the name"),
    ],
)
def test_a_name_that_the_library_does_not_have(arch: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ArchitectureError) as caught:
        load(arch, saved(Net().state_dict(), tmp_path / "a.pth"))
    assert caught.value.line().startswith(f"error[E-ARCH-NAME] --arch {arch}: ")
    assert told in caught.value.line()


@pytest.mark.usefixtures("libraries")
def test_other_weights_are_a_mismatch(tmp_path: Path) -> None:
    with pytest.raises(ArchitectureError, match="does not fit timm net"):
        load("timm:net", saved({"other": torch.ones(1)}, tmp_path / "a.pth"))


@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_a_library_that_is_not_there_is_named_with_its_extra(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ArchitectureError) as caught:
        load(f"{library}:net", saved(Net().state_dict(), tmp_path / "a.pth"))
    assert caught.value.code == "E-ARCH-EXTRA"
    assert f"reportgen[{library}]" in caught.value.fix


class Config:
    """As transformers' own, as far as it matters."""

    image_size = 64

    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / "config.json").read_text())
        self.id2label = {int(key): name for key, name in told["id2label"].items()}
        self.pretrained_cfg = told.get("pretrained_cfg")


@pytest.fixture
def transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    def configured(folder: Path, local_files_only: bool, trust_remote_code: bool) -> Config:
        assert local_files_only
        assert not trust_remote_code
        return Config(folder)

    def network(config: Config, trust_remote_code: bool) -> Net:
        assert not trust_remote_code
        return Net(len(config.id2label))

    library = ModuleType("transformers")
    library.AutoConfig = SimpleNamespace(from_pretrained=configured)  # type: ignore[attr-defined] # a stand-in

    def pretrained(
        folder: None, config: Config, state_dict: dict[str, Tensor], local_files_only: bool, output_loading_info: bool
    ) -> tuple[Net, dict[str, list[str]]]:
        assert folder is None
        assert local_files_only
        assert output_loading_info
        net = Net(len(config.id2label))
        renamed = {key.removeprefix("old."): tensor for key, tensor in state_dict.items()}
        left = net.load_state_dict(renamed, strict=False)
        return net, {"missing_keys": left.missing_keys, "unexpected_keys": left.unexpected_keys}

    made = SimpleNamespace(from_config=network)
    monkeypatch.setattr(Net, "from_pretrained", staticmethod(pretrained), raising=False)
    library.AutoModelForImageClassification = made  # type: ignore[attr-defined] # a stand-in
    monkeypatch.setitem(sys.modules, "transformers", library)


def folder(path: Path, labels: dict[int, str], processor: object = None) -> Path:
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"id2label": labels}))
    save_file(Net(len(labels)).state_dict(), path / "model.safetensors")
    if processor is not None:
        (path / "preprocessor_config.json").write_text(json.dumps(processor))
    return path


@pytest.mark.usefixtures("transformers")
def test_a_folder_of_transformers(tmp_path: Path) -> None:
    told = {
        "do_normalize": True, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
        "size": {"height": 48, "width": 32},
    }  # fmt: skip
    path = folder(tmp_path / "vit", {0: "cat", 1: "dog"}, told)
    weights, network = sources.load(path, None, ignored)
    assert weights.file == "vit"
    assert network.classes == ("cat", "dog")
    assert network.recipe == InputRecipe("config", (48, 32), "rgb", (0.5,) * 3, (0.5,) * 3, "squash", 1.0)


PROCESSORS = {
    "shorter side": ({"size": {"shortest_edge": 64}, "image_mean": [0], "image_std": [1]}, (64, 64), "crop", 1.0),
    "crop": (
        {"size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": {"height": 224, "width": 224}},
        (224, 224), "crop", 1.0,
    ),
    "old": ({"size": 256, "do_center_crop": True, "crop_size": 224}, (224, 224), "squash", 0.875),
    "share": ({"size": 224, "crop_pct": 0.9}, (224, 224), "crop", 0.9),
    "nonsense": ({"size": "large", "image_mean": "x", "crop_pct": "most"}, (64, 64), "squash", 1.0),
    "share of nothing": ({"size": 224, "crop_pct": [0.9]}, (224, 224), "squash", 1.0),
}  # fmt: skip


@pytest.mark.usefixtures("transformers")
@pytest.mark.parametrize("name", PROCESSORS)
def test_how_a_folder_says_photographs_are_fed(name: str, tmp_path: Path) -> None:
    told, size, resize, crop = PROCESSORS[name]
    recipe = sources.load(folder(tmp_path / "a", {0: "a", 1: "b"}, told), None, ignored)[1].recipe
    assert recipe is not None
    assert (recipe.size, recipe.resize) == (size, resize)
    assert recipe.crop == pytest.approx(0.875 if name == "crop" else crop)


@pytest.mark.usefixtures("transformers")
def test_names_that_say_nothing_are_none(tmp_path: Path) -> None:
    path = folder(tmp_path / "a", {0: "LABEL_0", 1: "LABEL_1"})
    network = load(None, path)
    assert network.classes == ()
    assert network.recipe == InputRecipe("config", (64, 64))


@pytest.mark.usefixtures("transformers")
def test_weights_under_other_names_are_put_in_by_the_library(tmp_path: Path) -> None:
    path, truth = folder(tmp_path / "a", {0: "a", 1: "b"}), Net(2)
    stored = {f"old.{key}": tensor for key, tensor in truth.state_dict().items()}
    save_file(stored, path / "model.safetensors")
    network = load(None, path)
    assert torch.equal(network.module.state_dict()["conv.weight"], truth.conv.weight)
    assert [layer.name for layer in network.layers] == ["conv", "fc"]
    save_file({**stored, "old.more": torch.ones(1)}, path / "model.safetensors")
    with pytest.raises(ArchitectureError, match="1 unexpected keys: more"):
        load(None, path)


def test_a_folder_without_weights_says_what_to_do(tmp_path: Path) -> None:
    path = folder(tmp_path / "a", {0: "a", 1: "b"})
    (path / "model.safetensors").rename(path / "model.safetensors.index.json")
    with pytest.raises(CheckpointError, match="only parts of it"):
        load(None, path)
    assert not hf_folder.is_folder(tmp_path)


@pytest.mark.usefixtures("transformers")
def test_a_folder_from_before_safetensors_passes_the_same_gate(tmp_path: Path) -> None:
    path, truth = folder(tmp_path / "a", {0: "a", 1: "b"}), Net(2)
    (path / "model.safetensors").unlink()
    saved(truth.state_dict(), path / "pytorch_model.bin")
    assert torch.equal(load(None, path).module.state_dict()["conv.weight"], truth.conv.weight)
    saved(truth, path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="this is a whole model"):
        load(None, path)


@pytest.mark.usefixtures("transformers")
def test_a_folder_of_transformers_around_a_network_of_timm_is_fed_as_timm_does(tmp_path: Path) -> None:
    path = folder(tmp_path / "a", {0: "a", 1: "b"})
    told = json.loads((path / "config.json").read_text()) | {"pretrained_cfg": Net().pretrained_cfg}
    (path / "config.json").write_text(json.dumps(told))
    recipe = load(None, path).recipe
    assert recipe == InputRecipe("config", (96, 96), "rgb", (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), "crop", 0.9)


@pytest.mark.parametrize(
    ("lies_there", "told"),
    [
        ("checkpoint-5/config.json", "Give one of them: .*checkpoint-5"),
        ("adapter_config.json", "an adapter.*merge_and_unload"),
        ("model.safetensors", "no config.json that says of which network"),
        ("notes.txt", "Give the file inside it that holds the weights"),
    ],
)
def test_a_folder_that_is_none_of_transformers_says_what_to_do(lies_there: str, told: str, tmp_path: Path) -> None:
    (tmp_path / lies_there).parent.mkdir(exist_ok=True)
    (tmp_path / lies_there).write_text("{}")
    with pytest.raises(CheckpointError, match=told) as caught:
        load(None, tmp_path)
    assert caught.value.code == "E-CKPT-FILE"
