"""How far a picture can be believed: what each check measured, and what follows from all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from reportgen.arrays import NO_FACTS, Facts, Scalar, lock_facts

State = Literal["supported", "weak", "indistinct", "fails", "not_tested", "degenerate"]
STATES: Final[tuple[State, ...]] = get_args(State)  # the best first
SILENT: Final[frozenset[State]] = frozenset({"not_tested", "degenerate"})  # states without a number behind them
FAITHFULNESS: Final = "faithfulness"
STABILITY: Final = "stability"
RANDOMISATION: Final = "randomisation"
AGREEMENT: Final = "agreement"
OBJECT: Final = "object"
ROAD: Final = "road"
# For faithfulness and ROAD. Narrower gaps are found on networks that have learned nothing, and smaller leads over the
# controls are chance. Measured: docs/verdicts.md.
MARGIN: Final = 0.1  # of probability
LEAD: Final = 0.1  # of what the widest gap of a control leaves to 1
HELD: Final[dict[str, Scalar]] = {"gap_lead": LEAD, "gap_margin": MARGIN}


@dataclass(frozen=True)
class CheckResult:
    """What one check says of one picture, or of a method as a whole.

    value: the number that decided, None in a state without one; threshold: what it was held against; above: whether a
    good value is above the threshold; reason: key of a sentence where there is no value.
    measures: everything else that was measured.
    """

    check: str
    state: State
    value: float | None = None
    threshold: float | None = None
    above: bool = True
    reason: str = ""
    measures: Facts = field(default_factory=lambda: NO_FACTS)

    def __post_init__(self) -> None:
        """Lock the measures; a state that should have a number and has none, or the reverse, is a bug."""
        lock_facts(self, "measures")
        silent = self.state in SILENT
        if len({silent, self.value is None, self.threshold is None, bool(self.reason)}) > 1:
            raise ValueError(f"{self.check}: {self.state} with value {self.value}, reason {self.reason!r}")


@dataclass(frozen=True)
class Verdict:
    """How far one picture can be believed. decided: the name of the check that the state comes from."""

    state: State
    decided: str
    checks: tuple[CheckResult, ...]

    def check(self, name: str) -> CheckResult | None:
        """What that check says of the picture; None where it was not made."""
        return next((each for each in self.checks if each.check == name), None)

    @property
    def deciding(self) -> CheckResult:
        """The check that the state comes from."""
        return next(each for each in self.checks if each.check == self.decided)


@dataclass(frozen=True)
class KnownAnswer:
    """One thing that is known beforehand, and what this installation says of it. above: as of CheckResult."""

    name: str
    value: float
    threshold: float
    above: bool = True

    @property
    def holds(self) -> bool:
        """Whether the installation gives the answer that is known."""
        return self.value >= self.threshold if self.above else self.value <= self.threshold


@dataclass(frozen=True)
class MethodCheck:
    """What a check says of a method over the whole run."""

    method: str
    result: CheckResult


def untested(check: str, reason: str, **measures: Scalar) -> CheckResult:
    """What stands where a check could not be made. reason: of the sentence below [reason] that says why."""
    return CheckResult(check, "not_tested", reason=f"reason.{reason}", measures=measures)


def verdict(checks: Sequence[CheckResult], of_method: Sequence[CheckResult] = ()) -> Verdict | None:
    """What follows for a picture from its own checks and from those of its method; None without faithfulness.

    A method that does not depend on the learned weights fails whatever its picture looks like. Else the picture is
    what faithfulness says, and one that is not stable is no more than weak. Agreement and the object are told beside:
    they speak of other methods and of the network.
    """
    every = (*checks, *of_method)
    by_name = {each.check: each for each in every}
    randomised, faithful, stable = (by_name.get(name) for name in (RANDOMISATION, FAITHFULNESS, STABILITY))
    if faithful is None:
        return None
    if randomised and randomised.state == "fails" and faithful.state != "degenerate":
        return Verdict("fails", RANDOMISATION, every)
    if faithful.state == "supported" and stable and stable.state in ("weak", "fails"):
        return Verdict("weak", STABILITY, every)
    return Verdict(faithful.state, FAITHFULNESS, every)
