"""Images with known patterns at known places, and a network whose filters and wires are known."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from toy_models import gabor, stripes

SIZE = (48, 60)
SIDE = 7  # of the kernels
PATCH = 12
STRIPES, RED, CORNER, DEAD, DOUBLE, STEADY = range(6)
CLASSES = ("striped", "red", "cornered", "nothing", "double", "steady")
# Where the middle of each image's pattern lies: row and column, by what it shows.
PLACES = {"stripes": (20, 15), "red": (30, 42), "corner": (14, 40)}


class Planted(nn.Module):
    """Stripes at 45 degrees, red, an upper left corner, nothing, red once more, and nearly one number everywhere.

    Class k is wired to filter k only.
    """

    def __init__(self, activation: nn.Module | None = None) -> None:
        super().__init__()
        kernels = np.zeros((6, 3, SIDE, SIDE))
        kernels[STRIPES] = gabor(45, SIDE)
        kernels[RED, :, 2:5, 2:5] = np.array([1, -0.5, -0.5])[:, None, None] / 9
        corner = -np.ones((SIDE, SIDE))
        corner[3:, 3:] = 2  # bright below and to the right of the middle, dark elsewhere: 33 places against 16
        kernels[CORNER] = corner / 33
        kernels[DOUBLE] = 2 * kernels[RED]
        kernels[STEADY] = 1e-5
        self.conv = nn.Conv2d(3, 6, SIDE, padding=SIDE // 2, padding_mode="replicate")
        self.act = activation or nn.ReLU(inplace=True)
        self.fc = nn.Linear(6, 6)
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor(kernels))
            self.conv.bias = nn.Parameter(torch.tensor([0.0, -0.05, -0.45, -1.0, -0.1, 1.0]))
            self.fc.weight.copy_(torch.diag(torch.tensor([60.0, 100.0, 2500.0, 100.0, 30.0, 1.0])))
            self.fc.bias.zero_()

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.act(self.conv(images)).mean(dim=(2, 3)))
        return logits


def planted_images() -> NDArray[np.float32]:
    """(9, H, W, 3): three with stripes, three with a red disc, three with a bright square, on grey; each its own."""
    made = []
    for number in range(3):
        for what, (row, column) in PLACES.items():
            image = np.full((*SIZE, 3), 0.4 if what != "corner" else 0.1)
            row, column = row + number, column - 2 * number
            part = np.s_[row - PATCH // 2 : row + PATCH // 2, column - PATCH // 2 : column + PATCH // 2]
            strength = 1 - 0.15 * number
            if what == "stripes":
                image[part] += 0.6 * strength * (stripes(45, (PATCH, PATCH))[..., None] - 0.5)
            elif what == "red":
                image[part] = np.array([0.4 + 0.5 * strength, 0.2, 0.2])
            else:
                image[row : row + PATCH, column : column + PATCH] = 0.2 + 0.2 * strength
            made.append(image)
    return np.asarray(np.clip(made, 0, 1), np.float32)
