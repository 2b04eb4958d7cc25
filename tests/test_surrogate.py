"""LIME's neighbourhood and fit: against an additive truth, against its formulas, and against lime itself."""

from typing import Any

import numpy as np
import pytest
import torch
from lime.lime_image import LimeImageExplainer
from numpy.typing import NDArray
from skimage.segmentation import slic
from torch import Tensor, nn
from toy_models import SIZE, Additive, Small, photographs, settled, wrapped

from reportgen.classifier import Classifier
from reportgen.randomness import legacy_stream
from reportgen.surrogate import Neighbourhood, Recipe, filled, fit, fit_measures, neighbourhood, superpixels

IMAGE = photographs(1)[0]
# 2 x 4 blocks of 8 x 5 pixels.
BLOCKS = ((np.indices(SIZE)[0] // 8) * 4 + np.indices(SIZE)[1] // 5).astype(np.int32)
TERMS = np.array([0.3, -0.2, 0.1, 0.0, 0.25, -0.05, 0.0, 0.15])


def recipe(**given: Any) -> Recipe:  # noqa: ANN401 - fields of Recipe
    fields: dict[str, Any] = {"samples": 60, "asked": 12, "compactness": 20.0, "sigma": 1.0, "fill": "mean"}
    return Recipe(**({"scale": "probability"} | fields | given))


def drawn(
    classifier: Classifier, segments: NDArray[np.int32] = BLOCKS, seed: int = 0, **given: Any  # noqa: ANN401
) -> Neighbourhood:  # fmt: skip
    return neighbourhood(classifier, IMAGE, segments, recipe(**given), legacy_stream(seed, "test"))


class TestSuperpixels:
    def test_they_count_from_zero_without_a_gap(self) -> None:
        segments = superpixels(IMAGE, recipe(asked=30))
        assert segments.dtype == np.int32
        assert segments.shape == SIZE
        assert np.unique(segments).tolist() == list(range(segments.max() + 1))
        assert segments.max() > 5

    @pytest.mark.parametrize("compactness", [1.0, 20.0])
    def test_they_are_those_of_scikit_image(self, compactness: float) -> None:
        image = photographs(1, (64, 64))[0]
        ours = superpixels(image, recipe(asked=100, compactness=compactness))
        theirs = slic(image.astype(np.double), n_segments=100, compactness=compactness, sigma=1)
        np.testing.assert_array_equal(ours, np.unique(theirs, return_inverse=True)[1].reshape(theirs.shape))

    @pytest.mark.parametrize("other", [{"asked": 30}, {"compactness": 0.1}, {"sigma": 4.0}])
    def test_each_setting_counts(self, other: dict[str, float]) -> None:
        assert not np.array_equal(superpixels(IMAGE, recipe()), superpixels(IMAGE, recipe(**other)))


class TestFill:
    def test_black(self) -> None:
        assert not filled(IMAGE, BLOCKS, "black").any()

    def test_mean_is_the_mean_colour_of_the_image(self) -> None:
        hidden = filled(IMAGE, BLOCKS, "mean")
        assert hidden.shape == IMAGE.shape
        np.testing.assert_allclose(hidden, np.broadcast_to(IMAGE.reshape(-1, 3).mean(axis=0), hidden.shape), rtol=1e-6)

    def test_segment_is_the_mean_colour_of_each_superpixel(self) -> None:
        hidden = filled(IMAGE, BLOCKS, "segment")
        for region in range(8):
            inside = region == BLOCKS
            expected = np.broadcast_to(IMAGE[inside].mean(axis=0), (inside.sum(), 3))
            np.testing.assert_allclose(hidden[inside], expected, rtol=1e-5)


class TestNeighbourhood:
    @pytest.mark.parametrize("fill", ["mean", "segment", "black"])
    @pytest.mark.parametrize("scale", ["probability", "logit"])
    def test_each_row_is_the_answer_to_the_masked_image(self, fill: str, scale: str) -> None:
        classifier = wrapped(settled(Small()), batch=7)
        found = drawn(classifier, fill=fill, scale=scale, samples=20)
        hidden = filled(IMAGE, BLOCKS, fill)
        ask = classifier.logits if scale == "logit" else classifier.probabilities
        for mask, scores in zip(found.masks, found.scores, strict=True):
            image = IMAGE.copy()
            for region in np.flatnonzero(mask == 0):
                image[region == BLOCKS] = hidden[region == BLOCKS]
            np.testing.assert_allclose(scores, ask(image[None])[0], atol=1e-5)

    def test_first_comes_the_image_itself(self) -> None:
        classifier = wrapped(settled(Small()))
        found = drawn(classifier)
        assert found.masks[0].all()
        assert found.masks.shape == (60, 8)
        np.testing.assert_allclose(found.scores[0], classifier.probabilities(IMAGE[None])[0], atol=1e-6)

    def test_every_superpixel_is_hidden_in_about_half_of_the_rows(self) -> None:
        """With labels from 1 the last one never would be: it would count as a ninth, and the zeroth would be empty."""
        shares = drawn(wrapped(settled(Small())), samples=400).masks[1:].mean(axis=0)
        assert shares.shape == (8,)
        assert (np.abs(shares - 0.5) < 0.1).all()

    def test_masks_depend_on_the_generator_alone(self) -> None:
        one, two = wrapped(settled(Small()), batch=7), wrapped(settled(Small(), seed=9), batch=60)
        np.testing.assert_array_equal(drawn(one).masks, drawn(two).masks)
        assert not np.array_equal(drawn(one, seed=1).masks, drawn(one, seed=2).masks)

    def test_the_image_is_left_as_it_was(self) -> None:
        before = IMAGE.copy()
        drawn(wrapped(settled(Small())))
        np.testing.assert_array_equal(IMAGE, before)

    def test_no_graph_is_kept_and_batches_are_as_large_as_told(self) -> None:
        seen: list[tuple[bool, int]] = []

        class Watching(nn.Module):
            def forward(self, images: Tensor) -> Tensor:
                seen.append((torch.is_grad_enabled(), len(images)))
                return images.mean(dim=(2, 3))

        drawn(wrapped(Watching(), classes=3, batch=25))
        assert seen == [(False, 25), (False, 25), (False, 10)]


def by_formula(found: Neighbourhood, label: int) -> tuple[NDArray[np.float64], float, float, float]:
    """Weights, intercept, R2 and local answer of ridge regression with alpha 1, by linear algebra."""
    X, y = found.masks.astype(np.float64), found.scores[:, label].astype(np.float64)
    distance = 1 - np.sqrt(X.mean(axis=1))  # cosine distance of a mask to the mask of all ones
    kernel = np.sqrt(np.exp(-(distance**2) / 0.25**2))
    share = kernel / kernel.sum()
    centred, offset = X - share @ X, share @ y
    gram = centred.T @ (kernel[:, None] * centred) + np.eye(X.shape[1])
    weights = np.linalg.solve(gram, centred.T @ (kernel * (y - offset)))
    intercept = float(offset - share @ X @ weights)
    missed = kernel @ (y - intercept - X @ weights) ** 2
    return weights, intercept, float(1 - missed / (kernel @ (y - offset) ** 2)), intercept + float(weights.sum())


class TestFit:
    @pytest.mark.parametrize("regions", [2, 3, 6, 7, 8])
    @pytest.mark.parametrize("label", [0, 2])
    def test_it_is_ridge_regression_under_the_kernel(self, regions: int, label: int) -> None:
        segments = np.minimum(BLOCKS, regions - 1)
        found = drawn(wrapped(settled(Small())), segments)
        model = fit(found, label, legacy_stream(1, "fit"))
        weights, intercept, r2, local = by_formula(found, label)
        np.testing.assert_allclose(model.weights, weights, rtol=1e-9, atol=1e-12)
        assert (model.intercept, model.r2, model.local) == pytest.approx((intercept, r2, local), rel=1e-9)

    @pytest.mark.parametrize("scale", ["probability", "logit"])
    @pytest.mark.parametrize("fill", ["black", "mean"])
    def test_an_additive_network_is_taken_apart_into_its_terms(self, scale: str, fill: str) -> None:
        """Hiding superpixel s costs term[s] * (its mean - that of the fill); ridge shrinks by under 1 %."""
        means = np.array([IMAGE[region == BLOCKS].mean() for region in range(8)])
        effects = TERMS * (means - (IMAGE.mean() if fill == "mean" else 0))
        classifier = wrapped(Additive(BLOCKS, TERMS, 0.3, scale))
        found = drawn(classifier, samples=4000, scale=scale, fill=fill)
        model = fit(found, 0, legacy_stream(1, "fit"))
        np.testing.assert_allclose(model.weights, effects, atol=0.01 * np.abs(effects).max())
        assert model.r2 > 0.9999
        hidden = 0.3 + TERMS.sum() * (IMAGE.mean() if fill == "mean" else 0)
        assert model.intercept == pytest.approx(hidden, abs=0.01)
        assert model.local == pytest.approx(0.3 + TERMS @ means, abs=1e-3)
        # The other class loses what this one gains.
        np.testing.assert_allclose(fit(found, 1, legacy_stream(1, "fit")).weights, -model.weights, atol=1e-6)

    def test_the_last_superpixel_is_found(self) -> None:
        terms = np.zeros(8)
        terms[7] = 0.5
        classifier = wrapped(Additive(BLOCKS, terms, 0.2, "probability"))
        model = fit(drawn(classifier, samples=1000, fill="black"), 0, legacy_stream(1, "fit"))
        assert model.weights[7] == pytest.approx(0.5 * IMAGE[BLOCKS == 7].mean(), rel=0.02)
        assert np.abs(model.weights[:7]).max() < 1e-3

    @pytest.mark.parametrize("fill", ["mean", "segment", "black"])
    @pytest.mark.parametrize("scale", ["probability", "logit"])
    def test_the_numbers_are_those_of_lime_itself(self, fill: str, scale: str) -> None:
        classifier = wrapped(settled(Small()), batch=10)  # lime's own batches, so that rounding is the same
        chosen = recipe(samples=80, fill=fill, scale=scale)
        segments = superpixels(IMAGE, chosen)
        rng = legacy_stream(3, "lime")
        found = neighbourhood(classifier, IMAGE, segments, chosen, rng)
        hide = {"mean": IMAGE.reshape(-1, 3).astype(np.float64).mean(axis=0), "segment": None, "black": 0}
        for label in (0, 3):
            model = fit(found, label, rng)
            theirs = LimeImageExplainer(random_state=legacy_stream(3, "lime")).explain_instance(
                IMAGE.astype(np.double),
                classifier.logits if scale == "logit" else classifier.probabilities,
                labels=(label,),
                hide_color=hide[fill],
                top_labels=None,
                num_samples=80,
                segmentation_fn=lambda _: segments,
            )
            expected = dict(theirs.local_exp[label])
            np.testing.assert_allclose(model.weights, [expected[r] for r in range(len(expected))], rtol=0, atol=1e-9)
            numbers = (theirs.intercept[label], theirs.score, theirs.local_pred[0])
            assert (model.intercept, model.r2, model.local) == pytest.approx(numbers, abs=1e-9)

    def test_measures_name_the_fit_of_their_own_class(self) -> None:
        found = drawn(wrapped(settled(Small())))
        models = [fit(found, label, legacy_stream(1, "fit")) for label in range(4)]
        measures = [fit_measures(found, model, label) for label, model in enumerate(models)]
        assert len({each["r2"] for each in measures}) == 4
        for label, each in enumerate(measures):
            weights, intercept, r2, local = by_formula(found, label)
            numbers = {"r2": r2, "intercept": intercept, "local": local, "score": found.scores[0, label]}
            assert each == pytest.approx(numbers, rel=1e-9)
            assert local == pytest.approx(intercept + weights.sum())


def test_a_recipe_tells_everything_that_the_weights_depend_on() -> None:
    assert recipe().facts() == {
        "samples": 60, "asked": 12, "compactness": 20.0, "sigma": 1.0, "fill": "mean", "scale": "probability",
        "kernel_width": 0.25, "alpha": 1.0,
    }  # fmt: skip
