"""The write-up's saliency map: the gradient of the loss, each image stretched to [0, 1] (profile hw5).

Source: the write-up of homework 5, function compute_saliency_maps.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from reportgen.attempts import failed, without_picture
from reportgen.classifier import Classifier, NoGradient, Score
from reportgen.contracts import ImageMethod, labelled_target
from reportgen.costs import Image, Passes
from reportgen.measures import heat_measures
from reportgen.options import BuildOptions
from reportgen.results import Case, ColourSaliency, Explanation, Facts, Scalar, Target

NAME = "saliency_hw5"
PARAMETERS: Facts = {"score": "cross-entropy"}


def explain(
    classifier: Classifier,
    cases: Sequence[Case],
    options: BuildOptions,  # noqa: ARG001 - as every method
) -> Iterator[tuple[Explanation, ...]]:
    """For each case one map, for the label's class or, where none is known, the predicted one."""
    for case in cases:
        yield (_explanation(classifier, case, labelled_target(case)),)


def _explanation(classifier: Classifier, case: Case, target: Target) -> Explanation:
    loss = float(cross_entropy(torch.tensor(case.prediction.logits)[None], torch.tensor([target.index])))
    try:
        (gradient,) = classifier.input_gradients(case.image.pixels[None], lambda _: _loss(target.index))
    except NoGradient:
        return without_picture(NAME, target, "no_gradient", PARAMETERS)
    except Exception as err:  # whatever a user's own network raises
        return failed(NAME, target, err, PARAMETERS)
    heat = np.abs(gradient)
    if not np.isfinite(heat).all():
        return without_picture(NAME, target, "not_finite", PARAMETERS)
    low, high = heat.min(), heat.max()
    measures: dict[str, Scalar] = {"maximum": float(high), "loss": loss}
    if high == low:  # the write-up would divide by zero and print NaN
        return without_picture(NAME, target, "flat_gradient", PARAMETERS, measures)
    stretched = (heat - low) / (high - low)
    shape = heat_measures(heat.max(axis=-1))
    measures |= {name: shape[name] for name in ("half_area", "place")}
    return Explanation(NAME, target, "ok", ColourSaliency(stretched), parameters=PARAMETERS, measures=measures)


def _loss(label: int) -> Score:
    def score(logits: Tensor) -> Tensor:
        # One image at a time, so the mean over the batch that the write-up's loss takes changes no stretched map.
        return cross_entropy(logits, torch.full((len(logits),), label, device=logits.device), reduction="none")

    return score


def passes(_: Image) -> Passes:
    """One gradient, of one class."""
    return Passes(graded=1)


METHOD = ImageMethod(NAME, explain, ("hw5", "simonyan2014"), passes)
