"""How photographs are fed: what the network's first batch-norm says of channel order and normalisation.

Every candidate is tried on the same photographs, and the one under which the first batch-norm is given what it stores
comes first. A bootstrap over the photographs tells how sure that is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from reportgen import normfit
from reportgen.classifier import in_order, normalised
from reportgen.inputs import UNDEFINED
from reportgen.normfit import Numbers
from reportgen.results import InputCandidate, InputEvidence, Order

Triple = tuple[float, ...]

IMAGENET: Final[tuple[Triple, Triple]] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
BYTE: Final = 1 / 255
# Mean and standard deviation for RGB in [0, 1]; "images" is worked out from the photographs at hand.
NORMALISATIONS: Final[Mapping[str, tuple[Triple, Triple]]] = {
    "unit": ((), ()),
    "imagenet": IMAGENET,
    "half": ((0.5,), (0.5,)),
    "bytes": ((0.0,), (BYTE,)),
    "caffe": ((123.68 * BYTE, 116.779 * BYTE, 103.939 * BYTE), (BYTE,)),
}
GREY: Final[Mapping[str, tuple[Triple, Triple]]] = {
    "unit": ((), ()), "half": ((0.5,), (0.5,)), "bytes": ((0.0,), (BYTE,)), "mnist": ((0.1307,), (0.3081,)),
}  # fmt: skip
OWN: Final = "images"  # fits every network somewhat that was fed with mean 0 and variance 1, so it is no rival
FARTHEST: Final = 0.5  # nats; a first batch-norm that is given something else than photographs fits nothing better
OPPOSED: Final = 2.0  # times as far as the best candidate an option must be for a warning


@dataclass(frozen=True, eq=False)
class Judged:
    """A candidate with its distance in each resample."""

    candidate: InputCandidate
    distances: Numbers


def in_units(images: Tensor, candidate: InputCandidate) -> Tensor:
    """(N, 3, H, W) RGB in [0, 1] -> the same as the candidate feeds it, one channel where it is grey."""
    return normalised(in_order(images, candidate.channel_order), candidate.mean, candidate.std)


def candidates(
    images: Tensor, orders: Sequence[Order], given: tuple[Triple, Triple] | None
) -> Iterator[InputCandidate]:
    """Every pipeline that is tried. given: mean and standard deviation by option, which leave the order open only."""
    for order in orders:
        fed = in_order(images, order)
        means, stds = fed.mean((0, 2, 3)), fed.transpose(0, 1).flatten(1).std(1)
        own = tuple(map(float, means)), tuple(max(float(std), 1e-6) for std in stds)
        known = GREY if order == "grey" else NORMALISATIONS
        table = {"option": given} if given else dict(known)
        for name, (mean, std) in table.items():
            if order != "bgr" or given:
                yield InputCandidate(order, name, mean, std)
            elif name == "caffe":
                yield InputCandidate(order, name, mean[::-1], std)
            else:
                yield InputCandidate(order, name, mean, std)
                if name == "imagenet":  # OpenCV's order with numbers in the order of the channels, or as they are
                    yield InputCandidate(order, name, mean[::-1], std[::-1])
        if not given:
            yield InputCandidate(order, OWN, *own)


def judge(
    module: nn.Module, images: Tensor, orders: Sequence[Order], given: tuple[Triple, Triple] | None, seed: int
) -> InputEvidence | None:
    """What the first batch-norm says; None where there is no batch-norm, or it cannot be reached.

    images: (N, 3, H, W) RGB in [0, 1] on the network's device; orders: those that come into question.
    """
    weights = normfit.resamples(len(images), seed)
    judged = []
    for candidate in candidates(images, orders, given):

        def feed(part: slice, candidate: InputCandidate = candidate) -> Tensor:
            return in_units(images[part], candidate)

        try:
            layers = normfit.moments(module, feed, len(images), most=1)
        except normfit.CannotRunError:
            return None
        if not layers:
            return None
        judged.append(Judged(candidate, normfit.divergence(layers, weights)))
    return _evidence(judged, len(images))


def _evidence(judged: Sequence[Judged], count: int) -> InputEvidence:
    ranked = sorted(judged, key=lambda each: float(each.distances[0]))
    published = [each for each in ranked if each.candidate.normalisation != OWN]
    best = published[0]
    order = best.candidate.channel_order
    others = [each for each in published if each.candidate.channel_order != order]
    order_share = normfit.share_won(best.distances, _nearest(others)) if others else 1.0
    # Where the order is not clear it is the usual one, and the normalisation is judged in that.
    settled = order if normfit.certainty(order_share) == "clear" or not others else "rgb"
    inside = [each for each in published if each.candidate.channel_order == settled]
    chosen = inside[0]
    rivals = [each for each in inside if each.candidate.normalisation != chosen.candidate.normalisation]
    share = normfit.share_won(chosen.distances, _nearest(rivals)) if rivals else 1.0
    near = bool(best.distances[0] <= FARTHEST)
    return InputEvidence(
        candidates=tuple(_with_distance(each) for each in ranked),
        chosen=_with_distance(chosen),
        images=count,
        order=normfit.certainty(order_share) if near else "none",
        order_share=order_share,
        normalisation=normfit.certainty(share) if near else "none",
        normalisation_share=share,
    )


def _nearest(judged: Sequence[Judged]) -> Numbers:
    """The distance of the nearest of them, resample by resample."""
    return np.asarray(np.min([each.distances for each in judged], axis=0))


def _with_distance(judged: Judged) -> InputCandidate:
    one, distance = judged.candidate, float(judged.distances[0])
    shown = distance if np.isfinite(distance) else UNDEFINED
    return InputCandidate(one.channel_order, one.normalisation, one.mean, one.std, shown)


def stacked(pixels: Sequence[np.ndarray], device: torch.device) -> Tensor:
    """(H, W, 3) uint8 arrays of one size -> (N, 3, H, W) float32 RGB in [0, 1]."""
    return torch.tensor(np.stack(pixels)).permute(0, 3, 1, 2).to(device).float() / 255
