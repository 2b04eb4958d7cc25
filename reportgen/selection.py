"""Which images are explained: found, labelled, chosen, decoded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen import images
from reportgen.contracts import Progress
from reportgen.errors import UsageError
from reportgen.example import CLASSES
from reportgen.images import Found
from reportgen.options import DEFAULT_LIMIT, HW5_INDICES, BuildOptions
from reportgen.resources import example_dir
from reportgen.results import Facts, Failure, ImageInput, ModelFacts

Notes = tuple[tuple[str, Facts], ...]
Probabilities = Callable[[NDArray[np.float32]], NDArray[np.float64]]


@dataclass(frozen=True)
class Selection:
    """The images to explain, those that could not be read, and how they were found."""

    images: tuple[ImageInput, ...]
    failures: tuple[Failure, ...]
    notes: Notes


def select_images(
    options: BuildOptions, model: ModelFacts, probabilities: Probabilities, group: int, progress: Progress
) -> Selection:
    """Find, label, choose and decode.

    probabilities: (N, H, W, 3) pixels -> (N, K), needed by --pick wrong and unsure only; group: images decoded at once there.
    Raises ImagesError where nothing is found, UsageError where the choice does not fit what is found.
    """
    found, origin = _find(options, model)
    labels, label_notes = _labels(found, options, model, origin)
    order, pick_notes = _order(found, labels, options, model, probabilities, group)
    progress.stage("decode", len(order))
    decoded: list[ImageInput] = []
    failures: list[Failure] = []
    for position in order:
        good, bad = images.decode_all((found[position],), (labels[position],), model.input.size)
        decoded.extend(good)
        failures.extend(bad)
        progress.advance()
    return Selection(tuple(decoded), tuple(failures), (*origin, *label_notes, *pick_notes))


def _find(options: BuildOptions, model: ModelFacts) -> tuple[tuple[Found, ...], Notes]:
    """The images given, else those of the usual folders, else those that ship with the program."""
    if options.images:
        return images.find_images(options.images), ()
    if folder := images.default_images(Path()):
        return images.find_images((folder,)), (("select.default_folder", {"folder": folder.as_posix()}),)
    if model.classes == CLASSES:
        return images.find_images((example_dir() / "scenes",)), (("summary.shipped_scenes", {}),)
    return images.find_images((example_dir() / "photographs",)), (("summary.shipped_photographs", {}),)


def _order(
    found: Sequence[Found],
    labels: Sequence[int | None],
    options: BuildOptions,
    model: ModelFacts,
    probabilities: Probabilities,
    group: int,
) -> tuple[tuple[int, ...], Notes]:
    raise NotImplementedError
