"""Saliency: how much would the logit of a class change if one pixel changed a little?

Where the network ends in a softmax, its logarithm stands for the logit: the log-probability.
Source: simonyan2014.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reportgen.attempts import failed, without_picture
from reportgen.classifier import Classifier, NoGradient, Score
from reportgen.contracts import ImageMethod
from reportgen.measures import heat_measures
from reportgen.options import BuildOptions
from reportgen.results import Case, Explanation, Facts, SaliencyMap, Target

NAME = "saliency"
GROUP = 32  # images whose gradients are held at once


def explain(
    classifier: Classifier,
    cases: Sequence[Case],
    options: BuildOptions,  # noqa: ARG001 - as every method
) -> Iterator[tuple[Explanation, ...]]:
    """For each case one map per target: |d logit / d pixel|, the largest channel, (H, W) float32."""
    for start in range(0, len(cases), GROUP):
        group = cases[start : start + GROUP]
        rows = [(case, target) for case in group for target in case.targets]
        maps = iter(_explanations(classifier, rows))
        for case in group:
            yield tuple(next(maps) for _ in case.targets)


def logit_gradients(
    classifier: Classifier, pixels: NDArray[np.floating[Any]], classes: Sequence[int]
) -> NDArray[np.float32]:
    """The gradient of one logit for each image, (N, H, W, 3) float32. classes: the class of each image."""
    wanted = torch.tensor(list(classes))

    def score(part: slice) -> Score:
        def logit(logits: Tensor) -> Tensor:
            return logits.gather(1, wanted[part].to(logits.device)[:, None])[:, 0]

        return logit

    # One by one: a pass of few images rounds otherwise than one of many, and a map would depend on its neighbours.
    return classifier.input_gradients(pixels, score, most=1)


def _explanations(classifier: Classifier, rows: Sequence[tuple[Case, Target]]) -> list[Explanation]:
    parameters: Facts = {"score": classifier.facts.head.score, "reduction": "max"}
    try:
        pixels = np.stack([case.image.pixels for case, _ in rows])
        gradients = logit_gradients(classifier, pixels, [target.index for _, target in rows])
    except NoGradient:
        return [without_picture(NAME, target, "no_gradient", parameters) for _, target in rows]
    except Exception as err:  # whatever a user's own network raises
        return [failed(NAME, target, err, parameters) for _, target in rows]
    return [_explanation(target, each, parameters) for (_, target), each in zip(rows, gradients, strict=True)]


def _explanation(target: Target, gradient: NDArray[np.float32], parameters: Facts) -> Explanation:
    heat = np.abs(gradient).max(axis=-1)
    if not np.isfinite(heat).all():
        return without_picture(NAME, target, "not_finite", parameters)
    if not heat.any():
        return without_picture(NAME, target, "flat_gradient", parameters, {"maximum": 0.0})
    return Explanation(NAME, target, "ok", SaliencyMap(heat), parameters=parameters, measures=heat_measures(heat))


METHOD = ImageMethod(NAME, explain, ("simonyan2014", "adebayo2018"))
