"""What keys and shapes leave open, settled by the batch-norm fit: the activation, a pool or none, the input size."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from reportgen import normfit
from reportgen.contracts import Network
from reportgen.normfit import Numbers
from reportgen.results import Facts

Notes = tuple[tuple[str, Facts], ...]
Size = tuple[int, int]
At = Callable[[Size], Tensor]  # (N, C, H, W) photographs of that size in the network's own units, on its device

SIDES: Final = (64, 128, 256)  # px
FEW: Final = 6  # photographs for a first look
HOPELESS: Final = 2.0  # times as far as the best on a few photographs: not looked at again
TAKEN: Final = 2 / 3  # share of resamples
ALIKE: Final = 1.25  # times as far as the best
FARTHEST: Final = 0.5  # nats in each batch-norm; beyond it no reading can be called a fit


@dataclass(frozen=True, eq=False)
class Settled:
    """The network with what was open answered, and what to tell of it."""

    network: Network
    notes: Notes = ()


def settle(network: Network, at: At, device: torch.device, seed: int) -> Settled:
    """Answer the network's questions one after the other, each with the answers before it in place.

    An answer is taken over the conventional one where it fits better in most resamples; else that one stays. Where the
    size is open too, each answer is tried at several: a pool less at half the size looks much the same.
    """
    if network.reread is None or not network.questions or not normfit.norm_layers(network.module):
        return Settled(network)
    answers = {name: choices[0] for name, choices in network.questions.items()}
    current = network
    notes: list[tuple[str, Facts]] = []
    for name, choices in network.questions.items():
        tried = [_tried(network, {**answers, name: choice}, _Setting(at, device, seed)) for choice in choices]
        close = [entry for entry in tried if entry.distance <= HOPELESS * min(each.distance for each in tried)]
        exact = sorted((_exactly(entry, at, seed) for entry in close), key=lambda entry: entry.distance)
        best, usual = exact[0], next((entry for entry in exact if entry.answers[name] == choices[0]), None)
        rival = usual if usual and usual is not best else exact[1] if len(exact) > 1 else None
        share = normfit.share_won(best.distances, rival.distances) if rival else 1.0
        layers = len(normfit.norm_layers(best.network.module))
        near = best.distance <= FARTHEST * layers
        taken = best if near and (usual is None or share >= TAKEN) else usual or tried[0]
        sure = normfit.certainty(share) if near else "none"
        answers[name], current = taken.answers[name], _marked(taken.network, name, sure)
        listed = sorted([*exact, *(entry for entry in tried if entry not in close)], key=lambda entry: entry.distance)
        distances = ", ".join(f"{entry.answers[name]} {entry.distance:.3g}" for entry in listed)
        facts: Facts = {"answer": answers[name], "distances": distances, "share": f"{share:.0%}", "layers": layers}
        notes.append((f"note.settled_{sure}", facts))
    return Settled(current, tuple(notes))


@dataclass(frozen=True, eq=False)
class _Setting:
    at: At
    device: torch.device
    seed: int


@dataclass(frozen=True, eq=False)
class _Tried:
    """The network under some answers, and how far its batch-norms are from what they store, at its best size."""

    network: Network
    answers: Mapping[str, str]
    size: Size
    distances: Numbers

    @property
    def distance(self) -> float:
        """On the photographs as they are."""
        return float(self.distances[0])


def _tried(network: Network, answers: Mapping[str, str], setting: _Setting) -> _Tried:
    """The network under those answers, on the device and in evaluation mode; judged on a few photographs."""
    assert network.reread is not None
    read = network.reread(answers)
    read.module.to(setting.device).eval().requires_grad_(False)
    sizes = (read.size,) if read.size else tuple((side, side) for side in SIDES)
    entries = [
        _Tried(read, answers, size, whole_distance(read.module, setting.at(size)[:FEW], setting.seed)) for size in sizes
    ]
    return min(entries, key=lambda entry: entry.distance)


def _exactly(tried: _Tried, at: At, seed: int) -> _Tried:
    """The same judged on all photographs."""
    return replace(tried, distances=whole_distance(tried.network.module, at(tried.size), seed))


def _marked(network: Network, question: str, sure: str) -> Network:
    """The layers that the question is about, marked as settled by the fit where that said something."""
    key = f"assume.{question}"
    layers = tuple(
        replace(layer, assumption=f"{key}_fitted") if sure != "none" and layer.assumption == key else layer
        for layer in network.layers
    )
    return replace(network, layers=layers)


def whole_distance(module: nn.Module, images: Tensor, seed: int) -> Numbers:
    """The distance over all batch-norms, for each resample of the images; infinite where the network fails."""
    try:
        layers = normfit.moments(module, lambda part: images[part], len(images))
    except normfit.CannotRunError:
        return np.full(normfit.RESAMPLES + 1, np.inf)
    return normfit.divergence(layers, normfit.resamples(len(images), seed))


def fitted_side(module: nn.Module, at: At, sides: Sequence[int], factor: float) -> int:
    """The side in px that the batch-norms speak for, where they clearly speak against the first, most usual one.

    sides: the more usual first, which counts where two fit alike; factor: times as far as the best that the first must
    be to be left.
    """
    looks = {side: float(whole_distance(module, at((side, side))[:FEW], 0)[0]) for side in sides}
    if looks[sides[0]] < (1 + factor) / 2 * min(looks.values()):
        return sides[0]
    close = [side for side in sides if side == sides[0] or looks[side] <= HOPELESS * min(looks.values())]
    distances = {side: whole_distance(module, at((side, side)), 0) for side in close}
    best = min(distances, key=lambda side: float(distances[side][0]))
    if distances[best][0] > FARTHEST * len(normfit.norm_layers(module)):
        return sides[0]
    for side in close:
        needed = factor if side == sides[0] else ALIKE
        sure = normfit.certainty(normfit.share_won(distances[best], distances[side])) == "clear"
        if not sure or distances[side][0] < needed * distances[best][0]:
            return side
    return best
