"""Do other methods point at the same place of the same image?

The strongest fifth of the pixels of one map against that of another, both smoothed: by chance a fifth of them is
shared. Methods that do not depend on the learned weights have no vote, and none votes on itself. Measured on honest.pth
and its random networks: docs/verdicts.md.
Source: krishna2022.
"""

from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reportgen.checks.asking import Question, question
from reportgen.contracts import Evidence, PictureCheck
from reportgen.measures import pixel_evidence, smoothed, top_overlap
from reportgen.measures.likeness import TOP_SHARE
from reportgen.results import CheckResult, Explanation
from reportgen.verdicts import AGREEMENT, RANDOMISATION, State, untested

AGREES: Final = 0.5  # of the strongest fifth; on honest.pth nearly all pictures share more, on random networks few
AS_WRITTEN: Final = "_hw5"  # the write-up's own way of a method that has its vote already

Maps = Mapping[tuple[str, Question], NDArray[np.float64]]  # smoothed, by method and question


def judge(evidence: Evidence) -> Iterator[tuple[CheckResult, ...]]:
    """For each picture how much of its strongest fifth others share, on average over them."""
    against = {each.method for each in evidence.method_checks if _fails(each.result)}
    for group in evidence.explanations:
        maps = {
            (each.method, question(each)): smoothed(pixel_evidence(each.result))
            for each in group
            if each.result is not None
        }
        yield tuple(_judged(each, maps, against) for each in group)


def _fails(result: CheckResult) -> bool:
    return result.check == RANDOMISATION and result.state == "fails"


def _judged(explanation: Explanation, maps: Maps, against: set[str]) -> CheckResult:
    own = maps.get((explanation.method, question(explanation)))
    if own is None or not own.any():
        return CheckResult(AGREEMENT, "degenerate", reason="reason.no_picture")
    shares = {
        method: top_overlap(own, other)
        for (method, asked), other in maps.items()
        if asked == question(explanation) and other.any() and _votes(method, explanation.method, against)
    }
    if not shares:
        return untested(AGREEMENT, "nobody_votes")
    value = fmean(shares.values())
    state: State = "supported" if value >= AGREES else "weak" if value > TOP_SHARE else "indistinct"
    return CheckResult(
        AGREEMENT, state, value, AGREES, measures={f"with_{name}": share for name, share in shares.items()}
    )


def _votes(method: str, about: str, against: set[str]) -> bool:
    """Whether a method has a vote on another one's picture."""
    return method != about.removesuffix(AS_WRITTEN) and not method.endswith(AS_WRITTEN) and method not in against


CHECK = PictureCheck(AGREEMENT, judge, ("krishna2022",))
