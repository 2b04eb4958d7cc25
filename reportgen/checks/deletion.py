"""Deletion and insertion: how does the answer change as the pixels that a map marks most are hidden, or alone shown?

Source: petsiuk2018. Hidden pixels show the image out of focus; the shares of pixels grow geometrically, because what
matters is mostly small.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from reportgen.classifier import Classifier
from reportgen.fills import Image, filled
from reportgen.measures import signed_evidence
from reportgen.results import Result

Plane = NDArray[np.floating[Any]]  # (H, W), the higher the more it speaks for the class
Ranks = NDArray[np.int32]  # (H, W), 0 for the pixel that speaks most, each rank once
Logits = NDArray[np.float32]  # (..., K)

# Of the pixels. With less, and with more, maps that are right are told apart from controls less often.
LEAST: Final = 0.02
MOST: Final = 0.30
SMOOTH: Final = 128 / 3  # the shorter side holds so many standard deviations of a map's smoothing: 3 px of 128


def shares(count: int) -> NDArray[np.float64]:
    """So many shares of the pixels, geometric from 2 to 30 %."""
    return np.geomspace(LEAST, MOST, count)


def smooth(values: Plane) -> NDArray[np.float64]:
    """The map over the neighbourhood of each pixel: single pixels of a map are noise, and so is their order."""
    sigma = min(values.shape) / SMOOTH
    return np.asarray(gaussian_filter(values.astype(np.float64), sigma, mode="nearest"))


def ranks_of(values: Plane) -> Ranks:
    """The order of the pixels, the highest first; of equal ones the upper left."""
    order = np.argsort(-np.ravel(values), kind="stable")
    found = np.empty(len(order), np.int32)
    found[order] = np.arange(len(order), dtype=np.int32)
    return found.reshape(values.shape)


def ranking(result: Result) -> Ranks | None:
    """The order in which a result marks the pixels, what speaks against the class last; None where all are alike.

    LIME's map enters as its segments, each pixel with the weight of its own; smoothing puts those first that lie well
    inside, or beside another segment that speaks for the class.
    """
    evidence = signed_evidence(result)
    return ranks_of(smooth(evidence)) if np.ptp(evidence) else None


@dataclass(frozen=True, eq=False)
class Blurring:
    """An image whose pixels can be hidden in any order, on the network's device.

    shown, hidden: (1, C, H, W) in the network's units.
    """

    classifier: Classifier
    shown: Tensor
    hidden: Tensor

    def logits(self, ranks: Sequence[Ranks], counts: Sequence[int]) -> Logits:
        """The answers, (M, 2, F, K): for each order with the first so many pixels hidden, and with only those shown.

        counts: F numbers of pixels. All through the same batches, each of them made on the device.
        """
        device = self.shown.device
        order = torch.from_numpy(np.stack(ranks)).to(device)
        which, delete, pixels = (
            torch.from_numpy(np.ravel(each)).to(device)
            for each in np.broadcast_arrays(
                np.arange(len(ranks))[:, None, None], np.array([True, False])[:, None], np.asarray(counts)
            )
        )

        def run(part: slice) -> Logits:
            first = order[which[part]] < pixels[part][:, None, None]
            visible = first ^ delete[part][:, None, None]
            return self.classifier.answer(torch.where(visible[:, None], self.shown, self.hidden))

        found = np.concatenate(self.classifier.in_batches(len(which), run))
        return found.reshape(len(ranks), 2, len(counts), -1)


def blurring(classifier: Classifier, image: Image) -> Blurring:
    """The image (H, W, 3) RGB in [0, 1] beside the same out of focus."""
    both = classifier.prepare(np.stack([image, filled(image, np.zeros(image.shape[:2], np.int64), "blur")]))
    return Blurring(classifier, both[:1], both[1:])
