"""The way to a GPU and back: on a stand-in device always, on a real one where there is one.

The stand-in keeps a GPU's rules (mixing devices raises, `.numpy()` raises, memory runs out), so what runs on it has
moved every tensor; it computes on the CPU, so its numbers are the CPU's.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from standin_device import GPU, OnGpu, StandIn, standin_gpu
from torch import nn
from toy_models import SIZE, Small, Switch, few_samples, fingerprint, image, photographs, settled

from reportgen.cases import answered
from reportgen.classifier import device_name, resolve_device
from reportgen.contracts import Silent
from reportgen.errors import ArchitectureError, EnvironmentProblem
from reportgen.explain import FILTER_METHODS, IMAGE_METHODS
from reportgen.loading import opened_classifier
from reportgen.options import BuildOptions
from reportgen.results import Explanation, FilterStudy

METHODS = (*IMAGE_METHODS, *FILTER_METHODS)
IMAGES = [image(pixels, number % 4) for number, pixels in enumerate(photographs(5))]
REAL_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    few_samples(monkeypatch, 40)


@pytest.fixture
def module() -> nn.Module:
    """In a state of its own, half trained."""
    network = settled(Small())
    network.train()
    network.get_submodule("cnn.1").eval()
    for number, parameter in enumerate(network.parameters()):
        parameter.requires_grad_(number % 2 > 0)
    return network


def options(device: str, batch: int = 64, **given: Any) -> BuildOptions:  # noqa: ANN401 - fields of BuildOptions
    small: dict[str, Any] = {"lime_samples": 40, "lime_segments": 12, "filter_steps": 5, "size": SIZE}
    small |= {"mean": (0.1, 0.2, 0.3), "std": (0.9, 0.8, 0.7), "channel_order": "bgr", "precision": "fp32"}
    return BuildOptions(model=Path("toy.pth"), device=device, batch_size=batch, **small | given)


def everything(
    module: nn.Module,
    given: BuildOptions,
    gpu: StandIn | None = None,
    images: int = 0,
    methods: Sequence[str] = METHODS,
) -> tuple[dict[str, list[Any]], int]:
    """What each method yields, and how many images fit into a batch in the end.

    gpu, images: the stand-in whose memory takes no more than so many images once the network is there.
    """
    with opened_classifier(given, module, Silent()) as classifier:
        if gpu:
            gpu.images = images
        cases, failures = answered(classifier, IMAGES)
        assert failures == ()
        found: dict[str, list[Any]] = {"answers": [case.prediction.logits for case in cases]}
        for name in methods:
            method = {**IMAGE_METHODS, **FILTER_METHODS}[name]
            found[name] = list(method.explain(classifier, cases, given))  # type: ignore[attr-defined]
        return found, classifier.batch.images


def numbers(found: object) -> Iterator[NDArray[Any]]:
    """Every array and measure of a result, in order."""
    if isinstance(found, np.ndarray):
        yield found
    elif isinstance(found, tuple | list):
        for each in found:
            yield from numbers(each)
    elif isinstance(found, Explanation):
        # Of a network with weights drawn at random Grad-CAM may find nothing that speaks for the class.
        assert found.status == "ok" or found.reason == "reason.nothing_for"
        result = vars(found.result) if found.result else {}
        yield from (value for value in result.values() if isinstance(value, np.ndarray))
        yield np.array([value for value in found.measures.values() if not isinstance(value, str)], float)
    elif isinstance(found, FilterStudy):
        assert found.status == "ok"
        yield found.activations
        assert found.visualisation is not None
        yield found.visualisation
        yield np.array([value for value in found.measures.values() if not isinstance(value, str)], float)


def assert_same(one: dict[str, list[Any]], other: dict[str, list[Any]], atol: float) -> None:
    assert list(one) == list(other)
    for name in one:
        pairs = list(zip(numbers(one[name]), numbers(other[name]), strict=True))
        assert pairs, name
        for a, b in pairs:
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=atol, atol=atol * max(1.0, float(np.abs(b).max())), err_msg=name)


class TestStandIn:
    def test_auto_takes_it_and_every_method_gives_the_cpus_numbers(
        self, module: nn.Module, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = fingerprint(module)
        expected, _ = everything(module, options("cpu"))
        with standin_gpu(monkeypatch) as gpu:
            assert resolve_device("auto") == GPU
            assert device_name(GPU) == "cuda:0 (Stand-in)"
            found, batch = everything(module, options("auto"))
            assert gpu.kernels > 500  # it did run there
        assert batch == 64
        assert_same(found, expected, 1e-6)
        assert {tensor.device.type for tensor in (*module.parameters(), *module.buffers())} == {"cpu"}
        assert not any(isinstance(tensor, OnGpu) for tensor in (*module.parameters(), *module.buffers()))
        assert {**fingerprint(module), "identity": 0} == {**before, "identity": 0}

    @pytest.mark.parametrize("images", [1, 3])
    def test_memory_that_runs_out_costs_time_and_nothing_else(
        self, module: nn.Module, images: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        methods = [name for name in METHODS if name != "filters_hw5"]  # it climbs from one photograph
        expected, _ = everything(module, options("cpu"), methods=methods)
        with standin_gpu(monkeypatch) as gpu:
            found, batch = everything(module, options("cuda:0"), gpu, images, methods)
        assert batch == {1: 1, 3: 2}[images]  # 5 -> 2, or 5 -> 2 -> 1
        assert_same(found, expected, 1e-3)

    def test_memory_that_holds_not_even_one_image(self, module: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
        before = fingerprint(module)
        with standin_gpu(monkeypatch) as gpu, opened_classifier(options("cuda"), module, Silent()) as classifier:
            gpu.images = 0
            with pytest.raises(EnvironmentProblem, match="one image fits into the memory of cuda:0") as caught:
                answered(classifier, IMAGES)
        assert caught.value.exit_code == 4
        assert {**fingerprint(module), "identity": 0} == {**before, "identity": 0}

    def test_memory_that_does_not_hold_what_is_asked_first(
        self, module: nn.Module, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = fingerprint(module)
        with standin_gpu(monkeypatch, images=1):
            with pytest.raises(EnvironmentProblem, match="fit into the memory of cuda:0") as caught:
                everything(module, options("cuda"))
            assert (caught.value.code, caught.value.exit_code) == ("E-MEMORY", 4)
        assert {**fingerprint(module), "identity": 0} == {**before, "identity": 0}

    @pytest.mark.parametrize("error", [RuntimeError("made up"), KeyboardInterrupt()])
    def test_the_network_comes_home_whatever_happens(
        self, module: nn.Module, error: BaseException, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = fingerprint(module)
        switch = module.get_submodule("switch")
        assert isinstance(switch, Switch)
        with (
            standin_gpu(monkeypatch),
            suppress(type(error), ArchitectureError),
            opened_classifier(options("cuda"), module, Silent()) as classifier,
        ):
            assert all(tensor.device == GPU for tensor in module.parameters())
            switch.error = error
            answered(classifier, IMAGES)
            pytest.fail("it must not come so far")
        assert {**fingerprint(module), "identity": 0} == {**before, "identity": 0}

    @pytest.mark.parametrize("name", ["cuda:1", "cuda:99"])
    def test_a_gpu_that_is_not_there(self, module: nn.Module, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with (
            standin_gpu(monkeypatch),
            pytest.raises(EnvironmentProblem, match="sees 1 GPU"),
            opened_classifier(options(name), module, Silent()),
        ):
            pass

    def test_it_keeps_a_gpus_rules(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Or the tests above would prove nothing."""
        with standin_gpu(monkeypatch, images=2):
            there, here = torch.ones(3, device="cuda:0"), torch.ones(3)
            assert there.device == GPU
            with pytest.raises(RuntimeError, match="same device"):
                there + here
            with pytest.raises((RuntimeError, TypeError)):
                there.numpy()
            assert (there + here.to(GPU)).cpu().tolist() == [2, 2, 2]
            rows = torch.arange(6.0).view(3, 2).to(GPU)
            assert rows[[2, 0]].cpu().tolist() == [[4, 5], [0, 1]]
            assert rows[:, [1]].cpu().tolist() == [[1], [3], [5]]
            assert rows[[1, 2], [0, 1]].cpu().tolist() == [2, 5]
            with pytest.raises(RuntimeError, match="without numbers"):
                rows[[1]] = -1  # torch makes the list a tensor of the device that it sees
            conv = nn.Conv2d(3, 1, 1).to(GPU)
            conv(torch.ones(2, 3, 4, 4, device=GPU))
            with pytest.raises(torch.OutOfMemoryError):
                conv(torch.ones(3, 3, 4, 4, device=GPU))


@REAL_GPU
class TestRealGpu:
    def test_every_method_agrees_with_the_cpu(self, module: nn.Module) -> None:
        """In full float32; the pictures that gradient ascent climbs to are compared by what they reach."""
        expected, _ = everything(module, options("cpu"))
        found, _ = everything(module, options("auto"))
        for name in ("answers", "saliency", "saliency_hw5", "lime", "lime_hw5"):
            assert_same({name: found[name]}, {name: expected[name]}, 1e-3)
        for name in FILTER_METHODS:
            for ours, theirs in zip(found[name], expected[name], strict=True):
                np.testing.assert_allclose(ours.activations, theirs.activations, atol=1e-4)
        for ours, theirs in zip(found["filters"], expected["filters"], strict=True):
            assert ours.measures["reached"] == pytest.approx(theirs.measures["reached"], rel=0.05)
        assert {tensor.device.type for tensor in module.parameters()} == {"cpu"}

    def test_memory_that_runs_out_is_met_by_smaller_batches(self) -> None:
        """A batch that no card holds."""

        class Hungry(nn.Module):
            def forward(self, images: torch.Tensor) -> torch.Tensor:
                free, _ = torch.cuda.mem_get_info()
                torch.empty(len(images), free // 3, dtype=torch.uint8, device=images.device)
                return images.mean(dim=(2, 3))

        with opened_classifier(options("cuda"), Hungry(), Silent()) as classifier:
            cases, _ = answered(classifier, IMAGES)
            assert len(cases) == 5
            assert classifier.batch.images <= 2
