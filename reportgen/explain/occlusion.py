"""Occlusion: what does the score lose when a window of the image is covered?

Source: zeiler2014. The windows overlap by half; a pixel's value is the mean loss over the windows that cover it.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reportgen.attribution import Heat, Method, Row, explained, score_of
from reportgen.classifier import Classifier
from reportgen.contracts import ImageMethod
from reportgen.costs import Image, Passes
from reportgen.fills import Fill, filled
from reportgen.options import BuildOptions
from reportgen.perturbation import scene
from reportgen.results import Case, Explanation, Facts, Scalar

NAME = "occlusion"
FILL: Final[Fill] = "mean"  # of the image, as for LIME: black would be an object of its own
CELLS: Final = 12  # along each side, about: 11 x 11 windows of 2 x 2 cells


def explain(
    classifier: Classifier,
    cases: Sequence[Case],
    options: BuildOptions,  # noqa: ARG001 - as every method
) -> Iterator[tuple[Explanation, ...]]:
    """For each case one map per target, (H, W) float32, in units of the score: above 0 where covering costs."""
    height, width = classifier.facts.input.size
    step = stride((height, width))
    parameters: dict[str, Scalar] = {"score": classifier.facts.head.score, "fill": FILL}
    parameters |= {"window": 2 * step, "stride": step, "passes": int(np.prod(_windows((height, width), step)))}
    return explained(Method(NAME, lambda rows: _heats(classifier, rows, step), parameters, group=1), cases)


def stride(size: tuple[int, int]) -> int:
    """Pixels from one window to the next; a window is twice as wide."""
    height, width = size
    return max(1, min(round(math.sqrt(height * width) / CELLS), min(size) // 2))


def _heats(classifier: Classifier, rows: Sequence[Row], step: int) -> list[Heat]:
    """All rows are of one image, and ask about the same covered ones."""
    image = rows[0][0].image.pixels
    cells = _cells(image.shape[:2], step)
    about = scene(classifier, image, filled(image, cells, FILL), cells)
    covered = _covered(image.shape[:2], step)  # (windows, cells)
    answers = about.logits(np.concatenate([np.ones((1, covered.shape[1]), bool), ~covered]))
    return [_heat(score_of(answers, target), covered, cells) for _, target in rows]


def _heat(scores: NDArray[np.float64], covered: NDArray[np.bool_], cells: NDArray[np.int64]) -> Heat:
    """scores: of the whole image, then with each window covered."""
    lost = (scores[0] - scores[1:]) @ covered / covered.sum(axis=0)
    measures: Facts = {"score": float(scores[0]), "largest_loss": float((scores[0] - scores[1:]).max())}
    return Heat(lost[cells].astype(np.float32), empty="nothing_lost", measures=measures)


def _cells(size: tuple[int, ...], step: int) -> NDArray[np.int64]:
    """(H, W): the number of each pixel's cell, from the upper left; those at the far sides may be cut."""
    rows, columns = (np.arange(side) // step for side in size)
    return np.asarray(rows[:, None] * (columns[-1] + 1) + columns, np.int64)


def _windows(size: tuple[int, ...], step: int) -> tuple[int, int]:
    """How many stand below each other and side by side."""
    down, across = (-(-side // step) - 1 for side in size)
    return down, across


def _covered(size: tuple[int, ...], step: int) -> NDArray[np.bool_]:
    """(windows, cells): which cells each window covers, two by two."""
    down, across = (_pairs(count) for count in _windows(size, step))
    return (down[:, None, :, None] & across[None, :, None, :]).reshape(len(down) * len(across), -1)


def _pairs(count: int) -> NDArray[np.bool_]:
    """(count, count + 1): row i is true at i and i + 1."""
    return np.eye(count, count + 1, dtype=bool) | np.eye(count, count + 1, 1, dtype=bool)


def passes(about: Image) -> Passes:
    """The image, and each window covered."""
    return Passes(1 + math.prod(_windows(about.size, stride(about.size))))


METHOD = ImageMethod(NAME, explain, ("zeiler2014",), passes)
