"""What deletion and insertion say of a picture, whatever hidden pixels show: the gap, the controls', and the state."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reportgen.attempts import ends_the_run
from reportgen.checks.controls import EDGES, controls
from reportgen.checks.deletion import Logits, Ranks, ranking
from reportgen.contracts import Evidence
from reportgen.costs import Judging, Passes
from reportgen.heads import Kind, probabilities
from reportgen.randomness import stream
from reportgen.results import Case, CheckResult, Explanation, Scalar, Target
from reportgen.verdicts import LEAD, MARGIN, State

# (M orders of the pixels) -> (M, 2, F, K) logits: without the pixels that stand first, and without those that stand
# last, for each of F shares.
Ask = Callable[[Sequence[Ranks]], Logits]

LEAST: Final = 0.05  # of probability; a narrower gap is no evidence, however little the controls have


@dataclass(frozen=True)
class Gap:
    """What one order of the pixels does to the probability of a class, means over the shares."""

    deletion: float  # without the pixels that stand first
    insertion: float  # without those that stand last

    @property
    def width(self) -> float:
        """From -1 to 1; a map that marks what the network uses has a wide gap."""
        return self.insertion - self.deletion


def gap(logits: Logits, target: Target, kind: Kind) -> Gap:
    """The gap of one order. logits: (2, F, K)."""
    score = _score(logits.reshape(-1, logits.shape[-1]), target, kind).reshape(logits.shape[:-1])
    deletion, insertion = score.mean(axis=-1)
    return Gap(float(deletion), float(insertion))


def threshold(widest: float) -> float:
    """How wide a gap must be for a picture to be supported, where the widest of a control is so wide.

    A share of what is left, for no lead of a fixed size could be had over a control that comes near 1.
    """
    return max(widest + LEAD * (1 - widest), MARGIN)


def state_of(width: float, widest: float) -> State:
    """The state of a picture whose gap is so wide, where the widest of a control is so wide.

    supported: wider than the threshold; weak: wider than every control's, and than LEAST; else indistinct.
    """
    if width > threshold(widest):
        return "supported"
    return "weak" if width > max(widest, LEAST) else "indistinct"


@dataclass(frozen=True)
class Test:
    """One way of hiding pixels, under the name of its check. noises: controls of smooth noise."""

    check: str
    noises: int
    asking: Callable[[Evidence, Case], Ask]

    def judge(self, given: Evidence) -> Iterator[tuple[CheckResult, ...]]:
        """For each case one result for each of its explanations. A case that breaks down costs itself."""
        for case, group in zip(given.cases, given.explanations, strict=True):
            try:
                yield _Trial(self, given, case).results(group)
            except Exception as err:  # whatever a user's own network raises
                if ends_the_run(err):
                    raise
                yield tuple(_silent(self.check, each) or self.untested("test_raised") for each in group)

    def untested(self, reason: str) -> CheckResult:
        """The result where the test cannot be made."""
        return CheckResult(self.check, "not_tested", reason=f"reason.{reason}")


@dataclass(frozen=True, eq=False)
class _Trial:
    """One image with its controls, which all of its pictures share."""

    test: Test
    given: Evidence
    case: Case

    def results(self, group: Sequence[Explanation]) -> tuple[CheckResult, ...]:
        if all(_silent(self.test.check, each) for each in group):
            return tuple(self._result(each, None, {}) for each in group)
        ask = self.test.asking(self.given, self.case)
        rng = stream(self.given.options.seed, self.test.check, self.case.image.sha256)
        known = controls(self.case.image.pixels, self.test.noises, rng)
        heard = dict(zip(known, ask(list(known.values())), strict=True))
        return tuple(self._result(each, ask, heard) for each in group)

    def _result(self, explanation: Explanation, ask: Ask | None, heard: Mapping[str, Logits]) -> CheckResult:
        silent = _silent(self.test.check, explanation)
        if silent or not explanation.result or not ask:
            return silent or self.test.untested("not_computed")
        order = ranking(explanation.result)
        if order is None:
            return CheckResult(self.test.check, "degenerate", reason="reason.flat_map")
        if not all(np.isfinite(each).all() for each in heard.values()):
            return self.test.untested("not_finite")
        return self._compared(explanation.target, order, ask, heard)

    def _compared(self, target: Target, order: Ranks, ask: Ask, heard: Mapping[str, Logits]) -> CheckResult:
        controls_ = {name: self._gap(each, target).width for name, each in heard.items()}
        best = max(controls_, key=lambda name: controls_[name])
        # One picture at a time: what stands beside it in a batch must not change its last digits.
        (logits,) = ask([order])
        own = self._gap(logits, target)
        if not np.isfinite(own.width):
            return self.test.untested("not_finite")
        state = state_of(own.width, controls_[best])
        measures: dict[str, Scalar] = {
            "deletion": own.deletion,
            "insertion": own.insertion,
            "control": controls_[best],
            "control_name": best,
            "controls": len(controls_),
            "shares": logits.shape[1],
        }
        if state == "indistinct" and self._too_unlikely(target):
            return self.test.untested("too_unlikely")
        if state == "indistinct":
            (turned,) = ask([order.size - 1 - order])
            reverse = self._gap(turned, target).width
            measures["reverse"] = reverse
            if state_of(reverse, controls_[best]) == "supported":
                state = "fails"
        return CheckResult(self.test.check, state, own.width, threshold(controls_[best]), measures=measures)

    def _gap(self, logits: Logits, target: Target) -> Gap:
        return gap(logits, target, self.given.classifier.facts.head.kind)

    def _too_unlikely(self, target: Target) -> bool:
        """Whether a class that the network does not predict has less probability than a gap must be wide.

        What a map for it marks may as well be what speaks against it, and the test cannot tell.
        """
        kind = self.given.classifier.facts.head.kind
        return target.role != "predicted" and _score(self.case.prediction.logits[None], target, kind)[0] < MARGIN


def asked_of(about: Judging, noises: int, shares: int) -> Passes:
    """What a test mostly asks: the controls once for each image, and each picture, by both ways at each share."""
    known = noises + len(EDGES) + 1  # the blob
    return Passes(2 * shares * (about.images * known + about.pictures))


def _silent(check: str, explanation: Explanation) -> CheckResult | None:
    """The result where there is no picture to test."""
    if explanation.status == "ok":
        return None
    state: State = "degenerate" if explanation.status == "degenerate" else "not_tested"
    return CheckResult(check, state, reason=explanation.reason)


def _score(logits: Logits, target: Target, kind: Kind) -> NDArray[np.float64]:
    """(n, K) -> (n,): how probable the network finds the class; of a contrast, if there were only these two classes."""
    if target.versus is None:
        return probabilities(logits, kind)[:, target.index]
    ahead = logits[:, [target.index]].astype(np.float64) - logits[:, [target.versus]]
    return probabilities(ahead, "sigmoid")[:, 0]
