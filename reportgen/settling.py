"""What keys and shapes leave open, settled by the batch-norm fit: the activation, a pool or none, the input size."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from reportgen import normfit
from reportgen.contracts import Network
from reportgen.errors import ArchitectureError
from reportgen.normfit import Certainty, Numbers
from reportgen.results import Finding

Size = tuple[int, int]
At = Callable[[Size], Tensor]  # (N, C, H, W) photographs of that size in the network's own units, on its device

SIDES: Final = (64, 128, 256)  # px
EARLY: Final = 5  # batch-norms that are asked about the size at first: those behind them cost most
FEW: Final = 6  # photographs for a first look
HOPELESS: Final = 2.0  # times as far as the best on a few photographs: not looked at again
TAKEN: Final = 2 / 3  # share of resamples
APART: Final = 1.05  # times as far as the best another answer must be: more photographs would not make less of it
DOUBT: Final = 0.1  # nats; so much a few photographs may be off
ALIKE: Final = 1.25  # times as far as the best
FARTHEST: Final = 0.5  # nats in each batch-norm; beyond it no reading can be called a fit


@dataclass(frozen=True, eq=False)
class Settled:
    """The network with what was open answered, and what to tell of it."""

    network: Network
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, eq=False)
class _Tried:
    """The network under some answer at some size, and how far its batch-norms then are from what they store."""

    network: Network
    answer: str
    size: Size
    distances: Numbers

    @property
    def distance(self) -> float:
        """On the photographs as they are."""
        return float(self.distances[0])


@dataclass(frozen=True, eq=False)
class _Setting:
    """The photographs, and the sizes that still come into question where the network leaves its own open."""

    at: At
    device: torch.device
    seed: int
    sizes: tuple[Size, ...]
    known: dict[tuple[object, ...], Numbers] = field(default_factory=dict)

    def judged(self, entry: _Tried, window: tuple[int, int], most: int | None = None) -> _Tried:
        """Once more. window: the first batch-norm that is asked, and the one after the last; most: photographs.

        What is alike up to there is judged once, also for several questions.
        """
        key = (entry.size, most, window[0], *_layers_before(entry.network.module, window[1]))
        if key not in self.known:
            images = self.at(entry.size)[:most]
            self.known[key] = whole_distance(entry.network.module, images, self.seed, window)
        return replace(entry, distances=self.known[key])


def settle(network: Network, at: At, device: torch.device, seed: int) -> Settled:
    """Answer the network's questions one after the other, each with the answers before it in place.

    An answer is taken over the conventional one where it fits better in most resamples; else that one stays. Where the
    size is open too, each answer is tried at several: a pool less at half the size looks much the same.
    Raises ArchitectureError where nothing decides a question that no convention answers.
    """
    if network.reread is None or not network.questions or not normfit.norm_layers(network.module):
        return Settled(network)
    setting = _Setting(at, device, seed, tuple((side, side) for side in SIDES))
    answers = {name: choices[0] for name, choices in network.questions.items()}
    current = network
    findings: list[Finding] = []
    for name in network.questions:
        current, finding, sizes = _asked(network, name, answers, setting)
        setting = replace(setting, sizes=sizes)
        answers[name] = finding.answer
        findings.append(finding)
    return Settled(_marked(current, findings), tuple(findings))


def _asked(
    network: Network, name: str, answers: Mapping[str, str], setting: _Setting
) -> tuple[Network, Finding, tuple[Size, ...]]:
    """The network under the answer to one question, how it was found, and the sizes that are not hopeless."""
    reads = _reads(network, name, answers, setting.device)
    first, last = _norms_alike([read.module for read in reads.values()]), len(normfit.norm_layers(network.module))
    entries = [
        _Tried(read, choice, size, np.array([np.inf]))
        for choice, read in reads.items()
        for size in ((read.size,) if read.size else setting.sizes)
    ]
    looks = _survivors(entries, (first, last), setting)
    each = _best_of_each([setting.judged(entry, (first, last)) for entry in looks])
    best, convention = each[0], None if name in network.strict else network.questions[name][0]
    usual = next((entry for entry in each if entry.answer == convention), None)
    second = each[1] if len(each) > 1 else None
    rival = second if usual is best else usual or second
    share = normfit.share_won(best.distances, rival.distances) if rival else 1.0
    apart = rival is None or rival.distance >= APART * best.distance
    decided = last > first and apart and share >= TAKEN and best.distance <= FARTHEST * (last - first)
    if name in network.strict and not decided:
        raise undecided(network.architecture)
    taken = best.answer if decided or convention is None else convention
    sure: Certainty = "none"
    if decided:
        sure = "clear" if share >= normfit.CLEAR else "weak"
    distances = tuple((entry.answer, entry.distance) for entry in each if np.isfinite(entry.distance))
    sizes = {entry.size: None for entry in each if entry.distance <= HOPELESS * best.distance}
    finding = Finding(name, taken, sure, distances, share, last - first)
    return reads[taken], finding, tuple(sizes) if decided else setting.sizes


def _reads(network: Network, name: str, answers: Mapping[str, str], device: torch.device) -> dict[str, Network]:
    """The network under each answer, on the device and in evaluation mode."""
    assert network.reread is not None
    reads = {choice: network.reread({**answers, name: choice}) for choice in network.questions[name]}
    for read in reads.values():
        read.module.to(device).eval().requires_grad_(False)
    return reads


def _survivors(entries: Sequence[_Tried], window: tuple[int, int], setting: _Setting) -> list[_Tried]:
    """Those that no batch-norm rules out, by a few photographs: the early ones cost least and rule out most."""
    kept = list(entries)
    first, last = window
    asked = 0
    while first + asked < last and len({entry.answer for entry in kept}) > 1:
        asked = min(2 * asked or 1, last - first)
        kept = [setting.judged(entry, (first, first + asked), FEW) for entry in kept]
        nearest = min(entry.distance for entry in kept)
        kept = [entry for entry in kept if entry.distance <= HOPELESS * nearest + DOUBT]
    kept = [setting.judged(entry, window, FEW) for entry in kept]
    return _best_of_each(kept)


def _best_of_each(entries: Sequence[_Tried]) -> list[_Tried]:
    """Every answer at the size where it fits best, the nearest first."""
    ranked = sorted(entries, key=lambda entry: entry.distance)
    return list({entry.answer: entry for entry in reversed(ranked)}.values())[::-1]


def _layers_before(module: nn.Module, count: int) -> list[str]:
    """The layers that run before the batch-norm of that number, as they describe themselves."""
    norms = set(map(id, normfit.norm_layers(module).values()))
    found = []
    for layer in module.modules():
        count -= id(layer) in norms
        if next(layer.children(), None) is None:
            found.append(repr(layer))
        if not count:
            break
    return found


def undecided(file: str) -> ArchitectureError:
    """The refusal where readings answer differently and nothing decides between them."""
    why = "no key and no batch-norm tells how many stages close with a max pool, and the answers depend on it"
    fix = "More photographs (--reference-images) may tell; else give the network: --arch file.py:Class"
    return ArchitectureError("E-ARCH-OPEN", file, why, fix)


def _norms_alike(modules: Sequence[nn.Module]) -> int:
    """The number of batch-norms before the first layer in which the networks differ: those are given the same."""
    rows = [[layer for layer in module.modules() if next(layer.children(), None) is None] for module in modules]
    alike = itertools.takewhile(lambda row: len({repr(layer) for layer in row}) == 1, zip(*rows, strict=False))
    norms = set(map(id, normfit.norm_layers(modules[0]).values()))
    return sum(id(row[0]) in norms for row in alike)


def _marked(network: Network, findings: Sequence[Finding]) -> Network:
    """The layers that questions are about, marked as settled by the fit where that said something."""
    settled = {f"assume.{finding.question}" for finding in findings if finding.sure != "none"}
    layers = tuple(
        replace(layer, assumption=f"{layer.assumption}_fitted") if layer.assumption in settled else layer
        for layer in network.layers
    )
    return replace(network, layers=layers)


def whole_distance(module: nn.Module, images: Tensor, seed: int, window: tuple[int, int] | None = None) -> Numbers:
    """The distance over the batch-norms of the window, or all, for each resample; infinite where the network fails."""
    first, last = window or (0, None)
    try:
        layers = normfit.moments(module, lambda part: images[part], len(images), last)
    except normfit.CannotRunError:
        return np.full(normfit.RESAMPLES + 1, np.inf)
    return normfit.divergence(layers[first:], normfit.resamples(len(images), seed))


def fitted_side(module: nn.Module, at: At, sides: Sequence[int], factor: float) -> int:
    """The side in px that the batch-norms speak for, where they clearly speak against the first, most usual one.

    sides: the more usual first, which counts where two fit alike; factor: times as far as the best that the first must
    be to be left.
    """
    early = (0, min(EARLY, len(normfit.norm_layers(module))))
    looks = {side: float(whole_distance(module, at((side, side))[:FEW], 0, early)[0]) for side in sides}
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
