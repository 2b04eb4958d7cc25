"""Asking a method again: the same question to another network, with other pixels or with another seed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reportgen.classifier import Classifier
from reportgen.contracts import Evidence, ImageMethod
from reportgen.measures import pixel_evidence, signed_evidence
from reportgen.options import BuildOptions
from reportgen.results import AttributionMap, Case, Explanation, RegionWeights, Result

# Methods that ask for hundreds of answers to explain one image: asked again with --checks full only.
COSTLY: Final = frozenset({"lime", "lime_hw5", "occlusion"})


def asked(evidence: Evidence) -> tuple[ImageMethod, ...]:
    """The methods that have said something, in the order in which they did."""
    names = dict.fromkeys(each.method for group in evidence.explanations for each in group)
    return tuple(evidence.methods[name] for name in names if name in evidence.methods)


Question = tuple[int, int | None]  # a class, and the one that it is held against


def question(explanation: Explanation) -> Question:
    """What the picture is about, whoever asked for it."""
    return explanation.target.index, explanation.target.versus


def too_costly(method: str, options: BuildOptions) -> bool:
    """Whether the method is not asked again with these options."""
    return method in COSTLY and options.checks != "full"


def again(
    method: ImageMethod, classifier: Classifier, cases: Sequence[Case], options: BuildOptions
) -> list[tuple[Explanation, ...]]:
    """What the method says now, for each case and each of its targets.

    LIME is not asked for a second fill and cut: that is a question to the picture in the report.
    """
    return list(method.explain(classifier, cases, options.model_copy(update={"lime_once": True})))


def in_short(method: ImageMethod) -> ImageMethod:
    """The method by its cheaper way, where it has one: enough to compare pictures by rank."""
    return method.rough or method


def sizes(result: Result) -> NDArray[np.float64]:
    """How strong the picture is at each pixel, (H, W), or in each of its regions, (n,).

    Of a map that tells for from against the size, as it is seen: a map whose signs alone change still shows the same
    places. Of regions the weight with its sign.
    """
    if isinstance(result, RegionWeights):
        return result.weights.astype(np.float64)
    return np.abs(signed_evidence(result)) if isinstance(result, AttributionMap) else pixel_evidence(result)


def with_pixels(case: Case, pixels: NDArray[np.floating]) -> Case:
    """The case with other pixels under its own name, so that whatever the method draws for it is drawn again."""
    return replace(case, image=replace(case.image, pixels=pixels))
