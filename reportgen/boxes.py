"""Boxes of the image: which pixels each number in a network can depend on.

Source: araujo2019 for windows.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

# (8, *shape) float32: -top, bottom, -left, right in pixels, inclusive, so that the hull of boxes is their maximum; -inf
# where nothing of the image is seen. Four planes within the image, and four as if it and every map went on for ever.
Extent = Tensor
PLANES: Final = 8
WITHIN: Final = 4
NOTHING: Final = -math.inf


def nothing(tensor: Tensor) -> Extent:
    """The extent of what does not depend on the image."""
    return torch.full((), NOTHING, device=tensor.device).expand(PLANES, *tensor.shape)


def narrow(extent: Extent) -> Extent:
    """Axes along which it was only repeated are cut to one: the channels of a convolution all see the same."""
    for axis in range(1, extent.dim()):
        if extent.stride(axis) == 0:
            extent = extent.narrow(axis, 0, min(1, extent.shape[axis]))
    return extent


def broadcast(extent: Extent, shape: Sequence[int]) -> Extent:
    """The extent for a tensor of a shape that its own is broadcast to."""
    missing = [1] * (len(shape) + 1 - extent.dim())
    return extent.reshape(PLANES, *missing, *extent.shape[1:]).expand(PLANES, *shape)


def joined(extents: Sequence[Extent], shape: torch.Size) -> Extent:
    """The hull of all that is in the extents, for each element of the shape."""
    axes = [torch.stack([plane.max() if plane.numel() else plane.new_tensor(NOTHING) for plane in e]) for e in extents]
    hull = torch.stack(axes).amax(0)
    return hull.reshape(PLANES, *[1] * len(shape)).expand(PLANES, *shape)


def tensors(value: Any) -> Iterator[Tensor]:  # noqa: ANN401 - nested as arguments are
    """All tensors in what an operation takes or gives."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from tensors(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for each in value:
            yield from tensors(each)


def over(extent: Extent, axes: Sequence[int]) -> Extent:
    """The hull over axes of the tensor, which stay with length 1."""
    dims = {axis % (extent.dim() - 1) + 1 for axis in axes}
    hull = narrow(extent).amax(tuple(dims), keepdim=True) if dims else extent
    return hull.expand([1 if axis in dims else side for axis, side in enumerate(extent.shape)])


def windows(
    extent: Extent,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    shape: torch.Size,
) -> Extent:
    """The hull of each window; the last may reach past the padding, where a pool rounds up."""
    whole = [pair(each) for each in (kernel, stride, padding, dilation)]
    for axis, (k, s, p, d) in zip((-2, -1), zip(*whole, strict=True), strict=True):
        reach = (shape[axis] - 1) * s + d * (k - 1) + 1
        extent = padded(extent, axis, p, reach - extent.shape[axis] - p)
        flat, sides = extent.flatten(0, 1), (axis == -2, axis == -1)
        size, step, apart = (tuple(each if on else 1 for on in sides) for each in (k, s, d))
        hull = max_pool2d(flat, size, step, 0, apart)
        extent = hull.reshape(*extent.shape[:2], *hull.shape[1:])
    return extent


def padded(extent: Extent, axis: int, before: int, after: int) -> Extent:
    """Nothing on both sides within the image; beyond it the map goes on in its own steps. Below 0 it is cut."""
    length = extent.shape[axis]
    extent = extent.narrow(axis, max(0, -before), length - max(0, -before) - max(0, -after))
    parts = [extent]
    for count, edge, inner in ((before, 0, 1), (after, -1, -2)):
        if count > 0:
            parts.insert(0 if edge == 0 else len(parts), _beyond(extent, axis, count, edge, inner))
    return torch.cat(parts, axis) if len(parts) > 1 else extent


def _beyond(extent: Extent, axis: int, count: int, edge: int, inner: int) -> Extent:
    last = extent.select(axis, edge).unsqueeze(axis)
    step = last - extent.select(axis, inner).unsqueeze(axis) if extent.shape[axis] > 1 else torch.zeros_like(last)
    steps = torch.arange(1.0, count + 1, device=extent.device)
    along = [1] * extent.dim()
    along[axis] = count
    on = torch.nan_to_num(last + step * (steps.flip(0) if edge == 0 else steps).view(along), NOTHING, NOTHING, NOTHING)
    spatial = extent.dim() == 5 and axis in (-1, -2)
    seen = torch.full_like(on, NOTHING)
    return torch.cat([seen[:WITHIN], on[WITHIN:] if spatial else seen[WITHIN:]])


def grouped(extent: Extent, groups: int) -> Extent:
    """(8, N, C, h, w) -> (8, N, groups, C / groups, h, w)."""
    return extent.reshape(*extent.shape[:2], groups, extent.shape[2] // groups, *extent.shape[3:])


def one_channel(extent: Extent) -> Extent:
    """(8, N, C, h, w) -> (8, N, 1, h, w) where all channels are one repeated."""
    return extent[:, :, :1] if extent.stride(2) == 0 else extent


def pair(sides: int | Sequence[int]) -> Sequence[int]:
    """One side for both axes, or one for each."""
    return (sides, sides) if isinstance(sides, int) else (*sides, *sides)[:2]
