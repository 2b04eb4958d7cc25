"""LIME as the methods run it: targets, chance, troubles. Its numbers are checked in test_surrogate."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lime.lime_image import LimeImageExplainer
from PIL import Image
from torch import Tensor, nn
from toy_models import (
    SIZE,
    Additive,
    Blob,
    Constant,
    Small,
    case,
    few_samples,
    known,
    options,
    photographs,
    settled,
    wrapped,
)

from reportgen.classifier import Classifier
from reportgen.explain import IMAGE_METHODS, lime, lime_hw5
from reportgen.measures import region_measures, shown_regions
from reportgen.randomness import legacy_stream
from reportgen.results import Case, Explanation, RegionWeights
from reportgen.sampling import order
from reportgen.segmentation import Superpixels, superpixels

IMAGES = photographs(4)
METHODS = pytest.mark.parametrize("method", ["lime", "lime_hw5"])


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    few_samples(monkeypatch, 60)


def explained(
    classifier: Classifier,
    cases: Sequence[Case],
    method: str = "lime",
    **given: Any,  # noqa: ANN401 - fields of BuildOptions
) -> list[tuple[Explanation, ...]]:
    return list(IMAGE_METHODS[method].explain(classifier, cases, options(**given)))


def regions(explanation: Explanation) -> RegionWeights:
    assert isinstance(explanation.result, RegionWeights)
    return explanation.result


def same(one: Explanation, two: Explanation) -> bool:
    return (
        np.array_equal(regions(one).weights, regions(two).weights)
        and np.array_equal(regions(one).segments, regions(two).segments)
        and one.measures == two.measures
    )


@pytest.fixture(scope="module")
def small() -> Classifier:
    return wrapped(settled(Small()))


class TestTruth:
    def test_the_region_that_the_network_looks_at_weighs_most(self) -> None:
        classifier = wrapped(Blob(slice(8, 16), slice(10, 15)))
        bright = np.full((*SIZE, 3), 0.1, np.float32)
        bright[8:, 10:15] = 1
        ((explanation,),) = explained(classifier, [case(classifier, bright)], lime_samples=300)
        found = regions(explanation)
        top = int(np.argmax(found.weights))
        inside = (found.segments == top)[8:, 10:15].sum()
        assert inside / (found.segments == top).sum() > 0.8
        assert explanation.measures["largest_weight"] == found.weights[top] > 0

    def test_weights_are_limes_own_for_the_same_generator(self, small: Classifier) -> None:
        """Through the public path, probability scale and mean colour; batches of lime's size round alike."""
        classifier = wrapped(small.module, batch=10)
        one = case(classifier, IMAGES[0])
        ((explanation,),) = explained(classifier, [one], lime_sampling="random")
        theirs = LimeImageExplainer(random_state=legacy_stream(16, "lime", one.image.sha256)).explain_instance(
            IMAGES[0].astype(np.double),
            classifier.probabilities,
            labels=(explanation.target.index,),
            hide_color=IMAGES[0].mean(axis=(0, 1), dtype=np.float64),
            top_labels=None,
            num_samples=60,
            segmentation_fn=lambda _: superpixels(IMAGES[0], lime.recipe(options()).cut).segments,
        )
        expected = dict(theirs.local_exp[explanation.target.index])
        np.testing.assert_allclose(
            regions(explanation).weights, [expected[r] for r in range(len(expected))], rtol=0, atol=1e-9
        )
        assert explanation.measures["r2"] == pytest.approx(theirs.score, abs=1e-9)


class TestTargets:
    def test_both_classes_come_from_the_same_masks_with_a_fit_of_their_own(self, small: Classifier) -> None:
        best = int(small.logits(IMAGES[:1]).argmax())
        other = (best + 1) % 4
        (both,) = explained(small, [case(small, IMAGES[0], other)])
        assert [(each.target.index, each.target.role) for each in both] == [(best, "predicted"), (other, "label")]
        probabilities = small.probabilities(IMAGES[:1])[0]
        for each in both:
            assert each.measures["score"] == pytest.approx(probabilities[each.target.index], abs=1e-6)
        assert both[0].measures["r2"] != both[1].measures["r2"]
        assert np.array_equal(regions(both[0]).segments, regions(both[1]).segments)
        assert not np.array_equal(regions(both[0]).weights, regions(both[1]).weights)
        # The first is what it is without the second.
        ((alone,),) = explained(small, [case(small, IMAGES[0])])
        assert same(alone, both[0])

    @METHODS
    def test_a_true_class_that_is_the_least_likely_is_explained(self, method: str) -> None:
        """lime keeps the five likeliest classes and raises KeyError for the rest."""
        classifier = wrapped(settled(Small(classes=11)))
        worst = int(classifier.logits(IMAGES[:1])[0].argmin())
        (found,) = explained(classifier, [case(classifier, IMAGES[0], worst)], method)
        assert (found[-1].target.index, found[-1].target.role) == (worst, "label")
        # Its probability may be too small for any region to move it.
        assert (found[-1].status, found[-1].reason) in (("ok", ""), ("degenerate", "reason.hardly_moves"))

    def test_the_write_ups_version_explains_the_label_and_without_one_the_prediction(self, small: Classifier) -> None:
        best = int(small.logits(IMAGES[:1]).argmax())
        labels = (best, (best + 1) % 4, None)
        found = explained(small, [case(small, IMAGES[0], label) for label in labels], "lime_hw5")
        roles = [(each.target.index, each.target.role) for (each,) in found]
        assert roles == [(best, "label"), ((best + 1) % 4, "label"), (best, "predicted")]


class TestChance:
    @METHODS
    def test_neither_order_nor_other_images_nor_methods_change_anything(self, small: Classifier, method: str) -> None:
        cases = [case(small, each) for each in IMAGES[:3]]
        forward = explained(small, cases, method)
        explained(small, cases, "lime")
        np.random.default_rng().random()
        backward = explained(small, cases[::-1], method)[::-1]
        alone = [explained(small, [each], method)[0] for each in cases]
        for one, two, three in zip(forward, backward, alone, strict=True):
            assert same(one[0], two[0])
            assert same(one[0], three[0])

    def test_another_seed_gives_other_weights(self, small: Classifier) -> None:
        one, other = (explained(small, [case(small, IMAGES[0])], seed=seed)[0][0] for seed in (16, 17))
        assert not same(one, other)

    @METHODS
    def test_the_batch_size_changes_nothing_but_the_last_digits(self, small: Classifier, method: str) -> None:
        ((large,),), ((tiny,),) = (
            explained(wrapped(small.module, batch=batch), [case(small, IMAGES[0])], method) for batch in (64, 7)
        )
        np.testing.assert_allclose(regions(large).weights, regions(tiny).weights, atol=1e-5)


class Trouble(nn.Module):
    """Answers as told to every image that is not untouched; the untouched one is recognised by its corner."""

    def __init__(self, answer: float | Exception) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, images: Tensor) -> Tensor:
        score = images[:, :, :8].mean(dim=(1, 2, 3))
        touched = images[:, 0, 0, 0] != 1
        if isinstance(self.answer, Exception):
            if touched.any():
                raise self.answer
        else:
            score = torch.where(touched, score + self.answer, score)
        return torch.stack([score, 1 - score], dim=1)


class TestTroubles:
    @METHODS
    def test_one_superpixel_cannot_be_compared(
        self, small: Classifier, method: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        module = {"lime": lime, "lime_hw5": lime_hw5}[method]
        monkeypatch.setattr(module, "superpixels", lambda *_: Superpixels(np.zeros(SIZE, np.int32), "slic"))
        ((explanation,),) = explained(small, [case(small, IMAGES[0])], method)
        assert (explanation.status, explanation.reason) == ("degenerate", "reason.one_segment")
        assert "r2" not in explanation.measures

    @METHODS
    def test_two_superpixels_can(self, small: Classifier, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
        halves = np.repeat([[0, 1]], SIZE[0], axis=0).repeat(SIZE[1] // 2, axis=1).astype(np.int32)
        monkeypatch.setattr(
            {"lime": lime, "lime_hw5": lime_hw5}[method], "superpixels", lambda *_: Superpixels(halves, "slic")
        )
        ((explanation,),) = explained(small, [case(small, IMAGES[0])], method)
        assert (explanation.status, len(regions(explanation).weights)) == ("ok", 2)

    @METHODS
    def test_a_constant_answer_has_no_r2(self, method: str) -> None:
        """lime itself reports R2 = 1 here, with all weights 0."""
        classifier = wrapped(Constant())
        ((explanation,),) = explained(classifier, [case(classifier, IMAGES[0])], method)
        assert (explanation.status, explanation.reason) == ("degenerate", "reason.constant_output")
        assert "r2" not in explanation.measures
        score = classifier.probabilities(IMAGES[:1])[0, 1] if method == "lime" else 1.0
        assert explanation.measures["score"] == pytest.approx(score)

    def test_a_probability_that_moves_less_than_float32_can_tell_is_constant(self) -> None:
        blocks = (np.indices(SIZE)[1] // 10).astype(np.int32)
        classifier = wrapped(Additive(blocks, np.array([1.0, 1.0]), 30.0, "logit"))
        ((explanation,),) = explained(classifier, [case(classifier, IMAGES[0])])
        assert explanation.reason == "reason.constant_output"

    @pytest.mark.parametrize(("move", "status"), [(0.8e-3, "degenerate"), (1.1e-3, "ok")])
    def test_regions_that_hardly_move_the_probability_are_no_evidence(
        self, move: float, status: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One region moves it by this much, the other by a tenth of it."""
        halves = (np.indices(SIZE)[1] // (SIZE[1] // 2)).clip(max=1).astype(np.int32)
        monkeypatch.setattr(lime, "superpixels", lambda *_: Superpixels(halves, "slic"))
        classifier = wrapped(Additive(halves, np.array([move, move / 10]), 0.5, "probability"))
        white = np.ones((*SIZE, 3), np.float32)
        ((explanation,),) = explained(classifier, [case(classifier, white)], lime_fill="black")
        assert explanation.status == status
        if status == "degenerate":
            assert explanation.reason == "reason.hardly_moves"
            assert explanation.measures["moved"] == pytest.approx(1.1 * move, rel=1e-3)
            assert set(explanation.measures) == {"mean", "moved", "score", "passes"}

    @METHODS
    @pytest.mark.parametrize("answer", [np.nan, np.inf])
    def test_what_is_not_finite_failed(self, method: str, answer: float) -> None:
        pixels = IMAGES[0].copy()
        pixels[0, 0] = 1
        classifier = wrapped(Trouble(answer), classes=2)
        ((explanation,),) = explained(classifier, [case(classifier, pixels)], method)
        assert (explanation.status, explanation.reason) == ("failed", "reason.not_finite")

    @METHODS
    def test_a_network_that_raises_costs_only_the_image(self, method: str) -> None:
        pixels = IMAGES[0].copy()
        pixels[0, 0] = 1
        classifier = wrapped(Trouble(ValueError("cannot take\nthis")), classes=2)
        good = known(np.ones((*SIZE, 3), np.float32), [1.0, 0.0])
        (broken,), (fine,) = explained(classifier, [case(classifier, pixels), good], method, lime_fill="segment")
        assert (broken.status, broken.reason) == ("failed", "reason.raised")
        assert "ValueError: cannot take" in broken.detail
        assert broken.parameters["samples"] in (60, 1000)
        assert fine.reason == "reason.constant_output"


class TestFacts:
    def test_measures(self, small: Classifier) -> None:
        ((explanation,),) = explained(small, [case(small, IMAGES[0])])
        found = regions(explanation)
        assert explanation.measures["segments"] == len(found.weights) == found.segments.max() + 1
        assert set(explanation.measures) == {
            "r2", "intercept", "local", "score", "segments", "shown", "shown_share", "largest_area", "largest_share",
            "largest_weight", "place", "mean", "passes", "settled", "unsettled", "cut_by", "largest_margin",
            "fill_agreement", "fill_ceiling", "segmentation_agreement", "segmentation_ceiling",
        }  # fmt: skip
        shown = list(shown_regions(found.weights))
        assert found.margins is not None
        assert explanation.measures["largest_margin"] == found.margins[shown[0]]
        assert explanation.measures["unsettled"] == (np.abs(found.weights) <= found.margins)[shown].sum()
        assert len(found.unsettled(shown)) == explanation.measures["unsettled"]
        expected = region_measures(found.segments, found.weights)
        assert {name: explanation.measures[name] for name in expected} == expected

    def test_parameters(self, small: Classifier) -> None:
        ((explanation,),) = explained(
            small, [case(small, IMAGES[0])], lime_samples=50, lime_segments=9, lime_compactness=3, lime_fill="black"
        )
        assert explanation.parameters == {
            "samples": 50, "segmentation": "slic", "asked": 9, "compactness": 3.0, "sigma": 1.0, "fill": "black",
            "scale": "probability", "sampling": "designed", "confidence": 0.9, "second_fill": "blur",
            "second_segmentation": "grid",
        }  # fmt: skip

    def test_hidden_superpixels_may_show_another_image(self, small: Classifier, tmp_path: Path) -> None:
        """The image itself as the fill: hiding changes nothing but what a PNG's 8 bits round."""
        for name, pixels in (("same.png", IMAGES[0]), ("other.png", IMAGES[1])):
            Image.fromarray(np.round(255 * pixels).astype(np.uint8)).save(tmp_path / name)
        found = [
            explained(small, [case(small, IMAGES[0])], lime_fill_image=tmp_path / name)[0][0]
            for name in ("same.png", "other.png")
        ]
        assert [each.parameters["fill"] for each in found] == ["image", "image"]
        assert found[0].reason == "reason.hardly_moves"
        assert float(found[0].measures["moved"]) < 0.05 * np.abs(regions(found[1]).weights).sum()

    def test_nothing_is_spent_on_checks_where_there_is_nothing_to_check(self) -> None:
        passes = 0

        class Counting(Constant):
            def forward(self, images: Tensor) -> Tensor:
                nonlocal passes
                passes += len(images)
                return super().forward(images)

        classifier = wrapped(Counting())
        passes = 0
        explained(classifier, [known(IMAGES[0], [0.0, 1.0])], lime_samples=1000)
        count = superpixels(IMAGES[0], lime.recipe(options()).cut).count
        assert passes == 1 + 2 * order(count)

    def test_without_checks_nothing_is_said_of_them(self, small: Classifier) -> None:
        ((explanation,),) = explained(small, [case(small, IMAGES[0])], lime_once=True)
        assert not [name for name in explanation.measures if name.endswith(("_agreement", "_ceiling"))]
        assert not [name for name in explanation.parameters if name.startswith("second_")]

    @pytest.mark.parametrize("given", [{"lime_sampling": "random"}, {"lime_samples": 31}])
    def test_random_masks_where_they_are_asked_for_or_no_block_fits(
        self, small: Classifier, given: dict[str, Any]
    ) -> None:
        ((explanation,),) = explained(small, [case(small, IMAGES[0])], **given)
        assert explanation.parameters["sampling"] == "random"
        assert {"kernel_width", "alpha"} <= set(explanation.parameters)
        assert explanation.measures["passes"] == given.get("lime_samples", 60)

    def test_the_write_ups_version_counts_what_it_paints(self, small: Classifier) -> None:
        ((explanation,),) = explained(small, [case(small, IMAGES[0])], "lime_hw5")
        painted = np.sort(np.abs(regions(explanation).weights))[::-1][:11] >= 0.05
        assert explanation.measures["shown"] == painted.sum()
        assert explanation.measures["segments"] == len(regions(explanation).weights)


def test_many_superpixels_of_little_weight_are_still_an_explanation() -> None:
    """None of some hundreds holds a hundredth of the sum."""
    image = photographs(1, (64, 80))[0]
    rows, columns = np.indices((64, 80)) // 4
    blocks = (rows * 20 + columns).astype(np.int32)
    classifier = wrapped(Additive(blocks, np.full(320, 0.002), 0.1, "probability"), (64, 80))
    ((explanation,),) = explained(classifier, [case(classifier, image)], lime_segments=400, lime_compactness=100)
    assert explanation.status == "ok"
    assert int(explanation.measures["shown"]) >= 1
