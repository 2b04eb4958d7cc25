"""The last place in a network where it still knows where things are: its last maps, or the tokens of its patches.

Source: selvaraju2017, which takes the last convolution; for tokens gildenblat2021.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from reportgen.classifier import Classifier
from reportgen.hooks import traced
from reportgen.layers import rank_of
from reportgen.receptive import Form, Layer, survey

MOST_EXTRA: Final = 8  # tokens that stand for no patch: of the class, of a teacher, registers
TOKEN_NORMS = (nn.LayerNorm, nn.RMSNorm)


@dataclass(frozen=True)
class Stage:
    """A layer whose output can be laid out as maps of the image.

    size: their height and width; extra: tokens before those of the patches.
    """

    name: str
    form: Form
    size: tuple[int, int]
    extra: int = 0

    def maps(self, output: Tensor) -> Tensor:
        """What the layer gives, or a gradient on it, as (n, C, h, w)."""
        if self.form == "map":
            return output
        if self.form == "channels_last":
            return output.permute(0, 3, 1, 2)
        patches = output[:, self.extra :].transpose(1, 2)
        return patches.reshape(*patches.shape[:2], *self.size)


def last_stage(classifier: Classifier) -> Stage | None:
    """The last layer of maps before they are pooled; None where there is none that the answers depend on.

    In a network that goes on with tokens: the last normalisation of tokens that the answers depend on by more than the
    class's own token, so the one before the last attention; where none is a layer of torch, any last layer of tokens.
    """
    layers = [layer for layer in survey(classifier) if layer.form != "not_run"]
    modules = dict(classifier.module.named_modules())
    maps = _last_map(layers, modules)
    behind = layers[maps + 1 :] if maps is not None else layers
    if not any(layer.form in ("tokens", "channels_last") for layer in behind):
        return None if maps is None else Stage(layers[maps].name, "map", _size(layers[maps]))
    grid = None if maps is None else _size(layers[maps])
    laid = [stage for layer in behind if (stage := _tokens(layer, grid))]
    norms = [stage for stage in laid if isinstance(modules[stage.name], TOKEN_NORMS)]
    return _last_used(classifier, norms) or _last_used(classifier, laid)


def _last_map(layers: Sequence[Layer], modules: dict[str, nn.Module]) -> int | None:
    """The place of the last layer that gives maps, or of the block around it where that gives maps of the same size.

    A block that ends in a pool gives smaller ones; one that adds its input gives more than its last layer.
    """
    own = [layer for layer in layers if layer.form == "map" and rank_of(modules[layer.name]) is not None]
    if not own:
        return None
    size = own[-1].size
    return max(place for place, layer in enumerate(layers) if layer.form == "map" and layer.size == size)


def _size(layer: Layer) -> tuple[int, int]:
    return layer.shape[1], layer.shape[2]


def _tokens(layer: Layer, grid: tuple[int, int] | None) -> Stage | None:
    """The layer's tokens laid out as the grid of patches; None where they are not as many."""
    if layer.form == "channels_last" and layer.size:
        return Stage(layer.name, layer.form, layer.size)
    if layer.form != "tokens" or grid is None or layer.channels == 1:
        return None
    grids = (grid, *_merged(grid))
    if layer.shape[:-1] in grids:  # in rows and columns, which an attention over all of them has hidden from the survey
        return Stage(layer.name, "channels_last", (layer.shape[0], layer.shape[1]))
    if len(layer.shape) != 2:
        return None
    extra = layer.shape[0] - grid[0] * grid[1]
    if 0 <= extra <= MOST_EXTRA:
        return Stage(layer.name, layer.form, grid, extra)
    size = next((size for size in grids if size[0] * size[1] == layer.shape[0]), None)
    return Stage(layer.name, layer.form, size) if size else None


def _merged(grid: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The grids that are left as patches are merged two by two in either direction, as in a Swin transformer."""
    while max(grid) > 2:
        grid = ((grid[0] + 1) // 2, (grid[1] + 1) // 2)
        yield grid


def _last_used(classifier: Classifier, stages: Sequence[Stage]) -> Stage | None:
    """The last of the stages whose places the answer to a noise image depends on."""
    height, width = classifier.facts.input.size
    noise = np.random.default_rng(0).random((1, height, width, 3))
    with torch.enable_grad(), traced(classifier.module, [stage.name for stage in stages]) as outputs:
        total = classifier.forward(classifier.tensor(noise).requires_grad_())[:, 0].sum()
        given = [(stage, outputs[stage.name]) for stage in stages if stage.name in outputs]
        # Where an attention looks at windows, each of them is an image of its own to its layers.
        there = [stage for stage, output in given if output.requires_grad and len(output) == 1]
        if not (there and total.requires_grad):
            return None
        gradients = torch.autograd.grad(total, [outputs[stage.name] for stage in there], allow_unused=True)
    used = [stage for stage, each in zip(there, gradients, strict=True) if each is not None and stage.maps(each).any()]
    return used[-1] if used else None
