"""The model behind plain questions: units, gradients, batches, devices, and everything given back."""

import gc
import weakref
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from toy_models import (
    SIZE,
    Constant,
    FunctionalReLU,
    Linear,
    NoGradient,
    Separable,
    Small,
    ViewFlatten,
    fingerprint,
    photographs,
    settled,
    wrapped,
)

from reportgen.batching import BatchSize
from reportgen.classifier import (
    Classifier,
    Score,
    as_logits,
    borrowed,
    device_name,
    reproducible,
    resolve_device,
    to_numpy,
)
from reportgen.errors import EnvironmentProblem, MethodError
from reportgen.heads import softmax

CPU = torch.device("cpu")
PIXELS = photographs(5)
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "small": Small,
    "view": ViewFlatten,
    "functional": FunctionalReLU,
    "linear": lambda: Linear(torch.randn(3, 3, *SIZE, generator=torch.Generator().manual_seed(0))),
}
EVERY_NETWORK = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


def first_logit(part: slice) -> Score:  # noqa: ARG001 - as every score
    return lambda logits: logits[:, 0]


class TestUnits:
    def test_pixels_become_channels_first_and_share_no_memory(self) -> None:
        pixels = PIXELS.copy()
        tensor = wrapped(Constant()).tensor(pixels)
        assert tensor.shape == (5, 3, *SIZE)
        assert tensor.dtype == torch.float32
        assert tensor.is_contiguous()
        np.testing.assert_array_equal(tensor[2, 1, 3, 7].item(), pixels[2, 3, 7, 1])
        tensor.zero_()
        np.testing.assert_array_equal(pixels, PIXELS)

    def test_without_settings_the_network_is_fed_rgb_from_0_to_1(self) -> None:
        classifier = wrapped(Constant())
        assert torch.equal(classifier.units(classifier.tensor(PIXELS)), classifier.tensor(PIXELS))

    def test_mean_and_std_are_in_the_order_fed(self) -> None:
        classifier = wrapped(Constant(), channel_order="bgr", mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 2.0))
        fed = classifier.units(classifier.tensor(PIXELS))
        expected = (PIXELS[..., ::-1] - [0.1, 0.2, 0.3]) / [0.5, 0.25, 2.0]
        np.testing.assert_allclose(fed.permute(0, 2, 3, 1), expected, atol=1e-6)

    @pytest.mark.parametrize(("mean", "std"), [((0.5,), ()), ((), (0.5,)), ((0.5,), (0.25,))])
    def test_one_number_serves_all_channels(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        classifier = wrapped(Constant(), mean=mean, std=std)
        expected = (PIXELS - (mean or (0,))[0]) / (std or (1,))[0]
        fed = classifier.units(classifier.tensor(PIXELS))
        np.testing.assert_allclose(fed.permute(0, 2, 3, 1), expected, atol=1e-6)

    @pytest.mark.parametrize("spec", [{}, {"channel_order": "bgr"}, {"mean": (0.5,)}, {"std": (0.5,)}])
    def test_a_network_that_works_in_place_changes_nothing_of_its_callers(self, spec: dict[str, Any]) -> None:
        class InPlace(nn.Module):
            def forward(self, images: Tensor) -> Tensor:
                return images.mul_(2).sum(dim=(2, 3))

        classifier = wrapped(InPlace(), **spec)
        images = classifier.tensor(PIXELS)
        classifier.forward(images)
        assert torch.equal(images, classifier.tensor(PIXELS))
        assert classifier.input_gradients(PIXELS, first_logit).max() == (4 if "std" in spec else 2)

    def test_every_answer_goes_through_the_units(self) -> None:
        weights = torch.rand(2, 3, *SIZE)
        classifier = wrapped(Linear(weights), mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 2.0))
        sums = np.einsum("nhwc,kchw->nk", (PIXELS - [0.1, 0.2, 0.3]) / [0.5, 0.25, 2.0], weights.numpy())
        np.testing.assert_allclose(classifier.logits(PIXELS), sums + np.arange(2), rtol=1e-5)


class TestAnswers:
    @EVERY_NETWORK
    @pytest.mark.parametrize("batch", [1, 2, 64])
    def test_a_batch_answers_as_single_images_do(self, network: Callable[[], nn.Module], batch: int) -> None:
        classifier = wrapped(settled(network()), batch=batch)
        single = np.concatenate([classifier.logits(each[None]) for each in PIXELS])
        together = classifier.logits(PIXELS)
        assert together.shape == single.shape
        assert together.dtype == np.float32
        np.testing.assert_allclose(together, single, atol=1e-5)

    def test_no_graph_is_kept(self) -> None:
        seen: list[bool] = []

        class Watching(nn.Module):
            def forward(self, images: Tensor) -> Tensor:
                seen.append(torch.is_inference_mode_enabled())
                return images.mean(dim=(2, 3))

        wrapped(Watching(), classes=3).probabilities(PIXELS)
        assert seen == [True]

    def test_probabilities_are_the_softmax(self) -> None:
        classifier = wrapped(settled(Small()))
        logits = classifier.logits(PIXELS).astype(np.float64)
        probabilities = classifier.probabilities(PIXELS)
        assert probabilities.dtype == np.float64
        np.testing.assert_allclose(probabilities, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)

    def test_large_logits_do_not_overflow(self) -> None:
        np.testing.assert_allclose(softmax(np.array([[1000.0, 1000, -1000]])), [[0.5, 0.5, 0]])
        np.testing.assert_allclose(softmax(np.array([[-1e4, -1e4 + np.log(3)]])), [[0.25, 0.75]])

    def test_each_row_stands_alone(self) -> None:
        found = softmax(np.array([[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0], [0.0, np.log(3)]]))
        assert np.isnan(found[1:3]).any(axis=1).all()
        np.testing.assert_allclose(found[[0, 3]], [[0.5, 0.5], [0.25, 0.75]])

    def test_to_numpy_copies(self) -> None:
        tensor = torch.ones(3, requires_grad=True)
        array = to_numpy(tensor)
        array[:] = 5
        assert tensor.tolist() == [1, 1, 1]


class TestGradients:
    def test_of_a_linear_network_it_is_the_weights(self) -> None:
        weights = torch.randn(2, 3, *SIZE)
        gradients = wrapped(Linear(weights), batch=2).input_gradients(PIXELS, first_logit)
        assert gradients.shape == PIXELS.shape
        for gradient in gradients:
            np.testing.assert_allclose(gradient, weights[0].permute(1, 2, 0))

    def test_it_is_per_unit_of_rgb_whatever_is_fed(self) -> None:
        """d logit / d red = d logit / d fed * d fed / d red = weight of red's place / std of red's place."""
        weights = torch.randn(2, 3, *SIZE)
        classifier = wrapped(Linear(weights), channel_order="bgr", mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 2.0))
        blue, green, red = weights[0] / torch.tensor([0.5, 0.25, 2.0])[:, None, None]
        gradient = classifier.input_gradients(PIXELS[:1], first_logit)[0]
        np.testing.assert_allclose(gradient, torch.stack([red, green, blue], dim=-1), rtol=1e-6)

    def test_of_a_separable_network_it_is_known_pixel_by_pixel(self) -> None:
        gradients = wrapped(Separable()).input_gradients(PIXELS, lambda _: lambda logits: logits[:, 1])
        np.testing.assert_allclose(gradients, 6 * np.cos(3 * PIXELS), atol=1e-5)

    @pytest.mark.parametrize("order", ["rgb", "bgr"])
    def test_it_agrees_with_finite_differences_in_float64(self, order: Any) -> None:  # noqa: ANN401 - a Literal
        smooth = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 4, 3), nn.Softplus(), nn.Flatten(), nn.LazyLinear(3)
        )
        settled(smooth, size=(6, 7))
        spec: dict[str, Any] = {"channel_order": order, "mean": (0.4, 0.5, 0.6), "std": (0.3, 0.2, 0.1)}
        gradient = wrapped(smooth, (6, 7), **spec).input_gradients(photographs(2, (6, 7)), first_logit)[1]
        exact = wrapped(smooth.double(), (6, 7), classes=3, **spec)
        point = torch.tensor(photographs(2, (6, 7))[1], dtype=torch.float64).permute(2, 0, 1)
        step = 1e-5
        with torch.no_grad():
            nudges = step * torch.eye(point.numel(), dtype=torch.float64).reshape(-1, *point.shape)
            up, down = (exact.forward(point + sign * nudges)[:, 0] for sign in (1, -1))
        numeric = ((up - down) / (2 * step)).reshape(point.shape).permute(1, 2, 0)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-6)

    @EVERY_NETWORK
    def test_a_batch_gives_what_single_images_give(self, network: Callable[[], nn.Module]) -> None:
        module = settled(network())
        single = [wrapped(module).input_gradients(each[None], first_logit)[0] for each in PIXELS]
        for batch in (2, 64):
            together = wrapped(module, batch=batch).input_gradients(PIXELS, first_logit)
            np.testing.assert_allclose(together, single, atol=1e-6)

    def test_each_image_has_its_own_score(self) -> None:
        weights = torch.randn(3, 3, *SIZE)
        wanted = torch.tensor([2, 0, 1, 1, 2])

        def score(part: slice) -> Score:
            return lambda logits: logits.gather(1, wanted[part, None])[:, 0]

        gradients = wrapped(Linear(weights), batch=2).input_gradients(PIXELS, score)
        np.testing.assert_allclose(gradients, weights[wanted].permute(0, 2, 3, 1))

    def test_of_a_constant_network_it_is_zero(self) -> None:
        assert not wrapped(Constant()).input_gradients(PIXELS, first_logit).any()

    def test_works_where_the_caller_switched_gradients_off(self) -> None:
        with torch.no_grad():
            assert wrapped(Separable()).input_gradients(PIXELS, first_logit).any()

    def test_a_network_that_cuts_the_graph_is_told_so(self) -> None:
        with pytest.raises(MethodError, match="no gradient with respect to its input"):
            wrapped(NoGradient()).input_gradients(PIXELS, first_logit)

    def test_so_is_one_that_never_looks_at_the_image(self) -> None:
        class Blind(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.answer = nn.Parameter(torch.ones(2))

            def forward(self, images: Tensor) -> Tensor:
                return self.answer.expand(len(images), -1)

        with pytest.raises(MethodError, match="no gradient with respect to its input"):
            wrapped(Blind()).input_gradients(PIXELS, first_logit)


class Memory:
    """Takes at most so many images at once; keeps the sizes of what it was asked."""

    def __init__(self, images: int) -> None:
        self.images = images
        self.asked: list[int] = []

    def __call__(self, part: slice) -> list[int]:
        self.asked.append(part.stop - part.start)
        if self.asked[-1] > self.images:
            raise torch.OutOfMemoryError("CUDA out of memory (made up)")
        return list(range(part.start, part.stop))


def classifier_with(batch: int) -> Classifier:
    return wrapped(Constant(), batch=batch)


class TestBatches:
    @pytest.mark.parametrize(
        ("batch", "most", "asked"), [(4, None, [4, 4, 2]), (64, None, [10]), (64, 3, [3, 3, 3, 1]), (2, 3, [2] * 5)]
    )
    def test_sizes(self, batch: int, most: int | None, asked: list[int]) -> None:
        memory = Memory(100)
        parts = classifier_with(batch).in_batches(10, memory, most)
        assert memory.asked == asked
        assert list(chain(*parts)) == list(range(10))

    def test_nothing_to_do(self) -> None:
        assert classifier_with(4).in_batches(0, Memory(1)) == []

    def test_halved_until_it_fits_and_for_good(self) -> None:
        classifier = classifier_with(16)
        memory = Memory(5)
        parts = classifier.in_batches(12, memory)
        assert list(chain(*parts)) == list(range(12))
        assert memory.asked == [12, 6, 3, 3, 3, 3]
        assert classifier.batch.images == 3
        classifier.in_batches(12, memory)
        assert memory.asked[6:] == [3] * 4

    def test_what_is_done_is_not_done_again(self) -> None:
        classifier = classifier_with(4)
        memory = Memory(4)

        def run(part: slice) -> list[int]:
            memory.images = 4 if part.start == 0 else 2
            return memory(part)

        assert list(chain(*classifier.in_batches(8, run))) == list(range(8))
        assert memory.asked == [4, 4, 2, 2]

    def test_an_upper_bound_is_halved_too(self) -> None:
        classifier = classifier_with(64)
        memory = Memory(2)
        assert list(chain(*classifier.in_batches(8, memory, most=8))) == list(range(8))
        assert classifier.batch.images == 2

    def test_not_even_one_image(self) -> None:
        memory = Memory(0)
        with pytest.raises(EnvironmentProblem, match="not even one image fits into the memory of cpu") as caught:
            classifier_with(8).in_batches(4, memory)
        assert memory.asked == [4, 2, 1]
        assert caught.value.exit_code == 4
        assert "--device cpu" in caught.value.fix

    @pytest.mark.parametrize("error", [RuntimeError, ValueError, KeyboardInterrupt, MemoryError])
    def test_no_other_error_is_tried_again(self, error: type[BaseException]) -> None:
        calls = []

        def run(part: slice) -> None:
            calls.append(part)
            raise error

        classifier = classifier_with(8)
        with pytest.raises(error):
            classifier.in_batches(4, run)
        assert len(calls) == 1
        assert classifier.batch.images == 8

    def test_what_was_too_much_is_let_go_before_the_next_try(self) -> None:
        held: list[weakref.ref[NDArray[np.float64]]] = []
        alive: list[bool] = []

        def run(part: slice) -> int:
            alive.extend(ref() is not None for ref in held)
            activations = np.zeros(8)
            held.append(weakref.ref(activations))
            if part.stop - part.start > 1:
                raise torch.OutOfMemoryError("made up")
            return 0

        gc.disable()  # only what is let go on purpose counts
        try:
            classifier_with(2).in_batches(2, run)
        finally:
            gc.enable()
        assert alive
        assert not any(alive)

    def test_the_gpus_cache_is_emptied(self, monkeypatch: pytest.MonkeyPatch) -> None:
        emptied = []
        monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(1))
        on_gpu = Classifier(nn.Identity(), wrapped(Constant()).facts, torch.device("cuda:0"), BatchSize(2))
        on_gpu.in_batches(2, Memory(1))
        assert emptied == [1]
        classifier_with(2).in_batches(2, Memory(1))
        assert emptied == [1]


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def see(count: int) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"Card {device.index}")

    return see


class TestDevice:
    @pytest.mark.parametrize(
        ("count", "name", "device"),
        [
            (0, "auto", "cpu"), (0, "cpu", "cpu"), (2, "cpu", "cpu"), (2, "auto", "cuda:0"), (2, "cuda", "cuda:0"),
            (2, "cuda:1", "cuda:1"), (1, "cuda:0", "cuda:0"),
        ],
    )  # fmt: skip
    def test_meant(self, gpus: Callable[[int], None], count: int, name: str, device: str) -> None:
        gpus(count)
        assert resolve_device(name) == torch.device(device)

    @pytest.mark.parametrize(
        ("count", "name", "why"),
        [(0, "cuda", "sees no GPU"), (0, "cuda:0", "sees no GPU"), (2, "cuda:2", "sees 2 GPUs"), (1, "cuda:99", "1")],
    )
    def test_missing(self, gpus: Callable[[int], None], count: int, name: str, why: str) -> None:
        gpus(count)
        with pytest.raises(EnvironmentProblem, match=why) as caught:
            resolve_device(name)
        assert caught.value.code == "E-DEVICE"
        assert name in caught.value.what

    def test_name(self, gpus: Callable[[int], None]) -> None:
        gpus(2)
        assert device_name(CPU) == "cpu"
        assert device_name(torch.device("cuda:1")) == "cuda:1 (Card 1)"


def disturbed() -> nn.Module:
    """A network in a state of its own: partly in training mode, partly frozen, with gradients."""
    module = settled(Small())
    module.train()
    module.get_submodule("cnn.1").eval()
    module.get_submodule("fc.2").eval()
    for number, parameter in enumerate(module.parameters()):
        parameter.requires_grad_(number % 3 > 0)
        parameter.grad = torch.full_like(parameter, float(number)) if number % 2 else None
    return module


class TestBorrowed:
    def test_inside_it_evaluates_and_its_weights_are_frozen(self) -> None:
        with borrowed(disturbed(), CPU) as module:
            assert not any(part.training for part in module.modules())
            assert not any(parameter.requires_grad for parameter in module.parameters())

    @pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt, SystemExit])
    def test_given_back_as_it_was(self, error: type[BaseException] | None) -> None:
        module = disturbed()
        before = fingerprint(module)
        if error is None:
            with borrowed(module, CPU):
                pass
        else:
            with pytest.raises(error), borrowed(module, CPU):
                raise error
        assert fingerprint(module) == before

    def test_nested(self) -> None:
        module = disturbed()
        before = fingerprint(module)
        with borrowed(module, CPU):
            inside = fingerprint(module)
            with borrowed(module, CPU):
                pass
            assert fingerprint(module) == inside
        assert fingerprint(module) == before

    def test_given_back_when_moving_it_fails_half_way(self, monkeypatch: pytest.MonkeyPatch) -> None:
        module = disturbed()
        before = fingerprint(module)
        moves: list[torch.device] = []

        def to(device: torch.device) -> None:
            moves.append(device)
            if device.type == "meta":
                raise torch.OutOfMemoryError("made up")

        monkeypatch.setattr(module, "to", to)
        with pytest.raises(torch.OutOfMemoryError), borrowed(module, torch.device("meta")):
            pass
        monkeypatch.undo()
        assert moves == [torch.device("meta"), CPU]
        assert fingerprint(module) == before

    def test_given_back_when_evaluation_mode_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        module = disturbed()
        before = fingerprint(module)

        def evaluate() -> None:
            module.get_submodule("fc.0").training = False
            raise RuntimeError("made up")

        monkeypatch.setattr(module, "eval", evaluate)
        with pytest.raises(RuntimeError), borrowed(module, CPU):
            pass
        monkeypatch.undo()
        assert fingerprint(module) == before

    def test_a_network_without_weights(self) -> None:
        with borrowed(Constant(), CPU) as module:
            assert not module.training


@pytest.mark.parametrize("error", [None, RuntimeError])
def test_reproducible_only_inside(error: type[Exception] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    before = fingerprint(Constant())["backends"]
    try:
        with reproducible():
            assert fingerprint(Constant())["backends"] == (True, False, False, False)
            if error:
                raise error
    except RuntimeError:
        pass
    assert fingerprint(Constant())["backends"] == before


class InPlace(nn.Module):
    """Halves its input where it lies."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mul_(0.5).sum((2, 3))


def test_a_network_that_works_in_place_has_gradients() -> None:
    with borrowed(InPlace(), CPU) as module:
        gradients = wrapped(module).input_gradients(PIXELS, lambda part: lambda logits: logits[:, 0])  # noqa: ARG005
    assert np.allclose(gradients[..., 0], 0.5)
    assert np.allclose(gradients[..., 1:], 0)


LOGITS = torch.tensor([[1.0, 2.0, 3.0]])


class Output:
    """As the answers of transformers."""

    logits = LOGITS


@pytest.mark.parametrize("answer", [LOGITS, (LOGITS, None), [LOGITS], {"loss": None, "logits": LOGITS}, Output()])
def test_logits_are_found_in_what_networks_return(answer: object) -> None:
    assert torch.equal(as_logits(answer), LOGITS)


@pytest.mark.parametrize("single", [torch.tensor([2.0, -1.0]), torch.tensor([[2.0], [-1.0]])])
def test_a_single_logit_gives_its_sigmoid(single: Tensor) -> None:
    logits = as_logits(single)
    assert torch.allclose(logits.softmax(1)[:, 1], single.flatten().sigmoid())


@pytest.mark.parametrize("answer", [None, (1, 2), {"boxes": LOGITS}, "text"])
def test_what_holds_no_logits_is_an_error(answer: object) -> None:
    with pytest.raises(ValueError, match="no logits"):
        as_logits(answer)
