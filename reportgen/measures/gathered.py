"""Sums over the planes of many images, one image after the other: no more than one is in memory at a time.

Added up exactly, so that the order of the images changes no digit.
"""

import math
from collections.abc import Hashable, Mapping
from typing import Any, Final, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.floating[Any]]
K = TypeVar("K", bound=Hashable)

FLAT: Final = 1e-9  # spread, as a share of the largest magnitude, at which a plane counts as constant


class _Pair(NamedTuple):
    """What two planes of one image give: positions, means, squares and products of the deviations, extremes."""

    positions: int
    means: tuple[float, float]
    squares: tuple[float, float]
    products: float
    lowest: tuple[float, float]
    highest: tuple[float, float]


class Correlation:
    """Pearson's r of two planes over all positions of all images."""

    def __init__(self) -> None:
        self._pairs: list[_Pair] = []

    def add(self, one: Plane, other: Plane) -> None:
        """Take both planes of one image, of equal size."""
        a, b = (np.asarray(values, np.float64).ravel() for values in (one, other))
        means = float(a.mean()), float(b.mean())
        low, high = (float(a.min()), float(b.min())), (float(a.max()), float(b.max()))
        a, b = a - means[0], b - means[1]
        self._pairs.append(_Pair(a.size, means, (float(a @ a), float(b @ b)), float(a @ b), low, high))

    def value(self) -> float | None:
        """r; None where one of both is constant."""
        count = sum(each.positions for each in self._pairs)
        means = [math.fsum(each.positions * each.means[k] for each in self._pairs) / count for k in (0, 1)]
        if any(self._flat(k, means[k]) for k in (0, 1)):
            return None

        def sums(within: list[float], k: int, m: int) -> float:
            """The sum of products of deviations from the mean of all: within the images, and between them."""
            between = [p.positions * (p.means[k] - means[k]) * (p.means[m] - means[m]) for p in self._pairs]
            return math.fsum([*within, *between])

        squares = [sums([each.squares[k] for each in self._pairs], k, k) for k in (0, 1)]
        products = sums([each.products for each in self._pairs], 0, 1)
        return float(np.clip(products / math.sqrt(squares[0] * squares[1]), -1, 1))

    def _flat(self, k: int, mean: float) -> bool:
        low, high = min(each.lowest[k] for each in self._pairs), max(each.highest[k] for each in self._pairs)
        return max(high - mean, mean - low) <= FLAT * max(abs(low), abs(high), FLAT)


class Weighted(Generic[K]):
    """The sums of planes over all images, each plane as it is and weighted by what a filter answers."""

    def __init__(self) -> None:
        self._answered: dict[K, list[float]] = {}
        self._present: dict[K, list[float]] = {}

    def add(self, weights: Plane, planes: Mapping[K, Plane]) -> None:
        """Take the planes of one image."""
        for name, plane in planes.items():
            self._answered.setdefault(name, []).append(float((weights * plane).sum()))
            self._present.setdefault(name, []).append(float(plane.sum()))

    def answered(self) -> dict[K, float]:
        """The weighted sums."""
        return {name: math.fsum(parts) for name, parts in self._answered.items()}

    def present(self) -> dict[K, float]:
        """The plain ones."""
        return {name: math.fsum(parts) for name, parts in self._present.items()}
