"""Every method gives the network back exactly as it was: after success, failure, interruption and neglect."""

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from toy_models import SIZE, Small, Switch, few_samples, fingerprint, image, photographs, settled

from reportgen.cases import answered
from reportgen.contracts import FilterMethod, ImageMethod, Silent
from reportgen.errors import EnvironmentProblem
from reportgen.explain import FILTER_METHODS, IMAGE_METHODS
from reportgen.loading import opened_classifier
from reportgen.options import BuildOptions

METHODS: dict[str, ImageMethod | FilterMethod] = {**IMAGE_METHODS, **FILTER_METHODS}
IMAGES = [image(pixels, label) for label, pixels in enumerate(photographs(2))]
OPTIONS = BuildOptions(
    model=Path("toy.pth"), size=SIZE, lime_samples=30, lime_segments=12, filter_steps=3, layers=("fc.0", "cnn.6")
)


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    few_samples(monkeypatch, 30)


@pytest.fixture
def module() -> nn.Module:
    """In a state that nobody would choose: partly training, partly frozen, with gradients and hooks of its owner."""
    network = settled(Small())
    network.train()
    network.get_submodule("cnn.1").eval()
    network.get_submodule("fc").eval()
    for number, parameter in enumerate(network.parameters()):
        parameter.requires_grad_(number % 3 > 0)
        parameter.grad = torch.full_like(parameter, float(number)) if number % 2 else None
    network.get_submodule("cnn.4").register_forward_hook(lambda *_: None)
    return network


def explaining(module: nn.Module, method: str, error: BaseException | None, tell: list[Any]) -> Iterator[Any]:
    """What the method yields for a network from Python; from the first answer on the network raises the error."""
    options = OPTIONS.model_copy(update={"layers": ("cnn.6",)}) if method == "filters_hw5" else OPTIONS
    with opened_classifier(options, module, Silent()) as classifier:
        cases, _ = answered(classifier, IMAGES)
        switch = module.get_submodule("switch")
        assert isinstance(switch, Switch)
        switch.error = error
        tell.append(classifier)
        yield from METHODS[method].explain(classifier, cases, options)


def consume(module: nn.Module, method: str, error: BaseException | None = None) -> list[Any]:
    try:
        return list(explaining(module, method, error, []))
    finally:
        switch = module.get_submodule("switch")
        assert isinstance(switch, Switch)
        switch.error = None


@pytest.mark.parametrize("method", METHODS)
class TestGivenBack:
    def test_after_success(self, module: nn.Module, method: str) -> None:
        before = fingerprint(module)
        found = consume(module, method)
        assert found
        assert fingerprint(module) == before

    @pytest.mark.parametrize("error", [RuntimeError("made up"), ValueError("made up"), LookupError("made up")])
    def test_after_failure(self, module: nn.Module, method: str, error: Exception) -> None:
        before = fingerprint(module)
        with suppress(type(error)):
            consume(module, method, error)
        assert fingerprint(module) == before

    def test_after_an_interruption(self, module: nn.Module, method: str) -> None:
        before = fingerprint(module)
        with pytest.raises(KeyboardInterrupt):
            consume(module, method, KeyboardInterrupt())
        assert fingerprint(module) == before

    def test_when_nobody_wants_the_rest(self, module: nn.Module, method: str) -> None:
        before = fingerprint(module)
        with closing(explaining(module, method, None, [])) as results:  # type: ignore[type-var]
            next(results)
        assert fingerprint(module) == before

    def test_while_it_runs_nothing_but_the_mode_differs(self, module: nn.Module, method: str) -> None:
        """Within the loan, too, a method leaves hooks, weights, gradients and chance alone."""
        module.eval()
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        before = fingerprint(module)
        with closing(explaining(module, method, None, [])) as results:  # type: ignore[type-var]
            for _ in results:
                inside = dict(fingerprint(module))
                assert inside.pop("backends") == (True, False, False, False)
                assert inside == {name: value for name, value in before.items() if name != "backends"}

    def test_images_are_left_as_they_were(self, module: nn.Module, method: str) -> None:
        before = [one.pixels.copy() for one in IMAGES]
        consume(module, method)
        for one, pixels in zip(IMAGES, before, strict=True):
            np.testing.assert_array_equal(one.pixels, pixels)
            assert not one.pixels.flags.writeable


@pytest.mark.parametrize("error", [RuntimeError("made up"), LookupError("made up"), AssertionError("made up")])
@pytest.mark.parametrize("method", IMAGE_METHODS)
def test_a_network_that_raises_is_a_value_and_no_exception(module: nn.Module, method: str, error: Exception) -> None:
    found = consume(module, method, error)
    assert [len(group) for group in found] == [len(group) for group in consume(module, method)]
    for each in (each for group in found for each in group):
        assert (each.status, each.reason) == ("failed", "reason.raised")
        assert each.detail == f"{type(error).__name__}: made up"
        assert each.parameters


@pytest.mark.parametrize(
    ("error", "raised"), [(torch.OutOfMemoryError("made up"), EnvironmentProblem), (MemoryError(), MemoryError)]
)
@pytest.mark.parametrize("method", METHODS)
def test_memory_that_ran_out_is_no_failure_of_the_method(
    module: nn.Module, method: str, error: Exception, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        consume(module, method, error)


@pytest.mark.parametrize("method", METHODS)
def test_dropout_and_batch_norm_are_off(module: nn.Module, method: str) -> None:
    """Twice the same from a network in training mode, and the same as from one in evaluation mode."""
    training = [repr_of(each) for each in consume(module, method)]
    module.eval()
    assert [repr_of(each) for each in consume(module, method)] == training


def repr_of(found: Any) -> object:  # noqa: ANN401 - a study, or a tuple of explanations
    return [dict(each.measures) for each in found] if isinstance(found, tuple) else dict(found.measures)
