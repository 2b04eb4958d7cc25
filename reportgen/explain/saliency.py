"""Saliency: how much would the logit of a class change if one pixel changed a little?

Where the network ends in a softmax, its logarithm stands for the logit: the log-probability.
Source: simonyan2014.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from reportgen.attribution import GROUP, Heat, Method, Row, explained, pixels_of, score_gradients
from reportgen.classifier import Classifier
from reportgen.contracts import ImageMethod
from reportgen.costs import Image, Passes
from reportgen.options import BuildOptions
from reportgen.results import Case, Explanation, Facts

NAME = "saliency"


def explain(
    classifier: Classifier,
    cases: Sequence[Case],
    options: BuildOptions,  # noqa: ARG001 - as every method
) -> Iterator[tuple[Explanation, ...]]:
    """For each case one map per target: |d logit / d pixel|, the largest channel, (H, W) float32."""
    parameters: Facts = {"score": classifier.facts.head.score, "reduction": "max"}
    return explained(Method(NAME, lambda rows: _heats(classifier, rows), parameters, GROUP), cases)


def _heats(classifier: Classifier, rows: Sequence[Row]) -> list[Heat]:
    gradients = score_gradients(classifier, pixels_of(rows), [target for _, target in rows])
    return [Heat(np.abs(each).max(axis=-1), signed=False) for each in gradients]


def passes(about: Image) -> Passes:
    """One gradient for each class."""
    return Passes(graded=about.targets)


METHOD = ImageMethod(NAME, explain, ("simonyan2014", "adebayo2018"), passes)
