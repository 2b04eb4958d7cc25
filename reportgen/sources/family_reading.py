"""The two rows of a network as layers, with what stands in the places that no key stands for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from torch import nn

from reportgen.contracts import Weights
from reportgen.errors import ArchitectureError
from reportgen.sources.family_layers import (
    ACTIVATIONS,
    WAYS_OUT,
    Answers,
    Read,
    Stretches,
    fill_gap,
    kind_of,
    marked_idle,
    named,
    stretches,
    widths,
    with_weights,
)
from reportgen.sources.family_places import Place, behind, between
from reportgen.sources.family_rows import Rows

BETWEEN_LINEARS: Final = ("activation", "dropout")
BEFORE_LINEARS: Final = ("flatten", "dropout")

Layers = list[tuple[str, Read]]


@dataclass(frozen=True, eq=False)
class Row:
    """The convolutions up to the last layer with weights. width: channels that they give."""

    layers: Layers
    width: int
    found: Stretches


def convolutions(weights: Weights, rows: Rows, answers: Answers) -> Row:
    """The layers up to the last one with weights."""
    found = Stretches(stretches(rows.features), answers)
    layers: Layers = []
    free: list[str] = []
    width: int | None = None
    number = -1
    before: Place | None = None
    for here in rows.features:
        gap, starts = between(before, here), kind_of(here.leaves) == "convolution"
        if starts and number >= 0 and found.items[number].end:
            layers = layers + named(gap, found.ending(number, free), answers)
        else:
            layers = layers + fill_gap(gap, free, answers, weights.file)
            layers = marked_idle(layers, free, found.fill(number)) if starts and number >= 0 else layers
        if starts:
            number += 1
            free = found.fill(number)
        layers.append((here.name, with_weights(here.leaves, width, 2, answers)))
        takes, width = widths(here.leaves, width)
        if before is None and takes not in (1, 3):
            why = f"the network takes {takes} channels, and photographs have 3, or 1 where they are grey"
            raise ArchitectureError("E-ARCH-CHANNELS", weights.file, why, "Give a model for photographs")
        before = here
    return Row(layers, width or 0, found)


def linears(weights: Weights, rows: Rows, answers: Answers) -> Layers:
    """The layers of the head."""
    layers: Layers = []
    free = list(BEFORE_LINEARS)
    before = None
    for here in rows.head:
        kind, gap = kind_of(here.leaves), between(before, here)
        if gap.open and kind == "linear" and "activation" in free:
            layers = layers + named(gap, ["activation"], answers)
        elif before or not rows.whole:
            layers = layers + fill_gap(gap, free, answers, weights.file)
            layers = marked_idle(layers, free, list(BETWEEN_LINEARS)) if kind == "linear" and before else layers
        if kind == "linear":
            free = list(BETWEEN_LINEARS)
        elif kind == "prelu":
            free = ["dropout"]
        layers.append((here.name, with_weights(here.leaves, None, 1, answers)))
        before = here
    return layers


def tail(rows: Rows, read: Row, kinds: Sequence[str]) -> Layers:
    """The layers behind the last one with weights: an activation where it is missing, then the kinds.

    Where the whole network is one Sequential the numbering tells how many there are, a Flatten among them: none fit
    where there are too few.
    """
    since = since_last_convolution(read.layers)
    active = since & {type(make()) for make in ACTIVATIONS.values()} or nn.PReLU in since
    last = len(read.found.items) - 1
    idle = active or read.found.fill(last)[0] != "activation"
    every = [*([] if idle else ["activation"]), *kinds]
    if not rows.whole:
        return named(behind(rows.features[-1]), every, read.found.answers)
    gap = between(rows.features[-1], rows.head[0])
    every += [*["dropout"] * (len(gap.slots) - len(every) - 1), "flatten"]
    if len(every) != len(gap.slots):
        return []
    return named(gap, every, read.found.answers)


def averaged(weights: Weights, rows: Rows, read: Row) -> Layers:
    """The convolutions with an average over the maps behind them."""
    ending = tail(rows, read, ["global_pool"])
    if not ending:
        raise unfit(weights, read.width, read)
    return read.layers + ending


def unfit(weights: Weights, taken: int, read: Row) -> ArchitectureError:
    """The refusal where no input gives the first linear layer what it takes."""
    before = sum(isinstance(layer.module, nn.MaxPool2d) for _, layer in read.layers)
    why = f"its first linear layer takes {taken} numbers, and no input size gives so many"
    why = f"{why} from {read.width} channels after {before} or {before + 1} max pools"
    return ArchitectureError("E-ARCH-FAMILY", weights.file, why, WAYS_OUT)


def since_last_convolution(layers: Sequence[tuple[str, Read]]) -> set[type[nn.Module]]:
    """The kinds of layers that stand after the last convolution, and its own."""
    last = max(place for place, (_, layer) in enumerate(layers) if isinstance(layer.module, nn.Conv2d))
    return {type(layer.module) for _, layer in layers[last:]}
