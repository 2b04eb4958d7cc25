"""Statistics of channels gathered in groups are those of all maps at once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from toy_models import Small, case, image, options, photographs, settled, wrapped

from reportgen.channels import Alikeness, Channels, channel_answers, over
from reportgen.classifier import Classifier
from reportgen.hooks import captured
from reportgen.inputs import InputSpec
from reportgen.pool import MOST, Pool, pool_of
from reportgen.results import Case

IMAGES = photographs(11)
POOL = Pool(tuple(image(each) for each in IMAGES), (), InputSpec(IMAGES.shape[1:3]))


@pytest.fixture(scope="module")
def small() -> Classifier:
    return wrapped(settled(Small()), batch=3)


def all_maps(classifier: Classifier, layer: str) -> NDArray[np.float64]:
    """(C, everything)"""
    with torch.no_grad(), captured(classifier.module, [layer]) as outputs:
        classifier.forward(classifier.tensor(IMAGES))
        return np.asarray(outputs[layer].double().transpose(0, 1).flatten(1))


def test_they_are_those_of_all_maps(small: Classifier) -> None:
    found = channel_answers(small, POOL, ["cnn.1", "fc.0", "cnn.6"])
    assert set(found) == {"cnn.1", "cnn.6"}
    for name, stats in found.items():
        maps = all_maps(small, name)
        np.testing.assert_allclose(stats.highest, maps.max(axis=1), atol=1e-5)
        np.testing.assert_allclose(stats.lowest, maps.min(axis=1), atol=1e-5)
        np.testing.assert_allclose(stats.mean, maps.mean(axis=1), atol=1e-6)
        np.testing.assert_allclose(stats.spread, maps.std(axis=1), atol=1e-5)
        assert stats.images == 11
        assert stats.silent == tuple(np.flatnonzero(maps.max(axis=1) <= 0))


def test_only_layers_with_a_highest_value_are_saturated() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 3, 3), nn.Hardtanh(-0.1, 0.1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    classifier = wrapped(settled(network))
    found = channel_answers(classifier, POOL, ["1", "2"])
    np.testing.assert_allclose(found["1"].saturated, (all_maps(classifier, "1") >= 0.1).mean(axis=1))
    assert not found["2"].saturated.any()


def test_filters_that_answer_alike_are_found_and_no_others(small: Classifier) -> None:
    stats = channel_answers(small, POOL, ["cnn.6"])["cnn.6"]
    alike = Alikeness(stats, [1, 4])
    for products, positions in over(small, POOL, ["cnn.6"], lambda _, maps: alike.products(maps["cnn.6"])):
        alike.add(products, positions)
    with np.errstate(all="ignore"):
        r = np.asarray(np.corrcoef(all_maps(small, "cnn.6")))
    for number in (1, 4):
        expected = {int(n): r[number, n] for n in np.flatnonzero(r[number] >= 0.95) if n != number}
        assert dict(alike.twins(number)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("scale", "noise", "found"), [(1.0, 0.0, True), (-1.0, 0.0, False), (3.0, 0.2, True), (1.0, 2.0, False)]
)
def test_a_double_is_one_up_to_scale_and_a_little_noise(scale: float, noise: float, found: bool) -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=(1, 1, 40, 40))
    second = scale * first + noise * rng.normal(size=first.shape) + 5
    maps = torch.tensor(np.concatenate([first, second], axis=1))
    flat = maps.transpose(0, 1).flatten(1).numpy()
    stats = Channels(flat.max(1), flat.min(1), flat.mean(1), flat.std(1), np.zeros(2), 1)
    alike = Alikeness(stats, [0])
    alike.add(*alike.products(maps))
    assert bool(alike.twins(0)) == found
    if found:
        (other, r), *_ = alike.twins(0)
        assert other == 1
        assert r == pytest.approx(np.asarray(np.corrcoef(flat))[0, 1])


def test_constant_channels_are_like_none() -> None:
    flat = np.stack([np.full(9, 2.0), np.full(9, 2.0)])
    stats = Channels(flat.max(1), flat.min(1), flat.mean(1), flat.std(1), np.zeros(2), 1)
    alike = Alikeness(stats, [0])
    alike.add(*alike.products(torch.tensor(flat).view(1, 2, 3, 3)))
    assert alike.twins(0) == ()
    assert stats.steady(0)


class TestPool:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for n, pixels in enumerate(photographs(5, (24, 30), seed=9)):
            Image.fromarray(np.asarray(pixels * 255, np.uint8)).save(tmp_path / f"{n}.png")
        (tmp_path / "torn.png").write_bytes(b"\x89PNG no")
        return tmp_path

    def test_images_that_lend_crops_come_after_those_explained_and_broken_ones_are_passed_over(
        self, folder: Path, small: Classifier
    ) -> None:
        cases: list[Case] = [case(small, each) for each in IMAGES[:3]]
        pool = pool_of(cases, options(reference_images=(folder,)), small.facts.input)
        lent = [each for group in pool.groups(2) for each in group]
        assert [each.subject for each in lent] == [0, 1, 2, *[-1] * 5]
        assert [each.image.name for each in lent[3:]] == [f"{n}.png" for n in range(5)]
        assert max(len(group) for group in pool.groups(2)) == 2

    def test_an_image_that_is_explained_counts_once(self, folder: Path, small: Classifier) -> None:
        pool = pool_of([], options(reference_images=(folder,)), small.facts.input)
        (first, *_), *_ = pool.groups(2)
        again = Pool((first.image,), pool.files, pool.spec)
        assert [each.subject for group in again.groups(8) for each in group] == [0, *[-1] * 4]

    def test_without_a_folder_only_the_explained_images_count(self, small: Classifier) -> None:
        cases = [case(small, each) for each in IMAGES[:3]]
        assert pool_of(cases, options(), small.facts.input).files == ()

    def test_of_very_many_files_some_are_taken_evenly(self, small: Classifier, tmp_path: Path) -> None:
        for n in range(2 * MOST):
            (tmp_path / f"{n:05d}.png").touch()
        files = pool_of([], options(reference_images=(tmp_path,)), small.facts.input).files
        assert len(files) == MOST
        assert (files[0].name, files[-1].name) == ("00000.png", f"{2 * MOST - 1:05d}.png")
