from io import StringIO

import pytest
from rich.console import Console
from rich.progress import Progress

from reportgen.progress import TerminalProgress, shown_progress


@pytest.fixture
def shown() -> TerminalProgress:
    """Progress at a terminal that nobody looks at."""
    console = Console(file=StringIO(), force_terminal=True, width=200)
    return TerminalProgress(Progress(console=console), talkative=True, quiet=False)


def state(progress: TerminalProgress) -> list[tuple[str, float, float | None]]:
    return [(task.description, task.completed, task.total) for task in progress.bar.tasks]


def test_a_stage_counts_its_steps(shown: TerminalProgress) -> None:
    shown.stage("saliency", 5)
    shown.advance()
    shown.advance(2)
    assert state(shown) == [("saliency", 3, 5)]


def test_the_next_stage_ends_the_one_before(shown: TerminalProgress) -> None:
    shown.stage("saliency", 5)
    shown.advance(3)
    shown.stage("lime", 2)
    assert state(shown) == [("saliency", 3, 3), ("lime", 0, 2)]
    assert shown.bar.tasks[0].finished


def test_a_stage_of_unknown_length_has_no_end(shown: TerminalProgress) -> None:
    shown.stage("filters", 0)
    shown.advance(7)
    assert state(shown) == [("filters", 7, None)]


def test_steps_without_a_stage_are_nobodys(shown: TerminalProgress) -> None:
    shown.advance()
    assert state(shown) == []


@pytest.mark.parametrize(("quiet", "talkative", "lines"), [(False, True, 2), (False, False, 1), (True, False, 0)])
def test_who_hears_what(quiet: bool, talkative: bool, lines: int) -> None:
    output = StringIO()
    progress = TerminalProgress(Progress(console=Console(file=output)), talkative=talkative, quiet=quiet)
    progress.say("said")
    progress.warn("warned")
    assert output.getvalue().splitlines() == ["said", "warned"][2 - lines :]


def test_a_long_line_is_not_broken_and_a_name_is_no_markup() -> None:
    output = StringIO()
    progress = TerminalProgress(Progress(console=Console(file=output, width=20)), talkative=True, quiet=False)
    progress.warn("[red]" + 100 * "a" + "[/nope] \x1b")
    assert output.getvalue() == "[red]" + 100 * "a" + "[/nope] <U+001B>\n"


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("quiet", [True, False])
@pytest.mark.parametrize("verbose", [True, False])
def test_bars_are_for_terminals(
    terminal: bool, quiet: bool, verbose: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    with shown_progress(quiet=quiet, verbose=verbose) as progress:
        assert progress.bar.disable == (quiet or not terminal)
        assert progress.talkative == ((terminal or verbose) and not quiet)
    assert capsys.readouterr().out == ""
