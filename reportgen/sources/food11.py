"""The network of the course's homework: `--arch food11`.

Source: the layer table of ML2020 homework 3, which homework 5 explains.
"""

from collections.abc import Callable
from typing import Final

from torch import Tensor, nn

from reportgen.contracts import Network, Weights

NAME: Final = "food11"
SIDE: Final = 128  # px
STAGES: Final = ((128, 3), (128, 3), (256, 3), (512, 1), (512, 1))  # width, number of convolutions
HIDDEN: Final = 1024
CLASSES: Final = (
    "Bread", "Dairy product", "Dessert", "Egg", "Fried food", "Meat", "Noodles/Pasta", "Rice", "Seafood", "Soup",
    "Vegetable/Fruit",
)  # fmt: skip


class Food11Network(nn.Module):
    """Five stages of 3x3 convolution, batch-norm and ReLU, each closed by a 2x2 max pool; then two linear layers.

    Takes (N, 3, 128, 128) float32 RGB in [0, 1] and returns (N, 11) logits. Index 15 of `cnn` is a ReLU.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for width, depth in STAGES:
            for _ in range(depth):
                layers += [nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
                before = width
            layers.append(nn.MaxPool2d(2))
        features = before * (SIDE // 2 ** len(STAGES)) ** 2
        self.cnn = nn.Sequential(*layers)
        self.fc = nn.Sequential(
            nn.Linear(features, HIDDEN), nn.ReLU(), nn.Dropout(0.3), nn.Linear(HIDDEN, len(CLASSES))
        )

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, 128, 128) images -> (N, 11) logits."""
        logits: Tensor = self.fc(self.cnn(images).flatten(1))
        return logits


def food11_network() -> Food11Network:
    """The course's network with random weights."""
    return Food11Network()


def accepts(arch: str | None) -> bool:
    """Whether `--arch` names this network."""
    return arch == NAME


def build(
    weights: Weights,  # noqa: ARG001 - as every source
    arch: str | None,  # noqa: ARG001
    announce: Callable[[str], None],  # noqa: ARG001
) -> Network:
    """The course's network, before the weights are in it."""
    return Network(food11_network(), NAME, (), (SIDE, SIDE), CLASSES)
