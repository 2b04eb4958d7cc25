"""Reads the course's kind of network off the names and shapes of its weights.

The family: one Sequential of 3x3 convolutions (stride 1, padding 1), batch-norms, activations and 2x2 max pools, then
one Sequential of linear layers, whatever the two attributes are called. Layers without weights leave gaps in the
numbering. Between two convolutions the free places are read as ReLU, max pool, dropout, in that order; between two
linear layers as ReLU, dropout. What follows the last convolution leaves no gap: there the size of the first linear
layer decides, with the side of the input that is most usual.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from torch import Tensor, nn

from reportgen.contracts import Network, Weights
from reportgen.errors import ArchitectureError
from reportgen.excerpts import dimensions, listed
from reportgen.results import NO_FACTS, Facts, LayerFact

USUAL_SIDES: Final = (128, 224, 64, 256, 32, 96, 48, 160, 192, 112, 512, 299, 384, 320, 288, 144, 80, 100, 150, 200)
SIDES: Final = range(8, 2049)  # px
KEY: Final = re.compile(r"(?P<part>[^\W\d]\w*)\.(?P<index>\d{1,4})\.(?P<leaf>\w+)")
NORM_LEAVES: Final = frozenset({"weight", "bias", "running_mean", "running_var", "num_batches_tracked"})
BETWEEN_CONVOLUTIONS: Final = ("relu", "pool", "dropout")
BETWEEN_LINEARS: Final = ("relu", "dropout")
BEFORE_LINEARS: Final = ("flatten", "dropout")
FAMILY: Final = "one Sequential of 3x3 convolutions, batch-norms and 2x2 max pools, then one of linear layers"
WAYS_OUT: Final = (
    "Name the architecture: --arch food11 for the course's own network, or --arch file.py:Class for a class in a file"
)

Leaves = Mapping[str, Tensor]
Part = Mapping[int, Leaves]  # place in a Sequential -> its tensors, in order


class CourseNetwork(nn.Module):
    """Convolutions, then linear layers, under the names that the weights give them.

    Takes (N, 3, H, W) and returns (N, K) logits.
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


@dataclass(frozen=True, eq=False)
class Read:
    """One layer as read: the module, and the key of the sentence on what was assumed about it."""

    module: nn.Module
    assumption: str = ""
    inferred: bool = False


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
    first, second = _two_parts(weights, parts)
    features, channels = _convolutions(parts[first], weights, first)
    linears = _linears(parts[second], weights, second)
    taken = next(layer.module.in_features for layer in linears if isinstance(layer.module, nn.Linear))
    tail, side = _tail(features, taken, channels, weights)
    read = {first: [*features, *tail], second: linears}
    made = [(name, nn.Sequential(*[layer.module for layer in layers])) for name, layers in read.items()]
    try:
        network = CourseNetwork(made[0], made[1])
    except KeyError as err:  # an attribute that every module has, such as "forward"
        raise _outside(weights, list(weights.tensors)) from err
    notes = (("note.inferred", NO_FACTS), *_size_notes(features, tail, side))
    return Network(network, "course network", tuple(_marks(read)), (side, side), (), notes)


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


def _kind(leaves: Leaves) -> str:
    """convolution, linear or norm; empty for any other layer."""
    weight = leaves.get("weight")
    if leaves.keys() <= NORM_LEAVES and {"running_mean", "running_var"} <= leaves.keys():
        lengths = {tensor.shape for name, tensor in leaves.items() if name != "num_batches_tracked"}
        return "norm" if len(lengths) == 1 and leaves["running_mean"].dim() == 1 else ""
    if weight is None or not leaves.keys() <= {"weight", "bias"} or not weight.numel():
        return ""
    if "bias" in leaves and leaves["bias"].shape != weight.shape[:1]:
        return ""
    return {2: "linear", 4: "convolution" if weight.shape[2:] == (3, 3) else ""}.get(weight.dim(), "")


def _odd_keys(name: str, part: Part) -> list[str]:
    """Keys of layers that are none of the family, or do not take what the layer before gives."""
    odd = []
    width: int | None = None
    for index, leaves in part.items():
        kind = _kind(leaves)
        takes = leaves["running_mean"].shape[0] if kind == "norm" else leaves["weight"].shape[1] if kind else None
        if not kind or (width is not None and takes != width):
            odd += [f"{name}.{index}.{leaf} ({dimensions(tensor.shape)})" for leaf, tensor in leaves.items()]
        # A layer that is none of the family may give any width; what follows is judged from its own width on.
        width = None if not kind else takes if kind == "norm" else leaves["weight"].shape[0]
    return odd


def _two_parts(weights: Weights, parts: Mapping[str, Part]) -> tuple[str, str]:
    """The names of the convolutions' and of the linear layers' Sequential."""
    kinds = {name: {_kind(leaves) for leaves in part.values()} - {"norm"} for name, part in parts.items()}
    convolutions = [name for name, kind in kinds.items() if kind == {"convolution"}]
    linears = [name for name, kind in kinds.items() if kind == {"linear"}]
    if len(convolutions) == len(linears) == 1 and len(parts) == 2:
        return convolutions[0], linears[0]
    why = f"the weights lie under {listed(list(parts))}, where the course's family has {FAMILY}"
    raise ArchitectureError("E-ARCH-FAMILY", weights.file, why, WAYS_OUT)


def _convolutions(part: Part, weights: Weights, name: str) -> tuple[list[Read], int]:
    """The layers up to the last one with weights, and the number of channels that they give."""
    layers: list[Read] = []
    free: list[str] = []
    channels = 3
    for index, leaves in part.items():
        layers = _with_gap(layers, index, free, weights, name)
        kind = _kind(leaves)
        if kind == "convolution":
            channels, before = leaves["weight"].shape[:2]
            layers = _without_activation(layers, free, BETWEEN_CONVOLUTIONS)
            free = list(BETWEEN_CONVOLUTIONS)
            layers.append(Read(nn.Conv2d(before, channels, 3, padding=1, bias="bias" in leaves)))
        else:
            layers.append(Read(nn.BatchNorm2d(len(leaves["running_mean"]), affine="weight" in leaves)))
    first = next(iter(part.values()))
    taken = first["weight"].shape[1] if _kind(first) == "convolution" else len(first["running_mean"])
    if taken != 3:
        why = f"the network takes {taken} channels, and photographs have 3"
        raise ArchitectureError("E-ARCH-CHANNELS", weights.file, why, "Give a model for colour photographs")
    return layers, channels


def _linears(part: Part, weights: Weights, name: str) -> list[Read]:
    """The layers of the head."""
    layers: list[Read] = []
    free = list(BEFORE_LINEARS)
    for index, leaves in part.items():
        layers = _with_gap(layers, index, free, weights, name)
        if _kind(leaves) == "linear":
            given, taken = leaves["weight"].shape
            layers = _without_activation(layers, free, BETWEEN_LINEARS)
            free = list(BETWEEN_LINEARS)
            layers.append(Read(nn.Linear(taken, given, bias="bias" in leaves)))
        else:
            layers.append(Read(nn.BatchNorm1d(len(leaves["running_mean"]), affine="weight" in leaves)))
    return layers


def _with_gap(layers: list[Read], index: int, free: list[str], weights: Weights, name: str) -> list[Read]:
    """The layers with the places up to `index` filled by what `free` still offers, which is used up."""
    gap = index - len(layers)
    if gap > len(free):
        missing = f"{gap} layers without weights at {name}.{len(layers)} to {name}.{index - 1}"
        missing = missing if gap > 1 else f"layer without weights at {name}.{len(layers)}"
        why = f"nothing usual fits the {missing}, where the course's family has {FAMILY}"
        raise ArchitectureError("E-ARCH-FAMILY", weights.file, why, WAYS_OUT)
    return layers + [_weightless(free.pop(0)) for _ in range(gap)]


def _without_activation(layers: list[Read], free: list[str], between: Sequence[str]) -> list[Read]:
    """The layers, the last one marked where nothing at all stands between two layers of the same kind."""
    return [*layers[:-1], replace(layers[-1], assumption="no_activation")] if free == list(between) else layers


def _weightless(kind: str) -> Read:
    modules: Mapping[str, Callable[[], nn.Module]] = {
        "relu": nn.ReLU,
        "pool": lambda: nn.MaxPool2d(2),
        "last_pool": lambda: nn.MaxPool2d(2),
        "dropout": nn.Dropout,
        "flatten": nn.Flatten,
    }
    return Read(modules[kind](), kind, inferred=True)


def _tail(features: list[Read], taken: int, channels: int, weights: Weights) -> tuple[list[Read], int]:
    """What stands between the last layer with weights and the first linear one, and the side of the input in px.

    taken: numbers that the first linear layer takes. A pool that halves the same maps once more fits an input twice
    as large, so a usual side decides, and where both are usual, that the last stage ends as all others do.
    """
    before = sum(isinstance(layer.module, nn.MaxPool2d) for layer in features)
    since = _since_last_convolution(features)
    side = math.isqrt(taken // channels)  # of the last maps
    choices = (before,) if nn.MaxPool2d in since else (before + 1, before)
    usual = [(whole, pools) for pools in choices for whole in USUAL_SIDES if whole >> pools == side]
    # Maps of one pixel may as well come from a global average: without a usual side nothing speaks for one reading.
    exact = [(side << pools, pools) for pools in choices if side > 1 and side << pools in SIDES]
    if channels * side**2 != taken or not usual + exact:
        why = f"its first linear layer takes {taken} numbers, and no input size gives so many"
        why = f"{why} from {channels} channels after {before} or {before + 1} max pools"
        raise ArchitectureError("E-ARCH-FAMILY", weights.file, why, WAYS_OUT)
    whole, pools = (usual + exact)[0]
    tail = [_weightless("relu")] if nn.ReLU not in since else []
    return tail + [_weightless("last_pool") for _ in range(pools - before)], whole


def _since_last_convolution(features: list[Read]) -> set[type[nn.Module]]:
    """The kinds of layers that stand after the last convolution, and its own."""
    last = max(place for place, layer in enumerate(features) if isinstance(layer.module, nn.Conv2d))
    return {type(layer.module) for layer in features[last:]}


def _size_notes(features: list[Read], tail: list[Read], side: int) -> tuple[tuple[str, Facts], ...]:
    """What to know where the last pool is not what one would expect, or the other reading is the more usual size."""
    if any(layer.assumption == "last_pool" for layer in tail):
        sides = [usual for usual in USUAL_SIDES if usual in (side, side // 2)]
        return (("note.without_last_pool", {"side": side, "other": side // 2}),) if sides[:1] == [side // 2] else ()
    return () if nn.MaxPool2d in _since_last_convolution(features) else (("note.no_last_pool", {"side": side}),)


def _outside(weights: Weights, keys: Sequence[str]) -> ArchitectureError:
    why = f"{len(keys)} of its {len(weights.tensors)} tensors do not belong to the course's family ({FAMILY}): "
    return ArchitectureError("E-ARCH-FAMILY", weights.file, why + listed(keys), WAYS_OUT)
