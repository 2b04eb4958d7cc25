import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from reportgen.contracts import Silent
from reportgen.publish import LOG_FILE
from reportgen.timing import Timed, read_seconds


def test_each_stage_has_its_seconds_and_one_that_comes_back_is_added_up() -> None:
    ticks = iter([0.0, 2.0, 2.0, 5.0, 5.0, 5.5])
    timed = Timed(Silent(), lambda: next(ticks))
    for stage in ("model", "lime", "model"):
        timed.stage(stage, 0)
    log = json.loads(timed.log())
    assert log["stages"] == {"model": 2.5, "lime": 3.0}
    assert log["seconds"] == 5.5


class Listening(Silent):
    def stage(self, name: str, total: int, about: Sequence[str] = ()) -> None:
        self.told = [(name, total, about)]

    def watch(self, passed: Callable[[], int]) -> None:
        self.passed = passed


def test_everything_is_passed_on() -> None:
    silent = Listening()
    timed = Timed(silent)
    timed.say("one")
    timed.warn("two")
    timed.advance()
    timed.stage("lime", 1, ["a.jpg"])
    timed.watch(lambda: 7)
    assert silent.lines == ["one", "two"]
    assert (silent.told, silent.passed()) == ([("lime", 1, ["a.jpg"])], 7)


@pytest.mark.parametrize("text", [None, "", "{}", '{"seconds": "long"}', "[1]"])
def test_a_log_that_does_not_tell_tells_nothing(tmp_path: Path, text: str | None) -> None:
    (tmp_path / "run").mkdir()
    if text is not None:
        (tmp_path / LOG_FILE).write_text(text, encoding="utf-8")
    assert read_seconds(tmp_path) is None


def test_a_log_tells_the_seconds(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / LOG_FILE).write_bytes(Timed(Silent()).log())
    assert read_seconds(tmp_path) == 0.0
