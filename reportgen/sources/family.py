"""Reads the course's kind of network off the names and shapes of its weights.

The family: one Sequential of 3x3 (full or depth-wise) and 1x1 convolutions with stride 1, batch-norms, activations and
2x2 max pools, then one Sequential of linear layers, whatever the two attributes are called. Layers without weights
leave gaps in the numbering. Between two convolutions the free places are read as activation, max pool, dropout, in
that order; between two linear layers as activation, dropout. What follows the last convolution leaves no gap: there
the size of the first linear layer decides, with the side of the input that is most usual, or, where it takes one
number for each channel, global average pooling. What may be read otherwise is asked of the batch-norms.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from torch import Tensor, nn

from reportgen.contracts import Network, Weights
from reportgen.errors import ArchitectureError
from reportgen.excerpts import dimensions, listed
from reportgen.results import NO_FACTS, Facts, LayerFact
from reportgen.sources.family_layers import (
    ACTIVATION,
    ACTIVATIONS,
    FAMILY,
    WAYS_OUT,
    Answers,
    Part,
    Read,
    Stretches,
    fill_gap,
    kind_of,
    marked_idle,
    stretches,
    widths,
    with_weights,
    without_weights,
)

USUAL_SIDES: Final = (128, 224, 64, 256, 32, 96, 48, 160, 192, 112, 512, 299, 384, 320, 288, 144, 80, 100, 150, 200)
SIDES: Final = range(8, 2049)  # px
KEY: Final = re.compile(r"(?P<part>[^\W\d]\w*)\.(?P<index>\d{1,4})\.(?P<leaf>\w+)")
BETWEEN_LINEARS: Final = ("activation", "dropout")
BEFORE_LINEARS: Final = ("flatten", "dropout")


class CourseNetwork(nn.Module):
    """Convolutions, then linear layers, under the names that the weights give them.

    Takes (N, 3, H, W), or one channel for grey images, and returns (N, K) logits.
    """

    def __init__(self, convolutions: tuple[str, nn.Sequential], linears: tuple[str, nn.Sequential]) -> None:
        super().__init__()
        self.order = (convolutions[0], linears[0])
        self.add_module(*convolutions)
        self.add_module(*linears)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images -> (N, K) logits."""
        features: Tensor = self.get_submodule(self.order[0])(images)
        logits: Tensor = self.get_submodule(self.order[1])(features.flatten(1))
        return logits


def accepts(arch: str | None) -> bool:
    """Whether no architecture is named: then this is what is tried."""
    return arch is None


def build(
    weights: Weights,
    arch: str | None,  # noqa: ARG001 - as every source
    announce: Callable[[str], None],  # noqa: ARG001
) -> Network:
    """The network that the weights stand for, before they are in it; `layers` holds what was inferred.

    Raises ArchitectureError that names the first keys outside the family, and the ways out.
    """
    parts = _parts(weights)
    odd = [key for name, part in parts.items() for key in _odd_keys(name, part)]
    strange = [f"{key} ({dimensions(t.shape)})" for key, t in weights.tensors.items() if not KEY.fullmatch(key)]
    if odd or strange:
        raise _outside(weights, strange + odd)
    names = _two_parts(weights, parts)
    return _read(weights, parts, names, {})


def _read(weights: Weights, parts: Mapping[str, Part], names: tuple[str, str], answers: Answers) -> Network:
    """The network under some answers to what is open; it can be read again under others."""
    first, second = names
    found = Stretches(stretches(parts[first]), answers)
    features, channels = _convolutions(parts[first], weights, first, found)
    linears = _linears(parts[second], weights, second, answers)
    taken = next(layer.module.in_features for layer in linears if isinstance(layer.module, nn.Linear))
    tail, side = _tail(features, (taken, channels), found, weights)
    read = {first: [*features, *tail], second: linears}
    made = [(name, nn.Sequential(*[layer.module for layer in layers])) for name, layers in read.items()]
    try:
        network = CourseNetwork(made[0], made[1])
    except KeyError as err:  # an attribute that every module has, such as "forward"
        raise _outside(weights, list(weights.tensors)) from err
    notes = (("note.inferred", NO_FACTS), *_size_notes(features, tail, side))
    return Network(
        network,
        "course network",
        tuple(_marks(read)),
        (side, side) if side else None,
        (),
        notes,
        questions=_questions(read, found, side),
        reread=lambda other: _read(weights, parts, names, other),
    )


def _questions(read: Mapping[str, Sequence[Read]], found: Stretches, side: int | None) -> dict[str, tuple[str, ...]]:
    """What batch-norms may settle. Where the first linear layer fixes the size, it speaks for the pools already."""
    asked = dict(found.questions()) if side is None else {}
    if any(layer.assumption == ACTIVATION for layers in read.values() for layer in layers):
        asked[ACTIVATION] = tuple(ACTIVATIONS)
    return asked


def _marks(read: Mapping[str, Iterable[Read]]) -> Iterable[LayerFact]:
    for name, layers in read.items():
        for index, layer in enumerate(layers):
            if layer.assumption:
                kind = type(layer.module).__name__
                yield LayerFact(f"{name}.{index}", kind, "", 0, layer.inferred, f"assume.{layer.assumption}")


def _parts(weights: Weights) -> dict[str, dict[int, dict[str, Tensor]]]:
    """The tensors by attribute, place and name; keys of another form are left out."""
    parts: dict[str, dict[int, dict[str, Tensor]]] = {}
    for key, tensor in weights.tensors.items():
        if found := KEY.fullmatch(key):
            part = parts.setdefault(found["part"], {})
            part.setdefault(int(found["index"]), {})[found["leaf"]] = tensor
    return {name: dict(sorted(part.items())) for name, part in parts.items()}


def _odd_keys(name: str, part: Part) -> list[str]:
    """Keys of layers that are none of the family, or do not take what the layer before gives."""
    odd = []
    width: int | None = None
    for index, leaves in part.items():
        takes, gives = widths(leaves, width) if kind_of(leaves) else (None, None)
        if takes is None or (width is not None and takes != width):
            odd += [f"{name}.{index}.{leaf} ({dimensions(tensor.shape)})" for leaf, tensor in leaves.items()]
        width = gives  # a layer that is none of the family may give any width: what follows is judged by its own
    return odd


def _two_parts(weights: Weights, parts: Mapping[str, Part]) -> tuple[str, str]:
    """The names of the convolutions' and of the linear layers' Sequential."""
    kinds = {name: {kind_of(leaves) for leaves in part.values()} - {"norm", "prelu"} for name, part in parts.items()}
    convolutions = [name for name, kind in kinds.items() if kind == {"convolution"}]
    linears = [name for name, kind in kinds.items() if kind == {"linear"}]
    if len(convolutions) == len(linears) == 1 and len(parts) == 2:
        return convolutions[0], linears[0]
    why = f"the weights lie under {listed(list(parts))}, where the course's family has {FAMILY}"
    raise ArchitectureError("E-ARCH-FAMILY", weights.file, why, WAYS_OUT)


def _convolutions(part: Part, weights: Weights, name: str, found: Stretches) -> tuple[list[Read], int]:
    """The layers up to the last one with weights, and the number of channels that they give."""
    layers: list[Read] = []
    free: list[str] = []
    width: int | None = None
    place = -1
    for index, leaves in part.items():
        layers = fill_gap(layers, index, free, found.answers, (weights.file, name))
        if kind_of(leaves) == "convolution":
            layers = marked_idle(layers, free, found.fill(place)) if place >= 0 else layers
            place += 1
            free = found.fill(place)
        layers.append(with_weights(leaves, width, 2))
        takes, width = widths(leaves, width)
        if len(layers) == 1 and takes not in (1, 3):
            why = f"the network takes {takes} channels, and photographs have 3, or 1 where they are grey"
            raise ArchitectureError("E-ARCH-CHANNELS", weights.file, why, "Give a model for photographs")
    return layers, width or 0


def _linears(part: Part, weights: Weights, name: str, answers: Answers) -> list[Read]:
    """The layers of the head."""
    layers: list[Read] = []
    free = list(BEFORE_LINEARS)
    for index, leaves in part.items():
        layers = fill_gap(layers, index, free, answers, (weights.file, name))
        if kind_of(leaves) == "linear":
            layers = marked_idle(layers, free, list(BETWEEN_LINEARS))
            free = list(BETWEEN_LINEARS)
        elif kind_of(leaves) == "prelu":
            free = ["dropout"]
        layers.append(with_weights(leaves, None, 1))
    return layers


def _tail(
    features: list[Read], sizes: tuple[int, int], found: Stretches, weights: Weights
) -> tuple[list[Read], int | None]:
    """What stands between the last layer with weights and the first linear one, and the side of the input in px.

    sizes: numbers that the first linear layer takes, and channels of the last maps. One number for each channel is a
    global average, which takes any size. Else a pool that halves the same maps once more fits an input twice as
    large, so a usual side decides, and where both are usual, that the last stage ends as all others do.
    """
    taken, channels = sizes
    before = sum(isinstance(layer.module, nn.MaxPool2d) for layer in features)
    since = _since_last_convolution(features)
    active = since & {type(make()) for make in ACTIVATIONS.values()} or nn.PReLU in since
    idle = active or found.fill(len(found.items) - 1)[0] != "activation"
    tail = [] if idle else [without_weights("activation", found.answers)]
    if taken == channels:
        return [*tail, without_weights("global_pool", found.answers)], None
    side = math.isqrt(taken // channels)  # of the last maps
    choices = (before,) if nn.MaxPool2d in since else (before + 1, before)
    usual = [(whole, pools) for pools in choices for whole in USUAL_SIDES if whole >> pools == side]
    exact = [(side << pools, pools) for pools in choices if side << pools in SIDES]
    if channels * side**2 != taken or not usual + exact:
        why = f"its first linear layer takes {taken} numbers, and no input size gives so many"
        why = f"{why} from {channels} channels after {before} or {before + 1} max pools"
        raise ArchitectureError("E-ARCH-FAMILY", weights.file, why, WAYS_OUT)
    whole, pools = (usual + exact)[0]
    return tail + [without_weights("last_pool", found.answers) for _ in range(pools - before)], whole


def _since_last_convolution(features: list[Read]) -> set[type[nn.Module]]:
    """The kinds of layers that stand after the last convolution, and its own."""
    last = max(place for place, layer in enumerate(features) if isinstance(layer.module, nn.Conv2d))
    return {type(layer.module) for layer in features[last:]}


def _size_notes(features: list[Read], tail: list[Read], side: int | None) -> tuple[tuple[str, Facts], ...]:
    """What to know where the last pool is not what one would expect, or the other reading is the more usual size."""
    if side is None:
        return (("note.global_pool", NO_FACTS),)
    if any(layer.assumption == "last_pool" for layer in tail):
        sides = [usual for usual in USUAL_SIDES if usual in (side, side // 2)]
        return (("note.without_last_pool", {"side": side, "other": side // 2}),) if sides[:1] == [side // 2] else ()
    return () if nn.MaxPool2d in _since_last_convolution(features) else (("note.no_last_pool", {"side": side}),)


def _outside(weights: Weights, keys: Sequence[str]) -> ArchitectureError:
    why = f"{len(keys)} of its {len(weights.tensors)} tensors do not belong to the course's family ({FAMILY}): "
    return ArchitectureError("E-ARCH-FAMILY", weights.file, why + listed(keys), WAYS_OUT)
