"""What follows for a picture from what the checks measured."""

from collections.abc import Sequence

import pytest

from reportgen.verdicts import FAITHFULNESS, RANDOMISATION, STABILITY, CheckResult, State, verdict

AGREEMENT = "agreement"


def result(check: str, state: State) -> CheckResult:
    if state in ("not_tested", "degenerate"):
        return CheckResult(check, state, reason="reason.none")
    return CheckResult(check, state, 0.25, 0.1)


@pytest.mark.parametrize(
    ("own", "of_method", "state", "decided"),
    [
        ([(FAITHFULNESS, "supported")], [], "supported", FAITHFULNESS),
        ([(FAITHFULNESS, "indistinct")], [], "indistinct", FAITHFULNESS),
        ([(FAITHFULNESS, "not_tested")], [], "not_tested", FAITHFULNESS),
        ([(STABILITY, "supported"), (FAITHFULNESS, "supported")], [], "supported", FAITHFULNESS),
        ([(FAITHFULNESS, "supported"), (STABILITY, "weak")], [], "weak", STABILITY),
        ([(FAITHFULNESS, "supported"), (STABILITY, "fails")], [], "weak", STABILITY),
        ([(FAITHFULNESS, "fails"), (STABILITY, "weak")], [], "fails", FAITHFULNESS),
        ([(FAITHFULNESS, "supported"), (AGREEMENT, "fails")], [], "supported", FAITHFULNESS),
        ([(FAITHFULNESS, "supported")], [(RANDOMISATION, "fails")], "fails", RANDOMISATION),
        ([(FAITHFULNESS, "supported")], [(RANDOMISATION, "not_tested")], "supported", FAITHFULNESS),
        ([(FAITHFULNESS, "degenerate")], [(RANDOMISATION, "fails")], "degenerate", FAITHFULNESS),
    ],
)
def test_the_state_and_the_check_that_decided_it(
    own: Sequence[tuple[str, State]], of_method: Sequence[tuple[str, State]], state: State, decided: str
) -> None:
    found = verdict([result(*each) for each in own], [result(*each) for each in of_method])
    assert found is not None
    assert (found.state, found.decided) == (state, decided)
    assert found.deciding.check == decided
    assert [each.check for each in found.checks] == [name for name, _ in (*own, *of_method)]


@pytest.mark.parametrize("of_method", [[], [result(RANDOMISATION, "fails")]])
def test_without_faithfulness_there_is_no_verdict(of_method: list[CheckResult]) -> None:
    assert verdict([result(STABILITY, "supported")], of_method) is None


@pytest.mark.parametrize(
    ("state", "value", "threshold", "reason"),
    [
        ("supported", None, 0.1, ""),
        ("supported", 0.2, None, ""),
        ("supported", 0.2, 0.1, "reason.none"),
        ("not_tested", None, None, ""),
        ("not_tested", 0.2, 0.1, "reason.none"),
    ],
)
def test_a_state_has_a_number_or_a_reason(
    state: State, value: float | None, threshold: float | None, reason: str
) -> None:
    with pytest.raises(ValueError, match="faithfulness"):
        CheckResult(FAITHFULNESS, state, value, threshold, reason=reason)
