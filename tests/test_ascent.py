"""Images made to excite filters whose favourite picture is known, because it was planted."""

import itertools

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from toy_models import Filters, NoGradient, Small, fingerprint, gabor, photographs, settled, stripes, wrapped

from reportgen import ascent
from reportgen.ascent import as_images, own_maps, synthesise
from reportgen.classifier import Classifier, to_numpy
from reportgen.hooks import run_to
from reportgen.measures import filter_preferences

SIZE = (32, 40)
ANGLES = (0, 45, 90, 135)
STEPS = 100


@pytest.fixture(scope="module")
def planted() -> Classifier:
    """Four filters for lines in four directions, and one that nothing excites."""
    kernels = np.stack([*(gabor(angle) for angle in ANGLES), np.zeros((3, 7, 7))])
    return wrapped(Filters(kernels, [0.0] * 4 + [-1.0]), SIZE)


@pytest.fixture(scope="module")
def images(planted: Classifier) -> NDArray[np.float32]:
    return synthesise(planted, "act", range(5), STEPS, 16)


def answer(classifier: Classifier, layer: str, number: int, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w): the filter's map on one image."""
    _, given = run_to(classifier.module, layer, classifier.units(classifier.tensor(pixels[None])))
    return np.asarray(to_numpy(given)[0, number])


def start(number: int, layer: str = "act", size: tuple[int, int] = SIZE, seed: int = 16) -> NDArray[np.float32]:
    """The picture that the ascent sets out from."""
    coefficients = ascent._start(layer, [number], size, seed)
    (picture,) = to_numpy(as_images(coefficients, ascent._spectrum_scale(*size), size))
    return np.moveaxis(picture, 0, -1)


class TestTruth:
    def test_pictures_in_the_range_of_photographs(self, images: NDArray[np.float32]) -> None:
        assert images.shape == (5, *SIZE, 3)
        assert images.dtype == np.float32
        assert images.min() >= 0
        assert images.max() <= 1
        assert images[:4].std(axis=(1, 2, 3)).min() > 0.1

    @pytest.mark.parametrize("number", range(4))
    def test_they_excite_more_than_the_start_and_than_photographs(
        self, planted: Classifier, images: NDArray[np.float32], number: int
    ) -> None:
        reached = answer(planted, "act", number, images[number])
        assert reached.mean() > 5 * answer(planted, "act", number, start(number)).mean()
        for photograph in photographs(6, SIZE):
            assert reached.max() > answer(planted, "act", number, photograph).max()
            assert reached.mean() > answer(planted, "act", number, photograph).mean()

    @pytest.mark.parametrize("number", range(4))
    def test_each_excites_its_own_filter_most(
        self, planted: Classifier, images: NDArray[np.float32], number: int
    ) -> None:
        means = [answer(planted, "act", other, images[number]).mean() for other in range(4)]
        assert int(np.argmax(means)) == number

    @pytest.mark.parametrize("number", range(4))
    def test_a_planted_stripe_is_found_again_in_its_direction(self, images: NDArray[np.float32], number: int) -> None:
        """The direction of the lines in the one picture, against even gratings in four directions around it."""
        even = [np.repeat(stripes(angle, SIZE)[..., None], 3, axis=-1) for angle in ANGLES]
        maps = np.zeros((5, *SIZE))
        maps[0] = 1
        found = filter_preferences(maps, np.stack([images[number], *even]))
        away = abs((float(found["orientation"]) - ANGLES[number] + 90) % 180 - 90)
        assert away < 10
        assert float(found["coherence"]) > 0.4

    def test_a_layer_without_activation_climbs_what_it_gives(self) -> None:
        """Red against green; below zero there is a slope, too."""
        kernel = np.array([1.0, -1.0, 0.0]).reshape(1, 3, 1, 1)
        (image,) = synthesise(wrapped(Filters(kernel, [-5.0]), SIZE), "conv", [0], STEPS, 16)
        red, green, blue = image.mean(axis=(0, 1))
        assert red > 0.8
        assert green < 0.2
        assert abs(blue - 0.5) < 0.1

    def test_the_networks_own_units_are_climbed(self) -> None:
        """A filter for blue light: of a network that is fed BGR, blue is what its first channel sees."""
        kernel = np.zeros((1, 3, 1, 1))
        kernel[0, 0] = 1
        classifier = wrapped(Filters(kernel), SIZE, channel_order="bgr", mean=(0.5,), std=(0.25,))
        (image,) = synthesise(classifier, "conv", [0], STEPS, 16)
        red, green, blue = image.mean(axis=(0, 1))
        assert blue > 0.7
        assert max(abs(red - 0.5), abs(green - 0.5)) < 0.1


class TestWarmUp:
    def test_a_filter_that_is_silent_at_first_is_woken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Behind a ReLU that gives nothing there is no slope; what the ReLU takes has one."""
        classifier = wrapped(Filters(gabor(45)[None], [-0.05]), SIZE)
        assert not answer(classifier, "act", 0, start(0)).any()
        (woken,) = synthesise(classifier, "act", [0], STEPS, 16)
        assert answer(classifier, "act", 0, woken).max() > 0.05
        monkeypatch.setattr(ascent, "WARM_UP", 0)
        (asleep,) = synthesise(classifier, "act", [0], STEPS, 16)
        np.testing.assert_allclose(asleep, start(0), atol=1e-6)

    def test_it_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[bool] = []

        def watched(maps: Tensor, filters: list[int]) -> Tensor:
            seen.append(bool((maps < 0).any()))
            return own_maps(maps, filters)

        monkeypatch.setattr(ascent, "own_maps", watched)
        negative = wrapped(Filters(np.ones((1, 3, 1, 1))), SIZE, mean=(2.0,))  # all that the ReLU takes is below 0
        synthesise(negative, "act", [0], 20, 16)
        assert seen == [True] * 16 + [False] * 4

    def test_an_in_place_activation_makes_no_difference(self) -> None:
        kernels = np.stack([gabor(30), gabor(120)])
        plain, inplace = (
            synthesise(wrapped(Filters(kernels, inplace=flag), SIZE), "act", [0, 1], 20, 16) for flag in (False, True)
        )
        np.testing.assert_array_equal(plain, inplace)


class TestIndependence:
    def test_a_filter_does_not_depend_on_which_others_are_asked_for(
        self, planted: Classifier, images: NDArray[np.float32]
    ) -> None:
        for number in range(5):
            (alone,) = synthesise(planted, "act", [number], STEPS, 16)
            np.testing.assert_allclose(alone, images[number], atol=2e-3)
        reordered = synthesise(planted, "act", [3, 0], STEPS, 16)
        np.testing.assert_allclose(reordered, images[[3, 0]], atol=2e-3)

    def test_nor_on_how_many_fit_into_a_batch(self, planted: Classifier, images: NDArray[np.float32]) -> None:
        small = wrapped(planted.module, SIZE, batch=2)
        np.testing.assert_allclose(synthesise(small, "act", range(5), STEPS, 16), images, atol=2e-3)

    def test_at_most_sixteen_climb_at_once(self) -> None:
        sizes: list[int] = []

        class Watching(Filters):
            def forward(self, pictures: Tensor) -> Tensor:
                sizes.append(len(pictures))
                return super().forward(pictures)

        many = wrapped(Watching(np.ones((20, 3, 1, 1))), SIZE, classes=20)
        assert synthesise(many, "act", range(20), 1, 16).shape == (20, *SIZE, 3)
        assert sizes == [16, 4]

    def test_the_seed_counts_and_the_same_seed_gives_the_same(self, planted: Classifier) -> None:
        one, again, other = (synthesise(planted, "act", [0], 5, seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(one, again)
        assert np.abs(one - other).max() > 0.01

    def test_each_filter_and_each_layer_starts_from_noise_of_its_own(self) -> None:
        starts = [start(number, layer) for number, layer in itertools.product((0, 1), ("act", "conv"))]
        for one, other in itertools.combinations(starts, 2):
            assert np.abs(one - other).max() > 0.001

    def test_the_network_is_left_as_it_was(self) -> None:
        module = settled(Small())
        before = fingerprint(module)
        synthesise(wrapped(module), "cnn.6", [0, 3], 4, 16)
        assert fingerprint(module) == before

    def test_no_step_leaves_the_start(self, planted: Classifier) -> None:
        np.testing.assert_allclose(synthesise(planted, "act", [2], 0, 16)[0], start(2), atol=1e-7)

    def test_where_the_graph_is_cut_it_raises(self) -> None:
        class Cut(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.first, self.second = NoGradient(), nn.Identity()

            def forward(self, pictures: Tensor) -> Tensor:
                output: Tensor = self.second(self.first(pictures)[..., None, None])
                return output.mean(dim=(2, 3))

        with pytest.raises(RuntimeError):
            synthesise(wrapped(Cut(), SIZE), "second", [0], 2, 16)


class TestParameterisation:
    def test_no_coefficient_is_grey(self) -> None:
        zeros = torch.zeros(1, 3, 32, 21, 2)
        assert torch.equal(as_images(zeros, ascent._spectrum_scale(*SIZE), SIZE), torch.full((1, 3, *SIZE), 0.5))

    @pytest.mark.parametrize(("down", "across"), [(0, 1), (0, 5), (1, 0), (4, 0)])
    def test_one_coefficient_is_one_wave_weaker_the_finer_it_is(self, down: int, across: int) -> None:
        coefficients = torch.zeros(1, 3, 32, 21, 2)
        coefficients[0, 1, down, across, 0] = 3
        coefficients[0, 1, -down, across, 0] = 3
        (image,) = as_images(coefficients, ascent._spectrum_scale(*SIZE), SIZE)
        rows, columns = np.indices(SIZE)
        frequency = np.hypot(down / SIZE[0], across / SIZE[1])
        height = 3 * 2 / (SIZE[0] * SIZE[1]) / max(frequency, 1 / 40) * (SIZE[0] * SIZE[1]) ** 0.5 / 4
        wave = height * np.cos(2 * np.pi * (down * rows / SIZE[0] + across * columns / SIZE[1]))
        np.testing.assert_allclose(image[1], 1 / (1 + np.exp(-wave)), atol=1e-5)
        assert (image[[0, 2]] == 0.5).all()

    def test_the_mean_is_as_free_as_the_coarsest_wave(self) -> None:
        scale = ascent._spectrum_scale(*SIZE)
        assert scale.shape == (32, 21)
        assert scale[0, 0] == scale[0, 1] == scale.max()
        assert scale[0, 2] == pytest.approx(float(scale[0, 1]) / 2)

    def test_the_start_is_faint_noise(self) -> None:
        noise = ascent._start("act", [0, 1], SIZE, 16)
        assert noise.shape == (2, 3, 32, 21, 2)
        assert float(noise.std()) == pytest.approx(0.01, rel=0.05)
        assert float(noise.mean().abs()) < 1e-3

    def test_own_maps_are_the_diagonal(self) -> None:
        maps = torch.arange(24.0).reshape(2, 3, 2, 2)
        assert torch.equal(own_maps(maps, [2, 0]), torch.stack([maps[0, 2], maps[1, 0]]))

    def test_the_picture_is_shifted_at_every_step_in_both_directions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        shifts: list[tuple[int, int]] = []
        roll = Tensor.roll

        def watched(self: Tensor, by: tuple[int, int], axes: tuple[int, int]) -> Tensor:
            assert axes == (2, 3)
            shifts.append(by)
            return roll(self, by, axes)

        monkeypatch.setattr(Tensor, "roll", watched)
        synthesise(wrapped(Filters(gabor(0)[None]), SIZE), "act", [0], 200, 16)
        assert len(shifts) == 200
        for axis in (0, 1):
            assert {shift[axis] for shift in shifts} == set(range(-4, 5))
