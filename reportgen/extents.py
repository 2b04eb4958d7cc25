"""Which pixels each number in a network can depend on, followed through every operation while one image runs.

Beside each tensor goes its extent: for each element the smallest box of the image that holds all pixels it can depend
on. Branches, additions and functional calls between modules are followed as they run; weights, activations that are
off and the maximum of a pool do not matter.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from reportgen.box_rules import Call, everything, rule_of
from reportgen.boxes import PLANES, Extent, joined, nothing, tensors


class Tracer(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own
    """While it is entered, every operation that depends on the image is followed."""

    def __init__(self, image: Tensor) -> None:
        """image: (1, C, H, W)."""
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own
        height, width = image.shape[2:]
        rows, columns = (torch.arange(float(side), device=image.device) for side in (height, width))
        down, across = rows[:, None].expand(height, width), columns.expand(height, width)
        box = torch.stack([-down, down, -across, across])
        self.extents = WeakTensorKeyDictionary()
        self.extents[image] = torch.cat([box, box])[:, None, None].expand(PLANES, *image.shape)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Without this torch imports its compiler, which takes seconds and is of no use here."""
        return False

    def known(self, tensor: Tensor) -> Extent | None:
        """The extent of a tensor; None where it does not depend on the image."""
        found: Extent | None = self.extents.get(tensor)  # type: ignore[no-untyped-call]  # torch's own
        return found

    def extent_of(self, tensor: Tensor) -> Extent:
        """The same, with an extent that holds nothing in place of None."""
        known = self.known(tensor)
        return nothing(tensor) if known is None else known

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401 - an OpOverload
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever the operation gives
        """Run the operation, and give what it gives its extent."""
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if any(tensor in self.extents for tensor in tensors((args, kwargs))):
            call = Call(_named(func, args, kwargs), out, self.extent_of, func)
            for tensor, extent in zip(tensors(out), _ruled(func, call), strict=False):
                self._keep(tensor, extent, mutated=func._schema.is_mutable)
        return out

    def _keep(self, tensor: Tensor, extent: Extent, *, mutated: bool) -> None:
        before = self.known(tensor)
        self.extents[tensor] = extent
        base = tensor._base if mutated and (before is None or not torch.equal(before, extent)) else None
        if base is not None:  # written through a view: where it lies in the whole is not followed
            self.extents[base] = joined([self.extent_of(base), extent], base.shape)


def _named(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Every argument under the name that the operation's schema gives it."""
    schema = func._schema.arguments
    given = {each.name: each.default_value for each in schema if each.has_default_value()}
    return given | {each.name: value for each, value in zip(schema, args, strict=False)} | kwargs


def _ruled(func: Any, call: Call) -> list[Extent]:  # noqa: ANN401 - an OpOverload
    """The extent of each tensor that the operation gives."""
    outs = list(tensors(call.out))
    try:
        extents = rule_of(func)(call)
    except (RuntimeError, IndexError, KeyError, TypeError, ValueError, AttributeError):
        extents = everything(call)  # a form of the operation that its rule does not know
    listed = extents if isinstance(extents, list) else [extents] * len(outs)
    fitting = zip(listed, outs, strict=False)
    return [each if each.shape[1:] == out.shape else joined([each], out.shape) for each, out in fitting]
