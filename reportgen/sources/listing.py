"""Lists the layers of a module as the appendix shows them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from torch import nn
from torch.nn.parameter import is_lazy

from reportgen.excerpts import shortened
from reportgen.results import LayerFact

LONGEST_DETAIL: Final = 60  # characters


def list_layers(module: nn.Module, marks: Sequence[LayerFact] = ()) -> tuple[LayerFact, ...]:
    """Every module without children or with parameters of its own, in the order of registration.

    marks: layers whose reading is an inference; `inferred` and `assumption` are taken over by name.
    """
    marked = {mark.name: mark for mark in marks}
    layers = []
    for name, layer in module.named_modules():
        own = [0 if is_lazy(p) else p.numel() for p in layer.parameters(recurse=False)]
        if own or next(layer.children(), None) is None:
            fact = LayerFact(name, type(layer).__name__, _detail(layer), sum(own))
            mark = marked.get(name, fact)
            detail = "" if mark.inferred and isinstance(layer, nn.Dropout) else fact.detail  # its rate is not known
            layers.append(replace(fact, detail=detail, inferred=mark.inferred, assumption=mark.assumption))
    return tuple(layers)


def _detail(layer: nn.Module) -> str:
    match layer:
        case nn.Conv2d():
            return _convolution(layer)
        case nn.Linear():
            return f"{layer.in_features} -> {layer.out_features}"
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            return f"{layer.num_features}"
        case nn.MaxPool2d() if layer.kernel_size == layer.stride and not layer.padding and layer.dilation == 1:
            return _sides(layer.kernel_size)
        case nn.Dropout():
            return f"p={layer.p:g}"
    # Only torch's own descriptions are asked for: those of a user's class are code that may do anything.
    text = layer.extra_repr() if type(layer).__module__.startswith("torch.nn.") else ""
    return shortened(text, LONGEST_DETAIL)


def _convolution(layer: nn.Conv2d) -> str:
    parts = [f"{layer.in_channels} -> {layer.out_channels}", _sides(layer.kernel_size)]
    if layer.stride != (1, 1):
        parts.append(f"stride {_side(layer.stride)}")
    if layer.padding not in ((0, 0), "valid"):
        parts.append(f"padding {_side(layer.padding)}")
    if layer.dilation != (1, 1):
        parts.append(f"dilation {_side(layer.dilation)}")
    if layer.groups != 1:
        parts.append(f"{layer.groups} groups")
    return ", ".join(parts)


def _side(value: str | int | tuple[int, ...]) -> str:
    """One number where all sides agree: 1 for (1, 1); 1x2 for (1, 2); "same" as it is."""
    return str(value[0]) if isinstance(value, tuple) and len(set(value)) == 1 else _sides(value)


def _sides(value: str | int | tuple[int, ...]) -> str:
    """2x2 for 2 and for (2, 2); "same" as it is."""
    if isinstance(value, str):
        return value
    return "x".join(str(side) for side in ((value, value) if isinstance(value, int) else value))
