"""Input x gradient: the gradient of the score times the image itself, pixel by pixel.

What each pixel would take from the score if it turned black, were the network a straight line.
Source: shrikumar2017, ancona2018.
"""

from collections.abc import Iterator, Sequence

from reportgen.attribution import GROUP, Heat, Method, Row, explained, pixels_of, score_gradients
from reportgen.classifier import Classifier
from reportgen.contracts import ImageMethod
from reportgen.costs import Image, Passes
from reportgen.options import BuildOptions
from reportgen.results import Case, Explanation, Facts

NAME = "input_x_gradient"


def explain(
    classifier: Classifier,
    cases: Sequence[Case],
    options: BuildOptions,  # noqa: ARG001 - as every method
) -> Iterator[tuple[Explanation, ...]]:
    """For each case one map per target, the sum over the channels of RGB in [0, 1], (H, W) float32, signed."""
    parameters: Facts = {"score": classifier.facts.head.score, "reduction": "sum", "baseline": "black"}
    return explained(Method(NAME, lambda rows: _heats(classifier, rows), parameters, GROUP), cases)


def _heats(classifier: Classifier, rows: Sequence[Row]) -> list[Heat]:
    pixels = pixels_of(rows)
    products = pixels * score_gradients(classifier, pixels, [target for _, target in rows])
    return [Heat(each.sum(axis=-1)) for each in products]


def passes(about: Image) -> Passes:
    """One gradient for each class."""
    return Passes(graded=about.targets)


METHOD = ImageMethod(NAME, explain, ("shrikumar2017", "ancona2018"), passes)
