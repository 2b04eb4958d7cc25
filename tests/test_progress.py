from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from rich.progress import Progress

from reportgen.attribution import score_gradients
from reportgen.example import HONEST
from reportgen.loading import opened_classifier
from reportgen.options import BuildOptions
from reportgen.progress import LONG_ENOUGH, NAME, PassesColumn, TerminalProgress, image_shown, shown_progress
from reportgen.results import Target


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


def images(progress: TerminalProgress) -> list[str]:
    return [task.fields["image"] for task in progress.bar.tasks]


def test_the_image_that_is_worked_on_is_named(shown: TerminalProgress) -> None:
    shown.stage("lime", 2, ["a.jpg", "b\x1b.jpg"])
    assert images(shown) == ["a.jpg"]
    shown.advance()
    assert images(shown) == ["b<U+001B>.jpg"]
    shown.advance()
    assert images(shown) == [""]
    shown.stage("cues", 2, ["a.jpg", "b.jpg"])
    shown.stage("write", 3)
    assert images(shown) == ["", "", ""]


def test_of_a_long_name_the_end_is_shown() -> None:
    name = image_shown(["folder/" * 20 + "star_0.jpg"], 0)
    assert len(name) == NAME
    assert name.endswith("/star_0.jpg")


def test_passes_per_second_are_those_of_the_stage(shown: TerminalProgress, monkeypatch: pytest.MonkeyPatch) -> None:
    now, passed = [100.0], [1000]
    monkeypatch.setattr("reportgen.progress.time.monotonic", lambda: now[0])
    column = PassesColumn()

    def told() -> list[str]:
        return [column.render(task).plain for task in shown.bar.tasks]

    shown.stage("model", 0)  # before there is a network
    shown.watch(lambda: passed[0])
    shown.stage("saliency", 5)
    passed[0] += 7000
    now[0] += LONG_ENOUGH / 2
    assert told()[1] == ""  # too short to tell
    now[0] = 102.0
    assert told()[1] == "3,500 passes/s"
    shown.stage("compose", 0)
    now[0], passed[0] = 200.0, 9000
    assert told()[1:] == ["3,500 passes/s", "10 passes/s"]


def test_a_network_tells_how_many_images_went_through_it() -> None:
    progress = TerminalProgress(Progress(console=Console(file=StringIO())), talkative=False, quiet=True)
    options = BuildOptions(model=HONEST, methods=("saliency",))
    with opened_classifier(options, None, progress) as classifier:
        before = progress.passed()
        pixels = np.zeros((3, *classifier.facts.input.size, 3), np.float32)
        classifier.logits(pixels)
        classifier.answer(classifier.prepare(pixels))
        score_gradients(classifier, pixels, [Target(0, "", "asked")] * 3)
        assert progress.passed() - before == 9


def test_an_error_is_told_to_the_quiet_too() -> None:
    output = StringIO()
    progress = TerminalProgress(Progress(console=Console(file=output)), talkative=False, quiet=True)
    progress.warn("error[E-PDF-START] report.pdf: it cannot be drawn")
    assert output.getvalue() == "error[E-PDF-START] report.pdf: it cannot be drawn\n"


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
        assert progress.drawn == (terminal and not quiet)
        progress.stage("lime", 1, ["[red].jpg"])  # a name, not markup
        progress.advance()
        assert progress.talkative == ((terminal or verbose) and not quiet)
    assert capsys.readouterr().out == ""
