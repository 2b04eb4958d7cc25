"""Grad-CAM: where the last maps of the network hold what raises the score.

Each channel of the last stage of maps counts as much as the score's mean gradient on it; what is left above 0 is
enlarged to the image. In a vision transformer the tokens of the last block, laid out as their patches, are the maps.
Source: selvaraju2017; for tokens gildenblat2021.
"""

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from reportgen.attribution import Heat, Method, NotApplicable, Row, asked, explained, pixels_of, scores
from reportgen.classifier import Classifier, no_gradient, to_numpy
from reportgen.contracts import ImageMethod
from reportgen.costs import Image, Passes
from reportgen.hooks import traced
from reportgen.options import BuildOptions
from reportgen.results import Case, Explanation, Facts
from reportgen.stages import Stage, last_stage

NAME = "gradcam"


def explain(
    classifier: Classifier,
    cases: Sequence[Case],
    options: BuildOptions,  # noqa: ARG001 - as every method
) -> Iterator[tuple[Explanation, ...]]:
    """For each case one map per target, (H, W) float32 >= 0; not applicable where the network has no maps."""
    stage = cache(lambda: classifier.in_one(lambda _: last_stage(classifier), most=1))
    parameters: Facts = {"score": classifier.facts.head.score, "reduction": "relu"}
    yield from explained(Method(NAME, lambda rows: _heats(classifier, rows, stage()), parameters), cases)


def _heats(classifier: Classifier, rows: Sequence[Row], stage: Stage | None) -> list[Heat]:
    if stage is None:
        raise NotApplicable("no_stage")
    pixels, wanted = pixels_of(rows), asked([target for _, target in rows])

    def run(part: slice) -> NDArray[np.float32]:
        with torch.enable_grad(), traced(classifier.module, [stage.name]) as outputs:
            images = classifier.tensor(pixels[part]).requires_grad_()
            total = scores(classifier.forward(images), wanted[part]).sum()
            given = outputs[stage.name]
            if not (total.requires_grad and given.requires_grad):
                raise no_gradient(classifier.facts.file)
            (gradient,) = torch.autograd.grad(total, given)
        return to_numpy(weighted(stage.maps(given.detach()), stage.maps(gradient), pixels.shape[1:3]))

    heats = np.concatenate(classifier.in_batches(len(pixels), run))
    where: Facts = {"layer": stage.name, "map_height": stage.size[0], "map_width": stage.size[1], "form": stage.form}
    return [Heat(heat, signed=False, empty="nothing_for", parameters=where) for heat in heats]


def weighted(maps: Tensor, gradients: Tensor, size: tuple[int, ...]) -> Tensor:
    """(n, C, h, w) maps and the score's gradients on them -> (n, H, W) >= 0."""
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    summed = (weights * maps).sum(1, keepdim=True).relu()
    return interpolate(summed, size, mode="bilinear", align_corners=False)[:, 0]


def passes(about: Image) -> Passes:
    """One gradient for each class."""
    return Passes(graded=about.targets)


METHOD = ImageMethod(NAME, explain, ("selvaraju2017",), passes)
