"""The batch-norm fit: does a way of running a network give its batch-norms what they saw in training?

Each batch-norm stores mean and variance of its input over the training set. Photographs fed as in training give about
the same numbers again; fed in another channel order, with another mean, or through another activation, they do not.
The distance is the Kullback-Leibler divergence of two Gaussians for each channel, the median over channels (a dead
channel has no say), and the sum over the layers.
"""

import contextlib
import math
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reportgen.randomness import stream

Numbers = NDArray[np.float64]
Certainty = Literal["clear", "weak", "none"]
Feed = Callable[[slice], Tensor]  # positions of photographs -> (n, C, H, W) in the network's own units, on its device

RESAMPLES: Final = 400
CLEAR: Final = 0.95  # share of resamples in which the better one stays better
WEAK: Final = 0.8
BATCH: Final = 8  # photographs in one pass


class CannotRunError(Exception):
    """The network fails on these photographs, or ends the program."""


class _Seen(Exception):
    """Ends a forward pass: the batch-norms asked for have run."""


@dataclass(frozen=True, eq=False)
class Moments:
    """What one batch-norm was given by each photograph, and what it stores.

    means, squares: (N, C) mean and mean square over the positions; stored_mean, stored_variance: (C,).
    """

    layer: str
    means: Numbers
    squares: Numbers
    stored_mean: Numbers
    stored_variance: Numbers


def norm_layers(module: nn.Module) -> dict[str, nn.Module]:
    """The batch-norms that store statistics, by name; those that have never seen an image store none."""
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d)
    return {
        name: layer
        for name, layer in module.named_modules()
        if isinstance(layer, kinds) and layer.running_mean is not None and layer.running_var is not None
        if not _untouched(layer.running_mean, layer.running_var)
    }


def _untouched(mean: Tensor, variance: Tensor) -> bool:
    """Whether the statistics are those that a batch-norm is made with."""
    return not mean.any() and bool((variance == 1).all())


def moments(module: nn.Module, feed: Feed, count: int, most: int | None = None) -> tuple[Moments, ...]:
    """What the batch-norms are given, in the order in which they run; empty where there are none.

    count: number of photographs; most: only the first so many layers are run to. The network is left as it was.
    Raises CannotRunError, whatever a user's network raises.
    """
    layers = norm_layers(module)
    wanted = len(layers) if most is None else min(most, len(layers))
    parts = [_pass(module, layers, feed(slice(at, min(at + BATCH, count))), wanted) for at in range(0, count, BATCH)]
    found = []
    for name in parts[0] if parts and wanted else ():
        layer: Any = layers[name]
        pairs = [part[name] for part in parts if name in part]
        found.append(
            Moments(
                name,
                np.concatenate([mean for mean, _ in pairs]),
                np.concatenate([square for _, square in pairs]),
                layer.running_mean.double().cpu().numpy(),
                layer.running_var.double().cpu().numpy() + layer.eps,
            )
        )
    return tuple(found)


def _pass(
    module: nn.Module, layers: dict[str, nn.Module], images: Tensor, most: int
) -> dict[str, tuple[Numbers, Numbers]]:
    seen: dict[str, tuple[Numbers, Numbers]] = {}

    def looking(name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def look(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
            if name not in seen:  # a layer that is used twice has one set of statistics for both; the first is taken
                seen[name] = _means(inputs[0].detach())
            if len(seen) == most:
                raise _Seen

        return look

    with ExitStack() as stack, torch.inference_mode():
        for name, layer in layers.items():
            stack.callback(layer.register_forward_pre_hook(looking(name)).remove)
        _run(module, images)
    return seen


def _means(values: Tensor) -> tuple[Numbers, Numbers]:
    """(N, C) mean and mean square over the positions. As norms: squares of all values would fill memory first."""
    places = tuple(range(2, values.dim()))
    if not places:
        return values.double().cpu().numpy(), values.double().square().cpu().numpy()
    norms = torch.linalg.vector_norm(values, dim=places).double()
    squares = norms**2 / math.prod(values.shape[2:])
    return values.mean(places).double().cpu().numpy(), squares.cpu().numpy()


def _run(module: nn.Module, images: Tensor) -> None:
    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout carries the result's path and nothing else
            module(images)
    except _Seen:
        pass
    except KeyboardInterrupt:
        raise
    except BaseException as err:  # SystemExit too: this is only a question, and the answers come later
        raise CannotRunError from err


def resamples(count: int, seed: int) -> Numbers:
    """(RESAMPLES + 1, count) weights of the photographs: all alike first, then drawn with replacement."""
    drawn = stream(seed, "normfit").multinomial(count, np.full(count, 1 / count), RESAMPLES)
    return np.vstack([np.ones(count), drawn]) / count


def divergence(layers: Sequence[Moments], weights: Numbers) -> Numbers:
    """(R,) the distance in nats for each row of weights, summed over the layers; infinite where it is not defined."""
    total = np.zeros(len(weights))
    for layer in layers:
        mean = weights @ layer.means
        with np.errstate(all="ignore"):
            variance = np.maximum(weights @ layer.squares - mean**2, 1e-12)
            gap = (mean - layer.stored_mean) ** 2
            each = (np.log(layer.stored_variance / variance) + (variance + gap) / layer.stored_variance - 1) / 2
            median = np.median(each, axis=1)
        total += np.where(np.isfinite(median), median, np.inf)
    return total


def share_won(better: Numbers, other: Numbers) -> float:
    """The share of resamples in which the first stays nearer than the second; a draw is half won."""
    first, second = better[1:], other[1:]
    return float((first < second).mean() + (first == second).mean() / 2)


def certainty(share: float) -> Certainty:
    """In words: how sure a share of resamples makes."""
    return "clear" if share >= CLEAR else "weak" if share >= WEAK else "none"
