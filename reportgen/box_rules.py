"""What each kind of operation does to the boxes of the image that its numbers depend on.

A sum takes the hull of the boxes, a convolution the hull of its window, a reshape moves them. An operation without a
rule joins all that it takes, which is never too small.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from reportgen.boxes import (
    PLANES,
    WITHIN,
    Extent,
    broadcast,
    grouped,
    joined,
    narrow,
    nothing,
    one_channel,
    over,
    padded,
    pair,
    tensors,
    windows,
)

POSITIONS: Final = ("index", "indices")  # arguments that say where something is taken from


@dataclass(frozen=True, eq=False)
class Call:
    """One operation: its arguments by name, what it gave, and the extents of what it took."""

    given: dict[str, Any]
    out: Any
    extent_of: Callable[[Tensor], Extent]
    run: Callable[..., Any]

    def extent(self, name: str = "self") -> Extent:
        """The extent of an argument that is a tensor."""
        return self.extent_of(self.given[name])

    @property
    def shape(self) -> torch.Size:
        """The shape of the first tensor given."""
        first = self.out[0] if isinstance(self.out, tuple | list) else self.out
        return torch.Size(first.shape)


def everything(call: Call) -> list[Extent]:
    """Each element given depends on every element taken."""
    extents = [call.extent_of(tensor) for tensor in tensors(call.given)]
    return [joined(extents, tensor.shape) for tensor in tensors(call.out)]


def pointwise(call: Call) -> Extent:
    """Element by element, broadcast."""
    extents = [narrow(call.extent_of(tensor)) for tensor in tensors(call.given)]
    shape = np.broadcast_shapes(*(each.shape[1:] for each in extents))
    hull = reduce(torch.maximum, [broadcast(each, shape) for each in extents])
    return broadcast(hull, call.shape)


def constant(call: Call) -> list[Extent]:
    """Only the shape of what is taken counts."""
    return [nothing(tensor) for tensor in tensors(call.out)]


def moved(call: Call) -> list[Extent]:
    """The numbers are taken elsewhere and not changed: the same is done to each plane of their extents."""

    def plane(value: Any, index: int) -> Any:  # noqa: ANN401 - nested as arguments are
        if isinstance(value, Tensor):
            return call.extent_of(value)[index].contiguous()
        return [plane(each, index) for each in value] if isinstance(value, tuple | list) else value

    given = {name: value for name, value in call.given.items() if name not in ("dtype", *POSITIONS)}
    positions = {name: call.given[name] for name in POSITIONS if name in call.given}  # they stay what they are
    runs = [list(tensors(call.run(**positions, **{k: plane(v, i) for k, v in given.items()}))) for i in range(PLANES)]
    return [torch.stack(planes) for planes in zip(*runs, strict=True)]


def reduced(call: Call) -> Extent:
    """Sums, means, maxima and their like over some axes."""
    extent = call.extent()
    told = call.given.get("dim")
    axes = [told] if isinstance(told, int) else list(told or range(extent.dim() - 1))
    return over(extent, axes).reshape(PLANES, *call.shape)


def normalised(call: Call) -> Extent:
    """A softmax: each element depends on all along its axis."""
    extent = call.extent()
    return over(extent, [call.given["dim"]]).expand_as(extent)


def layer_norm(call: Call) -> list[Extent]:
    """Each element depends on all that it is normalised with."""
    extent = call.extent("input")
    return [over(extent, range(-len(call.given["normalized_shape"]), 0)).expand_as(extent)]


def batch_norm(call: Call) -> list[Extent]:
    """With stored statistics element by element; with those of the image, as InstanceNorm has, over the whole map."""
    extent = call.extent("input" if "input" in call.given else "self")
    stored = call.given.get("running_mean") is not None and not call.given.get("training", False)
    return [extent if stored else over(extent, [0, *range(2, extent.dim() - 1)]).expand_as(extent)]


def product(call: Call) -> Extent:
    """A product of matrices: a row of the one with a column of the other, and what is added to it."""
    pairs = (("mat1", "mat2"), ("batch1", "batch2"), ("self", "mat2"))
    one, other = next(names for names in pairs if set(names) <= set(call.given))
    hull = torch.maximum(over(call.extent(one), [-1]), over(call.extent(other), [-2]))
    added = [broadcast(call.extent(), call.shape)] if one != "self" else []
    return reduce(torch.maximum, added, hull).expand(PLANES, *call.shape)


def attention(call: Call) -> list[Extent]:
    """Each query sees every key and every value."""
    seen = torch.maximum(over(call.extent("key"), [-1, -2]), over(call.extent("value"), [-1, -2]))
    return [torch.maximum(over(call.extent("query"), [-1]), seen).expand(PLANES, *call.shape)]


def convolution(call: Call) -> Extent:
    """The hull of the window, over the channels of a group."""
    given, extent = call.given, call.extent("input")
    if given["transposed"] or len(given["stride"]) != 2:
        raise ValueError("only plain convolutions of images have a rule")
    groups = 1 if extent.stride(2) == 0 else given["groups"]  # channels that all see the same need no groups
    seen = grouped(extent, groups).amax(3)
    window = windows(seen, given["weight"].shape[2:], given["stride"], given["padding"], given["dilation"], call.shape)
    return window.unsqueeze(3).expand(-1, -1, -1, call.shape[1] // groups, -1, -1).flatten(2, 3)


def pooled(call: Call) -> Extent:
    """The hull of the window, channel by channel."""
    given = call.given
    kernel, padding, dilation = (pair(given.get(name) or 1) for name in ("kernel_size", "padding", "dilation"))
    padding = padding if given.get("padding") else (0, 0)
    stride = pair(given["stride"]) if given.get("stride") else kernel
    return windows(one_channel(call.extent()), kernel, stride, padding, dilation, call.shape).expand(
        PLANES, *call.shape
    )


def adaptive(call: Call) -> Extent:
    """Bins of nearly equal size: bin i of n runs from floor(i L / n) to ceil((i + 1) L / n)."""
    extent = one_channel(call.extent())
    for axis in (-2, -1):
        length, bins = extent.shape[axis], call.shape[axis]
        edges = [(i * length // bins, -(-(i + 1) * length // bins)) for i in range(bins)]
        seen = [extent.narrow(axis, start, stop - start).amax(axis, keepdim=True) for start, stop in edges]
        extent = torch.cat(seen, axis)
    return extent.expand(PLANES, *call.shape)


def framed(call: Call) -> Extent:
    """A constant around a map; around other axes too, as where channels are added."""
    extent, widths = call.extent(), call.given["pad"]
    for place in range(len(widths) // 2):
        extent = padded(extent, -1 - place, widths[2 * place], widths[2 * place + 1])
    return extent


def mirrored(call: Call) -> Extent:
    """Rows and columns of the map itself around it; as if the map went on, what would lie there."""
    left, right, top, bottom = call.given["padding"]
    beyond = padded(padded(call.extent(), -1, left, right), -2, top, bottom)
    return torch.cat([moved(call)[0][:WITHIN], beyond[WITHIN:]])


def rule_of(func: Any) -> Callable[[Call], Any]:  # noqa: ANN401 - an OpOverload
    """What gives the extents of all that an operation gives: one for all, or a list."""
    name = func.overloadpacket.__name__
    if name in RULES:
        return RULES[name]
    if torch.Tag.pointwise in func.tags:
        return pointwise
    if func.is_view:
        return moved
    return reduced if torch.Tag.reduction in func.tags else everything


def _each(rule: Callable[[Call], Any], *names: str) -> dict[str, Callable[[Call], Any]]:
    return dict.fromkeys(names, rule)


# Operations under their names in ATen, where tags do not tell.
RULES: Final[Mapping[str, Callable[[Call], Any]]] = {
    **_each(
        pointwise, "_to_copy", "copy_", "hardswish", "hardswish_", "_prelu_kernel", "native_dropout", "threshold",
        "where",
    ),
    **_each(
        constant, "new_zeros", "new_ones", "new_full", "new_empty", "zeros_like", "ones_like", "full_like",
        "empty_like", "rand_like", "randn_like", "fill_", "zero_",
    ),
    **_each(
        moved, "cat", "stack", "flip", "roll", "repeat", "index", "index_select", "pixel_shuffle", "pixel_unshuffle",
        "channel_shuffle", "native_channel_shuffle", "_unsafe_view", "im2col", "upsample_nearest2d",
    ),
    **_each(convolution, "convolution"),
    **_each(pooled, "max_pool2d_with_indices", "avg_pool2d"),
    **_each(adaptive, "_adaptive_avg_pool2d", "adaptive_max_pool2d"),
    **_each(framed, "constant_pad_nd"),
    **_each(mirrored, "reflection_pad2d", "replication_pad2d"),
    **_each(
        batch_norm, "native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training",
        "cudnn_batch_norm", "miopen_batch_norm",
    ),
    **_each(layer_norm, "native_layer_norm"),
    **_each(normalised, "_softmax", "_log_softmax"),
    **_each(product, "mm", "bmm", "addmm", "baddbmm"),
    **_each(
        attention, "_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_efficient_attention", "_scaled_dot_product_cudnn_attention",
    ),
}  # fmt: skip
