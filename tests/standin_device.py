"""A GPU for machines without one: tensors that say they are on cuda:0, compute on the CPU, and keep a GPU's rules.

Mixing devices raises, `.numpy()` raises, memory can run out. So a path that forgets to move a tensor fails here as it
would on a real card; what this cannot show is a real card's rounding and speed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

GPU = torch.device("cuda:0")


class OnGpu(torch.Tensor):
    """A tensor whose numbers lie in `held`, on the CPU, while it says that it is on cuda:0."""

    held: Tensor

    @staticmethod
    def __new__(cls: type["OnGpu"], held: Tensor) -> "OnGpu":
        made: OnGpu = torch.Tensor._make_wrapper_subclass(
            cls, held.size(), strides=held.stride(), dtype=held.dtype, device=torch.device("meta")
        )
        made.held = held
        return made

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """What callers see. Autograd sees "meta", for which it needs no driver."""
        return GPU

    def new_tensor(self, data: Any, **given: Any) -> Tensor:  # type: ignore[override]  # noqa: ANN401 - as torch's
        """On the same device, which torch itself would take to be "meta"."""
        return torch.tensor(data, **{"dtype": self.dtype} | given).to(GPU)

    def __getitem__(self, index: Any) -> Tensor:  # noqa: ANN401 - as torch's
        """With lists as tensors: torch itself would make them on "meta", where they hold no numbers."""
        return super().__getitem__(_indices(index))

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]  # noqa: ANN401 - torch's has no types
        return run(func, args, kwargs or {})


def _indices(index: Any) -> Any:  # noqa: ANN401 - as torch's
    if isinstance(index, tuple):
        return tuple(_indices(each) for each in index)
    return torch.tensor(index) if isinstance(index, list) else index


class StandIn(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sends what is asked of cuda:0 to OnGpu. images: the largest batch that fits into its memory."""

    def __init__(self, images: int = 10**9) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.images = images
        self.kernels = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401 - as torch's
        on_gpu = any(isinstance(arg, OnGpu) for arg in args)
        self.kernels += on_gpu
        # "convolution" with gradients, "conv2d" in inference mode.
        if on_gpu and "conv" in func.name() and args[0].shape[0] > self.images:
            raise torch.OutOfMemoryError("CUDA out of memory (stand-in)")
        return run(func, args, kwargs or {})


def run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:  # noqa: ANN401 - as torch's
    """The operation on the numbers held; its results are on the GPU if one of its tensors was, or a device says so."""
    flat: list[Any] = []
    tree_map(flat.append, (args, kwargs))
    tensors = [value for value in flat if isinstance(value, Tensor)]
    gpu = [value for value in tensors if isinstance(value, OnGpu)]
    if any(value.device.type == "meta" for value in tensors):
        raise RuntimeError(f"A tensor without numbers, made by torch for the device that it sees ({func})")
    wanted = kwargs.get("device")
    # Copies between devices, and indices that lie on the CPU, are what a GPU takes.
    moves = func.name().split(".")[0] in ("aten::_to_copy", "aten::copy_", "aten::index", "aten::index_put")
    # So is a single number from the CPU.
    strangers = [value for value in tensors if not isinstance(value, OnGpu) and value.dim() > 0]
    if gpu and strangers and not moves:
        raise RuntimeError(f"Expected all tensors to be on the same device, but found cuda:0 and cpu ({func})")
    if wanted is not None and torch.device(wanted).type in ("cuda", "meta"):
        kwargs = kwargs | {"device": torch.device("cpu")}
        to_gpu = True
    else:
        to_gpu = bool(gpu) and wanted is None
    if func is torch.ops.aten.copy_.default:
        to_gpu = isinstance(args[0], OnGpu)
    inner = tree_map(lambda value: value.held if isinstance(value, OnGpu) else value, (args, kwargs))
    result = func(*inner[0], **inner[1])
    if func is torch.ops.aten.copy_.default or (func.name().split(".")[0].endswith("_") and result is inner[0][0]):
        return args[0]  # in place: the same tensor comes back
    return tree_map(lambda value: OnGpu(value) if to_gpu and isinstance(value, Tensor) else value, result)


@contextmanager
def standin_gpu(monkeypatch: pytest.MonkeyPatch, images: int = 10**9) -> Iterator[StandIn]:
    """While it lasts, torch sees one GPU. images: the largest batch that a convolution can take."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "Stand-in")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (7, 0))
    monkeypatch.setattr(torch.cuda, "_lazy_init", lambda: None)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    # Module.to puts new data into the old Parameter, which loses the class that keeps the rules.
    monkeypatch.setattr(torch.__future__, "get_overwrite_module_params_on_conversion", lambda: True)
    with StandIn(images) as mode:
        yield mode
