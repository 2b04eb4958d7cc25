"""Which images are taken, and in which order."""

import numpy as np
import pytest

from reportgen.errors import UsageError
from reportgen.images import order_unsure, order_wrong, select

TWENTY = [object()] * 20
UNLABELLED = [None] * 20


def test_first_twelve_when_nothing_was_chosen() -> None:
    assert select(TWENTY, UNLABELLED) == tuple(range(12))


def test_fewer_images_than_the_limit() -> None:
    assert select(TWENTY[:3], UNLABELLED[:3]) == (0, 1, 2)


def test_limit_takes_the_first() -> None:
    assert select(TWENTY, UNLABELLED, limit=15) == tuple(range(15))


def test_indices_keep_their_order_and_are_not_cut() -> None:
    many = (5, 3, 19, 0, 1, 2, 4, 6, 7, 8, 9, 10, 11, 12)
    assert select(TWENTY, UNLABELLED, many) == many
    assert select(TWENTY, UNLABELLED, (5, 3, 19), limit=2) == (5, 3)


def test_index_given_twice_is_one_image() -> None:
    assert select(TWENTY, UNLABELLED, (3, 1, 3)) == (3, 1)


@pytest.mark.parametrize("index", [20, 98, -1])
def test_index_out_of_range_says_what_there_is(index: int) -> None:
    with pytest.raises(UsageError, match=f"{index} is out of range: there are 20 images, numbered 0 to 19"):
        select(TWENTY, UNLABELLED, (1, index))


def test_per_class_takes_one_of_each_then_a_second() -> None:
    labels = [2, 0, 0, None, 2, 1, 0]
    assert select(labels, labels, pick="per-class") == (1, 5, 0, 2, 4, 6)
    assert select(labels, labels, limit=3, pick="per-class") == (1, 5, 0)


def test_per_class_among_the_indices() -> None:
    labels = [2, 0, 0, None, 2, 1, 0]
    assert select(labels, labels, (6, 4, 2), pick="per-class") == (6, 4, 2)


def test_per_class_needs_labels() -> None:
    with pytest.raises(UsageError, match="no labels"):
        select(TWENTY, UNLABELLED, pick="per-class")


def test_wrong_answers_most_confident_first() -> None:
    labels, predicted = [0, 0, 1, None, 2, 1], [1, 0, 0, 0, 1, 2]
    assert order_wrong(labels, predicted, [0.5, 0.9, 0.8, 0.99, 0.5, 0.4]) == (2, 0, 4, 5)


def test_unsure_is_the_margin_not_the_confidence() -> None:
    probabilities = np.array([[0.9, 0.1, 0.0], [0.34, 0.33, 0.33], [0.5, 0.5, 0.0], [0.4, 0.3, 0.3]])
    assert order_unsure(probabilities) == (2, 1, 3, 0)


def test_equal_margins_keep_their_order() -> None:
    assert order_unsure(np.full((4, 3), 1 / 3)) == (0, 1, 2, 3)
