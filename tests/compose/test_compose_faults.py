"""Networks with one planted fault each, and exactly the warnings that page one gives.

All are made from the network that ships, on the scenes that ship, through the whole path from a file to the page.
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from reading import WORDS, written
from torch import Tensor, nn
from trained_networks import PIPELINES, SIDE, crops, shipped, trained

from reportgen.contracts import Silent
from reportgen.document import Paragraph
from reportgen.errors import InputRefused
from reportgen.loading import opened_classifier
from reportgen.options import BuildOptions
from reportgen.pipeline import explain_model
from reportgen.resources import example_dir
from reportgen.results import Run

# The objects of the scenes are the only colourful things on them, in any colour.
COLOUR = {"pattern.grey", "pattern.grey_any"}
Tensors = dict[str, Tensor]


def reported(
    tmp_path: Path,
    spoil: Callable[[Tensors], None] | None = None,
    file: str = "honest.pth",
    module: nn.Module | None = None,
    **given: Any,  # noqa: ANN401 - fields of BuildOptions
) -> Run:
    """A run over the shipped scenes by a file whose weights are spoilt, or by a network from Python."""
    checkpoint: dict[str, Any] = torch.load(example_dir() / file, weights_only=True)
    if spoil:
        spoil(checkpoint["model_state_dict"])
    path = tmp_path / "spoilt.pth"
    torch.save(checkpoint, path)
    settings: dict[str, Any] = {
        "images": (example_dir() / "scenes",), "methods": ("saliency", "filters", "lime"), "lime_samples": 64,
        "filter_steps": 1, "filters_top": 2, "self_test": False,
    }  # fmt: skip
    return explain_model(BuildOptions(model=path, **settings | given), module, Silent())


@cache
def patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Every sentence as a pattern, the most words first."""
    listed = [(key, re.sub(r"\\\{\w+\\\}", ".*", re.escape(text))) for key, text in WORDS.sentences.items()]
    return [(key, re.compile(text, re.DOTALL)) for key, text in sorted(listed, key=lambda each: -len(each[1]))]


def warnings(run: Run) -> set[str]:
    """The keys of the warnings on page one."""
    return {
        next(key for key, pattern in patterns() if pattern.fullmatch(sentence.text)).removesuffix("_all")
        for block in written(run).sections[0].blocks
        if isinstance(block, Paragraph) and block.tone == "warning"
        for sentence in block.sentences
    }


def dead_layer(tensors: Tensors) -> None:
    """The norm before the last ReLU lets nothing above 0."""
    tensors["cnn.17.weight"].zero_()
    tensors["cnn.17.bias"].fill_(-1)


def constant(tensors: Tensors) -> None:
    tensors["fc.3.weight"].zero_()


def shuffled_labels(tensors: Tensors) -> None:
    """Each class's outputs stand for another one."""
    for name in ("fc.3.weight", "fc.3.bias"):
        tensors[name].copy_(tensors[name].roll(2, dims=0))


def reinitialised(tensors: Tensors) -> None:
    torch.manual_seed(3)
    nn.init.kaiming_normal_(tensors["cnn.12.weight"])


class Dropping(nn.Module):
    """The network with a dropout that its evaluation mode does not switch off."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return torch.as_tensor(self.network(nn.functional.dropout(images, 0.1, training=True)))


FAULTS: dict[str, tuple[Callable[[Tensors], None] | None, set[str]]] = {
    "nothing": (None, COLOUR),
    "dead layer": (dead_layer, {"summary.empty", "pattern.silent_layer", "pattern.one_answer", "pattern.chance"}),
    "constant output": (constant, {"summary.empty", "pattern.one_answer", "pattern.chance"}),
    "shuffled labels": (shuffled_labels, {*COLOUR, "pattern.chance", "pattern.renamed"}),
    "one stage anew": (reinitialised, {"pattern.chance", "trust.disagree"}),
}


@pytest.mark.parametrize(("spoil", "told"), FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_told_and_nothing_else(
    spoil: Callable[[Tensors], None] | None, told: set[str], tmp_path: Path
) -> None:
    assert warnings(reported(tmp_path, spoil)) == told


def test_a_shortcut_is_told_by_its_corner_and_its_class(tmp_path: Path) -> None:
    images = sorted((example_dir() / "marked" / "star").iterdir())
    run = reported(tmp_path, file="shortcut.pth", images=tuple(images))
    assert warnings(run) == {"summary.same_place", "pattern.place_class", "trust.disagree"}


def test_dropout_that_is_never_off_is_told(tmp_path: Path) -> None:

    with opened_classifier(BuildOptions(model=example_dir() / "honest.pth"), None, Silent()) as classifier:
        run = reported(tmp_path, module=Dropping(classifier.module))
    assert warnings(run) >= {"note.unsteady"}
    assert not warnings(run) & {"pattern.chance", "pattern.one_answer", "pattern.silent_layer"}


def test_channels_in_the_wrong_order_are_told(tmp_path: Path) -> None:
    """By a network that tells photographs apart by their colours, on pieces of them that it was not trained on."""
    pixels, labels = crops(2, 20)
    for n, (piece, label) in enumerate(zip(pixels, labels, strict=True)):
        folder = tmp_path / "pieces" / f"class {label}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(piece).save(folder / f"{n}.png")
    names = tmp_path / "names.txt"
    names.write_text("".join(f"class {n}\n" for n in range(len(shipped()))), encoding="utf-8")
    given: dict[str, Any] = {
        "images": (tmp_path / "pieces",),
        "classes": names,
        "size": (SIDE, SIDE),
        "methods": ("saliency",),
    }
    module = trained(PIPELINES["bgr unit"])
    assert "pattern.swapped" not in warnings(reported(tmp_path, module=module, channel_order="bgr", **given))
    told = warnings(reported(tmp_path, module=module, channel_order="rgb", **given))
    assert {"pattern.swapped", "note.fed_opposed"} <= told


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    def spoil(tensors: Tensors) -> None:
        tensors["cnn.12.weight"][0, 0, 0, 0] = float("nan")

    with pytest.raises(InputRefused) as caught:
        reported(tmp_path, spoil)
    assert caught.value.exit_code == 3
