import pickle

import pytest

from reportgen import errors
from reportgen.errors import ReportgenError, printable

FAMILY = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, ReportgenError)]


def test_an_error_is_one_line_that_says_what_why_and_what_to_do() -> None:
    error = ReportgenError("E-X", "m.pth", "it is empty", "Save it again")
    assert error.line() == "error[E-X] m.pth: it is empty. Save it again"
    assert str(error) == "m.pth: it is empty. Save it again"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.InputRefused, 3),
        (errors.CheckpointError, 3),
        (errors.ArchitectureError, 3),
        (errors.LabelsError, 3),
        (errors.ImagesError, 3),
        (errors.OutputError, 4),
        (errors.EnvironmentProblem, 4),
        (errors.ImageError, 1),
        (errors.MaskError, 1),
        (errors.MethodError, 1),
        (errors.Incomplete, 1),
        (errors.ReportgenError, 70),
    ],
)
def test_exit_codes_are_public_and_stay(kind: type[ReportgenError], code: int) -> None:
    assert kind.exit_code == code


def test_every_error_has_its_exit_code_tested() -> None:
    assert len(FAMILY) == 13


@pytest.mark.parametrize("kind", FAMILY)
def test_an_error_survives_the_way_from_another_process(kind: type[ReportgenError]) -> None:
    error = kind("E-X", "what", "why", "fix")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.line(), again.code) == (kind, error.line(), "E-X")


@pytest.mark.parametrize(
    "character",
    [
        "\n",
        "\r",
        "\t",
        "\x1b",
        "\x00",
        "\x7f",
        "\x9b",
        "\u200b",
        "\u200e",
        "\u202e",
        "\u2066",
        "\u2028",
        "\ufeff",
        "\udcff",
    ],
)
def test_what_moves_the_cursor_or_turns_the_text_is_made_visible(character: str) -> None:
    assert printable(f"a{character}b") == f"a<U+{ord(character):04X}>b"


@pytest.mark.parametrize("text", ["a b", "é", "食物 牛奶", "作業\u3000五", "1\u00a0px", "🍕", "[red]", "<b>"])
def test_what_can_be_read_stays(text: str) -> None:
    assert printable(text) == text


def test_a_hostile_name_cannot_write_a_second_line() -> None:
    assert "\n" not in ReportgenError("E-X", "a\nerror[E-Y] b", "c\rd", "e\u2028f").line()
