"""Which activations let the gradient through."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.redirected import flat_nodes, redirect


def weights() -> Tensor:
    return torch.full((1, 2, 3, 3), -1.0, requires_grad=True)


@pytest.mark.parametrize(
    "act", [nn.ReLU(), nn.ReLU(inplace=True), nn.Hardswish(), nn.GELU(), nn.SiLU(), lambda x: x.clamp(min=0)]
)
def test_a_silent_activation_lets_the_gradient_through(act: nn.Module) -> None:
    start = weights()
    given = act(start * 20)
    redirect(given)
    (gradient,) = torch.autograd.grad(given.sum(), start)
    assert torch.equal(gradient, torch.full_like(start, 20.0))


def test_a_full_one_does_too_and_what_it_gives_stays() -> None:
    start = weights()
    given = functional.relu6(-10 * start)
    redirect(given)
    (gradient,) = torch.autograd.grad(given.sum(), start)
    assert torch.equal(gradient, torch.full_like(start, -10.0))
    assert torch.equal(given, torch.full_like(given, 6.0))


def test_only_the_nearest_on_each_way_back() -> None:
    start = weights()
    first = functional.relu(start)
    second = functional.relu(first * 2 - 1)
    output = functional.max_pool2d(second + functional.relu(start - 1), 3)
    assert len(flat_nodes(output)) == 2
    redirect(output)
    (gradient,) = torch.autograd.grad(output.sum(), start)
    assert gradient.abs().sum() == 2  # by the shortcut alone, one place in each of two channels


def test_what_lies_before_a_convolution_is_left_alone() -> None:
    start = weights()
    output = functional.conv2d(functional.relu(start), torch.ones(1, 2, 1, 1))
    assert flat_nodes(output) == []


def test_a_gate_is_left_alone() -> None:
    start = weights()
    assert flat_nodes(start * start.mean((2, 3), keepdim=True).sigmoid()) == []


def test_an_output_without_graph_has_none() -> None:
    assert flat_nodes(torch.zeros(1)) == []
