"""Masked images as the network gets them."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_models import SIZE, Small, photographs, settled, wrapped

from reportgen.fills import FILLS, Fill, filled
from reportgen.perturbation import scene

IMAGE = photographs(1)[0]
BLOCKS = ((np.indices(SIZE)[0] // 8) * 4 + np.indices(SIZE)[1] // 5).astype(np.int32)
MASKS = np.random.default_rng(0).random((20, 8)) < 0.5


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("fill", FILLS)
def test_each_row_is_the_answer_to_the_masked_image(fill: Fill, exact: bool) -> None:
    classifier = wrapped(settled(Small()), batch=7)
    hidden = filled(IMAGE, BLOCKS, fill)
    found = scene(classifier, IMAGE, hidden, BLOCKS).logits(MASKS, exact=exact)
    assert found.shape == (20, 4)
    for mask, logits in zip(MASKS, found, strict=True):
        image = IMAGE.copy()
        for region in np.flatnonzero(~mask):
            image[region == BLOCKS] = hidden[region == BLOCKS]
        np.testing.assert_allclose(logits, classifier.logits(image[None])[0], atol=1e-5)


def test_the_last_superpixel_is_hidden_like_any_other() -> None:
    classifier = wrapped(settled(Small()))
    about = scene(classifier, IMAGE, np.zeros_like(IMAGE), BLOCKS)
    last = np.arange(8) != 7
    both = about.logits(np.stack([np.ones(8, bool), last]))
    image = np.where((BLOCKS == 7)[..., None], 0, IMAGE)
    np.testing.assert_allclose(both, classifier.logits(np.stack([IMAGE, image])), atol=1e-5)
    assert not np.allclose(both[0], both[1], atol=1e-3)


def test_no_graph_is_kept_and_batches_are_as_large_as_told() -> None:
    seen: list[tuple[bool, int]] = []

    class Watching(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            seen.append((torch.is_grad_enabled(), len(images)))
            return images.mean(dim=(2, 3))

    scene(wrapped(Watching(), classes=3, batch=8), IMAGE, np.zeros_like(IMAGE), BLOCKS).logits(MASKS)
    assert seen == [(False, 8), (False, 8), (False, 4)]


def test_the_image_is_left_as_it_was() -> None:
    before = IMAGE.copy()

    class InPlace(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.mul_(2).mean(dim=(2, 3))

    about = scene(wrapped(InPlace(), classes=3), IMAGE, np.zeros_like(IMAGE), BLOCKS)
    one, two = about.logits(MASKS), about.logits(MASKS)
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(IMAGE, before)
