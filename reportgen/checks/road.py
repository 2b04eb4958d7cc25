"""ROAD: the same question as faithfulness, with hidden pixels filled in from their neighbours, and a little noise.

What is filled in so leaves no silhouette of the hidden region from which a network could read the class.
Source: rong2022.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.linalg import splu

from reportgen.checks.deletion import Logits, Ranks
from reportgen.checks.gaps import Ask, Test, asked_of
from reportgen.classifier import Classifier
from reportgen.contracts import Evidence, PictureCheck
from reportgen.costs import Judging, Passes
from reportgen.fills import Image
from reportgen.randomness import stream
from reportgen.results import Case, CheckResult
from reportgen.verdicts import ROAD

Mask = NDArray[np.bool_]  # (H, W), True where a pixel is hidden

SHARES: Final = (0.05, 0.1, 0.2, 0.4)  # of the pixels hidden
NOISES: Final = 4  # controls of smooth noise
NOISE: Final = 0.01  # standard deviation, of the range of the pixels
BESIDE: Final = 1 / 6  # weight of a neighbour in the same row or column
ACROSS: Final = 1 / 12  # of a diagonal one


def judge(given: Evidence) -> Iterator[tuple[CheckResult, ...]]:
    """For each case one result for each of its explanations."""
    return Test(ROAD, NOISES, _asking).judge(given)


def imputed(image: Image, hidden: Mask) -> NDArray[np.float64]:
    """The image with each hidden pixel the weighted mean of its eight neighbours, (H, W, 3).

    Neighbours that are hidden too count with what they are filled with, so all are solved for at once.
    Raises ValueError where nothing is shown.
    """
    if hidden.all():
        raise ValueError("no pixel is shown")
    found = np.array(image, np.float64)
    if not hidden.any():
        return found
    inside = np.flatnonzero(hidden)
    outside = np.flatnonzero(~hidden)
    rows = neighbours(hidden.shape)[inside]
    system = diags_array(rows.sum(axis=1)) - rows[:, inside]
    # Symmetric and dominated by its diagonal: needs no pivoting, which would fill the factors.
    factors = splu(
        system.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    flat = found.reshape(-1, found.shape[-1])
    flat[inside] = factors.solve(rows[:, outside] @ flat[outside])
    return found


@cache
def neighbours(size: tuple[int, int]) -> csr_array:
    """The weight that each pixel has for each other one, (H W, H W): 0 but for its up to eight neighbours."""
    place = np.arange(size[0] * size[1]).reshape(size)
    steps = {(0, 1): BESIDE, (1, 0): BESIDE, (1, 1): ACROSS, (1, -1): ACROSS}
    one, other, weights = [], [], []
    for (down, right), weight in steps.items():
        here = place[: size[0] - down, max(-right, 0) : size[1] - max(right, 0)].ravel()
        one.append(here)
        other.append(here + down * size[1] + right)
        weights.append(np.full(len(here), weight))
    half = coo_array((np.concatenate(weights), (np.concatenate(one), np.concatenate(other))), (place.size,) * 2)
    return csr_array(half + half.T)


@dataclass(frozen=True, eq=False)
class Imputing:
    """An image whose pixels can be hidden in any order. grain: the noise of hidden pixels, (H, W, 3)."""

    classifier: Classifier
    image: Image
    grain: NDArray[np.float64]

    def logits(self, orders: Sequence[Ranks]) -> Logits:
        """The answers, (M, 2, F, K): for each order without the first pixels, and without the last, for each share."""
        masks = [mask for ranks in orders for last in (False, True) for mask in _masks(ranks, last)]

        def run(part: slice) -> NDArray[Any]:
            seen = np.stack([self.without(mask) for mask in masks[part]])
            return self.classifier.answer(self.classifier.prepare(seen))

        found = np.concatenate(self.classifier.in_batches(len(masks), run))
        return found.reshape(len(orders), 2, len(SHARES), -1)

    def without(self, hidden: Mask) -> NDArray[np.float32]:
        """The image without the hidden pixels, (H, W, 3) in [0, 1]."""
        noisy = imputed(self.image, hidden) + self.grain * hidden[..., None]
        return np.clip(noisy, 0, 1).astype(np.float32)


def _masks(ranks: Ranks, last: bool) -> list[Mask]:
    counts = [round(share * ranks.size) for share in SHARES]
    return [ranks >= ranks.size - count if last else ranks < count for count in counts]


def _asking(given: Evidence, case: Case) -> Ask:
    image = case.image.pixels
    rng = stream(given.options.seed, ROAD, "grain", case.image.sha256)
    return partial(Imputing(given.classifier, image, rng.normal(0, NOISE, image.shape)).logits)


def passes(about: Judging) -> Passes:
    """Each control of each image, and each picture, by both ways of hiding at each share."""
    return asked_of(about, NOISES, len(SHARES))


CHECK = PictureCheck(ROAD, judge, ("rong2022",), slow=True, passes=passes)
