"""The network's answers to the chosen images, and the classes that are explained for each."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.classifier import Classifier, softmax
from reportgen.results import Case, Failure, ImageInput, Prediction, RankedClass, Target

TOP = 5
GROUP = 64  # images whose pixels are stacked at once


def answered(classifier: Classifier, images: Sequence[ImageInput]) -> tuple[tuple[Case, ...], tuple[Failure, ...]]:
    """A case for each image that is answered with finite numbers; a failure for each other one."""
    cases: list[Case] = []
    failures: list[Failure] = []
    for start in range(0, len(images), GROUP):
        group = images[start : start + GROUP]
        logits = classifier.logits(np.stack([image.pixels for image in group]))
        for image, row in zip(group, logits, strict=True):
            if np.isfinite(row).all():
                cases.append(_case(image, row, classifier.facts.classes))
            else:
                why = "the network answers with NaN or infinity"
                failures.append(Failure(image.name, "E-OUTPUT-NAN", why, "Check the checkpoint, --mean and --std"))
    return tuple(cases), tuple(failures)


def _case(image: ImageInput, logits: NDArray[np.float32], classes: Sequence[str]) -> Case:
    probabilities = softmax(logits[None])[0]

    def ranked(index: int) -> RankedClass:
        return RankedClass(index, classes[index], float(probabilities[index]))

    order = np.argsort(-logits, kind="stable")[:TOP]
    label = None if image.label is None else ranked(image.label)
    prediction = Prediction(tuple(ranked(int(index)) for index in order), logits, label)
    return Case(image, prediction, targets(prediction))


def targets(prediction: Prediction) -> tuple[Target, ...]:
    """The predicted class, and the label's where it differs."""
    first = Target(prediction.first.index, prediction.first.name, "predicted")
    if prediction.label is None or prediction.right:
        return (first,)
    return first, Target(prediction.label.index, prediction.label.name, "label")
