"""Poorer copies of a picture, and what a network that lives on one kind of evidence answers to them."""

from typing import Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from toy_models import case, photographs, wrapped

from reportgen.cues import answers_to_copies, blurred, grey, shuffled

Pixels = NDArray[np.float32]


def test_grey_is_what_pillow_makes_of_it() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (9, 7, 3)).astype(np.uint8)
    ours = grey((picture / 255).astype(np.float32))
    pillows = np.asarray(Image.fromarray(picture).convert("L"), np.float32) / 255
    assert np.abs(ours - pillows[..., None]).max() < 1 / 255


def test_a_blur_keeps_the_mean_and_takes_a_grain() -> None:
    grain = np.indices((64, 64)).sum(axis=0) % 2
    picture = np.repeat(grain[..., None], 3, axis=2).astype(np.float32)
    soft = blurred(picture)
    assert soft.mean() == pytest.approx(0.5, abs=1e-3)
    assert np.ptp(soft[8:-8, 8:-8]) < 0.01


@pytest.mark.parametrize("shape", [(32, 32), (33, 42), (3, 9), (1, 1)])
def test_every_piece_moves_and_none_is_lost(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(1).uniform(size=(*shape, 3)).astype(np.float32)
    moved = shuffled(picture, np.random.default_rng(2))
    assert sorted(moved.ravel()) == sorted(picture.ravel())
    height, width = max(1, shape[0] // 4), max(1, shape[1] // 4)
    for top in range(0, height * min(4, shape[0]), height):
        for left in range(0, width * min(4, shape[1]), width):
            here = np.s_[top : top + height, left : left + width]
            assert shape == (1, 1) or not np.array_equal(moved[here], picture[here])
    rim = np.s_[4 * height :, 4 * width :]
    assert np.array_equal(moved[rim], picture[rim])


class ByColour(nn.Module):
    """Class 0 where there is more red than green, else class 1."""

    def forward(self, images: Tensor) -> Tensor:
        red, green = images[:, 0].mean((1, 2)), images[:, 1].mean((1, 2))
        return 20 * torch.stack([red - green, green - red + 0.05], dim=1)


class ByPlace(nn.Module):
    """Class 0 where the left half is brighter than the right one, else class 1."""

    def forward(self, images: Tensor) -> Tensor:
        half = images.shape[-1] // 2
        left, right = images[..., :half].mean((1, 2, 3)), images[..., half:].mean((1, 2, 3))
        return 20 * torch.stack([left - right, right - left + 0.1], dim=1)


class Unsure(nn.Module):
    """NaN for what has no colours."""

    def forward(self, images: Tensor) -> Tensor:
        colour = (images[:, 0] - images[:, 1]).abs().amax((1, 2))
        return torch.stack([colour / colour, torch.zeros_like(colour)], dim=1)


def lit(left: float, right: float, size: int = 32) -> Pixels:
    """A picture whose halves are grey and of these brightnesses, the left one a little redder."""
    picture = np.zeros((size, size, 3), np.float32)
    picture[:, : size // 2], picture[:, size // 2 :] = left, right
    picture[:, : size // 2, 0] += 0.1
    return picture


def answers(module: nn.Module, *pictures: Pixels, order: Literal["rgb", "grey"] = "rgb") -> list[dict[str, int]]:
    classifier = wrapped(module, (32, 32), 2, channel_order=order)
    cases = [case(classifier, each) for each in pictures]
    return [{cue.name: cue.answer.index for cue in cues} for cues in answers_to_copies(classifier, cases, 1)]


def test_a_network_that_answers_by_colour_is_lost_without_it_alone() -> None:
    assert answers(ByColour(), lit(0.6, 0.2)) == [{"grey": 1, "swapped": 1, "blurred": 0, "shuffled": 0}]


def test_a_network_that_answers_by_place_is_lost_in_pieces_alone() -> None:
    told = answers(ByPlace(), *(lit(0.6, 0.2 + 0.01 * n) for n in range(8)))
    assert all(each["grey"] == each["blurred"] == 0 for each in told)
    assert any(each["shuffled"] == 1 for each in told)


def test_the_probability_is_that_of_the_class_predicted_before() -> None:
    classifier = wrapped(ByColour(), (32, 32), 2)
    ((cue, *_),) = answers_to_copies(classifier, [case(classifier, lit(0.6, 0.2))], 1)
    assert cue.probability == pytest.approx(1 - cue.answer.probability)
    assert cue.probability == pytest.approx(1 / (1 + np.exp(20 * 0.05)), rel=1e-5)


def test_a_network_without_colours_is_not_asked_for_them() -> None:
    (told,) = answers(ByPlace(), lit(0.6, 0.2), order="grey")
    assert set(told) == {"blurred", "shuffled"}


def test_where_an_answer_is_not_finite_nothing_is_said() -> None:
    classifier = wrapped(Unsure(), (32, 32), 2)
    assert list(answers_to_copies(classifier, [case(classifier, lit(0.6, 0.2))], 1)) == [()]


def test_no_other_image_changes_what_is_said_of_one() -> None:
    classifier = wrapped(ByPlace(), (32, 32), 2, batch=5)
    cases = [case(classifier, pixels) for pixels in photographs(7, (32, 32))]
    alone = [next(answers_to_copies(classifier, [each], 3)) for each in cases]
    together = list(answers_to_copies(classifier, cases[::-1], 3))[::-1]
    for one, other in zip(alone, together, strict=True):
        assert [(cue.name, cue.answer.index) for cue in one] == [(cue.name, cue.answer.index) for cue in other]
        assert [cue.probability for cue in one] == pytest.approx([cue.probability for cue in other], rel=1e-6)
