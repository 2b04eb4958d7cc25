"""Gradient ascent: images made so that filters answer as strongly as possible.

Source: erhan2009; the Fourier parameterisation of olah2017 and its constants from Lucid.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reportgen.classifier import Classifier, to_numpy
from reportgen.hooks import run_to
from reportgen.layers import ACTIVATIONS
from reportgen.randomness import stream

RATE = 0.05  # Adam's learning rate
NOISE = 0.01  # standard deviation of the coefficients at the start
JITTER = 4  # px, largest shift at each step
WARM_UP = 16  # steps that climb what the activation takes, not what it gives: a dead ReLU gives no gradient


def synthesise(
    classifier: Classifier, layer: str, filters: Sequence[int], steps: int, seed: int
) -> NDArray[np.float32]:
    """For each filter an image that excites it, (F, H, W, 3) float32 RGB in [0, 1].

    The filters climb together, each on its own image; what one of them becomes depends on the seed, the layer and its
    own number only. Raises RuntimeError where the network cuts the graph.
    """
    parts = classifier.in_batches(
        len(filters), lambda part: _climb(classifier, layer, list(filters[part]), steps, seed), most=16
    )
    return np.concatenate(parts)


def _climb(classifier: Classifier, layer: str, filters: list[int], steps: int, seed: int) -> NDArray[np.float32]:
    height, width = classifier.facts.input.size
    scale = _spectrum_scale(height, width).to(classifier.device)
    coefficients = _start(layer, filters, (height, width), seed).to(classifier.device).requires_grad_()
    optimiser = torch.optim.Adam([coefficients], lr=RATE)
    shifts = stream(seed, "filters", layer, "shifts").integers(-JITTER, JITTER + 1, (steps, 2))
    warm_up = WARM_UP if isinstance(classifier.module.get_submodule(layer), ACTIVATIONS) else 0
    with torch.enable_grad():
        for step, (down, right) in enumerate(shifts.tolist()):
            images = as_images(coefficients, scale, (height, width)).roll((down, right), (2, 3))
            taken, given = run_to(classifier.module, layer, classifier.units(images))
            answer = own_maps(taken if step < warm_up else given, filters).mean()
            (gradient,) = torch.autograd.grad(-answer * len(filters), coefficients)
            coefficients.grad = gradient
            optimiser.step()
        return to_numpy(as_images(coefficients, scale, (height, width))).transpose(0, 2, 3, 1)


def own_maps(maps: Tensor, filters: Sequence[int]) -> Tensor:
    """(F, C, h, w) -> (F, h, w): on image i the map of filter i."""
    rows, channels = torch.arange(len(filters)), torch.tensor(list(filters))
    return maps[rows.to(maps.device), channels.to(maps.device)]


def as_images(coefficients: Tensor, scale: Tensor, size: tuple[int, int]) -> Tensor:
    """Fourier coefficients (F, 3, H, W//2 + 1, 2) -> images (F, 3, H, W) in [0, 1]."""
    spectrum = torch.view_as_complex(coefficients * scale[..., None])
    images: Tensor = torch.fft.irfft2(spectrum, s=size)
    return images.div(4).sigmoid()


def _spectrum_scale(height: int, width: int) -> Tensor:
    """1 / frequency, as in photographs: without it the highest frequencies would take over. (H, W//2 + 1) float32."""
    rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    frequency = (rows.square() + columns.square()).sqrt()
    scale: Tensor = frequency.clamp(min=1 / max(height, width)).reciprocal()
    return scale.mul((height * width) ** 0.5)


def _start(layer: str, filters: Sequence[int], size: tuple[int, int], seed: int) -> Tensor:
    """Faint noise, (F, 3, H, W//2 + 1, 2) float32; each filter draws from a generator of its own."""
    shape = (3, size[0], size[1] // 2 + 1, 2)
    noise = [stream(seed, "filters", layer, str(number)).normal(0, NOISE, shape) for number in filters]
    return torch.tensor(np.stack(noise), dtype=torch.float32)
