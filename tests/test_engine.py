"""The fast path: each step kept where it answers as the network does, the network itself never changed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from standin_device import standin_gpu
from test_classifier import disturbed
from torch import Tensor, nn
from toy_models import (
    SIZE,
    Constant,
    FunctionalReLU,
    Small,
    ViewFlatten,
    case,
    fingerprint,
    options,
    photographs,
    settled,
    wrapped,
)

from reportgen import engine, pipeline, precision, reference
from reportgen.classifier import Classifier, FastPath, borrowed
from reportgen.contracts import Silent
from reportgen.engine import fast_path, half_hidden
from reportgen.errors import EnvironmentProblem
from reportgen.explain import IMAGE_METHODS
from reportgen.folding import batch_norms
from reportgen.forwards import ForwardFacts
from reportgen.heads import softmax
from reportgen.loading import opened_classifier
from reportgen.options import BuildOptions

CPU = torch.device("cpu")
PIXELS = photographs(9)
PROBES = photographs(4, seed=7)


class Looking(Small):
    """Its way depends on what it sees, which a trace cannot follow."""

    def forward(self, images: Tensor) -> Tensor:
        answer = super().forward(images)
        return answer if answer.sum() > 0 else 2 * answer


class Cancelling(nn.Module):
    """The difference of two large sums: nothing of it is left in eight bits."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(3, 2, bias=False), nn.Linear(3, 2, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        mean = images.mean(dim=(2, 3)) + 1000
        difference: Tensor = 200 * (self.one(mean) - self.two(mean))
        return difference


class Locked(Small):
    """Holds what cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


class Overflowing(nn.Module):
    """Finite in float32 and in nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, images: Tensor) -> Tensor:
        answer: Tensor = self.fc(images.mean(dim=(2, 3)))
        return answer if answer.dtype == torch.float32 else answer / 0


def cancelling() -> nn.Module:
    network = Cancelling().eval()
    with torch.no_grad():
        network.one.weight.copy_(torch.tensor([[0.3, 0.2, 0.1], [0.1, 0.2, 0.3]]))
        network.two.weight.copy_(network.one.weight + torch.tensor([[1e-3, 0, 0], [0, 0, 0]]))
    return network


def hooked() -> nn.Module:
    network = settled(Small())
    network.get_submodule("cnn.0").register_forward_hook(lambda _module, _given, answer: 2 * answer)
    return network


@contextmanager
def with_fast(network: nn.Module, asked: str = "fp32", batch: int = 4, **spec: Any) -> Iterator[Classifier]:  # noqa: ANN401
    with borrowed(network, CPU):
        classifier = wrapped(network, batch=batch, **spec)
        yield replace(classifier, fast=fast_path(classifier, PROBES, asked))


def facts_of(classifier: Classifier) -> ForwardFacts:
    assert classifier.fast is not None
    return classifier.fast.facts


@pytest.fixture
def bfloat16_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: True)


class TestAnswer:
    def test_without_a_fast_path_it_is_the_network_itself(self) -> None:
        classifier = wrapped(settled(Small()), batch=4, channel_order="bgr", mean=(0.1, 0.2, 0.3), std=(0.5,))
        np.testing.assert_array_equal(classifier.answer(classifier.prepare(PIXELS)), classifier.logits(PIXELS))

    def test_images_may_be_mixed_before_or_after_they_are_prepared(self) -> None:
        classifier = wrapped(Constant(), channel_order="bgr", mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 2.0))
        shown, hidden = PIXELS[:1], PIXELS[1:2]
        mask = np.random.default_rng(0).random((1, *SIZE, 1)) < 0.5
        mixed = torch.where(torch.tensor(mask[:, None, ..., 0]), classifier.prepare(shown), classifier.prepare(hidden))
        assert torch.equal(mixed, classifier.prepare(np.where(mask, shown, hidden)))

    def test_its_argument_stays_as_it_is(self) -> None:
        class InPlace(nn.Module):
            def forward(self, images: Tensor) -> Tensor:
                return images.mul_(2).sum(dim=(2, 3))

        plain = wrapped(InPlace())
        for classifier in (plain, replace(plain, fast=fast_path(plain, PROBES, "fp32"))):
            units = classifier.prepare(PIXELS)
            before = units.clone()
            classifier.answer(units)
            assert torch.equal(units, before)

    @pytest.mark.parametrize("batch", [1, 2, 5, 64])
    @pytest.mark.parametrize("make", [Small, ViewFlatten, FunctionalReLU])
    def test_any_batch_gives_the_networks_own_numbers(self, make: Callable[[], nn.Module], batch: int) -> None:
        with with_fast(settled(make()), batch=batch) as classifier:
            truth = classifier.logits(PIXELS)
            found = classifier.answer(classifier.prepare(PIXELS))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, truth, rtol=0, atol=1e-6 * float(np.ptp(truth)))

    def test_the_same_bytes_every_time(self) -> None:
        found = []
        for _ in range(2):
            with with_fast(settled(Small()), "bf16") as classifier:
                found.append(classifier.answer(classifier.prepare(PIXELS)))
        np.testing.assert_array_equal(found[0], found[1])

    def test_memory_for_four_images_is_enough(self) -> None:
        class Tight(Small):
            def forward(self, images: Tensor) -> Tensor:
                if len(images) > 4:
                    raise torch.OutOfMemoryError("CUDA out of memory (made up)")
                return super().forward(images)

        with with_fast(settled(Small()), batch=64) as classifier:
            expected = classifier.answer(classifier.prepare(PIXELS))
        with with_fast(settled(Tight()), batch=64) as classifier:
            found = classifier.answer(classifier.prepare(PIXELS))
            assert facts_of(classifier).probes == 8
            assert classifier.batch.images == 4
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * float(np.ptp(expected)))


class TestSteps:
    @pytest.mark.parametrize(
        ("make", "folding", "folded", "layout"),
        [
            (lambda: settled(Small()), "folded", 2, "channels_last"),
            (lambda: settled(Looking()), "untraceable", 0, "channels_last"),
            (hooked, "hooks", 0, "channels_last"),
            (lambda: settled(ViewFlatten()), "none", 0, "contiguous"),
            (lambda: settled(FunctionalReLU()), "none", 0, "channels_last"),
        ],
    )
    def test_kept(self, make: Callable[[], nn.Module], folding: str, folded: int, layout: str) -> None:
        with with_fast(make()) as classifier:
            facts = facts_of(classifier)
            truth, found = classifier.logits(PIXELS), classifier.answer(classifier.prepare(PIXELS))
        assert (facts.copied, facts.folding, facts.folded, facts.layout) == (True, folding, folded, layout)
        assert (facts.precision, facts.probes) == ("float32", 8)
        assert facts.distance < 1e-6
        np.testing.assert_allclose(found, truth, rtol=0, atol=1e-6 * float(np.ptp(truth)))

    def test_a_copy_that_answers_something_else_is_not_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def wrong(module: nn.Module) -> nn.Module:
            return nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE[0] * SIZE[1], batch_norms(module)), nn.Linear(2, 4))

        monkeypatch.setattr(engine, "folded", wrong)
        with with_fast(settled(Small())) as classifier:
            assert facts_of(classifier).folding == "differs"
            truth, found = classifier.logits(PIXELS), classifier.answer(classifier.prepare(PIXELS))
        np.testing.assert_allclose(found, truth, rtol=0, atol=1e-6 * float(np.ptp(truth)))

    def test_what_cannot_be_copied_answers_itself(self) -> None:
        network = settled(Locked())
        with with_fast(network) as classifier:
            facts = facts_of(classifier)
            np.testing.assert_array_equal(classifier.answer(classifier.prepare(PIXELS)), classifier.logits(PIXELS))
        assert (facts.copied, facts.folding, facts.layout, facts.probes) == (False, "uncopied", "contiguous", 8)

    def test_a_network_that_does_not_answer_the_probes_is_left_alone(self) -> None:
        network = Constant((float("nan"), 1.0))
        with with_fast(network, "bf16") as classifier:
            assert facts_of(classifier) == ForwardFacts()

    def test_what_a_network_prints_while_it_is_followed_is_not_on_stdout(self, capsys: Any) -> None:  # noqa: ANN401
        class Talking(Small):
            def forward(self, images: Tensor) -> Tensor:
                print("hello")
                return super().forward(images)

        network = settled(Talking())
        classifier = wrapped(network)
        capsys.readouterr()
        fast_path(classifier, PROBES, "fp32")
        assert capsys.readouterr().out == ""


class TestPrecision:
    @pytest.mark.parametrize(
        ("asked", "device", "capability", "tried"),
        [
            ("auto", "cuda:0", (9, 0), ("bfloat16", "tf32", "float32")),
            ("auto", "cuda:0", (8, 0), ("bfloat16", "tf32", "float32")),
            ("auto", "cuda:0", (7, 5), ("float32",)),
            ("bf16", "cuda:0", (7, 5), ("bfloat16",)),
            ("tf32", "cuda:0", (8, 0), ("tf32",)),
            ("fp32", "cuda:0", (9, 0), ("float32",)),
            ("fp32", "cpu", None, ("float32",)),
            ("bf16", "cpu", None, ("bfloat16",)),
        ],
    )
    def test_the_table(
        self,
        asked: str,
        device: str,
        capability: tuple[int, int] | None,
        tried: tuple[str, ...],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)
        assert precision.to_try(asked, torch.device(device)) == tried

    @pytest.mark.parametrize(
        ("known", "tried"),
        [
            ({"avx512_bf16": True}, ("bfloat16", "float32")),
            ({"amx_bf16": True}, ("bfloat16", "float32")),
            ({"avx512_bf16": False, "avx2": True}, ("float32",)),
            ({}, ("float32",)),
        ],
    )
    def test_the_table_of_cpus(self, known: Any, tried: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known, raising=False)
        assert precision.to_try("auto", CPU) == tried

    @pytest.mark.parametrize(("device", "capability"), [("cpu", None), ("cuda:0", (7, 5))])
    def test_no_tf32_there(self, device: str, capability: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)
        with pytest.raises(EnvironmentProblem, match="has no tf32") as caught:
            precision.to_try("tf32", torch.device(device))
        assert (caught.value.code, caught.value.exit_code) == ("E-PRECISION", 4)

    @pytest.mark.usefixtures("bfloat16_here")
    def test_bfloat16_where_it_is_near(self) -> None:
        with with_fast(settled(Small()), "auto") as classifier:
            facts = facts_of(classifier)
            probes = half_hidden(PROBES)
            truth = softmax(classifier.logits(probes))
            found = softmax(classifier.answer(classifier.prepare(probes)))
        assert (facts.precision, facts.asked, facts.rejected) == ("bfloat16", False, None)
        assert 0 < facts.distance < engine.NEAR
        assert facts.distance == pytest.approx(np.abs(found - truth).max())

    @pytest.mark.usefixtures("bfloat16_here")
    def test_float32_where_it_is_not(self) -> None:
        with with_fast(cancelling(), "auto") as classifier:
            facts = facts_of(classifier)
            truth, found = classifier.logits(PIXELS), classifier.answer(classifier.prepare(PIXELS))
        assert (facts.precision, facts.rejected) == ("float32", "bfloat16")
        assert facts.rejected_distance is not None
        assert facts.rejected_distance > engine.NEAR > facts.distance
        np.testing.assert_allclose(softmax(found), softmax(truth), atol=1e-3)

    @pytest.mark.usefixtures("bfloat16_here")
    def test_float32_where_bfloat16_gives_nothing_finite(self) -> None:
        with with_fast(Overflowing().eval(), "auto") as classifier:
            facts = facts_of(classifier)
        assert (facts.precision, facts.rejected, facts.rejected_distance) == ("float32", "bfloat16", None)

    def test_asked_for_it_is_taken_however_far_and_its_distance_told(self) -> None:
        with with_fast(cancelling(), "bf16") as classifier:
            facts = facts_of(classifier)
        assert (facts.precision, facts.asked) == ("bfloat16", True)
        assert facts.distance > facts.limit == engine.NEAR

    def test_asked_for_and_not_finite_is_an_error(self) -> None:
        with (
            pytest.raises(EnvironmentProblem, match="no finite answers in bfloat16") as caught,
            with_fast(Overflowing().eval(), "bf16"),
        ):
            pass
        assert caught.value.code == "E-PRECISION"

    def test_tf32_is_on_inside_only(self) -> None:
        backends = torch.backends.cudnn, torch.backends.cuda.matmul
        before = [owner.allow_tf32 for owner in backends]
        with suppress(ValueError), precision.running_in("tf32", CPU):
            assert [owner.allow_tf32 for owner in backends] == [True, True]
            raise ValueError
        assert [owner.allow_tf32 for owner in backends] == before


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "disturbed": disturbed,
    "hooked": hooked,
    "looking": lambda: settled(Looking()),
    "view": lambda: settled(ViewFlatten()),
    "uncopyable": lambda: settled(Locked()),
    "channels last": lambda: settled(Small()).to(memory_format=torch.channels_last),  # type: ignore[call-overload]
}


def whole_state(module: nn.Module) -> dict[str, object]:
    """Everything of `fingerprint`, and how each tensor lies in memory and where."""
    tensors = module.state_dict(keep_vars=True).values()
    return {
        **fingerprint(module),
        "strides": [tensor.stride() for tensor in tensors],
        "places": [tensor.data_ptr() for tensor in tensors],
        "parts": [(name, id(part), type(part)) for name, part in module.named_modules()],
        "autocast": (torch.is_autocast_enabled("cpu"), torch.is_autocast_enabled("cuda")),
        "call": nn.Module.__call__,
    }


class TestLeftAsFound:
    @pytest.mark.parametrize("asked", ["fp32", "bf16"])
    @pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
    def test_after_an_answer(self, network: Callable[[], nn.Module], asked: str) -> None:
        module = network()
        before = whole_state(module)
        with with_fast(module, asked) as classifier:
            classifier.answer(classifier.prepare(PIXELS))
        assert whole_state(module) == before

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, torch.OutOfMemoryError])
    @pytest.mark.parametrize("call", range(6))
    def test_whatever_is_raised_on_the_way(self, error: type[BaseException], call: int) -> None:
        """At the first, second, ... time that the network runs or is followed."""
        calls: list[Tensor] = []
        armed: list[bool] = []

        class Raising(Small):
            def forward(self, images: Tensor) -> Tensor:
                calls.append(images)
                if armed and len(calls) > call:
                    raise error("made up")
                return super().forward(images)

        module = settled(Raising())
        classifier = wrapped(module, batch=16)
        calls.clear()
        armed.append(True)
        before = whole_state(module)
        with suppress(error, EnvironmentProblem), borrowed(module, CPU):
            fast_path(classifier, PROBES, "bf16")
        assert whole_state(module) == before

    def test_an_interrupt_is_not_swallowed(self) -> None:
        class Interrupted(Small):
            def forward(self, images: Tensor) -> Tensor:
                raise KeyboardInterrupt(len(images))

        network = Interrupted()
        with pytest.raises(KeyboardInterrupt):
            fast_path(wrapped(network, classes=4), PROBES, "fp32")


class TestLoading:
    def options(self, **given: Any) -> BuildOptions:  # noqa: ANN401 - fields of BuildOptions
        return BuildOptions(model=Path("toy.pth"), device="cpu", size=SIZE, **given)

    @pytest.mark.parametrize(("methods", "made"), [(("saliency", "filters"), False), (("saliency", "lime"), True)])
    def test_made_where_a_task_perturbs(self, methods: Any, made: bool) -> None:  # noqa: ANN401
        with opened_classifier(self.options(methods=methods), settled(Small()), Silent()) as classifier:
            assert (classifier.fast is not None) == made

    def test_what_is_kept_does_not_depend_on_the_images(self, tmp_path: Path) -> None:
        from PIL import Image

        found = []
        for grey in (30, 200):
            Image.new("RGB", (40, 40), (grey, 90, 60)).save(tmp_path / f"{grey}.png")
            given = self.options(images=(tmp_path / f"{grey}.png",), mean=(0.5,), std=(0.5,), channel_order="rgb")
            with opened_classifier(given, settled(Small()), Silent()) as classifier:
                found.append(facts_of(classifier))
        assert found[0] == found[1]

    def test_on_a_gpu_with_memory_for_two_images(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given: dict[str, Any] = {"size": SIZE, "batch_size": 16, "precision": "fp32", "mean": (0.5,)}
        module = settled(Small())
        with opened_classifier(BuildOptions(model=Path("toy.pth"), device="cpu", **given), module, Silent()) as here:
            expected = here.answer(here.prepare(PIXELS))
        with standin_gpu(monkeypatch, images=2):
            on_gpu = BuildOptions(model=Path("toy.pth"), device="cuda", **given)
            with opened_classifier(on_gpu, module, Silent()) as there:
                facts = facts_of(there)
                found = there.answer(there.prepare(PIXELS))
                assert there.batch.images == 2
        assert (facts.copied, facts.folding, facts.layout) == (True, "folded", "channels_last")
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * float(np.ptp(expected)))


def test_half_of_each_photograph_is_hidden() -> None:
    found = half_hidden(PROBES)
    assert found.shape == (8, *SIZE, 3)
    np.testing.assert_array_equal(found[:4], PROBES)
    hidden = (found[4:] != PROBES).any(axis=-1)
    assert hidden.mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(found[4][hidden[0]], np.broadcast_to(PROBES[0].mean(axis=(0, 1)), (hidden[0].sum(), 3)))


class TestWhoAsksIt:
    def test_lime_and_occlusion_do_and_nothing_else(self) -> None:
        """A fast path that answers otherwise changes what hidden parts cost, and no prediction or gradient."""
        classifier = wrapped(settled(Small()))
        honest = replace(classifier, fast=fast_path(classifier, PROBES, "fp32"))
        turned = replace(classifier, fast=FastPath(lambda units: -classifier.module(units), ForwardFacts()))
        one, other = (answers_of(each) for each in (honest, turned))
        assert {name for name in one if one[name] != other[name]} == {"lime", "occlusion"}

    def test_the_report_tells_of_it(self) -> None:
        given = BuildOptions(model=Path("toy.pth"), device="cpu", size=SIZE, precision="bf16")
        with opened_classifier(given, settled(Small()), Silent()) as classifier:
            told = pipeline._provenance(given, classifier)
            assert told.forwards == facts_of(classifier)
            assert told.forwards.precision == "bfloat16"
            assert (told.precision, told.settings["precision"]) == ("float32", "bf16")
            assert pipeline._provenance(given, replace(classifier, fast=None)).forwards is None


def answers_of(classifier: Classifier) -> dict[str, bytes]:
    """What each method and the prediction give, as bytes."""
    given = options(lime_samples=30)
    one = case(classifier, PIXELS[0], 1)
    found = {"answers": classifier.probabilities(PIXELS).tobytes()}
    for name, method in IMAGE_METHODS.items():
        ((first, *_),) = method.explain(classifier, [one], given)
        values = vars(first.result).values() if first.result else ()
        found[name] = b"".join(value.tobytes() for value in values if isinstance(value, np.ndarray))
    return found


def test_the_probes_are_what_a_photograph_is_fed_as() -> None:
    found = reference.shipped(wrapped(settled(Small())).facts.input)
    assert found.shape == (4, *SIZE, 3)
    assert found.dtype == np.float32
    assert 0 <= found.min() < 0.1
    assert 0.8 < found.max() <= 1
