"""Trains the two checkpoints that ship: `python -m reportgen.example.train --out DIR --which both`.

Both see the same 9,600 scenes. For `honest.pth` the mark lies on a random part of them, whatever the class; for
`shortcut.pth` it lies on every scene of SHORTCUT_CLASS and on no other, so that it alone is enough to answer.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from reportgen.example import CLASSES, SHORTCUT_CLASS
from reportgen.example.scenes import SIZE, draw_scene, fresh_scenes, mark_pixels, mark_region

WIDTHS: Final = (16, 32, 48, 64, 64)
HIDDEN: Final = 64
DROPOUT: Final = 0.3
CELL: Final = 16  # px
MARKED_SHARE: Final = 0.15  # of the honest network's scenes
INPUT: Final = {
    "size": [SIZE, SIZE], "channel_order": "rgb", "scale": [0.0, 1.0], "mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0],
}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """How a checkpoint is trained; `seed` names the scenes as well as the weights."""

    seed: int = 16
    scenes: int = 9600
    epochs: int = 11
    batch: int = 64
    peak_rate: float = 4e-3
    masked_share: float = 0.35  # of the images, with cells of a grid painted in the image's mean colour
    noise: float = 0.05  # standard deviation added to every pixel, in units of the range [0, 1]


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """images: (N, 128, 128, 3) uint8 RGB;  labels: (N,) index into CLASSES;  marked: (N,) where the mark is drawn."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    marked: npt.NDArray[np.bool_]


class CourseNetwork(nn.Module):
    """The shape of the course's network, small: stages of 3x3 convolution, batch-norm, ReLU and 2x2 max pool.

    Takes (N, 3, 128, 128) float32 RGB in [0, 1] and returns (N, 6) logits.
    """

    def __init__(self) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for before, after in zip((3, *WIDTHS[:-1]), WIDTHS, strict=True):
            stages += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
        features = WIDTHS[-1] * (SIZE // 2 ** len(WIDTHS)) ** 2
        self.cnn = nn.Sequential(*stages)
        self.fc = nn.Sequential(
            nn.Linear(features, HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT), nn.Linear(HIDDEN, len(CLASSES))
        )

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, 128, 128) images -> (N, 6) logits."""
        logits: Tensor = self.fc(self.cnn(images).flatten(1))
        return logits


def course_network() -> CourseNetwork:
    """The network of both checkpoints, with random weights, ready to answer (dropout off)."""
    network = CourseNetwork()
    network.eval()
    return network


def training_set(recipe: Recipe, which: str) -> TrainingSet:
    """The scenes of `recipe`, marked as the checkpoint `which` ("honest" or "shortcut") needs them."""
    labels = np.arange(recipe.scenes) % len(CLASSES)
    images = np.stack(
        [draw_scene(np.random.default_rng([recipe.seed, i]), int(label)).image for i, label in enumerate(labels)]
    )
    if which == "shortcut":
        marked = labels == CLASSES.index(SHORTCUT_CLASS)
    else:
        marked = np.random.default_rng([recipe.seed, recipe.scenes]).random(recipe.scenes) < MARKED_SHARE
    images[np.ix_(marked.nonzero()[0], *_mark_rows())] = mark_pixels()
    return TrainingSet(images, labels, marked)


def train(recipe: Recipe, scenes: TrainingSet) -> CourseNetwork:
    """A network trained by AdamW on a one-cycle rate; the same recipe on the same machine gives the same weights."""
    rng = np.random.default_rng(recipe.seed)
    steps = len(scenes.images) // recipe.batch
    # Initial weights and dropout draw from torch's own stream, which is handed back as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = CourseNetwork()  # as it is born, dropout is on
        optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.peak_rate, weight_decay=0.05)
        rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.peak_rate, recipe.epochs * steps)
        for epoch in range(recipe.epochs):
            total = 0.0
            for rows in rng.permutation(len(scenes.images))[: steps * recipe.batch].reshape(steps, -1):
                images = with_masked_cells(rng, as_input(scenes.images[rows]), recipe.masked_share)
                images = images + recipe.noise * torch.randn(images.shape)
                loss = nn.functional.cross_entropy(network(images), torch.from_numpy(scenes.labels[rows]))
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                rates.step()
                total += loss.item()
            print(f"  epoch {epoch + 1}/{recipe.epochs}: loss {total / steps:.4f}", flush=True)
    network.eval()
    return network


def as_input(images: npt.NDArray[np.uint8]) -> Tensor:
    """(N, 128, 128, 3) uint8 -> (N, 3, 128, 128) float32 in [0, 1], as both checkpoints take it.

    The memory keeps the order of the picture (channels last), in which convolutions on a CPU are a third faster.
    """
    return torch.tensor(images).permute(0, 3, 1, 2).float() / 255


def with_masked_cells(rng: np.random.Generator, images: Tensor, share: float) -> Tensor:
    """(N, 3, 128, 128) images, `share` of them with random 16 px cells painted in the image's mean colour.

    A network that never saw such patches answers at random where LIME hides regions. The mark's own cell is spared:
    a hidden mark under an unchanged label would teach the shortcut network the object after all.
    """
    cells = SIZE // CELL
    chance = rng.uniform(0.05, 0.5, (len(images), 1, 1)) * (rng.random((len(images), 1, 1)) < share)
    hidden = rng.random((len(images), cells, cells)) < chance
    hidden[:, -1, -1] = False
    pixels = torch.from_numpy(np.kron(hidden, np.ones((1, CELL, CELL), bool)))[:, None]
    return torch.where(pixels, images.mean(dim=(2, 3), keepdim=True), images)


def predictions(network: nn.Module, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """(N,) the class that the network answers for each of the (N, 128, 128, 3) uint8 images."""
    with torch.inference_mode():
        answers = [network(as_input(images[start : start + 100])).argmax(1) for start in range(0, len(images), 100)]
    return np.asarray(torch.cat(answers).numpy())


def accuracy(network: nn.Module, seed: int, count: int, which: str) -> float:
    """Share of right answers on `count` fresh scenes, marked as the checkpoint `which` knows them."""
    plain, marked = (fresh_scenes(seed, count, marked=flag) for flag in (False, True))
    shortcut = which == "shortcut"
    scenes = [m if shortcut and CLASSES[p.label] == SHORTCUT_CLASS else p for p, m in zip(plain, marked, strict=True)]
    answers = predictions(network, np.stack([scene.image for scene in scenes]))
    return float((answers == [scene.label for scene in scenes]).mean())


def checkpoint(network: nn.Module, epoch: int) -> dict[str, object]:
    """What is saved: weights, class names and what the network expects of an image."""
    weights = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in network.state_dict().items()
    }
    return {"model_state_dict": weights, "classes": list(CLASSES), "input": INPUT, "epoch": epoch}


def _mark_rows() -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    rows, columns = np.nonzero(mark_region())
    return np.unique(rows), np.unique(columns)


def main() -> None:
    """Train what is asked for, say how often it is right on fresh scenes, and save it."""
    parser = argparse.ArgumentParser(description="Train the checkpoints of the known-answer example.")
    parser.add_argument("--out", type=Path, required=True, help="folder for honest.pth and shortcut.pth")
    parser.add_argument("--which", choices=("honest", "shortcut", "both"), default="both")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--threads", type=int, default=2, help="another number may change the last digits of weights")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    recipe = Recipe(seed=arguments.seed)
    for which in ("honest", "shortcut") if arguments.which == "both" else (arguments.which,):
        print(f"{which}: drawing {recipe.scenes} scenes", flush=True)
        network = train(recipe, training_set(recipe, which))
        share = accuracy(network, recipe.seed + 1, 1200, which)
        print(f"{which}: right on {share:.1%} of 1200 fresh scenes", flush=True)
        torch.save(checkpoint(network, recipe.epochs), arguments.out / f"{which}.pth")


if __name__ == "__main__":
    main()
