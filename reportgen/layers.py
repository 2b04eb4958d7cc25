"""Which layers of a network have filters to look at, and which of them are looked at."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from torch import Tensor, nn

from reportgen.classifier import Classifier
from reportgen.errors import InputRefused
from reportgen.options import HW5_LAYER
from reportgen.receptive import Layer, survey

ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish, nn.Mish, nn.Softplus, nn.Tanh,
    nn.Sigmoid,
)  # fmt: skip
NORMS = (nn.BatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d)
# Libraries have classes of their own for what torch has, such as timm's GELU and transformers' GELUActivation.
NAMED_ACTIVATION: Final = re.compile(r"relu|gelu|silu|swish|mish", re.IGNORECASE)


@dataclass(frozen=True)
class LayerMap:
    """A layer that gives maps: its name, kind, channels, and their height and width."""

    name: str
    kind: str
    channels: int
    size: tuple[int, int]


@dataclass(frozen=True)
class Tokens:
    """How many layers give tokens in place of maps, and whether all that gives maps is one embedding of patches."""

    layers: int
    patches_only: bool


def is_activation(module: nn.Module) -> bool:
    """Whether it is an activation of torch's, or bears the name of one and holds nothing."""
    if isinstance(module, ACTIVATIONS):
        return True
    named = NAMED_ACTIVATION.search(type(module).__name__)
    return bool(named) and not any(module.children()) and not any(module.parameters())


def rank_of(module: nn.Module) -> int | None:
    """How well a layer shows its filters, 0 best: activation, normalisation, convolution; None for all else."""
    if is_activation(module):
        return 0
    return 1 if isinstance(module, NORMS) else 2 if isinstance(module, nn.Conv2d) else None


def spatial_layers(classifier: Classifier, surveyed: Sequence[Layer] = ()) -> tuple[LayerMap, ...]:
    """Every convolution, normalisation and activation that sees the image and gives (N, C, h, w), larger than 1 x 1.

    surveyed: what `survey` says of the network, where that is known. In the order in which they run.
    """
    modules = dict(classifier.module.named_modules())
    maps = [
        layer
        for layer in surveyed or survey(classifier)
        if layer.form == "map" and layer.size and rank_of(modules[layer.name]) is not None
    ]
    seeing = [layer for layer in maps if layer.fields is not None]  # a map of places, such as EdgeNeXt's, sees no image
    return tuple(LayerMap(layer.name, layer.kind, layer.channels, layer.size) for layer in seeing or maps if layer.size)


def tokens_of(classifier: Classifier, surveyed: Sequence[Layer]) -> Tokens:
    """What tells a network of tokens, such as a vision transformer, from one of maps.

    An embedding of patches is a convolution whose windows lie side by side.
    """
    named = {layer.name: layer for layer in surveyed}
    maps = [named[layer.name].fields for layer in spatial_layers(classifier, surveyed)]
    patches = len(maps) == 1 and maps[0] is not None and maps[0].size == maps[0].stride
    return Tokens(sum(layer.form in ("tokens", "channels_last") for layer in surveyed), patches)


def is_map(output: object) -> bool:
    """Whether a layer's output is (N, C, h, w)."""
    return isinstance(output, Tensor) and output.dim() == 4


def one_per_stage(classifier: Classifier, surveyed: Sequence[Layer] = ()) -> tuple[str, ...]:
    """The last activation at each resolution; a normalisation or convolution where there is no activation."""
    modules = dict(classifier.module.named_modules())
    best: dict[tuple[int, int], tuple[int, str]] = {}
    for layer in spatial_layers(classifier, surveyed):
        rank = rank_of(modules[layer.name])
        if rank is not None and (layer.size not in best or rank <= best[layer.size][0]):
            best[layer.size] = (rank, layer.name)
    return tuple(name for _, name in best.values())


def named_layers(classifier: Classifier, names: Sequence[str]) -> tuple[str, ...]:
    """The names as given, each known to the network. Raises InputRefused with the nearest known name."""
    known = [name for name, _ in classifier.module.named_modules() if name]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.3)
            fix = f"Did you mean {' or '.join(near)}?" if near else f"It has {', '.join(known[:8])}, ..."
            raise InputRefused("E-LAYER", f"--layer {name}", "the network has no such layer", fix)
    return tuple(dict.fromkeys(names))


def check_filters(layer: str, channels: int, filters: Sequence[int]) -> None:
    """Raises InputRefused where a filter is asked for that the layer does not have."""
    outside = [number for number in filters if number >= channels]
    if outside:
        why = f"{layer} has {channels} filters, numbered 0 to {channels - 1}, and {outside[0]} is none of them"
        raise InputRefused("E-FILTER", "--filters", why, "Choose among those")


def write_up_layer(classifier: Classifier) -> tuple[str, bool]:
    """The layer that the write-up hooks, index 15 of its `cnn`, and whether another had to be taken.

    `cnn` is the first Sequential that holds convolutions, whatever its name. Where it is shorter, or index 15 gives no
    map, the last stage of one_per_stage stands in. Raises InputRefused for a network without any map.
    """
    maps = {layer.name for layer in spatial_layers(classifier)}
    for name, part in classifier.module.named_modules():
        if isinstance(part, nn.Sequential) and any(isinstance(layer, nn.Conv2d) for layer in part):
            wanted = f"{name}.{HW5_LAYER}".removeprefix(".")
            if len(part) > HW5_LAYER and (wanted in maps or isinstance(part[HW5_LAYER], nn.MaxPool2d)):
                return wanted, False
            break
    stages = one_per_stage(classifier)
    if not stages:
        raise InputRefused("E-LAYER", "--profile hw5", "the network has no layer that gives maps", "Drop --profile hw5")
    return stages[-1], True
