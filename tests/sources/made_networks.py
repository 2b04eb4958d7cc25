"""Small networks of the course's family, built in many ways, as students write them."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

COUNT = 5  # classes


class TwoParts(nn.Module):
    """A convolutional Sequential and a linear one, under any two names, registered in any order."""

    def __init__(
        self,
        features: nn.Sequential,
        linears: nn.Sequential,
        names: tuple[str, str] = ("cnn", "fc"),
        swap: bool = False,
    ) -> None:
        super().__init__()
        self.names = names
        parts = [(names[0], features), (names[1], linears)]
        for name, part in reversed(parts) if swap else parts:
            self.add_module(name, part)

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.get_submodule(self.names[0])(images)
        logits: Tensor = self.get_submodule(self.names[1])(features.flatten(1))
        return logits


def stages(
    widths: Sequence[Sequence[int]], norm: bool = True, dropout: bool = False, last_pool: bool = True, bias: bool = True
) -> nn.Sequential:
    """Stages of 3x3 convolutions, each closed by a pool; widths: one tuple for each stage."""
    layers: list[nn.Module] = []
    before = 3
    for place, stage in enumerate(widths):
        for width in stage:
            layers.append(nn.Conv2d(before, width, 3, padding=1, bias=bias))
            layers += [nn.BatchNorm2d(width)] if norm else []
            layers.append(nn.ReLU())
            before = width
        if last_pool or place < len(widths) - 1:
            layers.append(nn.MaxPool2d(2))
            layers += [nn.Dropout(0.5)] if dropout else []
    return nn.Sequential(*layers)


def head(taken: int, hidden: int = 7) -> nn.Sequential:
    return nn.Sequential(nn.Linear(taken, hidden), nn.ReLU(), nn.Dropout(0.3), nn.Linear(hidden, COUNT))


def settled(network: nn.Module, seed: int = 3) -> nn.Module:
    """The network in evaluation mode, with weights and statistics that no layer can hide: none of them is 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    for key, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            noise = torch.rand(tensor.shape, generator=generator)
            tensor.copy_(noise + 0.5 if key.endswith("running_var") else (noise - 0.5) * 0.6)
    return network.eval()


def saved(content: object, path: Path, legacy: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def ignored(line: str) -> None:
    """For where no code is run, and so nothing announced."""
    raise AssertionError(line)
