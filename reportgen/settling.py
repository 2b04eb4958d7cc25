"""What keys and shapes leave open, settled by the batch-norm fit: the activation, a pool or none, the input size."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor, nn

from reportgen import normfit
from reportgen.contracts import Network
from reportgen.normfit import Numbers
from reportgen.results import Facts

Notes = tuple[tuple[str, Facts], ...]
Size = tuple[int, int]
At = Callable[[Size], Tensor]  # (N, C, H, W) photographs of that size in the network's own units, on its device

FARTHEST: Final = 0.5  # nats in each batch-norm; beyond it no reading can be called a fit


@dataclass(frozen=True, eq=False)
class Settled:
    """The network with what was open answered, and what to tell of it."""

    network: Network
    notes: Notes = ()


def settle(network: Network, at: At, size: Size, device: torch.device, seed: int) -> Settled:
    """Answer the network's questions one after the other, each with the answers before it in place.

    An answer is taken over the conventional one where the batch-norms say so clearly; else that one stays.
    """
    if network.reread is None or not network.questions or not normfit.norm_layers(network.module):
        return Settled(network)
    answers = {name: choices[0] for name, choices in network.questions.items()}
    current = network
    notes: list[tuple[str, Facts]] = []
    for name, choices in network.questions.items():
        ranked = sorted(_tried(network, name, choices, answers, _Setting(at, size, device, seed)), key=_first)
        distance, best, chosen = ranked[0]
        usual = next(entry for entry in ranked if entry[1] == choices[0])
        layers = len(normfit.norm_layers(chosen.module))
        share = normfit.share_won(distance, usual[0]) if best != choices[0] else _lead(ranked)
        sure = normfit.certainty(share) if distance[0] <= FARTHEST * layers else "none"
        taken = (best, chosen) if sure == "clear" else (choices[0], usual[2])
        answers[name], current = taken[0], _marked(taken[1], name, sure)
        facts: Facts = {
            "answer": taken[0],
            "distances": ", ".join(f"{entry[1]} {entry[0][0]:.3g}" for entry in ranked),
            "layers": layers,
        }
        notes.append((f"note.settled_{sure}", facts))
    return Settled(current, tuple(notes))


@dataclass(frozen=True, eq=False)
class _Setting:
    at: At
    size: Size
    device: torch.device
    seed: int


def _tried(
    network: Network, name: str, choices: Iterable[str], answers: Mapping[str, str], setting: _Setting
) -> Iterable[tuple[Numbers, str, Network]]:
    """Each answer with its distance and its network, on the device and in evaluation mode."""
    assert network.reread is not None
    for choice in choices:
        read = network.reread({**answers, name: choice})
        read.module.to(setting.device).eval().requires_grad_(False)
        yield whole_distance(read.module, setting.at(read.size or setting.size), setting.seed), choice, read


def _first(entry: tuple[Numbers, str, Network]) -> float:
    return float(entry[0][0])


def _lead(ranked: list[tuple[Numbers, str, Network]]) -> float:
    return normfit.share_won(ranked[0][0], ranked[1][0]) if len(ranked) > 1 else 1.0


def _marked(network: Network, question: str, sure: str) -> Network:
    """The layers that the question is about, marked as settled by the fit where it was clear."""
    key = f"assume.{question}"
    layers = tuple(
        replace(layer, assumption=f"{key}_fitted") if sure == "clear" and layer.assumption == key else layer
        for layer in network.layers
    )
    return replace(network, layers=layers)


def whole_distance(module: nn.Module, images: Tensor, seed: int) -> Numbers:
    """The distance over all batch-norms, for each resample of the images; infinite where the network fails."""
    try:
        layers = normfit.moments(module, lambda part: images[part], len(images))
    except RuntimeError:
        return normfit.resamples(len(images), seed)[:, 0] * float("inf")
    return normfit.divergence(layers, normfit.resamples(len(images), seed))


def fitted_side(module: nn.Module, at: At, sides: Iterable[int], usual: int, factor: float) -> int:
    """The side in px that the batch-norms speak for, where they clearly speak against the usual one.

    factor: times as far as the best that the usual one must be.
    """
    distances = {side: whole_distance(module, at((side, side)), 0) for side in dict.fromkeys((usual, *sides))}
    best = min(distances, key=lambda side: float(distances[side][0]))
    left = distances[usual][0] >= factor * distances[best][0]
    sure = normfit.certainty(normfit.share_won(distances[best], distances[usual])) == "clear"
    near = distances[best][0] <= FARTHEST * len(normfit.norm_layers(module))
    return best if left and sure and near else usual
