"""Reads the course's kind of network off the names and shapes of its weights.

The family: a row of convolutions (full, depth-wise, 1x1 to 7x7), batch-norms, activations and 2x2 max pools, then a row
of linear layers; each row one Sequential, a Sequential of Sequentials or attributes of their own, under any names.
Layers without weights leave gaps in the numbering. Between two convolutions the free places are read as activation, max
pool, dropout, in that order; between two linear layers as activation, dropout. Where a stage ends, and behind the last
convolution, no gap tells. There the size of the first linear layer decides, with the side of the input that is most
usual; where it takes one number for each channel, global average pooling stands before it, and the batch-norms are
asked. Padding keeps the size, unless only without it a usual input fits.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from torch import Tensor, nn

from reportgen.contracts import Network, Weights
from reportgen.errors import ArchitectureError
from reportgen.excerpts import dimensions, listed
from reportgen.results import NO_FACTS, Facts, LayerFact
from reportgen.sources.family_layers import (
    ACTIVATION,
    ACTIVATIONS,
    PADDING,
    POOLS,
    STRIDE,
    WAYS_OUT,
    Answers,
    Stretches,
    kind_of,
    stretches,
)
from reportgen.sources.family_places import KEY, places
from reportgen.sources.family_reading import (
    Layers,
    Row,
    averaged,
    convolutions,
    linears,
    since_last_convolution,
)
from reportgen.sources.family_rows import Rows, odd_keys, outside, two_rows
from reportgen.sources.family_size import USUAL_SIDES, Fitting, fitting

USUAL_KERNEL: Final = 3  # padding of larger ones is often left out


class CourseNetwork(nn.Module):
    """Convolutions, then linear layers, under the names that the weights give them.

    Takes (N, 3, H, W), or one channel for grey images, and returns (N, K) logits.
    """

    def __init__(self, layers: Sequence[tuple[str, nn.Module]], head: str) -> None:
        """Put each layer under its name. head: the name of the first module that takes flat features."""
        super().__init__()
        for name, layer in layers:
            *parents, last = name.split(".")
            place: nn.Module = self
            for parent in parents:
                if parent not in dict(place.named_children()):
                    place.add_module(parent, nn.Sequential())
                place = place.get_submodule(parent)
            place.add_module(last, layer)
        self._flat_from = head

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images -> (N, K) logits."""
        features = images
        for name, layer in self.named_children():
            features = layer(features.flatten(1) if name == self._flat_from else features)
        return features


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
    parts = places(weights.tensors)
    odd = [key for part in parts.values() for key in odd_keys(part)]
    strange = [f"{key} ({dimensions(t.shape)})" for key, t in weights.tensors.items() if not KEY.fullmatch(key)]
    if odd or strange:
        raise outside(weights, strange + odd)
    rows = two_rows(weights, parts)
    if odd := [*odd_keys(rows.features), *odd_keys(rows.head)]:
        raise outside(weights, odd)
    depthwise = any(stretch.kind == "depthwise" for stretch in stretches(rows.features))
    # Separable convolutions come with ReLU6 in MobileNet and in the course's homework 7.
    return _read(weights, rows, {ACTIVATION: "ReLU6" if depthwise else "ReLU"})


def _read(weights: Weights, rows: Rows, answers: Answers) -> Network:
    """The network under some answers to what is open; it can be read again under others."""
    head = linears(weights, rows, answers)
    taken = next(layer.module.in_features for _, layer in head if isinstance(layer.module, nn.Linear))
    row = convolutions(weights, rows, answers)
    fit = None if taken == row.width else fitting(weights, rows, answers, taken)
    layers = [*(fit.layers if fit else averaged(weights, rows, row)), *head]
    try:
        network = CourseNetwork([(name, layer.module) for name, layer in layers], head[0][0].split(".")[0])
    except KeyError as err:  # an attribute that every module has, such as "forward"
        raise outside(weights, list(weights.tensors)) from err
    strict = frozenset([POOLS] if (len(fit.pools) > 1 if fit else row.found.ends) else [])
    if strict and not _normed(rows):
        raise _undecided(weights.file, [stretch.end for stretch in row.found.ends], fit)
    return Network(
        network,
        "course network",
        tuple(_marks(layers)),
        (fit.side, fit.side) if fit else None,
        (),
        (("note.inferred", NO_FACTS), *_notes(rows, row, fit)),
        questions=_questions(rows, layers, row.found, fit) if _normed(rows) else {},
        strict=strict,
        reread=lambda other: _read(weights, rows, {**answers, **other}),
    )


def _questions(rows: Rows, layers: Layers, found: Stretches, fit: Fitting | None) -> dict[str, tuple[str, ...]]:
    """What batch-norms may settle. Where the first linear layer fixes the size, it speaks for the pools already."""
    asked: dict[str, tuple[str, ...]] = {}
    if fit and fit.rivals:
        asked[PADDING] = (fit.choices[PADDING], *dict(fit.rivals))
    if fit and len(fit.pools) > 1:
        asked[POOLS] = tuple(fit.pools)
    if not fit:
        asked.update(found.questions())
        kernels = [place.leaves["weight"].shape[2] for place in rows.features if kind_of(place.leaves) == "convolution"]
        pooled = found.ends or any(isinstance(layer.module, nn.MaxPool2d) for _, layer in layers)
        if max(kernels) > USUAL_KERNEL:
            asked[PADDING] = ("same", "none")
        if not pooled and sum(kernel > 1 for kernel in kernels) > 1:
            asked[STRIDE] = ("1", "2")
    if any(layer.assumption == ACTIVATION for _, layer in layers):
        asked[ACTIVATION] = tuple(sorted(ACTIVATIONS, key=lambda name: name != found.answers[ACTIVATION]))
    return asked


def _marks(layers: Layers) -> Iterator[LayerFact]:
    for name, layer in layers:
        if layer.assumption:
            yield LayerFact(name, type(layer.module).__name__, "", 0, layer.inferred, f"assume.{layer.assumption}")


def _normed(rows: Rows) -> bool:
    return any(kind_of(place.leaves) == "norm" for place in rows.features)


def _undecided(file: str, ends: Sequence[str], fit: Fitting | None) -> ArchitectureError:
    """The refusal where readings answer differently and no batch-norm decides between them."""
    why = f"no key and no batch-norm tells which of {listed(list(ends))} close with a max pool, and the answers differ"
    if fit:
        sides = [f"{side} x {side} pixels with {count}" for count, side in fit.pools.items()]
        why = f"{why}: the first linear layer fits {listed(sides)}"
    return ArchitectureError("E-ARCH-OPEN", file, why, WAYS_OUT)


def _notes(rows: Rows, row: Row, fit: Fitting | None) -> Iterator[tuple[str, Facts]]:
    """What to know of the reading besides what batch-norms settle."""
    if rows.separate:
        yield "note.separate", NO_FACTS
    if fit is None:
        yield "note.global_pool", NO_FACTS
        if row.found.ends and row.found.answers.get(POOLS) == str(len(row.found.ends)):
            yield "note.last_stage", NO_FACTS
        return
    side = fit.side
    ends = len(row.found.ends)
    if ends and len(fit.pools) < 2 and fit.choices[POOLS] != str(ends):
        yield "note.pools_by_size", {"pools": fit.choices[POOLS], "stages": ends, "side": side}
    if fit.choices[PADDING] == "none":
        yield "note.no_padding", {"side": side}
    if fit.choices[STRIDE] == "2":
        yield "note.strides", {"side": side}
    for padding, other in fit.rivals:
        yield f"note.padding_{padding}_too", {"side": side, "other": other}
    sides = [usual for usual in USUAL_SIDES if usual in (side, side // 2)]
    if fit.last_pools and sides[:1] == [side // 2]:
        yield "note.without_last_pool", {"side": side, "other": side // 2}
    if not fit.last_pools and nn.MaxPool2d not in since_last_convolution(list(fit.layers)):
        yield "note.no_last_pool", {"side": side}
