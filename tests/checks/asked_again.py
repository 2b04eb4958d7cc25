"""Evidence for checks: what methods say of images, methods made of one function, and the shipped network."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from toy_models import image

from reportgen.cases import answered
from reportgen.classifier import Classifier
from reportgen.contracts import Evidence, ImageMethod, Silent
from reportgen.example import HONEST
from reportgen.example.scenes import Scene
from reportgen.explain import IMAGE_METHODS
from reportgen.loading import opened_classifier
from reportgen.options import BuildOptions
from reportgen.results import AttributionMap, Case, Explanation, ImageInput, ObjectMask, Result, Target

Draw = Callable[[Classifier, Case, Target, BuildOptions], Result | None]


def method_of(name: str, draw: Draw, rough: Draw | None = None) -> ImageMethod:
    """A method by its picture; none is a flat map. rough: its cheaper way."""

    def explain(
        classifier: Classifier, cases: Sequence[Case], options: BuildOptions
    ) -> Iterator[tuple[Explanation, ...]]:
        for case in cases:
            yield tuple(_explanation(name, target, draw(classifier, case, target, options)) for target in case.targets)

    return ImageMethod(name, explain, (), rough=method_of(name, rough) if rough else None)


def _explanation(name: str, target: Target, result: Result | None) -> Explanation:
    if result is None:
        return Explanation(name, target, "degenerate", None, "reason.flat_map")
    return Explanation(name, target, "ok", result)


def edges(_classifier: Classifier, case: Case, _target: Target, _options: BuildOptions) -> Result:
    """What an edge detector sees: nothing of the network."""
    down, across = np.gradient(case.image.pixels.mean(axis=-1))
    return AttributionMap(np.hypot(down, across))


def evidence(
    classifier: Classifier,
    images: Sequence[ImageInput],
    methods: Sequence[ImageMethod | str],
    **settings: Any,  # noqa: ANN401 - as BuildOptions
) -> Evidence:
    """What the methods say of the predicted class of each image. methods: or the names of the program's own."""
    options = BuildOptions(**{"model": "toy.pth", **settings})
    chosen = [IMAGE_METHODS[each] if isinstance(each, str) else each for each in methods]
    cases = [replace(case, targets=case.targets[:1]) for case in answered(classifier, images)[0]]
    said = [list(each.explain(classifier, cases, options)) for each in chosen]
    groups = [tuple(one for group in together for one in group) for together in zip(*said, strict=True)]
    return Evidence(classifier, cases, groups, {each.name: each for each in chosen}, options)


def images_of(pixels: Iterable[NDArray[Any]]) -> list[ImageInput]:
    """Each as it is fed."""
    return [image(np.asarray(each, np.float32)) for each in pixels]


def scene_images(scenes: Sequence[Scene]) -> list[ImageInput]:
    """The scenes, each with the mask of its object."""
    made = images_of([scene.image / np.float32(255) for scene in scenes])
    return [replace(each, objects=(ObjectMask("", scene.mask),)) for each, scene in zip(made, scenes, strict=True)]


@contextmanager
def honest() -> Iterator[Classifier]:
    """The shipped network that has learned what the scenes show."""
    with opened_classifier(BuildOptions(model=HONEST, device="cpu", methods=("saliency",)), None, Silent()) as found:
        yield found
