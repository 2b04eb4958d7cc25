"""LIME's neighbourhood and linear model for one image: superpixels, random masks, and lime's own fit.

Source: ribeiro2016; lime 0.2.0.1 (lime_image.py, lime_base.py); SLIC of achanta2012 by scikit-image.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from lime.lime_image import LimeImageExplainer
from numpy.typing import NDArray
from skimage.segmentation import slic
from sklearn.metrics import pairwise_distances

from reportgen.classifier import Classifier
from reportgen.heads import softmax
from reportgen.results import Scalar

Image = NDArray[np.floating[Any]]  # (H, W, 3) RGB in [0, 1]
Segments = NDArray[np.int32]  # (H, W), 0..n-1
KERNEL_WIDTH = 0.25  # lime's default, on the cosine distance of masks
ALPHA = 1.0  # of lime's ridge regression
FEATURES = 100_000  # all regions, as in lime's explain_instance; with 6 or fewer it would choose them one by one


@dataclass(frozen=True)
class Recipe:
    """How a neighbourhood is drawn. fill: what a hidden superpixel shows; scale: what the linear model predicts."""

    samples: int
    asked: int  # superpixels asked of SLIC
    compactness: float
    sigma: float
    fill: Literal["mean", "segment", "black"]
    scale: Literal["probability", "logit"]

    def facts(self) -> dict[str, Scalar]:
        """Everything that the weights depend on, for the report."""
        return {
            "samples": self.samples, "asked": self.asked, "compactness": self.compactness, "sigma": self.sigma,
            "fill": self.fill, "scale": self.scale, "kernel_width": KERNEL_WIDTH, "alpha": ALPHA,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Perturbed versions of one image and the network's answers. Row 0 of `masks` is the image itself.

    masks: (S, n) 0 or 1, 1 where a superpixel is shown; scores: (S, K) on the recipe's scale.
    """

    masks: NDArray[np.int64]
    scores: NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class LinearModel:
    """lime's fit for one class. weights: (n,) float64; r2: weighted by the kernel; local: its value at the image."""

    weights: NDArray[np.float64]
    intercept: float
    r2: float
    local: float


def superpixels(image: Image, recipe: Recipe) -> Segments:
    """SLIC's regions, numbered 0..n-1 without a gap."""
    # start_label: lime counts from 0, and scikit-image from 1 unless told; the last region would never be hidden.
    found = slic(
        image.astype(np.float64),
        n_segments=recipe.asked,
        compactness=recipe.compactness,
        sigma=recipe.sigma,
        start_label=0,
        channel_axis=-1,
    )
    return np.unique(found, return_inverse=True)[1].reshape(found.shape).astype(np.int32)


def filled(image: Image, segments: Segments, fill: str) -> NDArray[np.float32]:
    """The image as it looks with every superpixel hidden, (H, W, 3) float32."""
    if fill == "black":
        return np.zeros(image.shape, np.float32)
    if fill == "mean":
        return np.broadcast_to(image.mean(axis=(0, 1), dtype=np.float64).astype(np.float32), image.shape)
    sizes = np.bincount(segments.ravel())
    means = [
        np.bincount(segments.ravel(), image[..., channel].ravel().astype(np.float64)) / sizes for channel in range(3)
    ]
    return np.stack(means, axis=-1)[segments].astype(np.float32)


def neighbourhood(
    classifier: Classifier, image: Image, segments: Segments, recipe: Recipe, rng: np.random.RandomState
) -> Neighbourhood:
    """The masks that lime draws from `rng`, and the network's answer to each masked image.

    On the scale of probabilities by the classifier's fast path; the write-up's logits come from the network itself.
    """
    rng.randint(0, high=1000)  # lime draws a seed for its segmentation first; without it the masks would differ
    count = int(segments.max()) + 1
    masks = rng.randint(0, 2, recipe.samples * count).reshape(recipe.samples, count)
    masks[0] = 1
    shown, hidden = image.astype(np.float32), filled(image, segments, recipe.fill)
    quick = recipe.scale == "probability"
    ask = (lambda pixels: softmax(classifier.answer(classifier.prepare(pixels)))) if quick else classifier.logits

    def run(part: slice) -> NDArray[np.floating[Any]]:
        visible = masks[part].astype(bool)[:, segments][..., None]
        return ask(np.where(visible, shown, hidden))

    return Neighbourhood(masks, np.concatenate(classifier.in_batches(recipe.samples, run)))


def fit(drawn: Neighbourhood, label: int, rng: np.random.RandomState) -> LinearModel:
    """The linear model of the class's score on the masks: lime's kernel and ridge regression, each class on its own."""
    explainer = LimeImageExplainer(kernel_width=KERNEL_WIDTH, random_state=rng)
    distances = pairwise_distances(drawn.masks, drawn.masks[:1], metric="cosine").ravel()
    # Not lime's explain_instance: it keeps one R2 for all classes, that of the last.
    intercept, pairs, r2, local = explainer.base.explain_instance_with_data(
        drawn.masks, drawn.scores, distances, label, FEATURES, feature_selection=explainer.feature_selection
    )
    weights = np.zeros(drawn.masks.shape[1])
    for region, weight in pairs:
        weights[region] = weight
    return LinearModel(weights, float(intercept), float(r2), float(np.ravel(local)[0]))


def fit_measures(drawn: Neighbourhood, model: LinearModel, label: int) -> Mapping[str, float]:
    """r2, intercept, local (the linear model at the untouched image) and score (the network there)."""
    return {
        "r2": model.r2,
        "intercept": model.intercept,
        "local": model.local,
        "score": float(drawn.scores[0, label]),
    }
