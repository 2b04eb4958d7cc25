"""Lower precisions: which of them a device computes fast, by a fixed table, and how to run in one.

Never decided by a stopwatch: two runs on one machine would then differ.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import torch

from reportgen.errors import EnvironmentProblem
from reportgen.forwards import Precision

AMPERE: Final = (8, 0)  # the first CUDA capability with matrix units for bfloat16 and tf32
CPU_BFLOAT16: Final = ("avx512_bf16", "amx_bf16")  # instructions that multiply bfloat16; without them it is emulated
NAMES: Final[dict[str, Precision]] = {"fp32": "float32", "bf16": "bfloat16", "tf32": "tf32"}


def to_try(asked: str, device: torch.device) -> tuple[Precision, ...]:
    """The precisions to try in turn: what was asked for alone, or for "auto" those that the device computes fast.

    The last of auto's is float32, which is always near enough.
    Raises EnvironmentProblem where the device has no tf32.
    """
    ampere = device.type == "cuda" and torch.cuda.get_device_capability(device) >= AMPERE
    if asked == "tf32" and not ampere:
        why = f"{device} has no tf32, which NVIDIA GPUs have from capability 8.0 on"
        raise EnvironmentProblem("E-PRECISION", "--precision tf32", why, "Use --precision auto or fp32")
    if asked != "auto":
        return (NAMES[asked],)
    if ampere:
        return "bfloat16", "tf32", "float32"
    if device.type == "cpu" and _cpu_has_bfloat16():
        return "bfloat16", "float32"
    return ("float32",)


def _cpu_has_bfloat16() -> bool:
    # Younger than the oldest torch that is supported.
    capabilities: Callable[[], Mapping[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)
    known = capabilities()
    return any(known.get(name, False) for name in CPU_BFLOAT16)


@contextmanager
def running_in(precision: Precision, device: torch.device) -> Iterator[None]:
    """Convolutions and matrix products in that precision while the block lasts; everything else stays float32.

    bfloat16 by autocast, not by `module.bfloat16()`: it was as fast and as near on the course's network (batches of 16
    on two cores), it keeps sums, softmax and normalisation in float32, and constants of a user's own forward still
    fit. It casts the weights in every pass, which is small beside a batch's own work.
    """
    with ExitStack() as stack:
        if precision == "bfloat16":
            stack.enter_context(torch.autocast(device.type, torch.bfloat16))
        elif precision == "tf32":
            backends: tuple[Any, ...] = (torch.backends.cudnn, torch.backends.cuda.matmul)
            for owner in backends:
                stack.callback(setattr, owner, "allow_tf32", owner.allow_tf32)
                owner.allow_tf32 = True
        yield
