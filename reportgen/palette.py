"""How the colours of photographs hang together: what gradient ascent needs to find colours that photographs have.

Source: olah2017, whose matrix Lucid measured on ImageNet; here it is measured on the user's own images.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

# Lucid's root of the covariance of ImageNet's RGB in [0, 1], and ImageNet's mean.
IMAGENET_ROOT: Final[Numbers] = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
IMAGENET_MEAN: Final[Numbers] = np.array([0.485, 0.456, 0.406])
LEAST_SPREAD: Final = 0.02  # standard deviation of RGB in [0, 1] below which images are of one colour
# Of the variance the share that is not lightness, below which images are nearly grey: ImageNet's is 0.086.
LEAST_CHROMA: Final = 0.02
FLOOR: Final = 0.004  # of the variance the share that no direction of colour falls below: ImageNet's least is 0.016


@dataclass(frozen=True, eq=False)
class Palette:
    """Mean and covariance of RGB in [0, 1].

    mean: (3,); root: (3, 3), root @ root.T is the covariance; borrowed: the share of it that is ImageNet's, in [0, 1].
    """

    mean: Numbers
    root: Numbers
    borrowed: float

    @property
    def source(self) -> str:
        """Whose colours they are: "images", or "imagenet" where these had to be asked for help."""
        return "imagenet" if self.borrowed else "images"


IMAGENET: Final = Palette(IMAGENET_MEAN, IMAGENET_ROOT, 1.0)


def palette(images: Iterable[NDArray[np.floating[Any]]]) -> Palette:
    """The colours of images, (H, W, 3) RGB in [0, 1] each, all of one size.

    Images of one colour say nothing, and ImageNet's covariance is taken; nearly grey ones have it mixed in, for a
    filter that wants red could hardly be shown in shades of grey. The mean is theirs in any case.
    """
    colours = (np.asarray(image, np.float64).reshape(-1, 3) for image in images)
    means, within = zip(*((each.mean(axis=0), np.cov(each.T, bias=True)) for each in colours), strict=True)
    mean = np.mean(means, axis=0)
    covariance = np.mean(within, axis=0) + np.cov(np.transpose(means), bias=True)
    variance = float(np.trace(covariance))
    known = IMAGENET_ROOT @ IMAGENET_ROOT.T
    if variance < 3 * LEAST_SPREAD**2:
        return Palette(mean, _root(known), 1.0)
    chroma = 1 - float(np.linalg.eigvalsh(covariance)[-1]) / variance
    borrowed = max(0.0, 1 - chroma / LEAST_CHROMA)
    mixed = (1 - borrowed) * covariance + borrowed * known * variance / np.trace(known)
    return Palette(mean, _root(mixed + FLOOR * variance * np.eye(3)), borrowed)


def _root(covariance: Numbers) -> Numbers:
    """Its columns are the principal colours, each as long as its standard deviation; largest first."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors[:, ::-1] * np.sqrt(values[::-1].clip(min=0)))
