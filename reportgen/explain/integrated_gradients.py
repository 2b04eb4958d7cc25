"""Integrated Gradients: what each pixel adds to the score on the straight way from a plain image to this one.

The values of all pixels add up to what the score gained on the way; by how much they miss it is measured.
Source: sundararajan2017.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from reportgen.attribution import Heat, Method, Row, Scored, asked, explained, score_of
from reportgen.classifier import Classifier, to_numpy
from reportgen.contracts import ImageMethod
from reportgen.costs import Image, Passes
from reportgen.fills import Fill, filled
from reportgen.options import BuildOptions
from reportgen.results import Case, Explanation, Facts, Scalar

NAME = "integrated_gradients"
# The image's mean colour, which regions hidden from LIME and from occlusion show, too, so that all three ask about the
# same loss. Against black, the usual choice, no dark pixel could count.
BASELINE: Final[Fill] = "mean"
STEPS: Final = 16  # a median error of 0.9 % on scenes of the shipped network
MOST_STEPS: Final = 128
PRECISE: Final = 0.02  # of what the score gained; where the error is larger, so is the number of steps
# Where maps are only compared by rank: the correlation of a trained and a randomised network's is then within 0.007 of
# that of precise maps, in the median of 12 images. docs/verdicts.md has the table.
ROUGH_STEPS: Final = 8


def explain(
    classifier: Classifier,
    cases: Sequence[Case],
    options: BuildOptions,  # noqa: ARG001 - as every method
) -> Iterator[tuple[Explanation, ...]]:
    """For each case one map per target, the sum over the channels, (H, W) float32, in units of the score."""
    return explained(_method(classifier, lambda rows: _heats(classifier, rows)), cases)


def explain_roughly(
    classifier: Classifier,
    cases: Sequence[Case],
    options: BuildOptions,  # noqa: ARG001 - as every method
) -> Iterator[tuple[Explanation, ...]]:
    """The same by ROUGH_STEPS points, however much they miss."""
    return explained(_method(classifier, lambda rows: _rough_heats(classifier, rows)), cases)


def _method(classifier: Classifier, find: Callable[[Sequence[Row]], Sequence[Heat]]) -> Method:
    parameters: Facts = {"score": classifier.facts.head.score, "reduction": "sum", "baseline": BASELINE}
    return Method(NAME, find, parameters, group=1)


def _heats(classifier: Classifier, rows: Sequence[Row]) -> list[Heat]:
    """All rows are of one image."""
    image = rows[0][0].image.pixels
    plain = _plain(image)
    ends = classifier.logits(np.stack([image, plain]))
    return [_heat(classifier, row, plain, ends) for row in rows]


def _rough_heats(classifier: Classifier, rows: Sequence[Row]) -> list[Heat]:
    image = rows[0][0].image.pixels
    maps = (integrated(classifier, image, _plain(image), row, ROUGH_STEPS) for row in rows)
    return [Heat(each, parameters={"steps": ROUGH_STEPS}) for each in maps]


def _plain(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return filled(image, np.zeros(image.shape[:2], np.int64), BASELINE)


def _heat(classifier: Classifier, row: Row, plain: NDArray[np.float32], ends: NDArray[np.float32]) -> Heat:
    """ends: (2, K) logits of the image and of the baseline."""
    case, target = row
    whole, start = score_of(ends, target).tolist()
    steps = STEPS
    heat = integrated(classifier, case.image.pixels, plain, row, steps)
    while steps < MOST_STEPS and _missed(heat, whole - start) > PRECISE * max(abs(whole - start), _cancelled(heat)):
        steps *= 2
        heat = integrated(classifier, case.image.pixels, plain, row, steps)
    missed = _missed(heat, whole - start)
    measures: dict[str, Scalar] = {"score": whole, "baseline_score": start, "completeness_error": missed}
    if whole != start:
        measures["completeness_relative"] = missed / abs(whole - start)
    return Heat(heat, parameters={"steps": steps}, measures=measures)


def integrated(
    classifier: Classifier, image: NDArray[np.floating], plain: NDArray[np.floating], row: Row, steps: int
) -> NDArray[np.float32]:
    """The map of one row by captum, with so many points of Gauss and Legendre between the images, (H, W) float32."""
    from captum.attr import IntegratedGradients

    ours, theirs = classifier.tensor(image[None]), classifier.tensor(plain[None])
    wanted = asked([row[1]]).to(classifier.device)
    method = IntegratedGradients(Scored(classifier))

    def run(size: int) -> NDArray[np.float32]:
        with torch.enable_grad():
            found = method.attribute(
                ours, theirs, additional_forward_args=(wanted,), n_steps=steps, internal_batch_size=size
            )
        return to_numpy(found[0].sum(0))

    return classifier.in_one(run, steps)


def _cancelled(heat: NDArray[np.float32]) -> float:
    """A tenth of what the map adds and takes: where both cancel, the gain says nothing of how fine the map is."""
    return 0.1 * float(np.abs(heat).sum(dtype=np.float64))


def _missed(heat: NDArray[np.float32], gained: float) -> float:
    return abs(float(heat.sum(dtype=np.float64)) - gained)


def passes(about: Image) -> Passes:
    """Both ends, and a gradient of each step for each class; more where so few steps are not precise."""
    return Passes(2, STEPS * about.targets)


def rough_passes(about: Image) -> Passes:
    """A gradient of each step for each class."""
    return Passes(graded=ROUGH_STEPS * about.targets)


CITES: Final = ("sundararajan2017",)
METHOD = ImageMethod(NAME, explain, CITES, passes, ImageMethod(NAME, explain_roughly, CITES, rough_passes))
