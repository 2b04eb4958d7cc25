"""The part of report.json's published shape that says how far pictures can be believed."""

from pydantic import BaseModel, ConfigDict

from reportgen.verdicts import State

Number = bool | int | float | str


class Strict(BaseModel):
    """What every part of the shape is: frozen, and without any field that is not published."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class CheckReport(Strict):
    """What one check measured. `value` is null where it could not be made, and `reason` says why.

    `above`: whether a value above `threshold` is the good one.
    """

    check: str
    state: State
    value: float | None
    threshold: float | None
    above: bool
    reason: str
    measures: dict[str, Number]


class VerdictReport(Strict):
    """How far a picture can be believed; `decided`: the check that the state comes from."""

    state: State
    decided: str
    checks: tuple[CheckReport, ...]


class MethodCheckReport(Strict):
    """What a check says of a method over all images."""

    method: str
    result: CheckReport


class KnownAnswerReport(Strict):
    """What the self-test of this installation gave, and what it had to reach (`above`) or stay below."""

    name: str
    value: float
    threshold: float
    above: bool
    holds: bool
