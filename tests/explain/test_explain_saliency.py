"""Saliency against gradients that are known on paper."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_models import (
    SIZE,
    Blob,
    Constant,
    FunctionalReLU,
    Linear,
    NoGradient,
    Separable,
    Small,
    ViewFlatten,
    case,
    options,
    photographs,
    settled,
    wrapped,
)

from reportgen.classifier import Classifier
from reportgen.explain import IMAGE_METHODS, saliency
from reportgen.measures import heat_measures, share_inside
from reportgen.results import Case, Explanation, SaliencyMap

IMAGES = photographs(5)


def explained(classifier: Classifier, cases: Sequence[Case]) -> list[tuple[Explanation, ...]]:
    return list(IMAGE_METHODS["saliency"].explain(classifier, cases, options()))


def heat(explanation: Explanation) -> np.ndarray[Any, Any]:
    assert isinstance(explanation.result, SaliencyMap)
    return explanation.result.heat


class TestTruth:
    def test_of_a_linear_network_it_is_the_largest_weight_of_each_pixel(self) -> None:
        weights = torch.randn(2, 3, *SIZE)
        classifier = wrapped(Linear(weights))
        for (explanation,), one in zip(
            explained(classifier, [case(classifier, each) for each in IMAGES]), IMAGES, strict=True
        ):
            best = int(classifier.logits(one[None]).argmax())
            assert explanation.target.index == best
            np.testing.assert_allclose(heat(explanation), weights[best].abs().amax(dim=0), rtol=1e-6)

    def test_it_is_per_unit_of_rgb(self) -> None:
        weights = torch.randn(2, 3, *SIZE)
        std = (0.5, 0.25, 2.0)
        classifier = wrapped(Linear(weights), channel_order="bgr", mean=(0.1, 0.2, 0.3), std=std)
        one = case(classifier, IMAGES[0])
        ((explanation,),) = explained(classifier, [one])
        by_hand = (weights[explanation.target.index] / torch.tensor(std)[:, None, None]).abs().amax(dim=0)
        np.testing.assert_allclose(heat(explanation), by_hand, rtol=1e-6)

    def test_of_a_separable_network_it_depends_on_each_pixel_alone(self) -> None:
        classifier = wrapped(Separable())
        ((explanation,),) = explained(classifier, [case(classifier, IMAGES[0])])
        factor = 3 * (explanation.target.index + 1)
        np.testing.assert_allclose(heat(explanation), factor * np.abs(np.cos(3 * IMAGES[0])).max(axis=-1), atol=1e-5)

    def test_nothing_lies_outside_of_what_the_network_looks_at(self) -> None:
        rows, columns = slice(4, 9), slice(11, 17)
        classifier = wrapped(Blob(rows, columns))
        mask = np.zeros(SIZE, bool)
        mask[rows, columns] = True
        ((explanation,),) = explained(classifier, [case(classifier, np.full((*SIZE, 3), 0.9, np.float32))])
        assert share_inside(heat(explanation), mask) == 1
        assert heat(explanation)[mask].min() > 0

    @pytest.mark.parametrize("certainty", [1.0, 1e3, 1e6])
    def test_it_is_the_logit_and_neither_loss_nor_probability(self, certainty: float) -> None:
        """Both of those vanish as the network grows certain; the logit's gradient grows with the logit."""
        weights = torch.linspace(-1, 1, 3 * SIZE[0] * SIZE[1]).reshape(3, *SIZE)
        classifier = wrapped(Linear(certainty * torch.stack([weights, -weights])))
        ((explanation,),) = explained(classifier, [case(classifier, IMAGES[0])])
        np.testing.assert_allclose(heat(explanation), certainty * weights.abs().amax(dim=0), rtol=1e-5)

    @pytest.mark.parametrize("network", [Small, ViewFlatten, FunctionalReLU])
    def test_it_is_autograds_for_every_way_to_write_a_network(self, network: type[nn.Module]) -> None:
        module = settled(network())
        classifier = wrapped(module)
        ((explanation,),) = explained(classifier, [case(classifier, IMAGES[0])])
        images = torch.tensor(IMAGES[:1]).permute(0, 3, 1, 2).contiguous().requires_grad_()
        logit: Tensor = module(images)[0, explanation.target.index]
        (gradient,) = torch.autograd.grad(logit, images)
        np.testing.assert_allclose(heat(explanation), gradient[0].abs().amax(dim=0), atol=1e-6)


class TestTargets:
    def test_the_predicted_and_the_labels_class_where_they_differ(self) -> None:
        weights = torch.randn(3, 3, *SIZE)
        classifier = wrapped(Linear(weights))
        best = int(classifier.logits(IMAGES[:1]).argmax())
        other = (best + 1) % 3
        right, wrong, unknown = (case(classifier, IMAGES[0], label) for label in (best, other, None))
        both, one, alone = explained(classifier, [wrong, right, unknown])
        assert [(each.target.index, each.target.role) for each in both] == [(best, "predicted"), (other, "label")]
        assert [len(one), len(alone)] == [1, 1]
        for each in both:
            np.testing.assert_allclose(heat(each), weights[each.target.index].abs().amax(dim=0), rtol=1e-6)

    def test_images_in_groups_give_what_single_images_give(self, monkeypatch: pytest.MonkeyPatch) -> None:
        classifier = wrapped(settled(Small()))
        cases = [case(classifier, each, number % 4) for number, each in enumerate(IMAGES)]
        assert {len(each.targets) for each in cases} == {1, 2}
        single = [heat(e) for each in cases for es in explained(classifier, [each]) for e in es]
        monkeypatch.setattr(saliency, "GROUP", 2)
        for batch in (1, 3, 64):
            found = explained(wrapped(classifier.module, batch=batch), cases)
            assert [len(each) for each in found] == [len(each.targets) for each in cases]
            together = [heat(e) for each in found for e in each]
            np.testing.assert_allclose(together, single, atol=1e-6)


class TestTroubles:
    def test_a_constant_network_has_a_flat_map_and_no_picture(self) -> None:
        classifier = wrapped(Constant())
        ((explanation,),) = explained(classifier, [case(classifier, IMAGES[0])])
        assert (explanation.status, explanation.reason) == ("degenerate", "reason.flat_gradient")
        assert explanation.measures == {"maximum": 0.0}

    def test_what_is_not_finite_failed_and_costs_only_itself(self) -> None:
        class Root(nn.Module):
            def forward(self, images: Tensor) -> Tensor:
                """At 0 the root's slope is infinite."""
                return torch.stack([images.sqrt().sum(dim=(1, 2, 3)), images.sum(dim=(1, 2, 3)) - 1e4], dim=1)

        classifier = wrapped(Root())
        black = np.zeros((*SIZE, 3), np.float32)
        lit = np.clip(IMAGES, 0.1, 1)
        (first,), (broken,), (last,) = explained(
            classifier, [case(classifier, each) for each in (lit[0], black, lit[1])]
        )
        assert (broken.status, broken.reason) == ("failed", "reason.not_finite")
        assert (first.status, last.status) == ("ok", "ok")

    def test_a_network_without_gradient_failed(self) -> None:
        classifier = wrapped(NoGradient())
        ((explanation,),) = explained(classifier, [case(classifier, IMAGES[0])])
        assert (explanation.status, explanation.reason) == ("failed", "reason.no_gradient")

    def test_a_backward_pass_that_raises_failed_in_its_own_words(self) -> None:
        class Rounded(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, values: Tensor) -> Tensor:  # noqa: ANN401, ARG004 - as torch's
                return values.round()

            @staticmethod
            def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ANN401, ARG004 - as torch's
                raise ValueError("rounding has no slope")

        class Rounding(nn.Module):
            def forward(self, images: Tensor) -> Tensor:
                rounded: Tensor = Rounded.apply(images)  # type: ignore[no-untyped-call]
                return rounded.sum(dim=(2, 3))

        classifier = wrapped(Rounding())
        found = explained(classifier, [case(classifier, each) for each in IMAGES[:2]])
        assert [each.status for (each,) in found] == ["failed", "failed"]
        assert [each.reason for (each,) in found] == ["reason.raised"] * 2
        assert "ValueError: rounding has no slope" in found[0][0].detail


def test_parameters_and_measures() -> None:
    classifier = wrapped(settled(Small()))
    ((explanation,),) = explained(classifier, [case(classifier, IMAGES[0])])
    assert explanation.parameters == {"score": "logit", "reduction": "max"}
    assert explanation.measures == heat_measures(heat(explanation))
    assert explanation.measures["maximum"] == heat(explanation).max()
