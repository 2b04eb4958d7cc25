"""The same masks through lime itself, captum's Lime and this program: seconds, and do the weights agree?

All three use lime's kernel and ridge regression, and hide superpixels under the image's mean colour.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from captum._utils.models.linear_model import SkLearnRidge
from captum.attr import Lime
from lime.lime_image import LimeImageExplainer
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.meter import Reading, measured
from bench.ours import networks, opened
from reportgen.classifier import Classifier
from reportgen.explain import lime
from reportgen.fills import filled
from reportgen.heads import softmax
from reportgen.neighbourhood import at_random
from reportgen.options import BuildOptions
from reportgen.perturbation import scene
from reportgen.results import Case
from reportgen.sampling import lime_masks
from reportgen.segmentation import Segments, superpixels
from reportgen.surrogate import ALPHA, KERNEL_WIDTH

LIME_BATCH = 10  # lime's own
Weights = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """One program's weights for the same masks. apart: largest difference from lime's own; largest: lime's largest.

    This program stands there twice: asking the network itself, as the others do, and the fastest way it knows.
    """

    program: str
    reading: Reading
    apart: float
    largest: float


@dataclass(frozen=True, eq=False)
class _Task:
    classifier: Classifier
    case: Case
    segments: Segments
    hidden: NDArray[np.float32]
    samples: int
    seed: int

    @property
    def target(self) -> int:
        return self.case.targets[0].index

    @property
    def count(self) -> int:
        return int(self.segments.max()) + 1

    def rng(self) -> np.random.RandomState:
        """The generator from which lime draws its masks; the same each time."""
        return np.random.RandomState(self.seed)


def compare(options: BuildOptions, network: nn.Module | None = None) -> tuple[Fit, ...]:
    """lime, captum and this program on the first image, with as many masks as `lime_samples`."""
    with opened(options, network) as (classifier, cases):
        recipe = lime.recipe(options)
        pixels = cases[0].image.pixels
        segments = superpixels(pixels, recipe.cut).segments
        hidden = filled(pixels, segments, "mean")
        task = _Task(classifier, cases[0], segments, hidden, options.lime_samples, options.seed)
        device, counted = classifier.device, networks(classifier)
        theirs, first = measured(partial(_lime, task), device, counted, timed=True)
        found = [("lime", theirs, first)]
        others: dict[str, Callable[[_Task], Weights]]
        others = {"captum": _captum, "reportgen, float32": partial(_ours, exact=True), "reportgen": _ours}
        for program, work in others.items():
            weights, reading = measured(partial(work, task), device, counted, timed=True)
            found.append((program, weights, reading))
        largest = float(np.abs(theirs).max())
        return tuple(Fit(name, reading, float(np.abs(w - theirs).max()), largest) for name, w, reading in found)


def _lime(task: _Task) -> Weights:
    explanation = LimeImageExplainer(kernel_width=KERNEL_WIDTH, random_state=task.rng()).explain_instance(
        task.case.image.pixels.astype(np.double),
        task.classifier.probabilities,
        labels=(task.target,),
        hide_color=task.hidden[0, 0].astype(np.double),
        top_labels=None,
        num_samples=task.samples,
        batch_size=LIME_BATCH,
        segmentation_fn=lambda _: task.segments,
    )
    weights = np.zeros(task.count)
    for region, weight in explanation.local_exp[task.target]:
        weights[region] = weight
    return weights


def _captum(task: _Task) -> Weights:
    classifier = task.classifier
    masks = torch.from_numpy(lime_masks(task.samples, task.count, task.rng())).to(classifier.device)

    def given(_image: Tensor, **_about: Any) -> Iterator[Tensor]:  # noqa: ANN401 - captum's own
        yield from masks[:, None]

    explainer = Lime(
        lambda images: classifier.forward(images).double().softmax(1),
        SkLearnRidge(alpha=ALPHA),
        similarity_func=_kernel,
        perturb_func=given,
    )
    weights: Tensor = explainer.attribute(
        classifier.tensor(task.case.image.pixels[None]),
        baselines=classifier.tensor(task.hidden[None]),
        target=task.target,
        feature_mask=torch.from_numpy(task.segments.astype(np.int64)).to(classifier.device)[None, None],
        n_samples=task.samples,
        perturbations_per_eval=classifier.batch.images,
        return_input_shape=False,
    )
    return np.asarray(weights[0].cpu().numpy(), np.float64)


def _kernel(_image: Tensor, _perturbed: Tensor, mask: Tensor, **_about: Any) -> Tensor:  # noqa: ANN401 - captum's own
    """lime's kernel: exponential, of the cosine distance between the mask and that of the image itself."""
    row = mask[0].double()
    distance = 1 - row.sum() / (row.norm() * len(row) ** 0.5).clamp(min=1e-300)
    kernel: Tensor = (-(distance**2) / KERNEL_WIDTH**2).exp().sqrt()
    return kernel


def _ours(task: _Task, exact: bool = False) -> Weights:
    about = scene(task.classifier, task.case.image.pixels, task.hidden, task.segments)
    found = at_random(
        lambda masks: softmax(about.logits(masks, exact=exact))[:, [task.target]], task.count, task.samples, task.rng()
    )
    (model,) = found.models
    assert not isinstance(model, str), model
    return model.weights
