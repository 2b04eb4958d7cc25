"""Seconds, and what a network was asked meanwhile."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import nn

T = TypeVar("T")


@dataclass(frozen=True)
class Reading:
    """What some work took.

    seconds: by the clock; images: that went through the network, or through its first layers; calls: of the network;
    inside: seconds between entering and leaving it, None where they were not taken; mib: most memory of the GPU at a
    time, 0 on a CPU.
    """

    seconds: float
    images: int = 0
    calls: int = 0
    inside: float | None = None
    mib: float = 0.0

    @property
    def outside(self) -> float | None:
        """Seconds outside of the forward passes."""
        return None if self.inside is None else self.seconds - self.inside

    def __add__(self, other: "Reading") -> "Reading":
        known = self.inside is not None and other.inside is not None
        return Reading(
            self.seconds + other.seconds,
            self.images + other.images,
            self.calls + other.calls,
            (self.inside or 0) + (other.inside or 0) if known else None,
            max(self.mib, other.mib),
        )


def total(readings: Sequence[Reading]) -> Reading:
    """All work together."""
    return sum(readings[1:], readings[0])


def measured(
    work: Callable[[], T], device: torch.device, networks: Sequence[nn.Module] = (), *, timed: bool = False
) -> tuple[T, Reading]:
    """What the work returns, and what it took.

    networks: those whose forward passes count; timed: whether the time inside them is taken too. On a GPU each pass is
    then waited for, so only where the work itself waits for every answer, as LIME does.
    """
    with _counted(networks, device if timed else None) as counts:
        _finished(device)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        start = time.perf_counter()
        made = work()
        _finished(device)
        seconds = time.perf_counter() - start
    mib = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else 0.0
    return made, Reading(seconds, counts.images, counts.calls, counts.inside if timed else None, mib)


@dataclass
class _Counts:
    images: int = 0
    calls: int = 0
    inside: float = 0.0
    entered: float = 0.0


@contextmanager
def _counted(networks: Sequence[nn.Module], device: torch.device | None) -> Iterator[_Counts]:
    """Hooks that count; with a device, that take the time too."""
    counts = _Counts()

    def before(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
        counts.images += len(inputs[0])
        counts.calls += 1
        if device is not None:
            _finished(device)
            counts.entered = time.perf_counter()

    def after(_module: nn.Module, _inputs: Any, _output: Any) -> None:  # noqa: ANN401 - whatever the network takes and gives
        if device is not None:
            _finished(device)
            counts.inside += time.perf_counter() - counts.entered

    with ExitStack() as stack:
        for network in networks:
            stack.callback(network.register_forward_pre_hook(before).remove)
            # A pass that ends at the layer asked for leaves by an exception.
            stack.callback(network.register_forward_hook(after, always_call=True).remove)
        yield counts


def _finished(device: torch.device) -> None:
    """Wait until the device has done what it was told; a CPU has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
