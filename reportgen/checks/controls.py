"""Maps that know nothing of the network: what a picture must do better than.

Smooth noise; the edges of the photograph, fine and coarse, because many methods draw them whatever the weights are
(adebayo2018); a blob in the middle, where photographers put what matters.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, sobel

from reportgen.checks.deletion import Ranks, ranks_of, smooth
from reportgen.fills import Image

Plane = NDArray[np.float64]  # (H, W)

# The shorter side holds so many standard deviations: 5 and 12 px of 128.
NOISES: Final = (25.6, 128 / 12)
EDGES: Final = {"edges_fine": 128.0, "edges_coarse": 128 / 3}  # 1 and 3 px of 128


def controls(image: Image, count: int, rng: np.random.Generator) -> dict[str, Ranks]:
    """The controls of an image by name: so many maps of noise, two of edges, one blob. image: (H, W, 3) in [0, 1]."""
    size = image.shape[:2]
    noises = {f"noise_{n + 1}": ranks_of(noise(size, NOISES[n % len(NOISES)], rng)) for n in range(count)}
    lines = {name: ranks_of(smooth(edges(image, across))) for name, across in EDGES.items()}
    return {**noises, **lines, "blob": ranks_of(blob(size, (0.5, 0.5)))}


def noise(size: tuple[int, ...], across: float, rng: np.random.Generator) -> Plane:
    """White noise made smooth. across: standard deviations of the smoothing that the shorter side holds."""
    return np.asarray(gaussian_filter(rng.normal(size=size), min(size) / across, mode="wrap"))


def edges(image: Image, across: float) -> Plane:
    """How steep the brightness is at each pixel, by Sobel, after smoothing. across: as of `noise`."""
    grey: NDArray[Any] = np.asarray(image, np.float64).mean(axis=-1)
    grey = gaussian_filter(grey, min(grey.shape) / across, mode="nearest")
    return np.asarray(np.hypot(sobel(grey, 0, mode="nearest"), sobel(grey, 1, mode="nearest")))


def blob(size: tuple[int, ...], centre: tuple[float, float]) -> Plane:
    """Less with the distance from a point. centre: row and column as shares of height and width."""
    rows, columns = ((np.arange(side) + 0.5) / side - at for side, at in zip(size, centre, strict=True))
    return np.asarray(-np.hypot(rows[:, None], columns))
