"""Faithfulness: does the answer hang on the pixels that a picture marks, more than on those that controls mark?

Deletion and insertion (petsiuk2018) against maps that know nothing of the network, on the same image. What was measured
of its errors, and on what: docs/verdicts.md.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final

import numpy as np

from reportgen.checks.deletion import blurring, shares
from reportgen.checks.gaps import Ask, Test, asked_of
from reportgen.contracts import Evidence, PictureCheck
from reportgen.costs import Judging, Passes
from reportgen.results import Case, CheckResult
from reportgen.verdicts import FAITHFULNESS

# Shares of the pixels, and controls of smooth noise. The fewest whose error rates hold: docs/verdicts.md.
QUICK: Final = (5, 6)
FULL: Final = (9, 20)


def judge(given: Evidence) -> Iterator[tuple[CheckResult, ...]]:
    """For each case one result for each of its explanations."""
    count, noises = FULL if given.options.checks == "full" else QUICK
    return Test(FAITHFULNESS, noises, partial(_asking, count)).judge(given)


def _asking(count: int, given: Evidence, case: Case) -> Ask:
    image = case.image.pixels
    pixels = np.round(shares(count) * image[..., 0].size).astype(int)
    return partial(blurring(given.classifier, image).logits, counts=[int(each) for each in pixels])


def passes(about: Judging) -> Passes:
    """Each control of each image, and each picture, by both ways of hiding at each share."""
    count, noises = FULL if about.options.checks == "full" else QUICK
    return asked_of(about, noises, count)


CHECK = PictureCheck(FAITHFULNESS, judge, ("petsiuk2018", "adebayo2018"), passes=passes)
