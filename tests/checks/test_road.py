"""ROAD: what is filled in, against a dense solve of equations written down pixel by pixel."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csc_array
from scipy.sparse.linalg import spsolve
from toy_models import SIZE, Small, case, options, photographs, settled, wrapped

from reportgen.checks.road import ACROSS, BESIDE, CHECK, NOISE, SHARES, Imputing, imputed, neighbours
from reportgen.contracts import Evidence
from reportgen.results import AttributionMap, Explanation

HEIGHT, WIDTH = 7, 9


def hidden_at_random(seed: int) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random((HEIGHT, WIDTH)) < 0.6


def by_hand(image: NDArray[np.float32], hidden: NDArray[np.bool_]) -> NDArray[np.float64]:
    """One equation for each pixel: a shown one is itself, a hidden one the weighted mean of its neighbours."""
    system, right = np.zeros((hidden.size, hidden.size)), np.zeros((hidden.size, 3))
    for row, column in np.ndindex(hidden.shape):
        here = row * WIDTH + column
        if not hidden[row, column]:
            system[here, here], right[here] = 1, image[row, column]
            continue
        for down, across in ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)):
            if 0 <= row + down < HEIGHT and 0 <= column + across < WIDTH:
                weight = 1 / 12 if down and across else 1 / 6
                system[here, here] += weight
                system[here, here + down * WIDTH + across] -= weight
    return np.asarray(np.linalg.solve(system, right).reshape(HEIGHT, WIDTH, 3), np.float64)


@pytest.mark.parametrize("seed", range(4))
def test_hidden_pixels_solve_the_equations_of_their_neighbours(seed: int) -> None:
    (image,) = photographs(1, (HEIGHT, WIDTH), seed=seed + 1)
    hidden = hidden_at_random(seed)
    np.testing.assert_allclose(imputed(image, hidden), by_hand(image, hidden), atol=1e-10)


def test_a_direct_sparse_solve_gives_the_same_on_a_whole_image() -> None:
    (image,) = photographs(1, (48, 40))
    hidden = np.random.default_rng(5).random((48, 40)) < 0.4
    weights = neighbours((48, 40)).tocsr()
    inside, outside = np.flatnonzero(hidden), np.flatnonzero(~hidden)
    system = csc_array(np.diag(weights[inside].sum(axis=1)) - weights[inside][:, inside].toarray())
    flat = image.reshape(-1, 3).astype(np.float64)
    expected = spsolve(system, weights[inside][:, outside] @ flat[outside])
    np.testing.assert_allclose(imputed(image, hidden)[hidden], expected, atol=1e-10)


def test_a_slope_is_filled_in_as_it_was() -> None:
    """Weighted means keep what is linear, away from the border."""
    rows, columns = np.indices((20, 20))
    image = np.repeat((0.02 * rows + 0.01 * columns)[..., None], 3, axis=-1)
    hidden = np.zeros((20, 20), bool)
    hidden[5:15, 4:12] = True
    np.testing.assert_allclose(imputed(image, hidden), image, atol=1e-12)


def test_what_is_shown_stays_and_with_nothing_hidden_all_does() -> None:
    (image,) = photographs(1, (HEIGHT, WIDTH))
    hidden = hidden_at_random(0)
    assert np.array_equal(imputed(image, hidden)[~hidden], image[~hidden].astype(np.float64))
    assert np.array_equal(imputed(image, np.zeros((HEIGHT, WIDTH), bool)), image.astype(np.float64))
    with pytest.raises(ValueError, match="no pixel"):
        imputed(image, np.ones((HEIGHT, WIDTH), bool))


def test_neighbours_weigh_the_same_both_ways_and_those_beside_twice_those_across() -> None:
    weights = neighbours((4, 5)).toarray()
    assert np.array_equal(weights, weights.T)
    middle = weights[1 * 5 + 2].reshape(4, 5)
    row = [ACROSS, BESIDE, ACROSS]
    assert middle[:3, 1:4] == pytest.approx(np.array([row, [BESIDE, 0, BESIDE], row]))
    assert middle.sum() == pytest.approx(1)


def test_the_first_pixels_are_without_in_one_half_and_the_last_in_the_other() -> None:
    classifier = wrapped(settled(Small()), batch=3)
    (image,) = photographs(1)
    grain = np.random.default_rng(1).normal(0, NOISE, image.shape)
    order = np.random.default_rng(2).permutation(image[..., 0].size).reshape(SIZE).astype(np.int32)
    found = Imputing(classifier, image, grain).logits([order, order[::-1]])
    assert found.shape == (2, 2, len(SHARES), 4)
    for f, share in enumerate(SHARES):
        count = round(share * order.size)
        for half, hidden in enumerate((order < count, order >= order.size - count)):
            seen = imputed(image, hidden)
            seen[hidden] += grain[hidden]
            expected = classifier.logits(np.clip(seen, 0, 1)[None].astype(np.float32))[0]
            np.testing.assert_allclose(found[0, half, f], expected, atol=1e-5)


def test_it_judges_each_picture_and_the_same_whatever_stands_beside() -> None:
    classifier = wrapped(settled(Small()))
    cases = [case(classifier, pixels) for pixels in photographs(2)]
    maps = [np.random.default_rng(n).normal(size=SIZE).astype(np.float32) for n in range(4)]
    groups = [
        tuple(Explanation(f"map {n}", each.targets[0], "ok", AttributionMap(maps[n])) for n in pair)
        for each, pair in zip(cases, ((0, 1), (2, 3)), strict=True)
    ]
    given = Evidence(classifier, cases, groups, {}, options(checks="full"))
    first, second = CHECK.judge(given)
    assert {each.check for each in (*first, *second)} == {"road"}
    alone = replace(given, cases=cases[1:], explanations=[groups[1][1:]])
    assert list(CHECK.judge(alone)) == [second[1:]]
