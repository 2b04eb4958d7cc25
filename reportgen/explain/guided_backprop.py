"""Guided Backprop: the gradient, but each ReLU lets only what is above 0 back through. A known bad example.

Its pictures are sharp because they rebuild the image's edges, and stay nearly the same when the learned weights behind
the first layers are lost: off unless asked for, to be compared with.
Source: springenberg2015; against it nie2018, adebayo2018.
"""

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from reportgen.attribution import GROUP, Heat, Method, NotApplicable, Row, Scored, asked, explained, pixels_of
from reportgen.classifier import Classifier, to_numpy
from reportgen.contracts import ImageMethod
from reportgen.costs import Image, Passes
from reportgen.options import BuildOptions
from reportgen.results import Case, Explanation, Facts

NAME = "guided_backprop"


def explain(
    classifier: Classifier,
    cases: Sequence[Case],
    options: BuildOptions,  # noqa: ARG001 - as every method
) -> Iterator[tuple[Explanation, ...]]:
    """For each case one map per target: the size of what comes back, the largest channel, (H, W) float32.

    Not applicable where no ReLU is a module of the network: what a function does cannot be seen from outside.
    """
    parameters: Facts = {"score": classifier.facts.head.score, "reduction": "max"}
    return explained(Method(NAME, lambda rows: _heats(classifier, rows), parameters, GROUP), cases)


def _heats(classifier: Classifier, rows: Sequence[Row]) -> list[Heat]:
    from captum.attr import GuidedBackprop

    rectifiers = sum(isinstance(part, nn.ReLU) for part in classifier.module.modules())
    if not rectifiers:
        raise NotApplicable("no_relu")
    pixels, wanted = pixels_of(rows), asked([target for _, target in rows]).to(classifier.device)
    method = GuidedBackprop(Scored(classifier))

    def run(part: slice) -> NDArray[np.float32]:
        images = classifier.tensor(pixels[part]).requires_grad_()
        with torch.enable_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that hooks are set, which are removed again
            return to_numpy(method.attribute(images, additional_forward_args=(wanted[part],)))

    found = np.concatenate(classifier.in_batches(len(pixels), run))  # (N, 3, H, W)
    counted: Facts = {"rectifiers": rectifiers}
    return [Heat(np.abs(each).max(axis=0), signed=False, parameters=counted) for each in found]


def passes(about: Image) -> Passes:
    """One gradient for each class."""
    return Passes(graded=about.targets)


METHOD = ImageMethod(NAME, explain, ("springenberg2015", "nie2018", "adebayo2018"), passes)
