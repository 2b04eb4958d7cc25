"""Gradient ascent: images made so that filters answer as strongly as possible.

Source: erhan2009; the Fourier basis, the movements and the diversity of olah2017, with Lucid's constants.
docs/filters.md says what was compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from reportgen.classifier import Classifier, to_numpy
from reportgen.hooks import run_to
from reportgen.palette import Palette
from reportgen.randomness import stream
from reportgen.redirected import redirect
from reportgen.results import Facts
from reportgen.spectrum import Basis, basis
from reportgen.transforms import Amplitudes, Moves, moved

RATE = 0.05  # Adam's learning rate
# Adam's epsilon, of the gradient's root mean square. Adam by itself makes equal steps of all gradients, however small,
# so that a filter that only asks for a colour, which is one coefficient, would get it covered with specks.
EPSILON = 0.1
TINY = 1e-20  # below it a gradient is none
STRONGER = 0.75  # of the goal what the stronger half of the map counts, beside the whole
MOST = 16  # images that climb at once
WARM_UP = 16  # steps in which a silent activation lets the gradient through: by itself it gives none


@dataclass(frozen=True)
class Ascent:
    """How images are made; the movements are those of `transforms.Amplitudes`."""

    steps: int
    variants: int = 3  # images for each filter
    rate: float = RATE
    decay: float = 1.0  # amplitude falls as 1 / frequency^decay
    jitter: float = 1 / 32  # of the image's longer side
    scale: float = 0.05  # 0.95 to 1.05
    rotate: float = 5.0  # degrees
    diversity: float = 0.5  # of the answer, what a variant like an earlier one loses

    def amplitudes(self, size: tuple[int, int]) -> Amplitudes:
        """The largest movements of images of a size."""
        return Amplitudes(self.jitter * max(size), self.scale, self.rotate)

    def facts(self, size: tuple[int, int], palette: Palette) -> Facts:
        """What the page says of how the images were made."""
        return {
            "steps": self.steps, "variants": self.variants, "lr": self.rate, "decay": self.decay,
            "jitter": self.jitter * max(size), "scale": self.scale, "rotate": self.rotate,
            "diversity": self.diversity, "colours": palette.source, "colours_borrowed": palette.borrowed,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Climb:
    """Filters that climb together, with the images that they start from.

    coefficients: (F * V, 3, H, W//2 + 1, 2), a filter's variants side by side; moves: (steps, F * V, 4).
    """

    filters: Sequence[int]
    waves: Basis
    coefficients: Tensor
    moves: Moves


def synthesise(
    classifier: Classifier, layer: str, filters: Sequence[int], settings: Ascent, palette: Palette, seed: int
) -> NDArray[np.float32]:
    """For each filter images that excite it, (F, V, H, W, 3) float32 RGB in [0, 1].

    The first is what the filter by itself asks for; a later one is kept away from those before it, and does not change
    them. All climb together, but what a filter's images become depends on the settings, the palette, the seed, the
    layer and its own number only.
    Raises RuntimeError where the network cuts the graph.
    """

    def run(part: slice) -> NDArray[np.float32]:
        return _climbed(
            classifier, layer, _set_out(classifier, layer, filters[part], settings, palette, seed), settings
        )

    most = max(1, min(MOST, classifier.batch.images) // settings.variants)
    return np.concatenate(classifier.in_batches(len(filters), run, most))


def _set_out(
    classifier: Classifier, layer: str, filters: Sequence[int], settings: Ascent, palette: Palette, seed: int
) -> _Climb:
    """Each variant draws its start and its movements from a generator of its own."""
    size = classifier.facts.input.size
    waves = basis(size, settings.decay, palette, classifier.device)
    amplitudes = settings.amplitudes(size)
    starts, moves = [], []
    for number in filters:
        for variant in range(settings.variants):
            rng = stream(seed, "filters", layer, str(number), str(variant))
            starts.append(waves.start(rng))
            moves.append(amplitudes.draw(rng, settings.steps))
    return _Climb(filters, waves, torch.stack(starts).to(classifier.device), np.stack(moves, axis=1))


def _climbed(classifier: Classifier, layer: str, climb: _Climb, settings: Ascent) -> NDArray[np.float32]:
    coefficients = climb.coefficients.requires_grad_()
    optimiser = torch.optim.Adam([coefficients], lr=settings.rate, eps=EPSILON)
    amplitudes = settings.amplitudes(climb.waves.size)
    with torch.enable_grad():
        for step, moves in enumerate(climb.moves):
            images = moved(climb.waves.images(coefficients), moves, amplitudes)
            _, maps = run_to(classifier.module, layer, classifier.units(images))
            if step < WARM_UP:
                redirect(maps)
                goal = own_maps(maps, climb.filters).mean((1, 2))
            else:
                goal = objective(maps, climb.filters, settings.diversity)
            (gradient,) = torch.autograd.grad(-goal.sum(), coefficients)
            # Each image's own, so that the sum mixes no two; a filter that is still silent has 0 and stays where it is.
            size = gradient.square().mean((1, 2, 3, 4), keepdim=True).sqrt()
            coefficients.grad = gradient / size.clamp(min=TINY)
            optimiser.step()
        images = climb.waves.images(coefficients)
    return to_numpy(images.view(len(climb.filters), -1, *images.shape[1:])).transpose(0, 1, 3, 4, 2)


def objective(maps: Tensor, filters: Sequence[int], diversity: float) -> Tensor:
    """(N, C, h, w) of F filters with V variants each, N = F * V -> (N,): how strong, and how unlike earlier variants.

    The mean of the map, and more of that of its stronger half: by the mean alone a filter with a weak but broad answer
    to plain grey is shown as a grey square, by the stronger half alone the other half of a picture is left over.
    """
    own = own_maps(maps, filters).flatten(1)
    strength = (1 - STRONGER) * own.mean(1) + STRONGER * own.topk(-(-own.shape[1] // 2)).values.mean(1)
    if not diversity or len(maps) == len(filters):
        return strength
    return strength - diversity * strength.detach().clamp(min=0) * likeness(maps, len(maps) // len(filters))


def likeness(maps: Tensor, variants: int) -> Tensor:
    """(N, C, h, w), a filter's variants side by side -> (N,): how like the nearest earlier variant each is, in [-1, 1].

    The cosine between the covariances of the channels: which answer together, wherever in the image. Uncentred, as
    Lucid has it, it is above 0.99 for any two images behind a ReLU. 0 for a first variant. A gradient reaches the
    later of two only.
    """
    flat = maps.flatten(2) - maps.mean((2, 3))[..., None]
    grams = normalize((flat @ flat.transpose(1, 2)).flatten(1), dim=1).view(len(maps) // variants, variants, -1)
    cosines = grams @ grams.detach().transpose(1, 2)
    earlier = torch.ones(variants, variants, dtype=torch.bool, device=maps.device).tril(-1)
    nearest = cosines.masked_fill(~earlier, -1).amax(2)
    return torch.cat([torch.zeros_like(nearest[:, :1]), nearest[:, 1:]], 1).flatten()


def own_maps(maps: Tensor, filters: Sequence[int]) -> Tensor:
    """(N, C, h, w) of F filters with N / F variants each -> (N, h, w): of each image the map of its own filter."""
    rows = torch.arange(len(maps), device=maps.device)
    channels = torch.tensor(list(filters)).to(maps.device).repeat_interleave(len(maps) // len(filters))
    return maps[rows, channels]
