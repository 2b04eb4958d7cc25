"""Crops are what one unit sees: what the box alone holds gives the unit's answer, and they come from the right ends."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from planted import SIZE, Planted, planted_images
from torch import Tensor, nn
from toy_models import Small, image, photographs, settled, wrapped

from reportgen.channels import channel_answers
from reportgen.classifier import Classifier
from reportgen.crops import BOTTOM, MIDDLE, TOP, Wanted, find_crops
from reportgen.hooks import captured
from reportgen.inputs import InputSpec
from reportgen.pool import Pool
from reportgen.receptive import survey
from reportgen.results import Crop

IMAGES = planted_images()


def cropped(
    classifier: Classifier, layer: str, filters: Sequence[int], images: NDArray[np.float32] = IMAGES, seed: int = 1
) -> dict[int, tuple[Crop, ...]]:
    pool = Pool(tuple(image(each) for each in images), (), InputSpec(images.shape[1:3]))
    stats = channel_answers(classifier, pool, [layer])[layer]
    (seen,) = [each for each in survey(classifier) if each.name == layer]
    found = find_crops(classifier, pool, [Wanted(seen, tuple(filters), stats)], seed)
    return dict(found[layer].crops)


def maps_of(classifier: Classifier, layer: str, images: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.no_grad(), captured(classifier.module, [layer]) as outputs:
        classifier.forward(classifier.tensor(images))
        return np.asarray(outputs[layer])


@pytest.fixture(scope="module")
def planted() -> Classifier:
    return wrapped(Planted(), SIZE, 6)


class Deep(nn.Module):
    """Strides, dilation, groups and a pool, without padding, so that a unit sees nothing but its box."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 6, 3, stride=2, groups=2), nn.MaxPool2d(2),
            nn.Conv2d(6, 6, 3, dilation=2, groups=6), nn.ReLU(inplace=True),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        given: Tensor = self.body(images)
        return given.mean(dim=(2, 3))


@pytest.mark.parametrize("layer", ["body.1", "body.3", "body.5"])
def test_the_box_alone_gives_the_answer(layer: str) -> None:
    """In float64, with everything outside of the box set to the mean of the image."""
    size = (40, 52)
    images = photographs(4, size)
    network = settled(Deep(), size=size)
    double = settled(Deep(), size=size).double()
    found = cropped(wrapped(network, size, 6), layer, range(4), images)
    assert any(found.values())
    for number, crops in found.items():
        for crop in crops:
            top, bottom, left, right = crop.box
            whole = torch.tensor(images[crop.subject], dtype=torch.float64).permute(2, 0, 1)[None]
            alone = whole.mean(dim=(2, 3), keepdim=True).expand_as(whole).clone()
            alone[:, :, top:bottom, left:right] = whole[:, :, top:bottom, left:right]
            with torch.no_grad(), captured(double, [layer]) as outputs:
                double(torch.cat([whole, alone]))
                full, boxed = outputs[layer][:, number, crop.unit[0], crop.unit[1]].tolist()
            assert boxed == pytest.approx(full, abs=1e-12)
            assert crop.activation == pytest.approx(full, abs=1e-5)
            assert crop.field == crop.box


def test_the_pixels_are_those_of_the_box(planted: Classifier) -> None:
    for crop in cropped(planted, "act", [0, 1])[0]:
        top, bottom, left, right = crop.box
        expected = np.round(IMAGES[crop.subject][top:bottom, left:right] * 255)
        np.testing.assert_array_equal(crop.pixels, expected)


def test_top_crops_are_the_maxima_of_the_images_that_excite_it_most(planted: Classifier) -> None:
    maxima = maps_of(planted, "act", IMAGES)[:, 0].max(axis=(1, 2))
    tops = [crop for crop in cropped(planted, "act", [0])[0] if crop.kind == "top"]
    best = np.argsort(-maxima, kind="stable")[:TOP]
    assert [crop.subject for crop in tops] == best.tolist()
    assert [crop.activation for crop in tops] == pytest.approx(maxima[best])


def test_middle_and_bottom_lie_where_they_should(planted: Classifier) -> None:
    maps = maps_of(planted, "conv", IMAGES)[:, 0]
    crops = cropped(planted, "conv", [0])[0]
    aims = {"middle": (maps.max() + maps.min()) / 2, "bottom": maps.min()}
    for kind, count in (("middle", MIDDLE), ("bottom", BOTTOM)):
        mine = [crop for crop in crops if crop.kind == kind]
        assert len(mine) == count
        assert abs(mine[0].activation - aims[kind]) <= 0.1 * (maps.max() - maps.min())
    assert len({(crop.image, crop.unit) for crop in crops}) == len(crops)


def test_contrast_comes_from_other_images_where_there_are_some(planted: Classifier) -> None:
    """The red filter answers to three images; at its bottom, which is 0, all others are to be had."""
    crops = cropped(planted, "act", [1])[1]
    used = {crop.subject for crop in crops if crop.kind != "bottom"}
    bottoms = [crop for crop in crops if crop.kind == "bottom"]
    assert [crop.activation for crop in bottoms] == [0.0, 0.0]
    assert len({crop.subject for crop in bottoms} | used) == len(used) + 2


def test_of_one_image_the_crops_do_not_overlap(planted: Classifier) -> None:
    tops = [crop for crop in cropped(planted, "act", [0], IMAGES[:1])[0] if crop.kind == "top"]
    assert 1 < len(tops) <= TOP
    seen = np.zeros(SIZE, int)
    for crop in tops:
        seen[crop.box[0] : crop.box[1], crop.box[2] : crop.box[3]] += 1
    assert seen.max() == 1


def test_of_equals_the_one_amid_strong_neighbours_is_taken() -> None:
    """ReLU6 is full over the whole bright square: its middle is shown and not its corner."""
    network = nn.Sequential(nn.Conv2d(3, 1, 1), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with torch.no_grad():
        network.get_parameter("0.weight").fill_(4.0)
        network.get_parameter("0.bias").fill_(0.0)
    images = np.zeros((1, *SIZE, 3), np.float32)
    images[0, 10:15, 20:25] = 1.0
    first = cropped(wrapped(network, SIZE, 2), "1", [0], images)[0][0]
    assert 11 <= first.unit[0] <= 13
    assert 21 <= first.unit[1] <= 23


def test_crops_for_contrast_see_no_padding_where_that_is_to_be_had() -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 9, padding=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with torch.no_grad():
        network.get_parameter("0.weight").fill_(0.1)
        network.get_parameter("0.bias").fill_(-0.5)
    for seed in range(5):
        crops = cropped(wrapped(network, SIZE, 2), "1", [0], IMAGES[[1, 4, 7]] * 0.2 + 0.1, seed)[0]
        assert all(crop.box == crop.field for crop in crops if crop.kind == "bottom" and crop.activation == 0)


def test_a_layer_that_sees_the_whole_image_gives_whole_images() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(1, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    crops = cropped(wrapped(settled(network, size=SIZE), SIZE), "2", [0])[0]
    assert {crop.box for crop in crops} == {(0, SIZE[0], 0, SIZE[1])}
    assert len({crop.subject for crop in crops if crop.kind == "top"}) == TOP


def test_a_filter_that_never_answers_has_none(planted: Classifier) -> None:
    assert cropped(planted, "act", [3])[3] == ()


def test_neither_the_batch_nor_the_other_filters_change_them() -> None:
    small = settled(Small())
    images = photographs(11)
    one = cropped(wrapped(small, batch=1), "cnn.6", [2, 5], images)
    all_ = cropped(wrapped(small, batch=64), "cnn.6", [5], images)
    assert [(c.subject, c.unit, c.kind) for c in one[5]] == [(c.subject, c.unit, c.kind) for c in all_[5]]


def test_two_layers_in_one_pass_are_as_each_alone() -> None:
    classifier = wrapped(settled(Small()))
    images = photographs(5)
    pool = Pool(tuple(image(each) for each in images), (), InputSpec(images.shape[1:3]))
    stats = channel_answers(classifier, pool, ["cnn.2", "cnn.6"])
    layers = {each.name: each for each in survey(classifier)}
    both = find_crops(classifier, pool, [Wanted(layers[name], (1, 2), stats[name]) for name in stats], 1)
    for name in stats:
        alone = cropped(classifier, name, [1, 2], images)
        for number in (1, 2):
            assert [(c.box, c.activation) for c in both[name].crops[number]] == [
                (c.box, c.activation) for c in alone[number]
            ]


def test_a_crop_that_does_not_fit_its_box_is_refused() -> None:
    good = Crop("a", "top", 1.0, (0, 0), (0, 2, 0, 3), (0, 2, 0, 3), np.zeros((2, 3, 3)))
    with pytest.raises(ValueError, match="shape"):
        replace(good, box=(0, 3, 0, 3))
