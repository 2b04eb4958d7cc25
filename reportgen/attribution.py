"""What methods that give each pixel a number have in common: the score, the rows asked about, the values that come out.

A score is the logit of a class, or its log-probability where the network ends in a softmax; or the difference of two,
where one class is held against another.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reportgen.attempts import failed, not_applicable, without_picture
from reportgen.classifier import Classifier, NoGradient, Score, no_gradient
from reportgen.measures import attribution_measures, heat_measures
from reportgen.results import NO_FACTS, AttributionMap, Case, Explanation, Facts, SaliencyMap, Target

# Images asked about together. A pass of few images rounds otherwise than one of many, so with more than one a picture
# would depend on its neighbours, and differ from the same one that was kept by an earlier run.
GROUP = 1

Pixels = NDArray[np.floating[Any]]  # (N, H, W, 3) RGB in [0, 1]
Row = tuple[Case, Target]


class NotApplicable(Exception):
    """The method has no answer for a network of this kind; says why by the name of a reason."""


@dataclass(frozen=True, eq=False)
class Heat:
    """What a method found for one row.

    values: (H, W) float32; signed: whether what is below 0 speaks against the class; empty: the reason, where all is 0;
    parameters, measures: beside those that all rows share, and those of the map itself.
    """

    values: NDArray[np.float32]
    signed: bool = True
    empty: str = "flat_gradient"
    parameters: Facts = field(default_factory=lambda: NO_FACTS)
    measures: Facts = field(default_factory=lambda: NO_FACTS)


@dataclass(frozen=True, eq=False)
class Method:
    """A method by its arithmetic.

    find: the heat of each row; parameters: of all rows; group: images asked about together.
    """

    name: str
    find: Callable[[Sequence[Row]], Sequence[Heat]]
    parameters: Facts
    group: int = GROUP


def explained(method: Method, cases: Sequence[Case]) -> Iterator[tuple[Explanation, ...]]:
    """For each case one explanation per target. What the network raises costs the images of its group, by this method.

    Raises what ends the run.
    """
    for start in range(0, len(cases), method.group):
        group = cases[start : start + method.group]
        found = iter(_explanations(method, [(case, target) for case in group for target in case.targets]))
        for case in group:
            yield tuple(next(found) for _ in case.targets)


def _explanations(method: Method, rows: Sequence[Row]) -> list[Explanation]:
    try:
        found = method.find(rows)
    except NotApplicable as why:
        return [not_applicable(method.name, target, str(why), method.parameters) for _, target in rows]
    except NoGradient:
        return [without_picture(method.name, target, "no_gradient", method.parameters) for _, target in rows]
    except Exception as err:  # whatever a user's own network raises
        return [failed(method.name, target, err, method.parameters) for _, target in rows]
    return [_explanation(method, target, heat) for (_, target), heat in zip(rows, found, strict=True)]


def _explanation(method: Method, target: Target, heat: Heat) -> Explanation:
    parameters = {**method.parameters, **heat.parameters}
    if not np.isfinite(heat.values).all():
        return without_picture(method.name, target, "not_finite", parameters)
    if not heat.values.any():
        return without_picture(method.name, target, heat.empty, parameters, {"maximum": 0.0, **heat.measures})
    result = AttributionMap(heat.values) if heat.signed else SaliencyMap(heat.values)
    shape = attribution_measures(heat.values) if heat.signed else heat_measures(heat.values)
    return Explanation(method.name, target, "ok", result, parameters=parameters, measures={**shape, **heat.measures})


def pixels_of(rows: Sequence[Row]) -> NDArray[np.float32]:
    """The images of the rows, (N, H, W, 3)."""
    return np.stack([case.image.pixels for case, _ in rows])


def asked(targets: Sequence[Target]) -> Tensor:
    """(N, 2) int64: the class that each row asks about, and the one it is held against, -1 where there is none."""
    return torch.tensor([(target.index, -1 if target.versus is None else target.versus) for target in targets])


def scores(logits: Tensor, wanted: Tensor) -> Tensor:
    """(n, K) logits -> (n,) the score that each row asks about. wanted: as `asked` gives."""
    first, second = wanted.to(logits.device).unbind(1)
    own = logits.gather(1, first[:, None])[:, 0]
    other = logits.gather(1, second.clamp_min(0)[:, None])[:, 0]
    return torch.where(second < 0, own, own - other)


def score_of(logits: NDArray[np.floating[Any]], target: Target) -> NDArray[np.float64]:
    """The same of any numbers of the classes and without a graph, (N, K) -> (N,) float64."""
    wide = logits.astype(np.float64)
    return wide[:, target.index] if target.versus is None else wide[:, target.index] - wide[:, target.versus]


def score_gradients(classifier: Classifier, pixels: Pixels, targets: Sequence[Target]) -> NDArray[np.float32]:
    """The gradient of each image's score with respect to its own pixels, (N, H, W, 3) float32.

    Raises NoGradient where the network cuts the graph.
    """
    wanted = asked(targets)

    def score(part: slice) -> Score:
        return lambda logits: scores(logits, wanted[part])

    return classifier.input_gradients(pixels, score)


class Scored(nn.Module):
    """The classifier as captum asks it: (n, 3, H, W) RGB in [0, 1], and what `asked` gives, to (n,) scores.

    The network is its submodule, in the state in which the classifier holds it.
    """

    def __init__(self, classifier: Classifier) -> None:
        """Around the classifier's own network."""
        super().__init__()
        self.network = classifier.module
        self._classifier = classifier

    def forward(self, images: Tensor, wanted: Tensor) -> Tensor:
        """Raises NoGradient where a gradient is wanted and the network cuts the graph."""
        found = scores(self._classifier.forward(images), wanted)
        if torch.is_grad_enabled() and images.requires_grad and not found.requires_grad:
            raise no_gradient(self._classifier.facts.file)
        return found
