"""Deletion and insertion: areas known on paper, and the same by a plain loop over images."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_models import SIZE, Small, photographs, settled, wrapped

from reportgen.checks.deletion import LEAST, MOST, Blurring, blurring, ranking, ranks_of, shares, smooth
from reportgen.fills import filled
from reportgen.heads import probabilities
from reportgen.results import AttributionMap, ColourSaliency, RegionWeights, SaliencyMap

COUNTS = (3, 10, 32, 64, 128)
PIXELS = SIZE[0] * SIZE[1]


class Sum(nn.Module):
    """The probability of class 0 is 0.25 and the sum of the weights of the pixels that are 1; weights: (H, W)."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.register_buffer("weights", weights)

    def forward(self, images: Tensor) -> Tensor:
        first = 0.25 + (images.mean(1) * self.get_buffer("weights")).sum((1, 2))
        return torch.stack([first, 1 - first], 1).log()


def plain(weights: np.ndarray) -> Blurring:
    """A white image over black, before a network that adds up weights."""
    classifier = wrapped(Sum(torch.tensor(weights, dtype=torch.float32)))
    return Blurring(classifier, torch.ones(1, 3, *SIZE), torch.zeros(1, 3, *SIZE))


def areas(about: Blurring, ranks: np.ndarray) -> list[float]:
    """Mean probability of class 0 under deletion, and under insertion."""
    logits = about.logits([ranks.astype(np.int32)], COUNTS)[0]
    return [float(probabilities(each)[:, 0].mean()) for each in logits]


def test_where_all_pixels_count_alike_any_order_gives_the_area_of_a_line() -> None:
    order = np.random.default_rng(3).permutation(PIXELS).reshape(SIZE)
    inserted = 0.25 + 0.5 * np.mean(COUNTS) / PIXELS
    assert areas(plain(np.full(SIZE, 0.5 / PIXELS)), order) == pytest.approx([1.0 - inserted, inserted], abs=1e-6)


def test_where_twenty_pixels_count_the_best_order_and_the_worst_are_known() -> None:
    weights = np.zeros(SIZE)
    weights[4:8, 5:10] = 0.5 / 20
    best = ranks_of(weights)
    first = 0.5 * np.mean([min(count, 20) / 20 for count in COUNTS])
    assert areas(plain(weights), best) == pytest.approx([0.75 - first, 0.25 + first], abs=1e-6)
    assert areas(plain(weights), PIXELS - 1 - best) == pytest.approx([0.75, 0.25], abs=1e-6)


def test_every_image_is_the_one_that_a_loop_over_pixels_makes() -> None:
    classifier = wrapped(settled(Small()), batch=7)
    (image,) = photographs(1)
    rng = np.random.default_rng(2)
    orders = [rng.permutation(PIXELS).reshape(SIZE).astype(np.int32) for _ in range(3)]
    found = blurring(classifier, image).logits(orders, COUNTS)
    assert found.shape == (3, 2, len(COUNTS), 4)
    blurred = filled(image, np.zeros(SIZE, int), "blur")
    for m, order in enumerate(orders):
        for delete in (True, False):
            for f, count in enumerate(COUNTS):
                by_hand = (image if delete else blurred).copy()
                for place in np.argsort(order, axis=None)[:count]:
                    at = np.unravel_index(place, SIZE)
                    by_hand[at] = (blurred if delete else image)[at]
                expected = classifier.logits(by_hand[None])[0]
                np.testing.assert_allclose(found[m, 0 if delete else 1, f], expected, atol=1e-5)


def test_no_order_sees_those_beside_it() -> None:
    about = blurring(wrapped(settled(Small()), batch=4), photographs(1)[0])
    orders = [np.random.default_rng(n).permutation(PIXELS).reshape(SIZE).astype(np.int32) for n in range(4)]
    together = about.logits(orders, COUNTS)
    alone = np.concatenate([about.logits([order], COUNTS) for order in reversed(orders)])[::-1]
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_shares_are_geometric_between_their_ends() -> None:
    found = shares(5)
    assert (found[0], found[-1]) == pytest.approx((LEAST, MOST))
    assert found[1:] / found[:-1] == pytest.approx([(MOST / LEAST) ** 0.25] * 4)


def test_ranks_are_each_given_once_and_equal_pixels_go_from_the_upper_left() -> None:
    assert ranks_of(np.array([[0.0, 2.0, 0.0], [1.0, 2.0, -1.0]])).tolist() == [[3, 0, 4], [2, 1, 5]]


def test_what_speaks_against_the_class_comes_last() -> None:
    heat = np.zeros(SIZE, np.float32)
    heat[3:6, 3:6], heat[10:13, 14:17] = 1, -1
    order = ranking(AttributionMap(heat))
    assert order is not None
    assert order[4, 4] == 0
    assert order[11, 15] == PIXELS - 1
    unsigned = ranking(SaliencyMap(np.abs(heat)))
    assert unsigned is not None
    assert {unsigned[4, 4], unsigned[11, 15]} == {0, 1}


def test_a_map_is_smoothed_before_its_order_counts() -> None:
    heat = np.zeros((64, 64), np.float32)
    heat[8, 8] = 1.0  # one pixel alone, against a patch of lower ones
    heat[30:39, 30:39] = 0.5
    order = ranking(SaliencyMap(heat))
    assert order is not None
    assert order[34, 34] < 81 < order[8, 8]
    assert smooth(heat).sum() == pytest.approx(heat.sum())


def test_limes_map_enters_through_its_segments() -> None:
    segments = np.arange(PIXELS).reshape(SIZE) % SIZE[1] // 5  # four upright bands of five columns
    order = ranking(RegionWeights(segments.astype(np.int32), np.array([0.1, -0.3, 0.9, 0.0])))
    assert order is not None
    assert (np.unique(segments[order < 16 * 3])).tolist() == [2]
    assert (np.unique(segments[order >= PIXELS - 16 * 3])).tolist() == [1]


def test_colours_count_by_their_largest_channel() -> None:
    heat = np.zeros((*SIZE, 3), np.float32)
    heat[4:9, 4:9, 1] = 1
    order = ranking(ColourSaliency(heat))
    assert order is not None
    assert order[6, 6] == 0


def test_a_map_without_any_difference_has_no_order() -> None:
    assert ranking(SaliencyMap(np.full(SIZE, 0.5, np.float32))) is None
