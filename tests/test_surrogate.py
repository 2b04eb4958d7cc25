"""LIME's two linear models: against additive truths, their formulas, lime itself, and chance."""

from itertools import islice

import numpy as np
import pytest
from lime.lime_image import LimeImageExplainer
from numpy.typing import NDArray
from scipy.stats import t as student
from toy_models import photographs

from reportgen.randomness import legacy_stream, stream
from reportgen.sampling import Masks, designed, lime_masks
from reportgen.surrogate import LinearModel, fit_design, fit_lime

TERMS = np.array([0.3, -0.2, 0.1, 0.0, 0.25, -0.05, 0.0, 0.15])


def blocks(count: int, wanted: int, seed: int = 0) -> list[Masks]:
    return list(islice(designed(count, stream(seed, "test")), wanted))


def additive(masks: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.asarray(0.1 + masks.astype(np.float64) @ TERMS)


def tangled(masks: NDArray[np.generic]) -> NDArray[np.float64]:
    """A bounded function in which superpixels act together, by two and by three."""
    shown = masks.astype(np.float64)
    together = shown[:, 0] * shown[:, 1] + shown[:, 2] * shown[:, 3] * shown[:, 4] - shown[:, 5] * shown[:, 6]
    return np.asarray(1 / (1 + np.exp(2 - 3 * together - shown @ TERMS)))


def every_mask(count: int) -> Masks:
    return (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(bool)


def averages(score: NDArray[np.float64], masks: Masks) -> NDArray[np.float64]:
    """The mean score where each superpixel is shown less the mean where it is hidden."""
    return np.array([score[shown].mean() - score[~shown].mean() for shown in masks.T])


class TestDesign:
    @pytest.mark.parametrize("count", [1, 2, 4])
    def test_an_additive_function_is_taken_apart_into_its_terms(self, count: int) -> None:
        given = blocks(8, count)
        model = fit_design(given, [additive(block) for block in given])
        np.testing.assert_allclose(model.weights, TERMS, atol=1e-12)
        np.testing.assert_allclose(model.margins, 0, atol=1e-12)
        assert model.intercept == pytest.approx(0.1)
        assert model.local == pytest.approx(0.1 + TERMS.sum())
        assert model.r2 == pytest.approx(1)

    @pytest.mark.parametrize("which", range(8))
    def test_of_one_superpixel_it_finds_that_and_nothing_else(self, which: int) -> None:
        given = blocks(8, 2)
        model = fit_design(given, [np.where(block[:, which], 0.9, 0.1) for block in given])
        np.testing.assert_allclose(model.weights, 0.8 * (np.arange(8) == which), atol=1e-12)

    @pytest.mark.parametrize("count", [1, 2, 6])
    def test_it_is_least_squares(self, count: int) -> None:
        given = blocks(8, count)
        masks, scores = np.concatenate(given), np.concatenate([tangled(block) for block in given])
        model = fit_design(given, [tangled(block) for block in given])
        X = np.column_stack([np.ones(len(masks)), masks])
        (intercept, *weights), missed, *_ = np.linalg.lstsq(X, scores, rcond=None)
        np.testing.assert_allclose(model.weights, weights, atol=1e-12)
        assert model.intercept == pytest.approx(intercept)
        assert model.local == pytest.approx(intercept + sum(weights))
        assert model.r2 == pytest.approx(1 - (missed[0] / (len(masks) - 9)) / scores.var(ddof=1))

    def test_one_blocks_interval_is_that_of_least_squares(self) -> None:
        (block,) = blocks(8, 1)
        model = fit_design([block], [tangled(block)])
        X = np.column_stack([np.ones(len(block)), block])
        missed = np.linalg.lstsq(X, tangled(block), rcond=None)[1][0]
        left = len(block) - 9
        error = np.sqrt(missed / left * np.linalg.inv(X.T @ X).diagonal()[1:])
        np.testing.assert_allclose(model.margins, student.ppf(0.95, left) * error, rtol=1e-9)

    def test_with_the_fold_over_two_acting_together_disturb_nothing(self) -> None:
        given = blocks(8, 2)
        answers = [additive(block) + 0.5 * block[:, 0] * block[:, 5] for block in given]
        model = fit_design(given, answers)
        # Shown together in half of the rows in which one is shown, each gets half of what they do together.
        expected = TERMS + 0.25 * np.isin(np.arange(8), (0, 5))
        np.testing.assert_allclose(model.weights, expected, atol=1e-12)
        np.testing.assert_allclose(model.margins, 0, atol=1e-12)

    def test_without_it_they_fall_on_a_third_one_in_some_draws_and_no_interval_can_tell(self) -> None:
        wrong, margins = [], []
        for seed in range(20):
            (block,) = blocks(8, 1, seed)
            model = fit_design([block], [additive(block) + 0.5 * block[:, 0] * block[:, 5]])
            wrong.append(np.abs(model.weights[1:5] - TERMS[1:5]).max())
            margins.append(model.margins.min())
        assert max(wrong) == pytest.approx(0.25)
        assert max(wrong[i] for i in range(20) if margins[i] < 0.05) > 0.1  # nothing left in the unused columns

    @pytest.mark.parametrize("count", [1, 2])
    def test_over_many_draws_it_is_right_on_average(self, count: int) -> None:
        """The average over all masks, whatever acts together: a random sign stands before everything aliased."""
        masks = every_mask(8)
        truth = averages(tangled(masks), masks)
        found = []
        for seed in range(1500):
            given = blocks(8, count, seed)
            found.append(fit_design(given, [tangled(block) for block in given]).weights)
        error = np.std(found, axis=0) / np.sqrt(len(found))
        assert (np.abs(np.mean(found, axis=0) - truth) < 4 * error + 1e-12).all()
        assert error.max() < 0.01

    @pytest.mark.parametrize("count", [1, 2, 4])
    def test_intervals_cover_that_average_about_nine_times_in_ten(self, count: int) -> None:
        masks = every_mask(8)
        truth = averages(tangled(masks), masks)
        hits = []
        for seed in range(600):
            given = blocks(8, count, seed)
            model = fit_design(given, [tangled(block) for block in given])
            hits.append(np.abs(model.weights - truth) <= model.margins)
        assert 0.85 <= np.mean(hits) <= 0.97


def by_formula(masks: NDArray[np.int64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, float, float]:
    """Weights, intercept, R2 and local answer of ridge regression with alpha 1, by linear algebra."""
    X = masks.astype(np.float64)
    distance = 1 - np.sqrt(X.mean(axis=1))  # cosine distance of a mask to the mask of all ones
    kernel = np.sqrt(np.exp(-(distance**2) / 0.25**2))
    share = kernel / kernel.sum()
    centred, offset = X - share @ X, share @ y
    gram = centred.T @ (kernel[:, None] * centred) + np.eye(X.shape[1])
    weights = np.linalg.solve(gram, centred.T @ (kernel * (y - offset)))
    intercept = float(offset - share @ X @ weights)
    missed = kernel @ (y - intercept - X @ weights) ** 2
    return weights, intercept, float(1 - missed / (kernel @ (y - offset) ** 2)), intercept + float(weights.sum())


def random_model(count: int, samples: int, seed: int = 0, score: object = tangled) -> LinearModel:
    assert callable(score)
    masks = lime_masks(samples, count, legacy_stream(seed, "masks"))
    return fit_lime(masks, score(masks), legacy_stream(1, "fit"))


class TestLime:
    @pytest.mark.parametrize("regions", [7, 8])
    def test_it_is_ridge_regression_under_the_kernel(self, regions: int) -> None:
        masks = lime_masks(60, regions, legacy_stream(0, "masks"))
        scores = tangled(masks[:, [0, 1, 2, 3, 4, 5, 6, 6]])
        model = fit_lime(masks, scores, legacy_stream(1, "fit"))
        weights, intercept, r2, local = by_formula(masks, scores)
        np.testing.assert_allclose(model.weights, weights, rtol=1e-9, atol=1e-12)
        assert (model.intercept, model.r2, model.local) == pytest.approx((intercept, r2, local), rel=1e-9)

    @pytest.mark.parametrize("regions", [2, 3, 6, 7, 30])
    def test_the_numbers_are_those_of_lime_itself(self, regions: int) -> None:
        """For both of its ways to choose features: one by one up to 6, by weight beyond."""
        image = photographs(1, (36, 60))[0].astype(np.double)
        segments = np.minimum((np.indices((36, 60))[0] // 6) * 10 + np.indices((36, 60))[1] // 6, regions - 1)
        slopes = np.random.default_rng(3).normal(size=(5, 36 * 60 * 3)) / 300

        def network(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.tanh(np.asarray(pixels).reshape(len(pixels), -1) @ slopes.T)

        rng = legacy_stream(3, "lime")
        masks = lime_masks(80, regions, rng)
        scores = network(np.where(masks.astype(bool)[:, segments][..., None], image, 0))
        for label in (0, 3):
            model = fit_lime(masks, scores[:, label], rng)
            theirs = LimeImageExplainer(random_state=legacy_stream(3, "lime")).explain_instance(
                image,
                network,
                labels=(label,),
                hide_color=0,
                top_labels=None,
                num_samples=80,
                segmentation_fn=lambda _: segments,
            )
            expected = dict(theirs.local_exp[label])
            np.testing.assert_allclose(model.weights, [expected[r] for r in range(len(expected))], rtol=0, atol=1e-9)
            numbers = (theirs.intercept[label], theirs.score, theirs.local_pred[0])
            assert (model.intercept, model.r2, model.local) == pytest.approx(numbers, abs=1e-9)

    def test_an_additive_function_is_taken_apart_into_its_terms(self) -> None:
        """Ridge shrinks by under 1 %."""
        model = random_model(8, 4000, score=additive)
        np.testing.assert_allclose(model.weights, TERMS, atol=0.01 * np.abs(TERMS).max())
        assert model.r2 > 0.9999

    def test_the_last_superpixel_is_found(self) -> None:
        model = random_model(8, 1000, score=lambda masks: np.where(masks[:, 7], 0.7, 0.2))
        assert model.weights[7] == pytest.approx(0.5, rel=0.02)
        assert np.abs(model.weights[:7]).max() < 1e-3

    def test_intervals_cover_what_many_samples_find_about_nine_times_in_ten(self) -> None:
        truth = random_model(8, 60_000, seed=10_000).weights
        models = [random_model(8, 300, seed) for seed in range(300)]
        hits = [np.abs(model.weights - truth) <= model.margins for model in models]
        assert 0.85 <= np.mean(hits) <= 0.97

    def test_too_few_samples_tell_nothing_of_chance(self) -> None:
        assert np.isinf(random_model(8, 9).margins).all()
        assert np.isfinite(random_model(8, 10).margins).all()
