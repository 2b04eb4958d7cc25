"""The network's answers to the chosen images, and the classes that are explained for each."""

import difflib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.attempts import ends_the_run
from reportgen.classifier import Classifier
from reportgen.errors import ArchitectureError, InputRefused, printable
from reportgen.heads import probabilities
from reportgen.results import Case, Failure, ImageInput, ModelFacts, Prediction, RankedClass, Target

TOP = 5
GROUP = 64  # images whose pixels are stacked at once
LONGEST = 200  # characters of a user's own error

Ask = Callable[[NDArray[np.float32]], NDArray[Any]]  # (N, H, W, 3) -> (N, K)


def named(ask: Ask, model: ModelFacts) -> Ask:
    """The same question, where an error of the network's own code ends the run in one line: nothing can be explained.

    Two images were answered before; what fails now fails on more of them at once, or on some photographs only.
    """

    def ask_by_name(pixels: NDArray[np.float32]) -> NDArray[Any]:
        try:
            return ask(pixels)
        except Exception as err:
            if ends_the_run(err):
                raise
            words = " ".join(f"{type(err).__name__}: {err}".split())[:LONGEST]
            why = f"it fails on {len(pixels)} photographs: {words}"
            fix = "Check its forward; if it takes few images at a time, lower --batch-size"
            raise ArchitectureError("E-ARCH-FORWARD", model.architecture, why, fix) from err

    return ask_by_name


def answered(
    classifier: Classifier, images: Sequence[ImageInput], target: Target | None = None
) -> tuple[tuple[Case, ...], tuple[Failure, ...]]:
    """A case for each image that is answered with finite numbers; a failure for each other one.

    target: the class to explain on every image; None for the predicted one, and the label's where it differs.
    Raises ArchitectureError where the network fails.
    """
    ask = named(classifier.logits, classifier.facts)
    cases: list[Case] = []
    failures: list[Failure] = []
    for start in range(0, len(images), GROUP):
        group = images[start : start + GROUP]
        # Filled up to whole passes: one of few images rounds otherwise, and an answer would depend on its neighbours.
        short = -len(group) % min(classifier.batch.images, GROUP)
        filled = [image.pixels for image in group] + [group[-1].pixels] * short
        logits = ask(np.stack(filled))[: len(group)]
        for image, row in zip(group, logits, strict=True):
            if np.isfinite(row).all():
                cases.append(_case(image, row, classifier.facts, target))
            else:
                why = "the network answers with NaN or infinity"
                failures.append(Failure(image.name, "E-OUTPUT-NAN", why, "Check the checkpoint, --mean and --std"))
    return tuple(cases), tuple(failures)


def _case(image: ImageInput, logits: NDArray[np.float32], model: ModelFacts, target: Target | None) -> Case:
    certain = probabilities(logits[None], model.head.kind)[0]

    def ranked(index: int) -> RankedClass:
        return RankedClass(index, model.classes[index], float(certain[index]))

    order = np.argsort(-logits, kind="stable")[:TOP]
    label = None if image.label is None else ranked(image.label)
    prediction = Prediction(tuple(ranked(int(index)) for index in order), logits, label)
    return Case(image, prediction, (target,) if target else targets(prediction))


def targets(prediction: Prediction) -> tuple[Target, ...]:
    """The predicted class, and the label's where it differs."""
    first = Target(prediction.first.index, prediction.first.name, "predicted")
    if prediction.label is None or prediction.right:
        return (first,)
    return first, Target(prediction.label.index, prediction.label.name, "label")


def asked_for(target: str | None, versus: str | None, classes: Sequence[str]) -> Target | None:
    """The class to explain on every image, held against another where one is given; None where none is asked for.

    target, versus: index or name. Raises InputRefused for a class that the network does not have, with the nearest.
    """
    if target is None:
        return None
    index = _class_index("--target", target, classes)
    if versus is None:
        return Target(index, classes[index], "asked")
    other = _class_index("--versus", versus, classes)
    if other == index:
        why = "it is the class that --target names, too"
        raise InputRefused("E-TARGET", f"--versus {printable(versus)}", why, "Name another one, or leave it out")
    return Target(index, classes[index], "asked", other, classes[other])


def _class_index(option: str, given: str, classes: Sequence[str]) -> int:
    """By its name, whatever the case of the letters, or its index."""
    plain = [name.casefold() for name in classes]
    if given in classes or given.casefold() in plain:
        return classes.index(given) if given in classes else plain.index(given.casefold())
    if given.isdecimal() and int(given) < len(classes):
        return int(given)
    near = difflib.get_close_matches(given.casefold(), plain, n=1)
    known = f"its classes are numbered 0 to {len(classes) - 1}"
    fix = f"Did you mean {printable(classes[plain.index(near[0])])}?" if near else f"Give a name or an index: {known}"
    raise InputRefused("E-TARGET", f"{option} {printable(given)[:60]}", "the network has no such class", fix)
