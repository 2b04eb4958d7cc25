"""Networks that differ from honest.pth in a known way, as checkpoints."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reportgen.example import HONEST

CONVOLUTIONS = (0, 4, 8, 12, 16)  # of cnn.N; the batch-norm of each is the layer behind it
STORED = ("weight", "bias", "running_mean", "running_var")


def _content() -> dict[str, Any]:
    content: dict[str, Any] = torch.load(HONEST, weights_only=True)
    return content


def _saved(path: Path, weights: dict[str, Tensor]) -> Path:
    torch.save({**_content(), "model_state_dict": weights}, path)
    return path


def permuted(path: Path) -> Path:
    """The same function with the channels of every layer in another order."""
    weights = dict(_content()["model_state_dict"])
    chance = torch.Generator().manual_seed(0)
    for place, number in enumerate(CONVOLUTIONS):
        channels = len(weights[f"cnn.{number}.bias"])
        order = torch.randperm(channels, generator=chance)
        own = [f"cnn.{number}.{name}" for name in ("weight", "bias")]
        for key in (*own, *(f"cnn.{number + 1}.{name}" for name in STORED)):
            weights[key] = weights[key][order]
        if place + 1 < len(CONVOLUTIONS):
            key = f"cnn.{CONVOLUTIONS[place + 1]}.weight"
            weights[key] = weights[key][:, order]
        else:
            rows = weights["fc.0.weight"]
            weights["fc.0.weight"] = rows.reshape(len(rows), channels, -1)[:, order].reshape(rows.shape)
    order = torch.randperm(len(weights["fc.0.bias"]), generator=chance)
    weights |= {key: weights[key][order] for key in ("fc.0.weight", "fc.0.bias")}
    weights["fc.3.weight"] = weights["fc.3.weight"][:, order]
    return _saved(path, weights)


def forgetful(path: Path) -> Path:
    """The last layer as before any training."""
    weights = dict(_content()["model_state_dict"])
    last = torch.empty_like(weights["fc.3.weight"])
    bound = last.shape[1] ** -0.5
    last.uniform_(-bound, bound, generator=torch.Generator().manual_seed(0))
    return _saved(path, weights | {"fc.3.weight": last, "fc.3.bias": torch.zeros_like(weights["fc.3.bias"])})


def nudged(path: Path, key: str, by: float) -> Path:
    """One weight changed."""
    weights = {name: tensor.clone() for name, tensor in _content()["model_state_dict"].items()}
    weights[key].view(-1)[7] += by
    return _saved(path, weights)
