"""Gradient ascent: images made so that filters answer as strongly as possible.

Source: erhan2009; the Fourier basis, the movements and the diversity of olah2017, with Lucid's constants.
docs/filters.md says what was compared.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from reportgen.attempts import ends_the_run
from reportgen.classifier import Classifier, to_numpy
from reportgen.hooks import run_to
from reportgen.layers import is_map
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


SEEN = 0.75  # of each side, what a step shows the network of an image: 9/16 of the work
NARROW = 0.5  # of what is seen, the widest receptive field that so small a part is enough for


@dataclass(frozen=True)
class Ascent:
    """How images are made; the movements are those of `transforms.Amplitudes`.

    window: height and width of what a step shows the network of an image, somewhere else at each; None: all of it.
    """

    steps: int
    variants: int = 3  # images for each filter
    rate: float = RATE
    decay: float = 1.0  # amplitude falls as 1 / frequency^decay
    jitter: float = 1 / 32  # of the image's longer side
    scale: float = 0.05  # 0.95 to 1.05
    rotate: float = 5.0  # degrees
    diversity: float = 0.5  # of the answer, what a variant like an earlier one loses
    window: tuple[int, int] | None = None

    def amplitudes(self, size: tuple[int, int]) -> Amplitudes:
        """The largest movements of images of a size."""
        return Amplitudes((0.5 if self.window else self.jitter) * max(size), self.scale, self.rotate)

    def facts(self, size: tuple[int, int], palette: Palette) -> Facts:
        """What the page says of how the images were made."""
        window = {"window_height": self.window[0], "window_width": self.window[1]} if self.window else {}
        return window | {
            "steps": self.steps, "variants": self.variants, "lr": self.rate, "decay": self.decay,
            "jitter": self.amplitudes(size).jitter, "scale": self.scale, "rotate": self.rotate,
            "diversity": self.diversity, "colours": palette.source, "colours_borrowed": palette.borrowed,
        }  # fmt: skip


def window_of(classifier: Classifier, layer: str, field: tuple[int, int]) -> tuple[int, int] | None:
    """How much of an image is enough at a step for a layer with this receptive field; None for all of it.

    A unit sees a small part of the image only, so that what it likes is learned from any part of it. All of it where
    the network takes no smaller images.
    """
    height, width = (math.ceil(SEEN * side) for side in classifier.facts.input.size)
    if field[0] > NARROW * height or field[1] > NARROW * width:
        return None
    images = torch.zeros(1, 3, height, width, device=classifier.device)
    try:
        with torch.no_grad():
            maps = run_to(classifier.module, layer, classifier.units(images))[1]
    except Exception as err:  # whatever a user's own network raises
        if ends_the_run(err):
            raise
        return None
    return (height, width) if is_map(maps) else None


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

    most = max(1, min(MOST, classifier.batch.images) // settings.variants)  # whole filters; see `_gradient` for less
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
    with torch.enable_grad():
        for step in range(settings.steps):
            gradient = _gradient(classifier, layer, climb, settings, step)
            # Each image's own, so that the sum mixes no two; a filter that is still silent has 0 and stays where it is.
            size = gradient.square().mean((1, 2, 3, 4), keepdim=True).sqrt()
            coefficients.grad = gradient / size.clamp(min=TINY)
            optimiser.step()
        images = climb.waves.images(coefficients)
    return to_numpy(images.view(len(climb.filters), -1, *images.shape[1:])).transpose(0, 1, 3, 4, 2)


def _gradient(classifier: Classifier, layer: str, climb: _Climb, settings: Ascent, step: int) -> Tensor:
    """The gradient of minus the goals with respect to the coefficients, in as many pieces as memory asks for.

    A later image needs its filter's earlier ones beside it: in pieces, what is needed of them is found beforehand.
    """
    count, amplitudes = len(climb.coefficients), settings.amplitudes(climb.waves.size)
    numbers = [number for number in climb.filters for _ in range(settings.variants)]
    known: Tensor | None = None

    def maps_of(part: slice, coefficients: Tensor) -> Tensor:
        images = moved(climb.waves.images(coefficients), climb.moves[step][part], amplitudes, settings.window)
        classifier.batch.passed += len(images)
        units = classifier.units(images).contiguous(memory_format=torch.channels_last)  # a tenth faster on a CPU
        return run_to(classifier.module, layer, units)[1]

    def grams(part: slice) -> Tensor:
        with torch.no_grad():
            return channel_grams(maps_of(part, climb.coefficients[part]))

    def all_grams() -> Tensor:
        nonlocal known
        known = torch.cat(classifier.in_batches(count, grams)) if known is None else known
        return known

    def run(part: slice) -> Tensor:
        coefficients = climb.coefficients[part].detach().requires_grad_()
        maps = maps_of(part, coefficients)
        if step < WARM_UP:
            redirect(maps)
            goal = own_maps(maps, numbers[part]).mean((1, 2))
        elif len(maps) == count:
            goal = objective(maps, climb.filters, settings.diversity)
        else:
            goal = _goal_beside(maps, numbers, part, all_grams(), settings)
        (gradient,) = torch.autograd.grad(-goal.sum(), coefficients)
        return gradient

    return torch.cat(classifier.in_batches(count, run))


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
    grams = channel_grams(maps).view(len(maps) // variants, variants, -1)
    cosines = grams @ grams.detach().transpose(1, 2)
    earlier = torch.ones(variants, variants, dtype=torch.bool, device=maps.device).tril(-1)
    nearest = cosines.masked_fill(~earlier, -1).amax(2)
    return torch.cat([torch.zeros_like(nearest[:, :1]), nearest[:, 1:]], 1).flatten()


def channel_grams(maps: Tensor) -> Tensor:
    """(N, C, h, w) -> (N, C * C): the covariances of each image's channels, of length 1.

    What is not finite counts as 0, or one broken channel would end the ascent of all its neighbours.
    """
    maps = maps.where(maps.isfinite(), 0.0)
    flat = maps.flatten(2) - maps.mean((2, 3))[..., None]
    return normalize((flat @ flat.transpose(1, 2)).flatten(1), dim=1)


def _goal_beside(maps: Tensor, numbers: Sequence[int], part: slice, known: Tensor, settings: Ascent) -> Tensor:
    """`objective` for some of the images. maps: theirs; numbers: all images' filters; known: all `channel_grams`."""
    strength = objective(maps, numbers[part], 0.0)
    nearest = [strength.new_zeros(())] * len(maps)
    for row, (place, gram) in enumerate(zip(range(part.start, part.stop), channel_grams(maps), strict=True)):
        if earlier := place % settings.variants:
            nearest[row] = (known[place - earlier : place] @ gram).amax()
    return strength - settings.diversity * strength.detach().clamp(min=0) * torch.stack(nearest)


def own_maps(maps: Tensor, filters: Sequence[int]) -> Tensor:
    """(N, C, h, w) of F filters with N / F variants each -> (N, h, w): of each image the map of its own filter."""
    rows = torch.arange(len(maps), device=maps.device)
    channels = torch.tensor(list(filters)).to(maps.device).repeat_interleave(len(maps) // len(filters))
    return maps[rows, channels]
