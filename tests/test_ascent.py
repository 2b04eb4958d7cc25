"""Images made to excite filters whose favourite picture is known, because it was planted."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from toy_models import Filters, NoGradient, Small, fingerprint, gabor, photographs, settled, stripes, wrapped

from reportgen import ascent
from reportgen.ascent import Ascent, likeness, objective, own_maps
from reportgen.classifier import Classifier, to_numpy
from reportgen.hooks import run_to
from reportgen.measures import filter_preferences
from reportgen.palette import IMAGENET, Palette, palette
from reportgen.randomness import stream
from reportgen.spectrum import basis
from reportgen.transforms import Amplitudes, moved

SIZE = (32, 40)
ANGLES = (0, 45, 90, 135)
STEPS = 60
PLAIN = Palette(np.full(3, 0.5), np.eye(3) / 4, 0.0)  # grey, each channel by itself


@pytest.fixture(scope="module")
def planted() -> Classifier:
    """Four filters for lines in four directions, and one that nothing excites."""
    kernels = np.stack([*(gabor(angle) for angle in ANGLES), np.zeros((3, 7, 7))])
    return wrapped(Filters(kernels, [0.0] * 4 + [-1.0]), SIZE)


@pytest.fixture(scope="module")
def images(planted: Classifier) -> NDArray[np.float32]:
    return synthesise(planted, "act", range(5), STEPS, 16)


def synthesise(
    classifier: Classifier, layer: str, filters: Sequence[int], steps: int, seed: int
) -> NDArray[np.float32]:
    """One image for each filter, in plain colours, (F, H, W, 3)."""
    return ascent.synthesise(classifier, layer, filters, Ascent(steps, variants=1), PLAIN, seed)[:, 0]


def answer(classifier: Classifier, layer: str, number: int, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w): the filter's map on one image."""
    _, given = run_to(classifier.module, layer, classifier.units(classifier.tensor(pixels[None])))
    return np.asarray(to_numpy(given)[0, number])


def start(number: int, layer: str = "act", variant: int = 0, seed: int = 16) -> NDArray[np.float32]:
    """The picture that the ascent sets out from."""
    waves = basis(SIZE, Ascent(1).decay, PLAIN, torch.device("cpu"))
    coefficients = waves.start(stream(seed, "filters", layer, str(number), str(variant)))
    (picture,) = to_numpy(waves.images(coefficients[None]))
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
        assert red > 0.65
        assert green < 0.35
        assert abs(blue - 0.5) < 0.1

    def test_the_networks_own_units_are_climbed(self) -> None:
        """A filter for blue light: of a network that is fed BGR, blue is what its first channel sees."""
        kernel = np.zeros((1, 3, 1, 1))
        kernel[0, 0] = 1
        classifier = wrapped(Filters(kernel), SIZE, channel_order="bgr", mean=(0.5,), std=(0.25,))
        (image,) = synthesise(classifier, "conv", [0], STEPS, 16)
        red, green, blue = image.mean(axis=(0, 1))
        assert blue > 0.6
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
        redirected: list[int] = []
        monkeypatch.setattr(ascent, "redirect", lambda maps: redirected.append(len(maps)))
        synthesise(wrapped(Filters(gabor(0)[None]), SIZE), "act", [0], 20, 16)
        assert redirected == [1] * 16

    @pytest.mark.parametrize("layer", ["act", "pool", "block"])
    def test_a_pooling_or_a_block_behind_a_silent_activation_is_woken_too(self, layer: str) -> None:
        class Block(Filters):
            def __init__(self) -> None:
                super().__init__(gabor(45)[None], [-0.05])
                self.pool, self.block = nn.MaxPool2d(2), nn.Identity()

            def forward(self, pictures: Tensor) -> Tensor:
                output: Tensor = self.pool(self.act(self.conv(pictures)))
                total: Tensor = self.block(torch.relu(self.conv(pictures))).mean((2, 3)) + output.mean((2, 3))
                return total

        classifier = wrapped(Block(), SIZE)
        assert not answer(classifier, layer, 0, start(0, layer)).any()
        (woken,) = synthesise(classifier, layer, [0], STEPS, 16)
        assert answer(classifier, layer, 0, woken).max() > 0.05

    def test_a_relu6_that_is_full_from_the_start_gets_a_picture(self) -> None:
        """Above 6 there is no slope either, and the start would be shown as what it likes."""
        module = Filters(gabor(45)[None] * 4, [7.0])
        module.act = nn.ReLU6()
        classifier = wrapped(module, SIZE)
        assert answer(classifier, "act", 0, start(0)).min() == 6
        (image,) = synthesise(classifier, "act", [0], STEPS, 16)
        assert image.std() > 0.1

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

    def test_each_filter_layer_and_variant_starts_from_noise_of_its_own(self) -> None:
        starts = [start(*which) for which in itertools.product((0, 1), ("act", "conv"), (0, 1))]
        for one, other in itertools.combinations(starts, 2):
            assert np.abs(one - other).max() > 0.001

    def test_the_network_is_left_as_it_was(self) -> None:
        module = settled(Small())
        before = fingerprint(module)
        synthesise(wrapped(module), "cnn.6", [0, 3], 4, 16)
        assert fingerprint(module) == before

    @pytest.mark.parametrize("error", [RuntimeError("made up"), KeyboardInterrupt()])
    def test_nor_is_it_when_a_step_fails(self, error: BaseException) -> None:
        calls = itertools.count()

        class Failing(nn.Identity):
            def forward(self, pictures: Tensor) -> Tensor:
                if next(calls) == 3:
                    raise error
                return pictures

        module = settled(Small())
        module.get_submodule("cnn").insert(4, Failing())  # type: ignore[operator]
        before = fingerprint(module)
        with pytest.raises(type(error)):
            ascent.synthesise(wrapped(module, classes=4), "cnn.7", [0, 3], Ascent(8), PLAIN, 16)
        assert fingerprint(module) == before

    def test_each_image_is_moved_at_each_step_by_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[NDArray[np.float64]] = []

        def watched(images: Tensor, moves: NDArray[np.float64], *_: object) -> Tensor:
            seen.append(moves)
            return images

        monkeypatch.setattr(ascent, "moved", watched)
        ascent.synthesise(wrapped(Filters(gabor(0)[None]), SIZE), "act", [0], Ascent(30, variants=2), PLAIN, 16)
        moves = np.stack(seen)
        assert moves.shape == (30, 2, 4)
        assert len(np.unique(moves.reshape(-1, 4), axis=0)) == 60
        assert np.abs(moves[..., :2]).max() <= 40 / 32
        assert np.abs(moves[..., 3]).max() > 4

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


class TestColours:
    @pytest.mark.parametrize("colours", [IMAGENET, palette(photographs(4) * [1, 0.8, 0.6])])
    @pytest.mark.parametrize("channel", range(3))
    def test_a_planted_colour_is_found_in_any_palette(self, colours: Palette, channel: int) -> None:
        kernel = np.full((1, 3, 1, 1), -0.5)
        kernel[0, channel] = 1
        classifier = wrapped(Filters(kernel), SIZE)
        images = ascent.synthesise(classifier, "act", [0], Ascent(STEPS, variants=1), colours, 16)
        means = images[0, 0].mean(axis=(0, 1))
        assert means.argmax() == channel
        assert means[channel] > np.delete(means, channel).max() + 0.3


VARIED = (0, 2, 4)  # filters that have more than one way to answer


@pytest.fixture(scope="module")
def several() -> Classifier:
    return wrapped(settled(Small(), size=SIZE), SIZE)


@pytest.fixture(scope="module")
def three(several: Classifier) -> NDArray[np.float32]:
    return ascent.synthesise(several, "cnn.6", VARIED, Ascent(STEPS), PLAIN, 16)


class TestVariants:
    @pytest.mark.parametrize("room", [1, 2])
    def test_memory_that_runs_out_on_the_way_changes_nothing(
        self, several: Classifier, three: NDArray[np.float32], room: int
    ) -> None:
        """From the 21st pass on the network takes no more images at once, fewer than a filter has."""
        passes = 0

        def refuse(_module: nn.Module, given: tuple[Tensor, ...]) -> None:
            nonlocal passes
            passes += 1
            if passes > 20 and len(given[0]) > room:
                raise torch.OutOfMemoryError("no more")

        narrow = wrapped(several.module, SIZE)
        handle = several.module.get_submodule("cnn.0").register_forward_pre_hook(refuse)
        try:
            found = ascent.synthesise(narrow, "cnn.6", VARIED[:1], Ascent(STEPS), PLAIN, 16)
        finally:
            handle.remove()
        assert narrow.batch.images == 1  # half of three
        np.testing.assert_allclose(found[0], three[0], atol=5e-3)

    def test_shape(self, three: NDArray[np.float32]) -> None:
        assert three.shape == (3, 3, *SIZE, 3)
        assert three.dtype == np.float32
        assert three.min() >= 0
        assert three.max() <= 1
        assert three.std(axis=(2, 3, 4)).min() > 0.05

    def test_they_differ_and_excite_the_filter_nearly_as_strongly(
        self, several: Classifier, three: NDArray[np.float32]
    ) -> None:
        for number, images in zip(VARIED, three, strict=True):
            for one, other in itertools.combinations(images, 2):
                assert np.abs(one - other).mean() > 0.03
            reached = [answer(several, "cnn.6", number, image).mean() for image in images]
            assert min(reached) > 0.9 * reached[0]

    def test_they_are_less_alike_than_without_the_term(self, several: Classifier, three: NDArray[np.float32]) -> None:
        free = ascent.synthesise(several, "cnn.6", VARIED, Ascent(STEPS, diversity=0.0), PLAIN, 16)

        def alike(images: NDArray[np.float32]) -> float:
            _, maps = run_to(several.module, "cnn.6", several.tensor(images))
            return float(likeness(maps.detach(), 3)[1:].mean())

        for ours, plain in zip(three, free, strict=True):
            assert alike(ours) < alike(plain) - 0.03

    def test_the_first_does_not_depend_on_how_many_follow(
        self, several: Classifier, three: NDArray[np.float32]
    ) -> None:
        np.testing.assert_allclose(synthesise(several, "cnn.6", VARIED, STEPS, 16), three[:, 0], atol=2e-3)

    @pytest.mark.parametrize("batch", [64, 4])
    def test_nor_do_they_on_the_filters_beside_them(
        self, several: Classifier, three: NDArray[np.float32], batch: int
    ) -> None:
        fewer = wrapped(several.module, SIZE, batch=batch)
        found = ascent.synthesise(fewer, "cnn.6", [4, 0], Ascent(STEPS), PLAIN, 16)
        np.testing.assert_allclose(found, three[[2, 0]], atol=5e-3)

    def test_a_filters_variants_climb_together_and_at_most_sixteen_images_do(self) -> None:
        sizes: list[int] = []

        class Watching(Filters):
            def forward(self, pictures: Tensor) -> Tensor:
                sizes.append(len(pictures))
                return super().forward(pictures)

        many = wrapped(Watching(np.ones((7, 3, 1, 1))), SIZE, classes=7)
        ascent.synthesise(many, "act", range(7), Ascent(1), PLAIN, 16)
        assert sizes == [15, 6]


class TestObjective:
    MAPS = torch.arange(24.0).reshape(2, 3, 2, 2)

    def test_own_maps_are_the_diagonal(self) -> None:
        assert torch.equal(own_maps(self.MAPS, [2, 0]), torch.stack([self.MAPS[0, 2], self.MAPS[1, 0]]))

    def test_variants_lie_side_by_side(self) -> None:
        assert torch.equal(own_maps(self.MAPS, [1]), self.MAPS[:, 1])

    def test_the_stronger_half_counts_more(self) -> None:
        """Map 2 of image 0 holds 8 to 11, map 0 of image 1 holds 12 to 15."""
        assert objective(self.MAPS, [2, 0], 0.5).tolist() == [9.5 + 0.75, 13.5 + 0.75]

    def test_the_same_image_again_loses_the_diversitys_share(self) -> None:
        maps = torch.cat([self.MAPS[:1], self.MAPS[:1]])
        assert objective(maps, [2], 0.25).tolist() == pytest.approx([10.25, 10.25 * 0.75])

    def test_channels_that_answer_together_or_not(self) -> None:
        """Covariances on paper: [[1, 1], [1, 1]], [[1, -1], [-1, 1]] and again the first."""
        wave = torch.tensor([[1.0, -1.0], [1.0, -1.0]])
        maps = torch.stack([torch.stack([wave + 3, wave]), torch.stack([wave, 5 - wave]), torch.stack([-wave, -wave])])
        assert likeness(maps, 3).tolist() == pytest.approx([0, 0, 1], abs=1e-6)

    def test_only_the_later_of_two_is_pushed(self) -> None:
        maps = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(1), requires_grad=True)
        (gradient,) = torch.autograd.grad(likeness(maps, 2).sum(), maps)
        assert not gradient[0].any()
        assert gradient[1].any()


class Square(nn.Module):
    """Takes images of one size only, as many a network with a position embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[2:] != SIZE:
            raise ValueError("32 x 40 only")
        return torch.as_tensor(self.conv(images).mean((2, 3)))


class TestWindow:
    def test_a_part_is_enough_for_a_narrow_field_only(self, planted: Classifier) -> None:
        assert ascent.window_of(planted, "act", (12, 15)) == (24, 30)
        assert ascent.window_of(planted, "act", (13, 13)) is None
        assert ascent.window_of(planted, "act", (3, 16)) is None

    def test_all_is_shown_to_a_network_that_takes_nothing_smaller(self) -> None:
        assert ascent.window_of(wrapped(Square(), SIZE, 4), "conv", (3, 3)) is None

    def test_a_step_shows_the_network_a_part_and_all_parts_in_turn(
        self, planted: Classifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shapes: set[tuple[int, ...]] = set()
        seen: list[NDArray[np.float64]] = []

        def watched(images: Tensor, moves: NDArray[np.float64], amplitudes: Amplitudes, window: Any) -> Tensor:  # noqa: ANN401
            seen.append(moves)
            part = moved(images, moves, amplitudes, window)
            shapes.add(tuple(part.shape[2:]))
            return part

        monkeypatch.setattr(ascent, "moved", watched)
        ascent.synthesise(planted, "act", [0], Ascent(60, variants=1, window=(24, 30)), PLAIN, 16)
        assert shapes == {(24, 30)}
        assert np.abs(np.stack(seen)[..., 0]).max() > 0.8 * SIZE[0] / 2  # to the other end, for waves go on
        assert np.stack(seen)[..., :2].max() <= 20

    def test_the_picture_from_parts_excites_the_filter_as_much(
        self, planted: Classifier, images: NDArray[np.float32]
    ) -> None:
        """One and a half times the steps of nine sixteenths of the work."""
        parts = ascent.synthesise(planted, "act", range(4), Ascent(90, variants=1, window=(24, 30)), PLAIN, 16)[:, 0]
        for number in range(4):
            whole = answer(planted, "act", number, images[number]).mean()
            assert answer(planted, "act", number, parts[number]).mean() > 0.9 * whole

    def test_facts_name_it(self) -> None:
        facts = Ascent(64, window=(24, 30)).facts(SIZE, PLAIN)
        assert (facts["window_height"], facts["window_width"], facts["jitter"]) == (24, 30, 20.0)
        assert "window_height" not in Ascent(64).facts(SIZE, PLAIN)


def test_facts() -> None:
    assert Ascent(64).facts((96, 128), IMAGENET) == {
        "steps": 64, "variants": 3, "lr": 0.05, "decay": 1.0, "jitter": 4.0, "scale": 0.05, "rotate": 5.0,
        "diversity": 0.5, "colours": "imagenet", "colours_borrowed": 1.0,
    }  # fmt: skip
