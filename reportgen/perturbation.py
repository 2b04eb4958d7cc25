"""Perturbed versions of one image, made and answered on the device: masks go in, the network's answers come out."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reportgen.classifier import Classifier
from reportgen.fills import Image, Segments


@dataclass(frozen=True, eq=False)
class Scene:
    """An image that can be shown in part.

    shown, hidden: (1, C, H, W) in the network's units, on its device; segments: (H, W) int64 there, 0..n-1.
    """

    classifier: Classifier
    shown: Tensor
    hidden: Tensor
    segments: Tensor

    def logits(self, masks: NDArray[np.bool_], *, exact: bool = False) -> NDArray[np.float32]:
        """The network's answers to the masked images, (S, K).

        masks: (S, n), True where a superpixel is shown; exact: by the original network in float32, as gradients are.
        """
        wanted = torch.from_numpy(np.ascontiguousarray(masks, bool)).to(self.segments.device)

        def run(part: slice) -> NDArray[np.float32]:
            # A superpixel's bit becomes its pixels' by indexing; no loop over samples or superpixels.
            visible = wanted[part][:, self.segments]
            return self.classifier.answer(torch.where(visible[:, None], self.shown, self.hidden), exact=exact)

        return np.concatenate(self.classifier.in_batches(len(masks), run))


def scene(classifier: Classifier, image: Image, hidden: Image, segments: Segments) -> Scene:
    """The image with its hidden counterpart. image, hidden: (H, W, 3) RGB in [0, 1]; segments: (H, W), 0..n-1."""
    # Blending in the network's units is blending before them: both are affine, channel by channel.
    both = classifier.prepare(np.stack([image, hidden]))
    labels = torch.from_numpy(np.ascontiguousarray(segments, np.int64)).to(classifier.device)
    return Scene(classifier, both[:1], both[1:], labels)
