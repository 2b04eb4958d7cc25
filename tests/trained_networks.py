"""Small networks trained here and now under a known pipeline, on crops of the photographs that the program ships."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from reportgen.preprocessing import IMAGENET, in_units
from reportgen.resources import example_dir
from reportgen.results import InputCandidate

SIDE = 48
UNIT: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
HALF: tuple[tuple[float, ...], tuple[float, ...]] = ((0.5,), (0.5,))
PIPELINES = {
    f"{order} {name}": InputCandidate(order, name, *numbers)
    for order in ("rgb", "bgr")
    for name, numbers in (("unit", UNIT), ("imagenet", IMAGENET), ("half", HALF))
}


def shipped() -> tuple[Path, ...]:
    return tuple(sorted((example_dir() / "photographs").iterdir()))


@cache
def crops(seed: int, count: int) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    """(N, SIDE, SIDE, 3) pieces of the photographs, and which photograph each is from."""
    rng = np.random.default_rng(seed)
    photographs = [Image.open(path).convert("RGB") for path in shipped()]
    labels = tuple(int(n) % len(photographs) for n in range(count))
    made = []
    for label in labels:
        image = photographs[label]
        side = int(rng.integers(min(image.size) // 2, min(image.size) + 1))
        left, top = int(rng.integers(image.width - side + 1)), int(rng.integers(image.height - side + 1))
        made.append(np.asarray(image.resize((SIDE, SIDE), box=(left, top, left + side, top + side))))
    return np.stack(made), labels


def as_images(pixels: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> Tensor:
    return torch.tensor(np.stack(list(pixels))).permute(0, 3, 1, 2).float() / 255


def trained(pipeline: InputCandidate, activation: type[nn.Module] = nn.ReLU, norm: bool = True) -> nn.Sequential:
    """A network that tells the photographs apart after fifty steps under the pipeline, in evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        layers: list[nn.Module] = []
        before = 3
        for width in (8, 12, 16):
            layers += [nn.Conv2d(before, width, 3, padding=1), *([nn.BatchNorm2d(width)] if norm else [])]
            layers += [activation(), nn.MaxPool2d(2)]
            before = width
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, len(shipped()))]
        network = nn.Sequential(*layers)
        pixels, labels = crops(1, 256)
        images, classes = in_units(as_images(pixels), pipeline), torch.tensor(labels)
        optimiser = torch.optim.Adam(network.parameters(), 5e-3)
        for step in range(50):
            part = torch.arange(step * 32, step * 32 + 32) % len(images)
            optimiser.zero_grad()
            torch.autograd.backward(cross_entropy(network(images[part]), classes[part]))
            optimiser.step()
    return network.eval().requires_grad_(False)
