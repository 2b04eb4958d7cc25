"""Answers to images, and the classes that are explained for each."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_models import SIZE, Small, image, photographs, settled, wrapped

from reportgen import cases
from reportgen.cases import answered, targets
from reportgen.results import ImageInput, Prediction, RankedClass

IMAGES = photographs(5)


class Corner(nn.Module):
    """The logits are what stands in the first pixels of the first row: one number each for seven classes."""

    def forward(self, images: Tensor) -> Tensor:
        return 10 * images[:, 0, 0, :7]


def with_corner(values: Sequence[float], label: int | None = None) -> ImageInput:
    pixels = np.zeros((*SIZE, 3), np.float32)
    pixels[0, :7, 0] = np.array(values) / 10
    return image(pixels, label)


def prediction(label: int | None) -> Prediction:
    ranked = [RankedClass(2, "two", 0.7), RankedClass(0, "zero", 0.2), RankedClass(1, "one", 0.1)]
    truth = None if label is None else next(each for each in ranked if each.index == label)
    return Prediction(tuple(ranked), np.array([1, 0, 2]), truth)


class TestAnswered:
    def test_ranked_by_probability_and_equals_by_number(self) -> None:
        ((case,), failures) = answered(wrapped(Corner()), [with_corner([1, 5, 2, 5, 0, 3, 4])])
        assert failures == ()
        assert [each.index for each in case.prediction.top] == [1, 3, 6, 5, 2]
        assert case.prediction.first.name == "class 1"
        exact = np.exp([1, 5, 2, 5, 0, 3, 4])
        shares = (exact / exact.sum())[[1, 3, 6, 5, 2]]
        assert [each.probability for each in case.prediction.top] == pytest.approx(shares, rel=1e-5)
        np.testing.assert_allclose(case.prediction.logits, [1, 5, 2, 5, 0, 3, 4], rtol=1e-6)

    def test_a_label_keeps_its_probability_however_unlikely(self) -> None:
        ((case,), _) = answered(wrapped(Corner()), [with_corner([1, 5, 2, 5, 0, 3, 4], label=4)])
        label = case.prediction.label
        assert label is not None
        assert (label.index, label.name) == (4, "class 4")
        assert label.probability == pytest.approx(1 / np.exp([1, 5, 2, 5, 0, 3, 4]).sum(), rel=1e-5)
        assert case.prediction.right is False

    @pytest.mark.parametrize("group", [1, 2, 64])
    def test_all_of_them_in_order_whatever_the_groups(self, group: int, monkeypatch: pytest.MonkeyPatch) -> None:
        classifier = wrapped(settled(Small()))
        single = [classifier.logits(each[None])[0] for each in IMAGES]
        monkeypatch.setattr(cases, "GROUP", group)
        found, _ = answered(classifier, [image(each) for each in IMAGES])
        np.testing.assert_allclose([each.prediction.logits for each in found], single, atol=1e-5)

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
    def test_what_is_not_finite_costs_only_itself(self, value: float) -> None:
        class Broken(nn.Module):
            def forward(self, images: Tensor) -> Tensor:
                logits = images[:, 0, 0, :3].clone()
                logits[:, 1] = torch.where(logits[:, 0] == 1, value, logits[:, 1])
                return logits

        images = [with_corner([1] * 7), with_corner([10] * 7), with_corner([2] * 7)]
        found, failures = answered(wrapped(Broken()), images)
        assert [each.image for each in found] == [images[0], images[2]]
        assert [(each.what, each.code) for each in failures] == [(images[1].name, "E-OUTPUT-NAN")]
        assert "--mean" in failures[0].fix

    def test_no_image_no_case(self) -> None:
        assert answered(wrapped(Corner()), []) == ((), ())


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (None, [(2, "two", "predicted")]),
        (2, [(2, "two", "predicted")]),
        (1, [(2, "two", "predicted"), (1, "one", "label")]),
    ],
)
def test_the_labels_class_is_explained_where_it_differs(
    label: int | None, expected: list[tuple[int, str, str]]
) -> None:
    assert [(each.index, each.name, each.role) for each in targets(prediction(label))] == expected
