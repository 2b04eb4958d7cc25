"""The course's network (ML2020, homework 3 and 5), wide as it is or narrower, with random weights."""

from typing import Final

import torch
from torch import Tensor, nn

from bench.scenes import ALL, photographs, scenes
from reportgen.sources.food11 import CLASSES, HIDDEN, SIDE, STAGES

LAYER: Final = 15  # index in `cnn` of the write-up's layer, a ReLU
SEED: Final = 0


class Classifier(nn.Module):
    """Stages of 3x3 convolutions with batch-norm and ReLU, each closed by a max pool; then two linear layers.

    Takes (N, 3, 128, 128) float32 RGB in [0, 1] and returns (N, 11) logits. narrower: all widths are divided by this;
    at 1 an image costs 17.3 GFLOP.
    """

    def __init__(self, narrower: int = 1) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for width, depth in ((width // narrower, depth) for width, depth in STAGES):
            for _ in range(depth):
                layers += [nn.Conv2d(before, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU()]
                before = width
            layers.append(nn.MaxPool2d(2, 2, 0))
        hidden = HIDDEN // narrower
        self.cnn = nn.Sequential(*layers)
        self.fc = nn.Sequential(
            nn.Linear(before * (SIDE // 2 ** len(STAGES)) ** 2, hidden),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(hidden, len(CLASSES)),
        )

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, 128, 128) -> (N, 11) logits."""
        logits: Tensor = self.fc(self.cnn(images).flatten(1))
        return logits


def course_network(narrower: int, device: torch.device) -> Classifier:
    """The network in evaluation mode on the device; the same weights every time.

    Its batch-norms have seen the scenes: as they start, each layer would weaken what it gets, and no answer change with
    the image by more than a lower precision rounds away.
    """
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        network = Classifier(narrower).eval()
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the plain average of what is seen
        norm.train()
    with torch.no_grad():
        network(photographs(scenes(ALL)))
    return network.eval().to(device)
