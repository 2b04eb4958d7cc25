"""Filters as the methods study them: against hooks set by hand, planted kernels and dead units."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from toy_models import (
    SIZE,
    Filters,
    FunctionalReLU,
    Linear,
    Small,
    ViewFlatten,
    case,
    gabor,
    known,
    options,
    photographs,
    settled,
    stripes,
    wrapped,
)

from reportgen.ascent import Ascent, synthesise
from reportgen.classifier import Classifier
from reportgen.crops import find_crops
from reportgen.errors import InputRefused
from reportgen.explain import FILTER_METHODS, filters, filters_hw5
from reportgen.measures import answers, filter_preferences
from reportgen.palette import palette
from reportgen.results import FilterStudy

IMAGES = photographs(5)
BRIGHT = (1, 3)  # those for which `Cracked` gives what is not finite


class _Crack(nn.Module):
    """In channel 1 a bad number for some of the IMAGES, at every position or at one."""

    def __init__(self, bright: Sequence[int], bad: float, everywhere: bool) -> None:
        super().__init__()
        self.bright, self.bad, self.everywhere = bright, bad, everywhere
        self.seen = torch.zeros(0)

    def forward(self, maps: Tensor) -> Tensor:
        maps = maps.clone()
        for number in self.bright:
            known = torch.tensor(IMAGES[number]).permute(2, 0, 1)
            if self.seen.shape[1:] == known.shape:
                hit = (self.seen - known).abs().amax((1, 2, 3)) < 0.003  # 8 bits in a file
                maps[hit, 1] = torch.full_like(maps[hit, 1], self.bad) if self.everywhere else maps[hit, 1]
                maps[hit, 1, 2, 3] = self.bad
        return maps


class Cracked(nn.Module):
    """One channel that is not finite for some of the IMAGES; what is behind it does without those numbers."""

    def __init__(self, bright: Sequence[int], bad: float, everywhere: bool = True) -> None:
        super().__init__()
        self.conv, self.act = nn.Conv2d(3, 4, 3, padding=1), nn.LeakyReLU()
        self.crack = _Crack(bright, bad, everywhere)
        self.next = nn.Conv2d(4, 3, 3)

    def forward(self, images: Tensor) -> Tensor:
        self.crack.seen = images
        maps = self.crack(self.act(self.conv(images)))
        given: Tensor = self.next(maps.where(maps.isfinite(), 0.0))
        return given.mean(dim=(2, 3))


class _Edge(nn.Module):
    """NaN in channel 1 above a number; its gradient is multiplied by the slope."""

    def __init__(self) -> None:
        super().__init__()
        self.highest, self.slope = np.inf, 1.0

    def forward(self, maps: Tensor) -> Tensor:
        if maps.requires_grad:
            maps = maps.clone()
            maps.register_hook(lambda gradient: gradient * self.slope)  # type: ignore[no-untyped-call]
        within = torch.ones_like(maps, dtype=torch.bool)
        within[:, 1] = maps[:, 1] <= self.highest
        return maps.where(within, torch.nan)


class Diverging(nn.Module):
    """One convolution with an edge behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.edge = nn.Conv2d(3, 3, 3, padding=1), _Edge()
        settled(self)

    def forward(self, images: Tensor) -> Tensor:
        given: Tensor = self.edge(self.conv(images))
        return given.mean(dim=(2, 3))


def studied(
    classifier: Classifier,
    images: NDArray[np.float32] = IMAGES,
    method: str = "filters",
    **given: Any,  # noqa: ANN401 - fields of BuildOptions
) -> list[FilterStudy]:
    cases = [case(classifier, each) for each in images]
    return list(FILTER_METHODS[method].explain(classifier, cases, options(**given)))


def picture(study: FilterStudy) -> NDArray[np.float32]:
    assert study.visualisation is not None
    return study.visualisation


def by_hand(module: nn.Module, layer: str, images: NDArray[np.float32] = IMAGES) -> NDArray[np.float32]:
    """(N, C, h, w): what the layer gives, image by image, copied at once."""
    seen: list[Tensor] = []
    handle = module.get_submodule(layer).register_forward_hook(lambda _, __, output: seen.append(output.clone()))
    with torch.no_grad():
        for each in images:
            module(torch.tensor(each).permute(2, 0, 1)[None])
    handle.remove()
    return np.asarray(torch.cat(seen))


def matters_by_hand(classifier: Classifier, layer: str, number: int) -> float:
    """Mean absolute change of the predicted class's probability while the channel gives its mean everywhere."""
    mean = float(by_hand(classifier.module, layer)[:, number].mean())

    def hold(_: nn.Module, __: Any, output: Tensor) -> Tensor:  # noqa: ANN401 - a hook
        held = output.clone()
        held[:, number] = mean
        return held

    intact = classifier.probabilities(IMAGES)
    handle = classifier.module.get_submodule(layer).register_forward_hook(hold)
    held = classifier.probabilities(IMAGES)
    handle.remove()
    first = intact.argmax(axis=1)
    return float(np.abs(intact - held)[np.arange(len(IMAGES)), first].mean())


@pytest.fixture(scope="module")
def small() -> Classifier:
    return wrapped(settled(Small(inplace=True)))


class TestActivations:
    @pytest.mark.parametrize("layer", ["cnn.0", "cnn.1", "cnn.2", "cnn.4", "cnn.6", "cnn.7"])
    @pytest.mark.parametrize("batch", [1, 2, 64])
    def test_they_are_what_a_hook_sees(self, small: Classifier, layer: str, batch: int) -> None:
        """Also before an in-place ReLU, which overwrites what a careless hook keeps."""
        classifier = wrapped(small.module, batch=batch)
        found = studied(classifier, layers=(layer,), filters=(5, 0))
        maps = by_hand(small.module, layer)
        assert [(each.layer, each.filter) for each in found] == [(layer, 5), (layer, 0)]
        for each in found:
            np.testing.assert_allclose(each.activations, maps[:, each.filter], atol=1e-5)

    def test_one_image_keeps_its_axis(self, small: Classifier) -> None:
        (found,) = studied(small, IMAGES[:1], layers=("cnn.2",), filters=(1,))
        assert found.activations.shape == (1, *SIZE)
        np.testing.assert_allclose(found.activations, by_hand(small.module, "cnn.2", IMAGES[:1])[:, 1], atol=1e-5)
        assert picture(found).shape == (*SIZE, 3)

    @pytest.mark.parametrize("network", [ViewFlatten, FunctionalReLU])
    def test_every_way_to_write_a_network(self, network: type[nn.Module]) -> None:
        classifier = wrapped(settled(network()))
        for each in studied(classifier, filters=(2,)):
            assert each.status == "ok"
            maps = by_hand(classifier.module, each.layer)
            np.testing.assert_allclose(each.activations, maps[:, 2], atol=1e-5)


class TestChoice:
    def test_without_names_one_layer_per_stage_and_the_filters_that_matter_most(self, small: Classifier) -> None:
        """Against holding every channel at its mean by hand."""
        found = studied(small, filters_top=3)
        expected = []
        for layer, channels in (("cnn.2", 6), ("cnn.6", 8)):
            changes = [matters_by_hand(small, layer, number) for number in range(channels)]
            expected += [(layer, int(number)) for number in np.argsort(-np.array(changes), kind="stable")[:3]]
        assert [(each.layer, each.filter) for each in found] == expected
        assert {each.parameters["choice"] for each in found} == {"default"}

    def test_named_layers_and_named_filters(self, small: Classifier) -> None:
        layers = studied(small, layers=("cnn.4",))
        assert {(each.layer, each.parameters["choice"]) for each in layers} == {("cnn.4", "layers")}
        assert len(layers) == 2
        named = studied(small, layers=("cnn.4",), filters=(7,))
        assert [(each.filter, each.parameters["choice"]) for each in named] == [(7, "named")]

    @pytest.mark.parametrize("method", ["filters", "filters_hw5"])
    def test_an_unknown_layer_or_filter_is_refused(self, small: Classifier, method: str) -> None:
        with pytest.raises(InputRefused, match="no such layer"):
            studied(small, method=method, layers=("cnn.99",))
        with pytest.raises(InputRefused, match="numbered 0 to 7, and 8 is none of them"):
            studied(small, method=method, layers=("cnn.4",), filters=(8,))

    def test_a_layer_without_maps_is_said_to_have_none(self, small: Classifier) -> None:
        found = studied(small, layers=("fc.0", "cnn.2"), filters_top=1)
        assert [each.status for each in found] == ["not_applicable", "ok"]
        assert found[0].reason == "reason.not_spatial"
        assert (found[0].activations.shape, found[0].filter) == ((0, 0, 0), 0)

    def test_a_network_without_maps_has_nothing_to_study(self) -> None:
        (found,) = studied(wrapped(Linear(torch.ones(2, 3, *SIZE))))
        assert (found.layer, found.status, found.reason) == ("", "not_applicable", "reason.no_maps")


class Patches(nn.Module):
    """Patches of 4 x 4 as tokens, one linear layer on them, the mean of all."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 6, 4, 4)
        self.mix = nn.Linear(6, 3)
        self.unused = nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        given: Tensor = self.mix(self.embed(images).flatten(2).transpose(1, 2))
        return given.mean(1)


class TestTokens:
    def test_only_the_patch_embedding_is_studied_and_the_study_says_so(self) -> None:
        found = studied(wrapped(settled(Patches())), filters_top=1)
        assert [(each.layer, each.status) for each in found] == [("embed", "ok")]
        assert (found[0].parameters["token_layers"], found[0].parameters["patches_only"]) == (1, True)

    def test_a_convolution_whose_windows_overlap_is_no_embedding_of_patches(self) -> None:
        network = Patches()
        network.embed = nn.Conv2d(3, 6, 4, 2)
        (found,) = studied(wrapped(settled(network)), filters_top=1)
        assert (found.parameters["token_layers"], found.parameters["patches_only"]) == (1, False)

    @pytest.mark.parametrize(("layer", "reason"), [("mix", "tokens"), ("unused", "not_run")])
    def test_a_named_layer_without_maps_has_its_own_reason(self, layer: str, reason: str) -> None:
        (found,) = studied(wrapped(settled(Patches())), layers=(layer,))
        assert (found.layer, found.status, found.reason) == (layer, "not_applicable", f"reason.{reason}")

    def test_so_has_one_that_gives_single_numbers(self) -> None:
        pooled = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        (found,) = studied(wrapped(settled(pooled)), layers=("1",))
        assert (found.status, found.reason) == ("not_applicable", "reason.single")

    def test_and_one_that_has_its_channels_behind_the_places(self) -> None:
        class Last(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv, self.act = nn.Conv2d(3, 4, 3), nn.GELU()

            def forward(self, images: Tensor) -> Tensor:
                given: Tensor = self.act(self.conv(images).permute(0, 2, 3, 1))
                return given.mean((1, 2))

        classifier = wrapped(settled(Last()))
        assert [each.layer for each in studied(classifier, filters_top=1)] == ["conv"]
        (found,) = studied(classifier, layers=("act",))
        assert (found.status, found.reason) == ("not_applicable", "reason.channels_last")


class TestStudy:
    def test_measures(self, small: Classifier) -> None:
        (found,) = studied(small, layers=("cnn.6",), filters=(3,))
        maps = by_hand(small.module, "cnn.6")[:, 3]
        (image,) = synthesise(small, "cnn.6", [3], Ascent(8, variants=1), palette(IMAGES), 16)[0]
        reached = float(by_hand(small.module, "cnn.6", image[None])[0, 3].max())
        silent = [str(n) for n, each in enumerate(by_hand(small.module, "cnn.6").swapaxes(0, 1)) if each.max() <= 0]
        expected = {
            **answers(maps), **filter_preferences(maps, IMAGES), "reached": reached, "ratio": reached / maps.max(),
            "channels": 8, "silent": len(silent), "silent_filters": ", ".join(silent), "pool": 5,
            "mean": maps.mean(), "spread": maps.std(), "steady": False,
            "matters": matters_by_hand(small, "cnn.6", 3),
        }  # fmt: skip
        largest = max(each.change for each in found.effects)  # the network has no more classes than are kept
        assert found.measures["largest_change"] == pytest.approx(largest)
        assert set(found.measures) - {"largest_change"} == set(expected)
        for name, value in expected.items():
            assert found.measures[name] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-3))

    def test_the_picture_is_that_of_the_ascent(self, small: Classifier) -> None:
        (found,) = studied(small, layers=("cnn.6",), filters=(3,), seed=5)
        expected = synthesise(small, "cnn.6", [3], Ascent(8), palette(IMAGES), 5)[0, 0]
        np.testing.assert_allclose(picture(found), expected, atol=1e-6)

    def test_parameters(self, small: Classifier) -> None:
        (found,) = studied(small, layers=("cnn.5",), filters=(3,))
        assert found.parameters == {
            "steps": 8, "lr": 0.05, "choice": "named", "kind": "BatchNorm2d", "height": 8, "width": 10,
            "variants": 3, "decay": 1.0, "jitter": 20 / 32, "scale": 0.05, "rotate": 5.0, "diversity": 0.5,
            "colours": "images", "colours_borrowed": 0.0,
            "receptive_field_height": 8, "receptive_field_width": 8,
        }  # fmt: skip

    def test_a_layer_that_looks_over_the_whole_map_sees_the_whole_image(self) -> None:
        normed = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        (found,) = studied(wrapped(settled(normed)), filters=(0,))
        assert found.layer == "1"
        assert found.parameters["receptive_field"] == "whole image"
        assert "receptive_field_height" not in found.parameters

    def test_each_image_is_compared_with_the_most_exciting_one(self, small: Classifier) -> None:
        (found,) = studied(small, layers=("cnn.2",), filters=(1,))
        maps = by_hand(small.module, "cnn.2")[:, 1]
        assert len(found.image_measures) == 5
        for each, one in zip(found.image_measures, maps, strict=True):
            expected = {"maximum": one.max(), "mean": one.mean(), "relative": one.max() / maps.max()}
            assert each == pytest.approx(expected, rel=1e-4)

    def test_a_share_of_nothing_is_absent(self) -> None:
        assert filters.image_measures(np.zeros((1, 2, 2), np.float32)) == ({"maximum": 0.0, "mean": 0.0},)

    def test_a_filter_does_not_depend_on_which_others_are_asked_for(self, small: Classifier) -> None:
        one, other = studied(small, layers=("cnn.6",), filters=(3, 0))
        (alone,) = studied(small, layers=("cnn.6",), filters=(0,))
        np.testing.assert_allclose(picture(other), picture(alone), atol=1e-3)
        np.testing.assert_allclose(other.activations, alone.activations, atol=1e-6)
        assert other.measures["reached"] == pytest.approx(alone.measures["reached"], rel=1e-2)
        assert one.measures["reached"] != other.measures["reached"]

    def test_a_planted_stripe_filter_is_described(self) -> None:
        """It answers to edges, in its direction, and its picture excites it more than gratings of half the contrast."""
        planes = [0.25 + 0.5 * stripes(angle, SIZE) for angle in range(0, 180, 15)]
        gratings = [np.repeat(plane[..., None], 3, axis=-1) for plane in planes]
        classifier = wrapped(Filters(np.stack([gabor(0), gabor(45)])))
        (found,) = studied(classifier, np.array(gratings, np.float32), layers=("act",), filters=(1,), filter_steps=60)
        assert abs(float(found.measures["orientation"]) - 45) < 5
        assert float(found.measures["coherence"]) > 0.3
        assert float(found.measures["reached"]) > float(found.measures["maximum"]) > 0
        assert float(found.measures["ratio"]) > 1

    def test_what_each_picture_reaches_is_its_own_filters_answer_to_it(self) -> None:
        classifier = wrapped(Filters(np.stack([gabor(0), gabor(90)])))
        for each in studied(classifier, layers=("act",), filters=(1, 0), filter_steps=30):
            reached = by_hand(classifier.module, "act", picture(each)[None])[0].max(axis=(1, 2))
            assert each.measures["reached"] == pytest.approx(reached[each.filter], rel=1e-4)
            assert abs(reached[0] - reached[1]) > 0.1


class TestTroubles:
    def test_a_dead_filter_has_no_picture(self) -> None:
        kernels = np.stack([gabor(0), np.zeros((3, 7, 7))])
        alive, dead = studied(wrapped(Filters(kernels, [0.0, -1.0])), layers=("act",), filters=(0, 1))
        assert (alive.status, dead.status, dead.reason) == ("ok", "degenerate", "reason.dead_filter")
        assert picture(alive).shape == (*SIZE, 3)
        assert dead.visualisation is None
        assert dead.measures == {
            "maximum": 0.0, "active": 0.0, "reached": 0.0, "channels": 2, "silent": 1, "silent_filters": "1", "pool": 5,
        }  # fmt: skip
        assert (alive.measures["silent_filters"], dead.crops, dead.effects) == ("1", (), ())
        assert dead.activations.shape == (5, *SIZE)

    def test_a_filter_silent_on_these_images_but_not_dead_has_one(self) -> None:
        """The images are all dark; the filter wants light."""
        classifier = wrapped(Filters(np.ones((1, 3, 1, 1)), [-2.0]), classes=2)
        (found,) = studied(classifier, IMAGES * 0.1, layers=("act",), filters=(0,), filter_steps=40)
        assert found.status == "ok"
        assert found.measures["maximum"] == 0
        assert float(found.measures["reached"]) > 0
        assert {"ratio", "orientation", "edges", "colour"} & set(found.measures) == set()

    def test_what_is_not_finite_failed(self) -> None:
        module = Filters(np.stack([gabor(0), gabor(90)]))
        with torch.no_grad():
            module.get_parameter("conv.bias")[1] = float("inf")
        cases = [known(each, [1.0, 0.0]) for each in IMAGES]
        given = options(layers=("conv",), filters=(0, 1))
        found = list(FILTER_METHODS["filters"].explain(wrapped(module), cases, given))
        assert [each.status for each in found] == ["ok", "failed"]
        assert found[1].reason == "reason.not_finite"

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("everywhere", [True, False])
    def test_what_is_not_finite_for_some_images_costs_itself_only(self, bad: float, everywhere: bool) -> None:
        cracked, whole = (wrapped(settled(Cracked(of, bad, everywhere))) for of in (BRIGHT, ()))
        found, expected = (studied(each, layers=("crack", "next"), filters=(0, 1, 2)) for each in (cracked, whole))
        assert [each.status for each in found] == ["ok", "failed", *(each.status for each in expected[2:])]
        assert (found[1].reason, found[1].activations.size) == ("reason.not_finite", 0)
        for each, other in zip(found[:3:2], expected[:3:2], strict=True):
            np.testing.assert_array_equal(each.activations, other.activations)
            assert [crop.unit for crop in each.crops] == [crop.unit for crop in other.crops]
        assert (found[0].measures["broken"], found[0].measures["broken_filters"]) == (1, "1")
        assert "broken" not in {*expected[0].measures, *found[3].measures}

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_of_itself_none_is_chosen_that_is_not_finite_while_there_are_others(self, bad: float) -> None:
        cracked = wrapped(settled(Cracked(BRIGHT, bad)))
        found = studied(cracked, layers=("crack",), filters_top=2)
        assert [each.status for each in found] == ["ok", "ok"]
        assert found[0].measures["broken_filters"] == "1"
        assert [each.status for each in studied(cracked, layers=("crack",), filters_top=4)].count("failed") == 1

    def test_what_only_lends_crops_may_break_a_filter_too(self, tmp_path: Path) -> None:
        for number, each in enumerate(IMAGES[list(BRIGHT)]):
            Image.fromarray(np.round(each * 255).astype(np.uint8)).save(tmp_path / f"{number}.png")
        cracked, dull = wrapped(settled(Cracked(BRIGHT, np.nan))), np.delete(IMAGES, BRIGHT, axis=0)
        found = studied(cracked, dull, layers=("crack",), filters=(0, 1), reference_images=(tmp_path,))
        assert [each.reason for each in found] == ["", "reason.not_finite"]

    def test_crops_come_from_the_images_that_a_network_of_chance_answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The second look at an image finds NaN, where the first found none."""
        cracked = wrapped(settled(Cracked((), np.nan)))

        def broken_since(*given: Any) -> Any:  # noqa: ANN401 - as it is
            module = cracked.module
            assert isinstance(module, Cracked)
            module.crack.bright = BRIGHT
            try:
                return find_crops(*given)
            finally:
                module.crack.bright = ()

        monkeypatch.setattr(filters, "find_crops", broken_since)
        (found,) = studied(cracked, layers=("crack",), filters=(1,))
        assert found.status == "ok"
        assert {crop.subject for crop in found.crops} <= set(range(5)) - set(BRIGHT)
        assert found.crops

    def test_an_ascent_that_ends_in_nan_shows_nothing_and_stops_no_other(self) -> None:
        """Channel 1 gives NaN above what it gives for any photograph; images made for the others go there, too."""
        module = Diverging()
        module.get_parameter("conv.bias").data.fill_(0.5)
        most = by_hand(module, "conv")[:, 1].max()
        module.edge.highest = 1.001 * float(most)
        first, second = studied(wrapped(module), layers=("edge",), filters=(0, 1), filter_steps=40)
        assert (first.status, second.status, second.reason) == ("ok", "failed", "reason.ascent_not_finite")
        assert second.visualisation is None
        np.testing.assert_allclose(second.activations, by_hand(module, "edge")[:, 1], atol=1e-5)

    def test_where_the_graph_is_cut_the_activations_stand(self) -> None:
        class Cut(FunctionalReLU):
            def forward(self, images: Tensor) -> Tensor:
                with torch.no_grad():
                    return super().forward(images)

        classifier = wrapped(settled(Cut()))
        (found,) = studied(classifier, layers=("second",), filters=(1,))
        assert (found.status, found.reason) == ("failed", "reason.raised")
        assert "RuntimeError" in found.detail
        np.testing.assert_allclose(found.activations, by_hand(classifier.module, "second")[:, 1], atol=1e-5)


class TestWriteUp:
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_what_is_not_finite_failed(self, bad: float) -> None:
        cracked = wrapped(settled(Cracked(BRIGHT, bad, everywhere=False)))
        (found,) = studied(cracked, method="filters_hw5", layers=("crack",), filters=(1,))
        assert (found.status, found.reason, found.activations.size) == ("failed", "reason.not_finite", 0)
        (other,) = studied(cracked, method="filters_hw5", layers=("crack",), filters=(0,))
        assert other.status == "ok"

    def test_what_climbs_to_nan_is_not_drawn(self) -> None:
        module = Diverging()
        module.edge.slope = np.nan
        (found,) = studied(wrapped(module), method="filters_hw5", layers=("edge",), filters=(1,))
        assert (found.status, found.reason) == ("failed", "reason.ascent_not_finite")
        assert found.visualisation is None
        assert found.activations.shape == (5, *SIZE)

    def test_the_layer_and_the_filter_of_the_write_up_or_those_named(self, small: Classifier) -> None:
        (found,) = studied(small, method="filters_hw5")
        assert (found.layer, found.filter, found.parameters["layer_assumed"]) == ("cnn.6", 0, True)
        (named,) = studied(small, method="filters_hw5", layers=("cnn.2", "cnn.4"), filters=(3, 1))
        assert (named.layer, named.filter, named.parameters["layer_assumed"]) == ("cnn.2", 3, False)
        np.testing.assert_allclose(named.activations, by_hand(small.module, "cnn.2")[:, 3], atol=1e-5)

    def test_its_measures_tell_how_far_the_pixels_went(self, small: Classifier) -> None:
        (found,) = studied(small, method="filters_hw5")
        climbed = picture(found)
        assert found.measures == {
            "maximum": float(found.activations.max()),
            "low": climbed.min(),
            "high": climbed.max(),
            "outside": pytest.approx(((climbed < 0) | (climbed > 1)).mean()),
            **filter_preferences(found.activations, IMAGES),
        }
        assert found.parameters == {"steps": 100, "lr": 0.1, "layer_assumed": True, "kind": "ReLU"}

    def test_a_dead_filter_is_not_shown_as_the_photograph_itself(self) -> None:
        classifier = wrapped(Filters(np.zeros((1, 3, 7, 7)), [-1.0]))
        (found,) = studied(classifier, method="filters_hw5", layers=("act",))
        assert (found.status, found.reason) == ("degenerate", "hw5.filters_dead")
        assert found.visualisation is None
        assert found.activations.shape == (5, *SIZE)

    @pytest.mark.parametrize("images", [1, 3])
    def test_it_climbs_from_the_first_photograph(self, images: int) -> None:
        """Adam goes by its rate at every step of a constant slope: up where the weight is positive, else down."""
        kernel = np.array([1.0, -1.0, 0.5]).reshape(1, 3, 1, 1)
        classifier = wrapped(Filters(kernel))
        climbed = filters_hw5.climb(classifier, IMAGES[images], "conv", 0, steps=7)
        assert climbed is not None
        np.testing.assert_allclose(climbed, IMAGES[images] + 0.7 * np.array([1, -1, 1]), atol=1e-4)

    def test_the_photograph_is_left_as_it_was(self, small: Classifier) -> None:
        before = IMAGES.copy()
        studied(small, method="filters_hw5")
        np.testing.assert_array_equal(IMAGES, before)


def test_later_layers_never_run_in_the_ascent(small: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 8 steps it runs for the survey, answers, the intact and the held network, crops, two maps, and the ascent.

    A part of the image being enough, the layer runs once to see that, and 12 steps. What lies behind runs for neither.
    """
    runs: dict[str, int] = {}

    def count(name: str) -> Any:  # noqa: ANN401 - a hook
        return lambda *_: runs.update({name: runs.get(name, 0) + 1})

    handles = [small.module.get_submodule(name).register_forward_pre_hook(count(name)) for name in ("cnn.2", "cnn.4")]
    monkeypatch.setattr(filters, "GROUP", 99)
    cases: Sequence[Any] = [case(small, each) for each in IMAGES]
    runs.clear()
    list(FILTER_METHODS["filters"].explain(small, cases, options(layers=("cnn.2",), filters=(0,))))
    for handle in handles:
        handle.remove()
    assert runs == {"cnn.2": 7 + 1 + 12, "cnn.4": 7}
