"""Does a filter matter: what the answers become when it is held at its mean, and which filters to try that with.

Source: molchanov2017 for the first-order estimate, their Taylor criterion, here of the predicted class's logit.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from reportgen.attempts import ends_the_run
from reportgen.channels import GROUP, Channels
from reportgen.classifier import Classifier, Stack
from reportgen.freed import give_back
from reportgen.hooks import replaced, traced
from reportgen.layers import is_map
from reportgen.options import BuildOptions
from reportgen.results import ClassEffect

CANDIDATES: Final = 2  # times as many filters as are shown are tried exactly
FALLING: Final = 3  # classes kept for each filter, by probability and by logit

Numbers = NDArray[np.float64]


def held_at_mean(classifier: Classifier, pixels: Stack, layer: str, number: int, mean: float) -> Numbers:
    """(N, K) probabilities with the filter's map replaced by one constant, its mean."""
    with replaced(classifier.module, layer, {number: mean}):
        return classifier.probabilities(pixels)


def change_of_predicted(intact: Numbers, held: Numbers) -> float:
    """Mean absolute change of the predicted class's probability; (N, K) each."""
    predicted = intact.argmax(axis=1)[:, None]
    return float(np.abs(np.take_along_axis(intact - held, predicted, axis=1)).mean())


def class_effects(
    intact: Numbers, held: Numbers, above: NDArray[np.bool_], names: Sequence[str]
) -> tuple[ClassEffect, ...]:
    """Those of the classes that fall most, by probability and by logit, that rises and that changes most.

    In the order of the fall of their probabilities.

    intact, held: (N, K) probabilities; above: (N,) whether the filter answers more than its mean there. Over all images
    both sides of the mean would cancel: where it answers less, holding it at the mean adds. Where it never answers
    more, all images count.
    """
    part = above if above.any() else np.ones(len(above), bool)
    drops, changes = (intact - held)[part].mean(axis=0), np.abs(intact - held).mean(axis=0)
    falls = (centred_logits(intact) - centred_logits(held))[part].mean(axis=0)
    order = np.argsort(-drops, kind="stable")
    by_logit = np.argsort(-falls, kind="stable")
    shown = {*order[:FALLING].tolist(), *by_logit[:FALLING].tolist(), int(order[-1]), int(changes.argmax())}
    return tuple(
        ClassEffect(k, names[k], float(changes[k]), float(drops[k]), float(falls[k]))
        for k in order.tolist()
        if k in shown
    )


def centred_logits(probabilities: Numbers) -> Numbers:
    """(N, K) -> (N, K): each class's logit less the mean of all; only differences of logits mean anything.

    Of a softmax it is the logarithm less its mean; where rows do not add up to 1, each class has a sigmoid of its own.
    """
    sure = np.clip(probabilities, np.finfo(np.float64).tiny, 1.0)
    logits: Numbers = np.log(sure)
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-6):
        logits = logits - np.log(np.clip(1 - sure, np.finfo(np.float64).eps, 1.0))
    return np.asarray(logits - logits.mean(axis=1, keepdims=True))


def first_order(classifier: Classifier, pixels: Stack, stats: Mapping[str, Channels]) -> dict[str, Numbers]:
    """For each layer and channel, (C,), how much the predicted logit would change at first order, mean absolute.

    On each image the sum over positions of (activation - mean) x gradient; one backward pass for all layers. Zeros for
    a layer on which the answer does not depend, empty where the network gives no gradient.
    """

    def run(part: slice) -> dict[str, NDArray[np.float32]]:
        with torch.enable_grad(), traced(classifier.module, list(stats)) as outputs:
            images = classifier.tensor(pixels[part]).requires_grad_()
            total = classifier.forward(images).amax(dim=1).sum()  # images do not see each other
            live = {name: output for name, output in outputs.items() if is_map(output) and output.requires_grad}
            if not total.requires_grad or not live:
                return {}
            slopes = torch.autograd.grad(total, list(live.values()), allow_unused=True)
            found = {}
            for (name, output), slope in zip(live.items(), slopes, strict=True):
                mean = torch.tensor(stats[name].mean, dtype=output.dtype).to(output.device).view(1, -1, 1, 1)
                change = torch.zeros_like(output) if slope is None else (output.detach() - mean) * slope
                found[name] = change.sum(dim=(2, 3)).abs().detach().cpu().numpy()
            return found

    def run_and_free(part: slice) -> dict[str, NDArray[np.float32]]:
        found = run(part)
        give_back()
        return found

    parts = classifier.in_batches(len(pixels), run_and_free, most=GROUP)
    return {
        name: _known(np.concatenate([part[name] for part in parts]).astype(np.float64)).mean(axis=0)
        for name in parts[0]
    }


def _known(estimates: Numbers) -> Numbers:
    """What is not finite says nothing: 0."""
    return np.where(np.isfinite(estimates), estimates, 0.0)


def chosen_filters(
    classifier: Classifier,
    pixels: Stack,
    intact: Numbers,
    stats: Mapping[str, Channels],
    options: BuildOptions,
) -> dict[str, dict[int, Numbers]]:
    """For each layer the filters to show, each with the probabilities while it is held at its mean.

    Those named; else those that change the predicted class's probability most, of the channels that do so at first
    order.
    """
    estimates = {} if options.filters else _estimates(classifier, pixels, stats)
    found = {}
    for name, each in stats.items():
        estimate = estimates.get(name, np.zeros(0))
        tried = options.filters or candidates(estimate, each, options.filters_top)
        held = {
            number: held_at_mean(classifier, pixels, name, number, float(each.mean[number]))
            for number in dict.fromkeys(tried)
        }
        if not options.filters:
            numbers = list(held)
            changes = np.nan_to_num([change_of_predicted(intact, held[number]) for number in numbers])
            best = np.lexsort((-changes, np.isin(numbers, each.broken)))[: options.filters_top]
            held = {numbers[place]: held[numbers[place]] for place in best}
        found[name] = held
    return found


def _estimates(classifier: Classifier, pixels: Stack, stats: Mapping[str, Channels]) -> dict[str, Numbers]:
    """First-order estimates; none where the network cannot be differentiated."""
    try:
        return first_order(classifier, pixels, stats)
    except RuntimeError as err:  # as where it writes over what its own gradient needs
        if ends_the_run(err):
            raise
        return {}


def candidates(estimate: Numbers, stats: Channels, count: int) -> tuple[int, ...]:
    """The channels to try exactly: those with the largest estimates, or with the largest answers where there is none.

    All of them where the layer has no more than that. Channels that give NaN or infinity come last.
    """
    order = np.argsort(-estimate, kind="stable") if estimate.size else most_excited(stats)
    order = order[np.argsort(np.isin(order, stats.broken), kind="stable")]
    return tuple(int(channel) for channel in order[: CANDIDATES * count])


def most_excited(stats: Channels) -> NDArray[np.int64]:
    """All channels, that with the largest answer first; among equals, as where ReLU6 is full, the larger mean."""
    return np.lexsort((-stats.mean, -stats.highest))
