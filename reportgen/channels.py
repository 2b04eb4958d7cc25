"""What every channel of a layer gives over many images, gathered group by group: no map of all images is kept."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reportgen.classifier import Classifier
from reportgen.freed import give_back
from reportgen.hooks import captured
from reportgen.layers import is_map
from reportgen.pool import Lent, Pool

GROUP: Final = 8  # images whose maps of all layers are held at once
ALIKE: Final = 0.95  # correlation from which two filters count as the same
STEADY: Final = 0.01  # spread, as a share of the largest size, below which a filter is nearly constant

Numbers = NDArray[np.float64]  # (C,), one for each channel
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Channels:
    """The answers of a layer's channels over all images and positions.

    saturated: the share of positions at the highest value that the layer can give, as 6 for ReLU6; 0 where there is
    none.
    """

    highest: Numbers
    lowest: Numbers
    mean: Numbers
    spread: Numbers  # standard deviation
    saturated: Numbers
    images: int

    @property
    def silent(self) -> tuple[int, ...]:
        """The channels that answer to no image: nowhere above 0."""
        return tuple(int(channel) for channel in np.flatnonzero(self.highest <= 0))

    @property
    def broken(self) -> tuple[int, ...]:
        """The channels that give NaN or infinity on some image."""
        whole = np.isfinite(self.highest) & np.isfinite(self.lowest)
        return tuple(int(channel) for channel in np.flatnonzero(~whole))

    def steady(self, channel: int) -> bool:
        """Whether a channel gives nearly the same everywhere."""
        largest = max(abs(self.highest[channel]), abs(self.lowest[channel]))
        return bool(self.spread[channel] < STEADY * largest)


def over(
    classifier: Classifier,
    pool: Pool,
    layers: Sequence[str],
    work: Callable[[Sequence[Lent], Mapping[str, Tensor]], T],
) -> Iterator[T]:
    """What `work` makes of some images and the maps that the layers give for them, (n, C, h, w), for all of the pool.

    Layers that give no maps are left out.
    """
    for group in pool.groups(GROUP):
        pixels = np.stack([lent.image.pixels for lent in group])

        def run(part: slice, group: Sequence[Lent] = group, pixels: NDArray[np.float32] = pixels) -> T:
            with torch.inference_mode(), captured(classifier.module, layers) as outputs:
                classifier.forward(classifier.tensor(pixels[part]))
                return work(group[part], {name: output for name, output in outputs.items() if is_map(output)})

        yield from classifier.in_batches(len(group), run, most=GROUP)
        give_back()


def channel_answers(classifier: Classifier, pool: Pool, layers: Sequence[str]) -> dict[str, Channels]:
    """What the channels of each layer that gives maps answer over the pool."""
    tops = {name: _ceiling(classifier.module.get_submodule(name)) for name in layers}
    counted: dict[str, _Sums] = {}
    images = 0
    for group, found in over(classifier, pool, layers, lambda lent, maps: (len(lent), _moments(maps, tops))):
        images += group
        for name, rows in found.items():
            for row in rows:
                counted.setdefault(name, _Sums(row.shape[1])).add(row)
    return {name: each.channels(images) for name, each in counted.items()}


def _moments(maps: Mapping[str, Tensor], tops: Mapping[str, float | None]) -> dict[str, NDArray[np.float64]]:
    """(n, 6, C) of each layer: highest, lowest, sum, sum of squares, positions at the ceiling, positions.

    Image by image, for in float64 the maps of a group are larger than all that the network needs.
    """
    return {name: np.stack([_moments_of(each, tops[name]) for each in given]) for name, given in maps.items()}


def _moments_of(maps: Tensor, top: float | None) -> NDArray[np.float64]:
    """(6, C) of one image; maps: (C, h, w)."""
    exact = maps.double().flatten(1)
    full = torch.zeros_like(exact) if top is None else (maps.flatten(1) >= top).double()
    sums = [each.sum(1) for each in (exact, exact.square(), full, torch.ones_like(exact))]
    found: NDArray[np.float64] = torch.stack([exact.amax(1), exact.amin(1), *sums]).cpu().numpy()
    return found


class _Sums:
    """What `_moments_of` gives, over all images so far."""

    def __init__(self, channels: int) -> None:
        self._highest, self._lowest = np.full(channels, -np.inf), np.full(channels, np.inf)
        self._sums = np.zeros((4, channels))

    def add(self, row: NDArray[np.float64]) -> None:
        """Take one image."""
        self._highest, self._lowest = np.maximum(self._highest, row[0]), np.minimum(self._lowest, row[1])
        with np.errstate(invalid="ignore"):  # infinite answers of both signs
            self._sums += row[2:]

    def channels(self, images: int) -> Channels:
        """What they come to."""
        total, squares, full, positions = self._sums
        mean = total / positions
        with np.errstate(invalid="ignore"):  # a channel that answers with infinity has no spread
            # Rounding may leave a little below 0 where a channel is constant.
            spread = np.sqrt(np.maximum(squares / positions - mean**2, 0))
        return Channels(self._highest, self._lowest, mean, spread, full / positions, images)


def _ceiling(module: nn.Module) -> float | None:
    """The highest value that a layer can give, where its kind sets one."""
    return float(module.max_val) if isinstance(module, nn.Hardtanh) else None  # ReLU6 is a Hardtanh


class Alikeness:
    """Correlations of some filters of a layer with all its channels, gathered group by group."""

    def __init__(self, stats: Channels, filters: Sequence[int]) -> None:
        self._stats, self._filters = stats, list(filters)
        self._sums = np.zeros((len(self._filters), len(stats.mean)))
        self._positions = 0

    def add(self, products: Numbers, positions: int) -> None:
        """Take what `products` found for some images."""
        self._sums += products
        self._positions += positions

    def products(self, maps: Tensor) -> tuple[Numbers, int]:
        """(F, C) sums of the products of deviations from the mean, and the number of positions; maps: (n, C, h, w)."""
        mean = torch.tensor(self._stats.mean).to(maps.device).view(-1, 1)
        found = torch.zeros((len(self._filters), len(mean)), dtype=torch.float64, device=maps.device)
        for each in maps:  # in float64 the maps of all are large
            flat = each.double().flatten(1) - mean
            found += flat[self._filters] @ flat.T
        return found.cpu().numpy(), len(maps) * maps[0, 0].numel()

    def twins(self, number: int) -> tuple[tuple[int, float], ...]:
        """The other channels that answer as the filter does, with Pearson's r, most alike first; r >= ALIKE."""
        row, spread = self._filters.index(number), self._stats.spread
        if self._stats.steady(number) or not self._positions:
            return ()
        with np.errstate(all="ignore"):  # a constant channel is like none
            r = self._sums[row] / self._positions / (spread * spread[number])
        found = [
            (int(each), float(min(r[each], 1.0)))
            for each in np.argsort(-r, kind="stable")
            if r[each] >= ALIKE and each != number and not self._stats.steady(int(each))
        ]
        return tuple(found)


def as_text(numbers: Sequence[Any]) -> str:
    """Numbers of filters as one fact: "3, 7, 9"."""
    return ", ".join(str(each) for each in numbers)
