"""Networks of libraries from checkpoint to report, all three tasks: as the library feeds them, and the page says so.

timm and torchvision often cannot be imported beside a CPU build of torch, so a stand-in gives what the sources ask of
them, around a real network. Where the real library is there it is used too.
"""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from reportgen.__main__ import run
from reportgen.example import SCENES

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
SMALL = (
    "--images", str(SCENES), "--limit", "2", "--lime-samples", "20", "--lime-segments", "12", "--filter-steps", "2",
    "--filters-top", "1", "--format", "html,json", "--quiet", "--device", "cpu",
)  # fmt: skip


class Block(nn.Module):
    """A residual block, as in every zoo: its sum is what no reading of the weights finds."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(maps)))))
        out: Tensor = self.relu(inner + maps)
        return out


class TinyResNet(nn.Module):
    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.conv1, self.layer1 = nn.Conv2d(3, 8, 3, 2, 1), Block(8)
        self.fc = nn.Linear(8, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.layer1(self.conv1(images)).mean((2, 3)))
        return logits


def create(name: str, pretrained: bool = False, weights: object = None, **more: Any) -> TinyResNet:  # noqa: ANN401
    assert name == "tiny"
    assert not pretrained
    assert weights is None
    network = TinyResNet(**more)
    network.pretrained_cfg = {  # type: ignore[assignment] # timm hangs it on the module
        "input_size": (3, 64, 64), "mean": MEAN, "std": STD, "crop_pct": 0.875, "crop_mode": "center",
    }  # fmt: skip
    return network


def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """timm.create_model with its pretrained_cfg; torchvision's get_model and the transforms of its weights."""
    timm, vision = ModuleType("timm"), ModuleType("torchvision")
    timm.create_model = create  # type: ignore[attr-defined] # a stand-in
    told = SimpleNamespace(crop_size=[64], resize_size=[72], mean=list(MEAN), std=list(STD))
    weights = SimpleNamespace(DEFAULT=SimpleNamespace(transforms=lambda: told))
    models = SimpleNamespace(
        get_model=create, get_model_weights=lambda _: weights, list_models=lambda module: ["tiny"] if module else []
    )
    vision.models = models  # type: ignore[attr-defined] # a stand-in
    monkeypatch.setitem(sys.modules, "timm", timm)
    monkeypatch.setitem(sys.modules, "torchvision", vision)


def imported(name: str) -> Any:  # noqa: ANN401 - a module
    """The real library, or a skip that names it: torchvision fails late where torch is another build."""
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError, OSError, AttributeError) as err:
        pytest.skip(f"{name} cannot be imported here: {type(err).__name__}")


def settled(network: Any, seed: int = 3) -> Any:  # noqa: ANN401 - any module
    """Weights from a generator of their own, so that no test depends on another."""
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(0.2 * torch.randn(parameter.shape, generator=chance))
    return network.eval()


def reported(
    out: Path, *given: str, methods: str = "saliency,integrated_gradients,gradcam,lime", untrained: bool = False
) -> dict[str, Any]:
    """The facts of a report in which everything asked for is there."""
    asked = f"{methods},filters" if "gradcam" in methods else methods
    assert run(["build", *given, *SMALL, "--methods", asked, "--out", str(out)]) == 0
    facts: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert len(facts["images"]) == 2
    for image in facts["images"]:
        assert {one["method"] for one in image["explanations"]} == set(methods.split(","))
        # A real network with random weights may answer alike to all: then there is nothing to draw.
        assert {one["status"] for one in image["explanations"]} <= ({"ok", "degenerate"} if untrained else {"ok"})
    return facts


def answers(network: Any, size: int, crop: float, facts: dict[str, Any]) -> list[int]:  # noqa: ANN401 - any module
    """What the network itself says of the report's photographs, fed here by hand."""
    from PIL import Image

    found = []
    for image in facts["images"]:
        with Image.open(SCENES / image["file"]) as opened:
            photograph = opened.convert("RGB")
        side, whole = min(photograph.size) * crop, photograph.size
        box = ((whole[0] - side) / 2, (whole[1] - side) / 2, (whole[0] + side) / 2, (whole[1] + side) / 2)
        photograph = photograph.resize((size, size), Image.Resampling.BILINEAR, box=box)
        pixels = torch.tensor(list(photograph.tobytes()), dtype=torch.float32).view(size, size, 3) / 255
        fed = ((pixels - torch.tensor(MEAN)) / torch.tensor(STD)).permute(2, 0, 1)[None]
        with torch.no_grad():
            found.append(int(network(fed).argmax()))
    return found


@pytest.mark.parametrize(("library", "crop"), [("timm", 0.875), ("torchvision", 64 / 72)])
def test_a_network_of_a_zoo_is_explained_as_its_zoo_feeds_it(
    library: str, crop: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_ins(monkeypatch)
    network = settled(TinyResNet(5))
    torch.save(network.state_dict(), tmp_path / "a.pth")
    facts = reported(tmp_path / "r", "--model", str(tmp_path / "a.pth"), "--arch", f"{library}:tiny")
    model = facts["model"]
    assert (model["architecture"], len(model["classes"])) == (f"{library} tiny", 5)
    assert (model["input"]["size"], model["input"]["resize"]) == ([64, 64], "crop")
    assert model["input"]["crop"] == pytest.approx(crop)
    assert (model["input"]["mean"], model["input"]["std"]) == (list(MEAN), list(STD))
    assert set(model["input"]["chosen_by"].values()) == {"config"}
    assert [image["prediction"]["index"] for image in facts["images"]] == answers(network, 64, crop, facts)
    layers = {study["layer"] for study in facts["filters"]}
    assert layers
    assert layers <= {layer["name"] for layer in model["layers"]}
    assert {study["status"] for study in facts["filters"]} <= {"ok", "degenerate"}
    assert "64 × 64 pixels" in (tmp_path / "r" / "report.html").read_text(encoding="utf-8")


def test_a_real_network_of_torchvision(tmp_path: Path) -> None:
    models = imported("torchvision").models
    torch.manual_seed(3)
    network = models.get_model("mobilenet_v3_small", weights=None, num_classes=3)
    torch.save(network.state_dict(), tmp_path / "a.pth")
    facts = reported(
        tmp_path / "r", "--model", str(tmp_path / "a.pth"), "--arch", "torchvision:mobilenet_v3_small", untrained=True
    )
    assert facts["model"]["input"]["size"] == [224, 224]
    assert set(facts["model"]["input"]["chosen_by"].values()) == {"config"}


def test_a_real_network_of_timm(tmp_path: Path) -> None:
    timm = imported("timm")
    torch.save(settled(timm.create_model("resnet10t", num_classes=3)).state_dict(), tmp_path / "a.pth")
    facts = reported(tmp_path / "r", "--model", str(tmp_path / "a.pth"), "--arch", "timm:resnet10t", untrained=True)
    assert set(facts["model"]["input"]["chosen_by"].values()) == {"config"}


PROCESSOR = {
    "do_normalize": True, "image_mean": list(MEAN), "image_std": list(STD), "do_resize": True,
    "size": {"height": 32, "width": 32},
}  # fmt: skip


def saved_folder(folder: Path, kind: str, **more: Any) -> Any:  # noqa: ANN401 - fields of a configuration
    """A tiny network with random weights, as transformers saves it."""
    library = imported("transformers")
    labels = {"id2label": {0: "cat", 1: "dog", 2: "cow"}, "label2id": {"cat": 0, "dog": 1, "cow": 2}, **more}
    if kind == "vit":
        config = library.ViTConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32,
            patch_size=8, **labels,
        )  # fmt: skip
        network = library.ViTForImageClassification(config)
    else:
        config = library.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", **labels
        )
        network = library.ResNetForImageClassification(config)
    settled(network).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return network


@pytest.mark.parametrize("kind", ["resnet", "vit"])
def test_a_folder_of_transformers(kind: str, tmp_path: Path) -> None:
    saved_folder(tmp_path / kind, kind)
    facts = reported(tmp_path / "r", "--model", str(tmp_path / kind), untrained=True)
    model = facts["model"]
    assert model["classes"] == ["cat", "dog", "cow"]
    assert (model["input"]["size"], model["input"]["mean"]) == ([32, 32], list(MEAN))
    assert set(model["input"]["chosen_by"].values()) == {"config"}
    assert model["head"] == {"kind": "softmax", "ends": "logits", "chosen_by": "default"}
    layers = {study["layer"].rpartition(".")[2] for study in facts["filters"]}
    assert layers
    assert kind == "resnet" or layers == {"projection"}  # the patches are cut by a convolution; tokens are no maps


def test_a_folder_of_transformers_whose_labels_are_not_exclusive(tmp_path: Path) -> None:
    saved_folder(tmp_path / "m", "resnet", problem_type="multi_label_classification")
    facts = reported(tmp_path / "r", "--model", str(tmp_path / "m"), methods="saliency,lime", untrained=True)
    assert facts["model"]["head"] == {"kind": "sigmoid", "ends": "logits", "chosen_by": "config"}
    assert "multi-label" in (tmp_path / "r" / "report.html").read_text(encoding="utf-8")


class Wrapped(nn.Module):
    """As transformers answers: an object with logits."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.resnet = TinyResNet(classes)

    def forward(self, pixel_values: Tensor) -> Any:  # noqa: ANN401 - as transformers' ModelOutput
        return SimpleNamespace(logits=self.resnet(pixel_values))


@pytest.mark.parametrize("problem", [None, "multi_label_classification", "single_label_classification"])
def test_a_folder_of_transformers_where_it_cannot_be_imported(
    problem: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = settled(Wrapped(3))
    config = SimpleNamespace(id2label={0: "cat", 1: "dog", 2: "cow"}, image_size=32, problem_type=problem)
    library = ModuleType("transformers")
    library.AutoConfig = SimpleNamespace(from_pretrained=lambda *_, **__: config)  # type: ignore[attr-defined] # a stand-in
    made = SimpleNamespace(from_config=lambda *_, **__: Wrapped(3))
    library.AutoModelForImageClassification = made  # type: ignore[attr-defined] # a stand-in
    monkeypatch.setitem(sys.modules, "transformers", library)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    save_file(network.state_dict(), folder / "model.safetensors")
    facts = reported(tmp_path / "r", "--model", str(folder))
    multi = problem == "multi_label_classification"
    assert (facts["model"]["head"]["kind"], facts["model"]["head"]["chosen_by"]) == (
        ("sigmoid", "config") if multi else ("softmax", "default")
    )
    total = sum(top["probability"] for top in facts["images"][0]["prediction"]["top"])
    assert (total == pytest.approx(1)) == (not multi)
    assert set(facts["model"]["input"]["chosen_by"].values()) == {"config"}
