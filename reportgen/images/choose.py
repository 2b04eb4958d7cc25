"""Which of the images found are explained, and in which order."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import zip_longest
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import UsageError
from reportgen.options import DEFAULT_LIMIT

Pick = Literal["first", "per-class"]
T = TypeVar("T")


def select(
    found: Sequence[object],
    labels: Sequence[int | None],
    indices: Sequence[int] = (),
    limit: int | None = None,
    pick: Pick = "first",
) -> tuple[int, ...]:
    """Positions in `found` of the images to explain, in the order in which to show them.

    indices: 0-based; they choose first and keep their order. pick "per-class": one image of each class in index order,
    then a second one, and so on; images without a label are left out. limit: None means 12, or all the indices.
    Raises UsageError where an index is out of range or labels are wanted that nobody gave.
    """
    outside = [index for index in indices if not 0 <= index < len(found)]
    if outside:
        raise UsageError(
            "E-INDICES",
            "--indices",
            f"{outside[0]} is out of range: there are {len(found)} images, numbered 0 to {len(found) - 1}",
            "Count from 0 in alphabetical order",
        )
    order = tuple(dict.fromkeys(indices)) if indices else tuple(range(len(found)))
    if pick == "per-class":
        order = _round_robin(order, labels)
    usual = len(order) if indices else DEFAULT_LIMIT
    return order[: usual if limit is None else limit]


def order_wrong(labels: Sequence[int | None], predicted: Sequence[int], confidence: Sequence[float]) -> tuple[int, ...]:
    """Positions of the images answered against their label, the most confident answer first.

    labels, predicted: class indices; confidence: probability of the predicted class. Equals keep their order.
    """
    answers = enumerate(zip(labels, predicted, strict=True))
    wrong = [position for position, (label, answer) in answers if label is not None and label != answer]
    return tuple(sorted(wrong, key=lambda position: -confidence[position]))


def order_unsure(probabilities: NDArray[np.floating]) -> tuple[int, ...]:
    """Positions of all images, the smallest margin between the two best classes first.

    probabilities: (N, K), K >= 2. Equals keep their order.
    """
    best = np.sort(probabilities, axis=1)
    return tuple(int(position) for position in np.argsort(best[:, -1] - best[:, -2], kind="stable"))


def _round_robin(order: Sequence[int], labels: Sequence[int | None]) -> tuple[int, ...]:
    classes: dict[int, list[int]] = defaultdict(list)
    for position in order:
        label = labels[position]
        if label is not None:
            classes[label].append(position)
    if not classes:
        raise UsageError(
            "E-PICK", "--pick per-class", "the images have no labels", "Give --labels, or a folder for each class"
        )
    rounds = zip_longest(*(classes[label] for label in sorted(classes)))
    return tuple(position for each in rounds for position in each if position is not None)


def evenly(found: Sequence[T], most: int) -> tuple[T, ...]:
    """At most so many, spread evenly over the whole list, its first and last among them."""
    places = np.linspace(0, len(found) - 1, min(most, len(found))).astype(int)
    return tuple(found[place] for place in np.unique(places))
