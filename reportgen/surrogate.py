"""LIME's linear models: lime's own fit on random masks, and the plain averages of an orthogonal design.

Source: ribeiro2016; lime 0.2.0.1 (lime_base.py). On a design in which every superpixel is shown in half of the rows and
every two are independent, the least-squares weight of a superpixel is the mean answer where it is shown less the mean
where it is hidden (plackett1946); its average over all masks is the Banzhaf value (Hammer and Holzman 1992).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from lime.lime_image import LimeImageExplainer
from numpy.typing import NDArray
from scipy.stats import t as student
from sklearn.metrics import pairwise_distances

from reportgen.sampling import Masks

Scores = NDArray[np.floating[Any]]  # (S,), one class's answers
KERNEL_WIDTH = 0.25  # lime's default, on the cosine distance of masks
ALPHA = 1.0  # of lime's ridge regression
FEATURES = 100_000  # all regions, as in lime's explain_instance; with 6 or fewer it would choose them one by one
CONFIDENCE = 0.9  # of each weight's interval


@dataclass(frozen=True, eq=False)
class LinearModel:
    """A linear model of one class's score on the masks.

    weights: (n,) float64, what showing a superpixel adds to the score; margins: (n,) float64, half of each weight's
    90 % interval, infinite where the answers are too few to tell; intercept: the model with everything hidden;
    r2: the share of the answers' variance that it explains, on the samples it was fitted to for lime's fit, and
    adjusted for the number of weights for a design; local: the model at the untouched image.
    """

    weights: NDArray[np.float64]
    margins: NDArray[np.float64]
    intercept: float
    r2: float
    local: float


def fit_design(blocks: Sequence[Masks], answers: Sequence[Scores]) -> LinearModel:
    """The least-squares model on blocks of a two-level orthogonal design: one block, or pairs of block and fold-over.

    blocks: (N, n) each; answers: (N,) each.
    """
    masks = np.where(np.concatenate(blocks), 1.0, -1.0)
    scores = np.concatenate(answers).astype(np.float64)
    mean = float(scores.mean())
    halves = masks.T @ (scores - mean) / len(scores)
    residual = scores - mean - masks @ halves
    free = len(scores) - 1 - len(halves)
    spread = float(((scores - mean) ** 2).sum()) / (len(scores) - 1)
    error, left = _noise(residual, len(blocks), len(halves))
    return LinearModel(
        weights=2 * halves,
        margins=np.full(len(halves), 2 * student.ppf((1 + CONFIDENCE) / 2, left) * error),
        intercept=mean - float(halves.sum()),
        r2=1 - float((residual**2).sum()) / free / spread if spread > 0 else 0.0,
        local=mean + float(halves.sum()),
    )


def _noise(residual: NDArray[np.float64], blocks: int, weights: int) -> tuple[float, int]:
    """The standard error of half a weight, and its degrees of freedom.

    With the fold-over beside it, what a mask and its opposite have in common cancels, so only half their difference
    counts.
    """
    if blocks == 1:
        left = len(residual) - 1 - weights
        return float(np.sqrt((residual**2).sum() / left / len(residual))), left
    pairs = residual.reshape(blocks // 2, 2, -1)
    odd = (pairs[:, 0] - pairs[:, 1]) / 2
    left = odd.size - weights
    return float(np.sqrt((odd**2).sum() / left / odd.size)), left


def fit_lime(masks: NDArray[np.int64], scores: Scores, rng: np.random.RandomState) -> LinearModel:
    """The fit of lime itself, each class on its own: exponential kernel on the cosine distance, ridge regression.

    masks: (S, n) of 0 and 1, the image itself first. Intervals: heteroscedasticity-consistent (HC1; White 1980).
    """
    explainer = LimeImageExplainer(kernel_width=KERNEL_WIDTH, random_state=rng)
    distances = pairwise_distances(masks, masks[:1], metric="cosine").ravel()
    # Not lime's explain_instance: it keeps one R2 for all classes, that of the last.
    intercept, pairs, r2, local = explainer.base.explain_instance_with_data(
        masks, scores[:, None], distances, 0, FEATURES, feature_selection=explainer.feature_selection
    )
    weights = np.zeros(masks.shape[1])
    for region, weight in pairs:
        weights[region] = weight
    residual = scores - intercept - masks @ weights
    margins = _lime_margins(masks, explainer.base.kernel_fn(distances), residual)
    return LinearModel(weights, margins, float(intercept), float(r2), float(np.ravel(local)[0]))


def _lime_margins(
    masks: NDArray[np.int64], kernel: NDArray[np.float64], residual: NDArray[np.float64]
) -> NDArray[np.float64]:
    left = len(masks) - masks.shape[1] - 1
    if left < 1:
        return np.full(masks.shape[1], np.inf)
    centred = masks - np.average(masks, axis=0, weights=kernel)
    weighted = centred * kernel[:, None]
    bread = np.linalg.inv(weighted.T @ centred + ALPHA * np.eye(masks.shape[1]))
    influence = (weighted * residual[:, None]) @ bread
    errors = np.sqrt((influence**2).sum(axis=0) * len(masks) / left)
    return np.asarray(student.ppf((1 + CONFIDENCE) / 2, left) * errors)
