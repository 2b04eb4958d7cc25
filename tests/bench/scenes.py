"""The images of the benchmark: scenes that ship with the program."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reportgen import images
from reportgen.example import SCENES
from reportgen.sources.food11 import SIDE

ALL = 12


def scenes(count: int) -> tuple[Path, ...]:
    """So many of them, from as many classes as can be."""
    return tuple(sorted(SCENES.glob("*/*"), key=lambda path: (path.name, path.parent.name))[:count])


def photographs(paths: Sequence[Path]) -> Tensor:
    """(N, 3, 128, 128) float32 RGB in [0, 1]."""
    pixels = np.stack([images.decode(path, path.name, (SIDE, SIDE)).pixels for path in paths])
    return torch.from_numpy(pixels.astype(np.float32)).permute(0, 3, 1, 2).contiguous()
