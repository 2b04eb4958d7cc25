"""Layers as the appendix lists them: what a module says of itself, shortened, and never a user's own code."""

import pytest
from torch import Tensor, nn
from torch.nn.parameter import Parameter, UninitializedParameter

from reportgen.results import LayerFact
from reportgen.sources.listing import list_layers

DETAILS: list[tuple[nn.Module, str, int]] = [
    (nn.Conv2d(3, 8, 3, padding=1), "3 -> 8, 3x3, padding 1", 224),
    (nn.Conv2d(3, 8, (1, 5), stride=2, bias=False), "3 -> 8, 1x5, stride 2", 120),
    (nn.Conv2d(8, 8, 3, padding="same", dilation=2, groups=8), "8 -> 8, 3x3, padding same, dilation 2, 8 groups", 80),
    (nn.Conv2d(3, 8, 3, stride=(1, 2), padding="valid"), "3 -> 8, 3x3, stride 1x2", 224),
    (nn.Linear(5, 2), "5 -> 2", 12),
    (nn.BatchNorm2d(4), "4", 8),
    (nn.BatchNorm1d(4), "4", 8),
    (nn.MaxPool2d(2), "2x2", 0),
    (nn.MaxPool2d((2, 2)), "2x2", 0),
    (nn.MaxPool2d(3, stride=2), "kernel_size=3, stride=2, padding=0, dilation=1, ceil_mode...", 0),
    (nn.Dropout(0.25), "p=0.25", 0),
    (nn.ReLU(), "", 0),
]


@pytest.mark.parametrize(("layer", "detail", "parameters"), DETAILS, ids=lambda value: str(value)[:30])
def test_detail_and_parameters(layer: nn.Module, detail: str, parameters: int) -> None:
    assert list_layers(nn.Sequential(layer)) == (LayerFact("0", type(layer).__name__, detail, parameters),)


def test_lists_leaves_and_whoever_has_parameters() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = Parameter(Tensor([1.0]))
            self.inner = nn.Sequential(nn.ReLU(), nn.Identity())

        def extra_repr(self) -> str:
            raise AssertionError("the code of a user's class is not asked")

    names = [(layer.name, layer.kind, layer.parameters) for layer in list_layers(nn.Sequential(Scaled()))]
    assert names == [("0", "Scaled", 1), ("0.inner.0", "ReLU", 0), ("0.inner.1", "Identity", 0)]


def test_lazy_layers_have_no_parameters_yet() -> None:
    layer = nn.LazyLinear(3)
    assert isinstance(layer.weight, UninitializedParameter)
    assert list_layers(nn.Sequential(layer))[0].parameters == 0


def test_marks_are_taken_over_by_name() -> None:
    marks = (LayerFact("1", "Dropout", "", 0, inferred=True, assumption="assume.dropout"),)
    first, second = list_layers(nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5)), marks)
    assert (first.detail, first.inferred) == ("p=0.5", False)
    assert (second.detail, second.inferred, second.assumption) == ("", True, "assume.dropout")
