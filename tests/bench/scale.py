"""How much is measured: all of it, or little of everything to see that it runs."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Scale:
    """The size of one run.

    narrower: the course network's channels divided by this; images: of the workload; samples: random masks of a LIME
    explanation; steps: of gradient ascent; designed: budgets of designed masks to try, ascending; draws: repetitions
    of each; reference: random masks that stand for the truth; scenes: images that quality is measured on; few, many:
    images of the two builds whose memory is compared;
    reports: images of the made-up reports whose size and speed are measured, and whether with six pictures each;
    checked: images of the builds with and without the trust checks.
    """

    narrower: int
    images: int
    samples: int
    steps: int
    designed: tuple[int, ...]
    draws: int
    reference: int
    scenes: int
    few: int
    many: int
    reports: tuple[tuple[int, bool], ...]
    checked: int


FULL: Final = Scale(
    1, 4, 1000, 100, (64, 128, 256, 512, 1024), 5, 10_000, 6, 4, 200, ((100, True), (100, False), (300, False)), 10
)
QUICK: Final = Scale(16, 2, 60, 4, (64, 128), 2, 300, 1, 1, 3, ((3, False),), 1)
