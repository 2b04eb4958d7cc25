"""Which images are explained: found, labelled, chosen, decoded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen import images
from reportgen.contracts import Progress
from reportgen.errors import ImagesError, MaskError, UsageError, printable
from reportgen.excerpts import path_text
from reportgen.images import Found, Lookup
from reportgen.options import DEFAULT_LIMIT, HW5_INDICES, BuildOptions
from reportgen.reference import PHOTOGRAPHS, find_subjects
from reportgen.results import Facts, Failure, ImageInput, InputSpec, ModelFacts
from reportgen.shelf import Keep, in_memory

Notes = tuple[tuple[str, Facts], ...]
Probabilities = Callable[[NDArray[np.float32]], NDArray[np.float64]]
# Positions -> those that could be read, (N, K) probabilities for them, and the failures.
Ask = Callable[[Sequence[int]], tuple[list[int], NDArray[np.float64], tuple[Failure, ...]]]


@dataclass(frozen=True)
class Selection:
    """The images to explain, those that could not be read, and how they were found."""

    images: tuple[ImageInput, ...]
    failures: tuple[Failure, ...]
    notes: Notes


@dataclass(frozen=True)
class Order:
    """Positions of the images to explain, and what was learned while choosing them."""

    positions: tuple[int, ...]
    failures: tuple[Failure, ...]
    notes: Notes


def select_images(
    options: BuildOptions,
    model: ModelFacts,
    probabilities: Probabilities,
    group: int,
    progress: Progress,
    keep: Keep = in_memory,
) -> Selection:
    """Find, label, choose and decode; one image after the other, each put where `keep` says.

    probabilities: (N, H, W, 3) pixels -> (N, K), needed by --pick wrong and unsure only; group: images decoded at once
    there.
    Raises ImagesError where nothing is found or no image can be read, LabelsError for a file of labels that does not
    fit, UsageError where the choice does not fit what is found.
    """
    found, origin = find_subjects(options, model.classes)
    labels, label_notes = _labels(found, options, model, origin)
    spec = model.input
    order = _order(found, labels, options, _asker(found, spec, probabilities, group, progress))
    look, failures = _masks(options, order.failures)
    progress.stage("decode", len(order.positions))
    decoded: list[ImageInput] = []
    for position in order.positions:
        good, bad = images.decode_all((found[position],), (labels[position],), spec)
        decoded.extend(keep(_with_objects(image, found[position], look, spec, failures, keep)) for image in good)
        failures.extend(bad)
        progress.advance()
    if not decoded:
        raise _none_left([each for each in failures if each.code != "E-MASK"])
    if options.masks and not any(image.objects for image in decoded) and all(f.code != "E-MASK" for f in failures):
        failures.append(_failure(_no_mask(options.masks)))
    return Selection(tuple(decoded), tuple(failures), (*origin, *label_notes, *order.notes))


def _labels(
    found: Sequence[Found], options: BuildOptions, model: ModelFacts, origin: Notes
) -> tuple[tuple[int | None, ...], Notes]:
    """The labels from --labels, else those that folders or file names tell."""
    if options.labels:
        labels = images.read_labels(options.labels, found, model.classes)
        count = sum(label is not None for label in labels)
        file = path_text(PurePath(options.labels.name))
        return labels, (("select.labels_file", {"file": file, "count": count}),)
    if origin == PHOTOGRAPHS:
        return (None,) * len(found), ()  # their sentence says already that they are no test of the model
    labels, note = images.infer_labels(found, model.classes)
    return labels, (note,)


def _masks(options: BuildOptions, failures: Sequence[Failure]) -> tuple[Lookup, list[Failure]]:
    """How the masks of a photograph are found, and the failures, with that of a file that cannot be used."""
    if options.masks is None:
        return lambda _: None, list(failures)
    try:
        return images.read_masks(options.masks), list(failures)
    except MaskError as err:
        return lambda _: None, [*failures, _failure(err)]


def _with_objects(
    image: ImageInput, found: Found, look: Lookup, spec: InputSpec, failures: list[Failure], keep: Keep
) -> ImageInput:
    """The image with what is known of its objects; a mask that cannot be used is told among the failures."""
    try:
        kept = look(found)
        if kept is None:
            return image
        return replace(image, objects=tuple(map(keep, images.objects_in(kept, image, spec))))
    except MaskError as err:
        failures.append(_failure(err))
        return image


def _no_mask(path: Path) -> MaskError:
    why = "no mask in it is named as one of the images, or none marks an object"
    return MaskError("E-MASK", printable(path.name), why, "Name them as the images: cat.png or cat.txt for cat.jpg")


def _failure(err: MaskError) -> Failure:
    return Failure(err.what, err.code, err.why, err.fix)


def _candidates(total: int, options: BuildOptions) -> tuple[tuple[int, ...], Notes]:
    """Positions that the user or the profile named; none where all images may be taken."""
    if options.profile == "hw5" and not options.chose_images:
        if total > max(HW5_INDICES):
            return HW5_INDICES, (("select.hw5_indices", {"total": total}),)
        few = tuple(range(min(total, len(HW5_INDICES))))
        return few, (("select.hw5_too_few", {"total": total, "taken": len(few)}),)
    return tuple(dict.fromkeys(options.indices)), ()


def _order(found: Sequence[Found], labels: Sequence[int | None], options: BuildOptions, ask: Ask) -> Order:
    """Positions of the images to explain, what could not be read on the way, and how they were chosen."""
    indices, notes = _candidates(len(found), options)
    if options.pick in ("wrong", "unsure"):
        images.select(found, labels, indices)  # refuses indices that are out of range before anything is computed
        return _by_answer(indices or tuple(range(len(found))), labels, options, ask)
    pick: Literal["first", "per-class"] = "per-class" if options.pick == "per-class" else "first"
    order = images.select(found, labels, indices, options.limit, pick)
    if pick == "per-class":
        notes = (("select.pick_per-class", {"taken": len(order), "total": len(found)}),)
    elif options.indices:
        notes = (("select.indices", {"indices": ", ".join(map(str, order)), "total": len(found)}),)
    elif not notes and len(order) < len(found):
        many = ("select.limit", {"taken": len(order), "total": len(found)})
        notes = (many if len(order) > 1 else ("select.limit_one", {"total": len(found)}), *_one_label(order, labels))
    return Order(order, (), notes)


def _one_label(order: Sequence[int], labels: Sequence[int | None]) -> Notes:
    """A note where all images chosen bear the same of several labels, as the first of a folder for each class do."""
    there, taken = (set(each) - {None} for each in (labels, (labels[position] for position in order)))
    return (("select.one_label", {"labels": len(there)}),) if len(taken) == 1 < min(len(there), len(order)) else ()


def _by_answer(candidates: Sequence[int], labels: Sequence[int | None], options: BuildOptions, ask: Ask) -> Order:
    """The images answered against their label, or those with the smallest margin, as --pick says."""
    wrong = options.pick == "wrong"
    asked = [position for position in candidates if labels[position] is not None] if wrong else list(candidates)
    if not asked:
        raise UsageError(
            "E-PICK", "--pick wrong", "the images have no labels", "Give --labels, or a folder for each class"
        )
    read, answers, failures = ask(asked)
    if wrong:
        kept = [labels[position] for position in read]
        places = images.order_wrong(kept, answers.argmax(axis=1).tolist(), answers.max(axis=1).tolist())
    else:
        places = images.order_unsure(answers)
    limit = options.limit or (len(candidates) if options.indices else DEFAULT_LIMIT)
    order = tuple(read[place] for place in places)[:limit]
    facts = {"taken": len(order), "total": len(candidates)}
    if wrong and not order:
        order = tuple(read)[:limit]
        return Order(order, failures, (("select.pick_wrong_none", facts | {"taken": len(order)}),))
    return Order(order, failures, ((f"select.pick_{options.pick}", facts),))


def _asker(
    found: Sequence[Found], spec: InputSpec, probabilities: Probabilities, group: int, progress: Progress
) -> Ask:
    """How the network answers images: decoded in groups, so that thousands need no more memory than a few."""

    def ask(positions: Sequence[int]) -> tuple[list[int], NDArray[np.float64], tuple[Failure, ...]]:
        progress.stage("choose", len(positions))
        read: list[int] = []
        answers: list[NDArray[np.float64]] = []
        failures: list[Failure] = []
        for start in range(0, len(positions), group):
            decoded: list[ImageInput] = []
            for position in positions[start : start + group]:
                good, bad = images.decode_all((found[position],), (None,), spec)
                read += [position] * len(good)
                decoded += good
                failures += bad
                progress.advance()
            if decoded:
                answers.append(probabilities(np.stack([image.pixels for image in decoded])))
        if not answers:
            raise _none_left(failures)
        return read, np.concatenate(answers), tuple(failures)

    return ask


def _none_left(failures: Sequence[Failure]) -> ImagesError:
    first = failures[0]
    why = f"none of the {len(failures)} images can be read" if len(failures) > 1 else "the image cannot be read"
    return ImagesError("E-IMG-NONE", printable(first.what), f"{why}: {first.why}", first.fix)
