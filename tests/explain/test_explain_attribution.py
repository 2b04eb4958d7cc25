"""Maps of pixels against values that are known on paper, and against captum asked directly."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import captum.attr
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate
from toy_models import (
    SIZE,
    Constant,
    Filters,
    FunctionalReLU,
    Linear,
    NoGradient,
    Separable,
    Small,
    case,
    options,
    photographs,
    settled,
    wrapped,
)

from reportgen.classifier import Classifier
from reportgen.costs import Image
from reportgen.explain import IMAGE_METHODS, integrated_gradients, occlusion, smoothgrad
from reportgen.randomness import stream
from reportgen.results import AttributionMap, Case, Explanation, SaliencyMap, Target
from reportgen.stages import last_stage

IMAGES = photographs(3)
SIGNED = ("input_x_gradient", "integrated_gradients", "occlusion")
ATTRIBUTIONS = (*SIGNED, "gradcam", "guided_backprop", "smoothgrad")


def explained(name: str, classifier: Classifier, cases: Sequence[Case]) -> list[tuple[Explanation, ...]]:
    return list(IMAGE_METHODS[name].explain(classifier, cases, options()))


def heat(explanation: Explanation) -> NDArray[np.float32]:
    assert isinstance(explanation.result, AttributionMap | SaliencyMap)
    return explanation.result.heat


def only(name: str, classifier: Classifier, number: int = 0) -> Explanation:
    ((found,),) = explained(name, classifier, [case(classifier, IMAGES[number])])
    return found


def of_class(name: str, classifier: Classifier, index: int) -> Explanation:
    """Of the first image."""
    one = replace(case(classifier, IMAGES[0]), targets=(Target(index, f"class {index}", "label"),))
    ((found,),) = explained(name, classifier, [one])
    return found


def tensor(pixels: NDArray[np.float32]) -> Tensor:
    return torch.tensor(pixels).permute(2, 0, 1)[None]


class TestIntegratedGradients:
    def test_of_a_linear_network_it_is_the_weight_times_what_differs(self) -> None:
        weights = torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(1))
        classifier = wrapped(Linear(weights))
        found = only("integrated_gradients", classifier)
        differs = IMAGES[0] - IMAGES[0].mean(axis=(0, 1))
        by_hand = (weights[found.target.index].permute(1, 2, 0).numpy() * differs).sum(axis=-1)
        np.testing.assert_allclose(heat(found), by_hand, atol=1e-5)
        assert float(found.measures["completeness_relative"]) < 1e-4
        assert found.measures["sum"] == pytest.approx(by_hand.sum(), abs=1e-3)

    def test_of_a_separable_network_it_is_what_each_pixel_gained(self) -> None:
        """The integral of 3 k cos(3 x) along the way is k (sin(3 x) - sin(3 b))."""
        classifier = wrapped(Separable())
        found = only("integrated_gradients", classifier)
        base = IMAGES[0].mean(axis=(0, 1))
        gained = (found.target.index + 1) * (np.sin(3 * IMAGES[0]) - np.sin(3 * base)).sum(axis=-1)
        np.testing.assert_allclose(heat(found), gained, atol=1e-5)

    def test_it_is_captums(self) -> None:
        module = settled(Small())
        classifier = wrapped(module)
        found = only("integrated_gradients", classifier)
        image = tensor(IMAGES[0])
        base = image.mean(dim=(2, 3), keepdim=True).expand_as(image)
        steps = int(found.parameters["steps"])
        theirs = captum.attr.IntegratedGradients(module).attribute(
            image, base, target=found.target.index, n_steps=steps
        )
        np.testing.assert_allclose(heat(found), theirs[0].sum(0).numpy(), atol=1e-6)

    def test_what_its_values_miss_is_measured(self) -> None:
        classifier = wrapped(settled(Small()))
        found = only("integrated_gradients", classifier)
        base = np.broadcast_to(IMAGES[0].mean(axis=(0, 1)), IMAGES[0].shape)
        whole, start = classifier.logits(np.stack([IMAGES[0], base]))[:, found.target.index].astype(np.float64)
        missed = abs(heat(found).sum(dtype=np.float64) - (whole - start))
        assert found.measures["completeness_error"] == pytest.approx(missed, rel=1e-3, abs=1e-6)
        assert found.measures["completeness_relative"] == pytest.approx(missed / abs(whole - start), rel=1e-3, abs=1e-6)

    def test_a_way_with_corners_is_cut_finer(self) -> None:
        class Corner(nn.Module):
            def forward(self, images: Tensor) -> Tensor:
                """Rises only on the last hundredth of the way to the image, where 16 points see almost nothing."""
                total = images[:, :, 0, 0].sum(1)
                return torch.stack([(total - 2.94).relu() * 100, 0 * total], dim=1)

        image = np.full((*SIZE, 3), 0.5, np.float32)
        image[0, 0] = 1.0
        classifier = wrapped(Corner())
        ((found,),) = explained("integrated_gradients", classifier, [case(classifier, image)])
        assert int(found.parameters["steps"]) > integrated_gradients.STEPS
        ((rough,),) = integrated_gradients.explain_roughly(classifier, [case(classifier, image)], options())
        assert rough.parameters["steps"] == integrated_gradients.ROUGH_STEPS  # whatever it misses

    def test_the_rough_way_is_captums_by_fewer_steps(self) -> None:
        module = settled(Small())
        classifier = wrapped(module)
        one = case(classifier, IMAGES[0])
        rough = IMAGE_METHODS["integrated_gradients"].rough
        assert rough is not None
        ((found,),) = rough.explain(classifier, [one], options())
        image = tensor(IMAGES[0])
        base = image.mean(dim=(2, 3), keepdim=True).expand_as(image)
        theirs = captum.attr.IntegratedGradients(module).attribute(
            image, base, target=found.target.index, n_steps=integrated_gradients.ROUGH_STEPS
        )
        np.testing.assert_allclose(heat(found), theirs[0].sum(0).numpy(), atol=1e-6)
        assert rough.passes(Image(options(), SIZE, 2)).graded == 2 * integrated_gradients.ROUGH_STEPS


class TestSmoothGrad:
    def test_of_a_linear_network_noise_changes_nothing(self) -> None:
        weights = torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(1))
        found = only("smoothgrad", wrapped(Linear(weights)))
        np.testing.assert_allclose(heat(found), weights[found.target.index].abs().amax(dim=0), rtol=1e-5)

    def test_of_a_separable_network_the_noise_smooths_the_slope(self) -> None:
        """The mean of cos(3 (x + n)) over normal n of spread s is cos(3 x) exp(-9 s^2 / 2)."""
        image = np.full((*SIZE, 3), 0.4, np.float32)
        image[0, 0], image[0, 1] = 0.0, 1.0  # a range of 1
        classifier = wrapped(Separable())
        ((found,),) = explained("smoothgrad", classifier, [case(classifier, image)])
        expected = 3 * (found.target.index + 1) * abs(np.cos(1.2)) * np.exp(-4.5 * smoothgrad.NOISE**2)
        by_channel = heat(found)[2:].mean()  # the largest of three channels, so a little more
        assert expected < by_channel < 1.25 * expected

    def test_it_is_captums_with_the_same_noise(self, monkeypatch: pytest.MonkeyPatch) -> None:
        module = settled(Small())
        classifier = wrapped(module)
        one = case(classifier, IMAGES[0])
        ((found,),) = explained("smoothgrad", classifier, [one])
        rng = stream(options().seed, "smoothgrad", one.image.sha256)
        noise = torch.tensor(smoothgrad.noisy(IMAGES[0], rng) - IMAGES[0]).permute(0, 3, 1, 2)
        monkeypatch.setattr(torch, "normal", lambda *_: noise)
        tunnel = captum.attr.NoiseTunnel(captum.attr.Saliency(module))
        theirs = tunnel.attribute(
            tensor(IMAGES[0]), nt_samples=smoothgrad.SAMPLES, target=found.target.index, abs=False
        )
        np.testing.assert_allclose(heat(found), theirs[0].abs().amax(0).numpy(), atol=1e-6)


class Tokens(nn.Module):
    """A vision transformer in small: patches of 4 x 4, a class token, one attention, the answer from that token."""

    def __init__(self, pooled: bool = False) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.before, self.after = nn.LayerNorm(8), nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 3)
        self.pooled = pooled

    def forward(self, images: Tensor) -> Tensor:
        patches = self.patch(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(images), -1, -1), patches], dim=1)
        normed = self.before(tokens)
        tokens = tokens + self.attention(normed, normed, normed)[0]
        seen = self.after(tokens)
        logits: Tensor = self.head(seen[:, 1:].mean(1) if self.pooled else seen[:, 0])
        return logits


class Merged(nn.Module):
    """Tokens that are merged two by two in either direction, then looked at within windows of 2 x 4; all are pooled.

    rows: given on as (N, h, w, C), behind an attention over all; own: whether the normalisation is a class of its own.
    """

    def __init__(self, rows: bool, own: bool) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 2, stride=2)
        self.first, self.attention = nn.LayerNorm(8), nn.MultiheadAttention(8, 2, batch_first=True)
        self.merge = nn.Linear(32, 8)
        self.last = Own() if own else nn.LayerNorm(8)
        self.windowed, self.head = nn.LayerNorm(8), nn.Linear(8, 3)
        self.rows, self.own = rows, own

    def forward(self, images: Tensor) -> Tensor:
        maps = self.patch(images)
        n, c, h, w = maps.shape
        tokens = maps.flatten(2).transpose(1, 2)
        normed = tokens if self.own else self.first(tokens)
        tokens = tokens + self.attention(normed, normed, normed)[0]
        pairs = tokens.reshape(n, h // 2, 2, w // 2, 2, c).transpose(2, 3)
        merged = self.merge(pairs.reshape(n, h // 2, w // 2, 4 * c))
        last: Tensor = self.last(merged if self.rows else merged.flatten(1, 2))
        windows = last.reshape(n, h // 4, 2, w // 8, 4, c).transpose(2, 3).reshape(-1, 8, c)
        seen = windows if self.own else self.windowed(windows)
        logits: Tensor = self.head(seen.reshape(n, -1, c).mean(1))
        return logits


class Own(nn.Module):
    """A normalisation of a class that torch does not have."""

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens / tokens.square().mean(-1, keepdim=True).sqrt()


class TestGradCam:
    def test_of_one_convolution_by_hand(self) -> None:
        """The answer is the mean of each map, so its gradient is 1 / positions on its own map and 0 on all others."""
        kernels = np.zeros((2, 3, 1, 1))
        kernels[0, 0], kernels[1, 1] = 1.0, 2.0  # red, and twice green
        classifier = wrapped(Filters(kernels))
        found = only("gradcam", classifier)
        by_hand = (found.target.index + 1) * IMAGES[0][..., found.target.index] / (SIZE[0] * SIZE[1])
        np.testing.assert_allclose(heat(found), by_hand, rtol=1e-5, atol=1e-9)
        assert found.parameters["layer"] == "act"

    def test_it_is_captums(self) -> None:
        module = settled(Small(inplace=False))
        classifier = wrapped(module)
        drawn = 0
        for index in range(4):
            found = of_class("gradcam", classifier, index)
            layer = module.get_submodule(str(found.parameters["layer"]))
            theirs = captum.attr.LayerGradCam(module, layer).attribute(
                tensor(IMAGES[0]), target=index, relu_attributions=True
            )
            larger = interpolate(theirs, SIZE, mode="bilinear", align_corners=False)[0, 0].detach().numpy()
            assert larger.any() == (found.status == "ok")
            if found.status == "ok":
                np.testing.assert_allclose(heat(found), larger, atol=1e-6)
                drawn += 1
        assert drawn

    def test_a_layer_in_place_does_not_change_it(self) -> None:
        def maps(inplace: bool) -> list[Any]:
            classifier = wrapped(settled(Small(inplace=inplace)))
            found = [of_class("gradcam", classifier, index) for index in range(4)]
            return [heat(each).tolist() if each.status == "ok" else each.reason for each in found]

        assert maps(inplace=True) == maps(inplace=False)

    def test_the_last_stage_is_the_one_before_the_last_pool(self) -> None:
        stage = last_stage(wrapped(settled(Small())))
        assert stage is not None
        assert (stage.name, stage.form, stage.size) == ("cnn.6", "map", (SIZE[0] // 2, SIZE[1] // 2))

    @pytest.mark.parametrize(("pooled", "layer"), [(False, "before"), (True, "after")])
    def test_tokens_are_laid_out_as_their_patches(self, pooled: bool, layer: str) -> None:
        """Behind the last attention only the class's own token counts, unless all are pooled."""
        classifier = wrapped(settled(Tokens(pooled)))
        stage = last_stage(classifier)
        assert stage is not None
        assert (stage.name, stage.form, stage.size, stage.extra) == (layer, "tokens", (4, 5), 1)
        tokens = torch.arange(21.0).reshape(1, 21, 1)
        assert stage.maps(tokens)[0, 0].tolist() == torch.arange(1.0, 21.0).reshape(4, 5).tolist()
        assert {only("gradcam", classifier, number).status for number in range(3)} <= {"ok", "degenerate"}

    @pytest.mark.parametrize(("rows", "own"), [(False, False), (True, False), (False, True)])
    def test_merged_tokens_are_laid_out_as_the_grid_that_is_left(self, rows: bool, own: bool) -> None:
        """Windows are an image each to their layers: as many tokens as a grid would have, and another batch."""
        stage = last_stage(wrapped(settled(Merged(rows, own), size=(16, 32)), (16, 32)))
        assert stage is not None
        form = "channels_last" if rows else "tokens"
        assert (stage.name, stage.form, stage.size, stage.extra) == ("last", form, (4, 8), 0)
        tokens = torch.arange(32.0).reshape(1, 32, 1)
        laid = stage.maps(tokens.reshape(1, 4, 8, 1) if rows else tokens)
        assert laid[0, 0].tolist() == torch.arange(32.0).reshape(4, 8).tolist()

    def test_without_maps_it_does_not_apply(self) -> None:
        found = only("gradcam", wrapped(Separable()))
        assert (found.status, found.reason) == ("not_applicable", "reason.no_stage")


class TestInputXGradient:
    def test_of_a_linear_network_it_is_the_weight_times_the_image(self) -> None:
        weights = torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(1))
        found = only("input_x_gradient", wrapped(Linear(weights)))
        by_hand = (weights[found.target.index].permute(1, 2, 0).numpy() * IMAGES[0]).sum(axis=-1)
        np.testing.assert_allclose(heat(found), by_hand, atol=1e-5)

    def test_it_is_captums(self) -> None:
        module = settled(Small())
        found = only("input_x_gradient", wrapped(module))
        image = tensor(IMAGES[0]).requires_grad_()
        theirs = captum.attr.InputXGradient(module).attribute(image, target=found.target.index)
        np.testing.assert_allclose(heat(found), theirs[0].sum(0).detach().numpy(), atol=1e-6)


class TestGuidedBackprop:
    def test_it_is_captums(self) -> None:
        module = settled(Small())
        found = of_class("guided_backprop", wrapped(module), 1)
        image = tensor(IMAGES[0]).requires_grad_()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = captum.attr.GuidedBackprop(module).attribute(image, target=1)
        np.testing.assert_allclose(heat(found), theirs[0].abs().amax(0).detach().numpy(), atol=1e-6)
        assert found.parameters["rectifiers"] == 3

    def test_what_is_below_zero_does_not_come_back(self) -> None:
        """Of two filters, one with a weight below 0 in the answer, only the other's share is left."""

        class Two(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.act = nn.ReLU()

            def forward(self, images: Tensor) -> Tensor:
                red, green = self.act(images)[:, 0].sum((1, 2)), self.act(images)[:, 1].sum((1, 2))
                return torch.stack([3 * red - 5 * green, 0 * red - 1e4], dim=1)

        found = only("guided_backprop", wrapped(Two()))
        np.testing.assert_allclose(heat(found)[IMAGES[0].min(axis=-1) > 0], 3.0)

    def test_without_a_relu_that_is_a_module_it_does_not_apply(self) -> None:
        found = only("guided_backprop", wrapped(settled(FunctionalReLU())))
        assert (found.status, found.reason) == ("not_applicable", "reason.no_relu")


class TestOcclusion:
    def test_of_an_additive_network_it_is_the_mean_of_what_each_window_holds(self) -> None:
        """Covering a window takes the sum of its pixels' weights times what they differ from the fill."""
        weights = torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(1))
        found = only("occlusion", wrapped(Linear(weights)))
        step = int(found.parameters["stride"])
        differs = IMAGES[0] - IMAGES[0].mean(axis=(0, 1))
        held = (weights[found.target.index].permute(1, 2, 0).numpy() * differs).sum(axis=-1)
        total, count = np.zeros(SIZE), np.zeros(SIZE)
        for top in range(0, SIZE[0] - step, step):
            for left in range(0, SIZE[1] - step, step):
                window = np.s_[top : top + 2 * step, left : left + 2 * step]
                total[window] += held[window].sum()
                count[window] += 1
        np.testing.assert_allclose(heat(found), total / count, atol=1e-3)
        assert (SIZE[0] // step - 1) * (SIZE[1] // step - 1) == found.parameters["passes"]

    @pytest.mark.parametrize("size", [(16, 20), (17, 23), (30, 47)])
    def test_it_is_captums(self, size: tuple[int, int]) -> None:
        module = settled(Small(), size=size)
        classifier = wrapped(module, size=size)
        (pixels,) = photographs(1, size)
        one = case(classifier, pixels)
        ((found,),) = explained("occlusion", classifier, [one])
        image, step = tensor(pixels), int(found.parameters["stride"])
        theirs = captum.attr.Occlusion(module).attribute(
            image,
            sliding_window_shapes=(3, 2 * step, 2 * step),
            strides=(3, step, step),
            baselines=image.mean(dim=(2, 3), keepdim=True).expand_as(image),
            target=found.target.index,
            perturbations_per_eval=64,
        )
        np.testing.assert_allclose(heat(found), theirs[0, 0].numpy(), atol=1e-5)

    @pytest.mark.parametrize("size", [(128, 128), (224, 224), (96, 300), (32, 32), (8, 2048)])
    def test_it_costs_about_as_many_passes_whatever_the_size(self, size: tuple[int, int]) -> None:
        step = occlusion.stride(size)
        passes = (-(-size[0] // step) - 1) * (-(-size[1] // step) - 1)
        assert 80 <= passes <= (200 if min(size) > 16 else 1600)


@pytest.mark.parametrize("name", ["saliency", "smoothgrad", *SIGNED])
def test_a_class_held_against_another_is_the_difference_of_both(name: str) -> None:
    """Of what is linear in the score, with its sign; of the gradients of a linear network by their weights."""
    weights = torch.randn(3, 3, *SIZE, generator=torch.Generator().manual_seed(1))
    classifier = wrapped(Linear(weights))
    target = Target(0, "class 0", "asked", 2, "class 2")
    one = replace(case(classifier, IMAGES[0]), targets=(target,))
    ((found,),) = explained(name, classifier, [one])
    assert found.target == target
    if name in SIGNED:
        expected = heat(of_class(name, classifier, 0)) - heat(of_class(name, classifier, 2))
    else:
        expected = (weights[0] - weights[2]).abs().amax(dim=0).numpy()
    np.testing.assert_allclose(heat(found), expected, atol=1e-3)
    if name == "integrated_gradients":
        assert float(found.measures["completeness_relative"]) < 1e-3


def test_grad_cam_and_guided_backprop_hold_a_class_against_another() -> None:
    kernels = np.zeros((2, 3, 1, 1))
    kernels[0, 0], kernels[1, 1] = 1.0, 2.0
    classifier = wrapped(Filters(kernels))
    one = replace(case(classifier, IMAGES[0]), targets=(Target(1, "class 1", "asked", 0, "class 0"),))
    ((cam,),) = explained("gradcam", classifier, [one])
    both = np.maximum(2 * IMAGES[0][..., 1] - IMAGES[0][..., 0], 0) / (SIZE[0] * SIZE[1])
    np.testing.assert_allclose(heat(cam), both, rtol=1e-4, atol=1e-9)
    ((guided,),) = explained("guided_backprop", classifier, [one])
    np.testing.assert_allclose(heat(guided).max(), 2 / (SIZE[0] * SIZE[1]), rtol=1e-5)


@pytest.mark.parametrize("name", ATTRIBUTIONS)
class TestEach:
    def test_alone_and_among_others_and_in_any_order(self, name: str) -> None:
        module = settled(Small())
        classifier = wrapped(module)
        cases = [case(classifier, each, number) for number, each in enumerate(IMAGES)]
        alone = [explained(name, classifier, [each])[0] for each in cases]
        backwards = explained(name, wrapped(module, batch=3), cases[::-1])[::-1]
        for ours, theirs in zip(alone, backwards, strict=True):
            assert [each.target for each in ours] == [each.target for each in theirs]
            for one, other in zip(ours, theirs, strict=True):
                assert (one.status, one.reason) == (other.status, other.reason)
                if one.status == "ok":
                    np.testing.assert_allclose(heat(one), heat(other), atol=1e-6)

    def test_a_constant_network_has_no_picture(self, name: str) -> None:
        found = only(name, wrapped(Constant()))
        expected = {
            "gradcam": ("not_applicable", "reason.no_stage"),
            "guided_backprop": ("not_applicable", "reason.no_relu"),
            "occlusion": ("degenerate", "reason.nothing_lost"),
        }
        assert (found.status, found.reason) == expected.get(name, ("degenerate", "reason.flat_gradient"))

    def test_a_network_that_cuts_the_graph_failed(self, name: str) -> None:
        class Cut(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv, self.act = nn.Conv2d(3, 2, 3), nn.ReLU()

            def forward(self, images: Tensor) -> Tensor:
                with torch.no_grad():
                    answers: Tensor = self.conv(images).mean(dim=(2, 3))
                return answers

        if name == "occlusion":
            return  # it needs none
        found = only(name, wrapped(Cut()))
        assert (found.status, found.reason) == ("failed", "reason.no_gradient")

    def test_what_is_not_finite_failed(self, name: str) -> None:
        class Root(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv, self.act = nn.Conv2d(3, 2, 1), nn.ReLU()
                nn.init.constant_(next(iter(self.conv.parameters())), 5.0)  # a shut ReLU lets no NaN back

            def forward(self, images: Tensor) -> Tensor:
                broken: Tensor = self.act(self.conv(images)) * torch.where(images[:, :1] > 2, 0.0, float("nan"))
                return broken.mean(dim=(2, 3))

        classifier = wrapped(Root())
        one = case(wrapped(Linear(torch.zeros(2, 3, *SIZE))), IMAGES[0])
        ((found,),) = explained(name, classifier, [one])
        assert (found.status, found.reason) == ("failed", "reason.not_finite")


def test_no_gradient_at_all() -> None:
    found = only("integrated_gradients", wrapped(NoGradient()))
    assert (found.status, found.reason) == ("failed", "reason.no_gradient")
