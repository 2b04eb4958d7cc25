"""The write-up's three tasks as its own code runs them, in everything that costs time.

That is: the network's weights keep their gradient, perturbed images leave their graph behind, the filter's image climbs
together with three others of which nothing is shown, and LIME perturbs one image after the other in float64. Only the
superpixels are counted from 0, as its version of scikit-image did, and chance comes from a generator of its own.
Source: the write-up of homework 5.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lime.lime_image import LimeImageExplainer
from matplotlib.figure import Figure
from numpy.typing import NDArray
from skimage.segmentation import slic
from torch import Tensor, nn

from bench.course import LAYER, Classifier

SEED = 16
RATE = 0.1
FEATURES = 11  # regions painted at most
Picture = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class WriteUp:
    """The network and its photographs, (N, 3, H, W) float32 RGB in [0, 1] on the CPU, as a data set has them."""

    model: Classifier
    device: torch.device
    images: Tensor

    def labels(self) -> Tensor:
        """The classes to explain, (N,): those that the network gives, for these photographs have no others."""
        with torch.no_grad():
            predicted: Tensor = self.model(self.images.to(self.device)).argmax(1).cpu()
        return predicted

    def saliency(self, labels: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1]: the gradient of the loss, each image stretched."""
        images = self.images.to(self.device).clone().requires_grad_()
        torch.autograd.backward(nn.CrossEntropyLoss()(self.model(images), labels.to(self.device)))
        assert images.grad is not None
        maps = torch.stack([_stretched(each) for each in images.grad.abs().detach().cpu()])
        self.model.zero_grad()
        return maps

    def filters(self, steps: int, layer: int = LAYER, number: int = 0) -> tuple[Tensor, Tensor]:
        """The filter's answers (N, h, w), and what the first photograph (3, H, W) becomes."""
        kept: list[Tensor] = []
        handle = self.model.cnn[layer].register_forward_hook(lambda _module, _inputs, output: kept.append(output))
        self.model(self.images.to(self.device))
        activations = kept.pop()[:, number].detach().cpu()
        images = self.images.to(self.device).clone().requires_grad_()
        optimiser = torch.optim.Adam([images], lr=RATE)
        for _ in range(steps):
            optimiser.zero_grad()
            self.model(images)
            torch.autograd.backward(-kept.pop()[:, number].sum())
            optimiser.step()
        handle.remove()
        self.model.zero_grad()
        return activations, images.detach().cpu()[0]

    def lime(self, position: int, label: int, samples: int) -> tuple[Picture, NDArray[np.integer[Any]]]:
        """One photograph with its regions painted, (H, W, 3), and where they are, (H, W) of -1, 0 and 1."""
        image = self.images[position].permute(1, 2, 0).numpy()
        explanation = LimeImageExplainer(random_state=np.random.RandomState(SEED)).explain_instance(
            image=image.astype(np.double),
            classifier_fn=self._predict,
            segmentation_fn=_segmentation,
            num_samples=samples,
            top_labels=11,
        )
        painted, mask = explanation.get_image_and_mask(
            label=label, positive_only=False, hide_rest=False, num_features=FEATURES, min_weight=0.05
        )
        return painted, mask

    def _predict(self, batch: Picture) -> NDArray[np.float32]:
        images = torch.FloatTensor(batch).permute(0, 3, 1, 2)
        answers: NDArray[np.float32] = self.model(images.to(self.device)).detach().cpu().numpy()
        return answers


def drawn(rows: Sequence[Sequence[Picture]]) -> bytes:
    """One of the write-up's figures: a PNG with a row of pictures for each kind."""
    figure = Figure(figsize=(15, 8))
    axes = figure.subplots(len(rows), max(map(len, rows)), squeeze=False)
    for line, pictures in zip(axes, rows, strict=True):
        for cell, picture in zip(line, pictures, strict=False):
            cell.imshow(np.clip(picture, 0, 1))
    file = io.BytesIO()
    figure.savefig(file)
    return file.getvalue()


def shown(images: Tensor) -> list[Picture]:
    """(N, 3, H, W) or (N, h, w) -> one picture for each, stretched to [0, 1]."""
    return [_stretched(each.permute(1, 2, 0) if each.dim() == 3 else each).numpy() for each in images]


def _stretched(values: Tensor) -> Tensor:
    return (values - values.min()) / (values.max() - values.min())


def _segmentation(image: Picture) -> NDArray[np.integer[Any]]:
    segments: NDArray[np.integer[Any]] = slic(image, n_segments=100, compactness=1, sigma=1, start_label=0)
    return segments
