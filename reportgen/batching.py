"""How many images fit into one pass: halved for good when the device's memory runs out."""

import gc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import torch

from reportgen.errors import EnvironmentProblem

T = TypeVar("T")


@dataclass
class BatchSize:
    """How many images fit in one pass; halved for good when memory runs out.

    passed: how many have gone through the network so far, for whoever shows how fast it goes.
    """

    images: int
    passed: int = 0


class Batched:
    """Work over many images, in batches that the device's memory holds."""

    device: torch.device
    batch: BatchSize

    def in_batches(self, count: int, run: Callable[[slice], T], most: int | None = None) -> list[T]:
        """`run` over slices of 0..count-1, each at most a batch long; halved when memory runs out, down to one image.

        most: an upper bound for passes that keep more in memory than a plain answer.
        Raises EnvironmentProblem where not even one image fits.
        """
        done: list[T] = []
        start = 0
        while start < count:
            size = min(self.batch.images, most or count)
            fits = True
            try:
                part = run(slice(start, min(start + size, count)))
            except torch.OutOfMemoryError:
                fits = False
            # Outside of `except`, for the exception's traceback holds on to the tensors that were too many.
            if fits:
                done.append(part)
                start += size
            else:
                self._halve(size)
        return done

    def _halve(self, size: int) -> None:
        if size <= 1:
            why = f"not even one image fits into the memory of {self.device}"
            raise EnvironmentProblem("E-MEMORY", "the network", why, "Use --device cpu, or a smaller --size")
        self.batch.images = size // 2
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def in_one(self, run: Callable[[int], T], most: int) -> T:
        """`run` for work that cuts itself into batches; told their size, and asked again with half of it.

        most: images in all of the work. Raises EnvironmentProblem where not even one image fits.
        """
        while True:
            size = min(self.batch.images, most)
            with suppress(torch.OutOfMemoryError):
                return run(size)
            self._halve(size)
