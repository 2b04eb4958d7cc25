"""Cut off, killed, or out of space at any step: the old report or the new one, whole, and the next run goes on."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent
IMAGES = 1
Asked = list[tuple[str, float, int]]
Outcomes = list[dict[str, Any]]


@pytest.fixture
def outcomes(tmp_path: Path) -> Callable[[Asked], Outcomes]:
    """What became of runs that were disturbed as asked: (kind, number of the step or seconds, images)."""

    def run(asked: Asked) -> Outcomes:
        environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
        done = subprocess.run(
            [sys.executable, str(HERE / "crashing.py"), str(tmp_path / "place")],
            input=json.dumps(asked), env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def steps(outcomes: Callable[[Asked], Outcomes], every: int) -> range:
    """The numbers of the changes that an undisturbed run makes, all or some."""
    (whole,) = outcomes([("count", 0, IMAGES)])
    assert whole["code"] == 0
    assert whole["changes"] > 20
    return range(1, whole["changes"] + 1, every)


# In the short form every eleventh step; which ones those are changes with every change of the program.
HOW_MANY = pytest.mark.parametrize("every", [11, pytest.param(1, marks=pytest.mark.long)])


def check_whole(each: dict[str, Any]) -> None:
    """Every file is the old report's or the new one's, the next run builds the new one, and leaves nothing beside."""
    old, new = each["old"], each["new"]
    assert each["again"] == 0, each
    parts = {"run/run.json", "run/arrays.safetensors", "run/manifest.json"}
    assert set(new) == {"report.html", "report.json", *parts}, each
    for name, digest in each["after"].items():
        assert digest in (old[name], new[name]), each
    assert set(each["after"]) == set(new), each
    # A half-written result stays for an hour: another run may be writing it.
    assert [path for path in each["left_again"] if not path.startswith("cache/")] == [], each


@HOW_MANY
def test_cut_off_before_any_step(every: int, outcomes: Callable[[Asked], Outcomes]) -> None:
    for each in outcomes([("crash", n, IMAGES) for n in steps(outcomes, every)]):
        assert each["code"] == 137
        check_whole(each)


@HOW_MANY
def test_a_full_disk_at_any_step(every: int, outcomes: Callable[[Asked], Outcomes]) -> None:
    found = outcomes([("fail", n, IMAGES) for n in steps(outcomes, every)])
    assert {each["code"] for each in found} <= {0, 4}
    assert any(each["code"] == 4 for each in found)
    for each in found:
        check_whole(each)
        assert each["left"] == [], each
        assert "Traceback" not in each["told"]
        if each["code"] == 4:
            assert each["after"] == each["old"], each
            assert "error[E-OUT-WRITE]" in each["told"]


@pytest.mark.parametrize("times", [4, pytest.param(50, marks=pytest.mark.long)])
def test_killed_at_any_time(times: int, outcomes: Callable[[Asked], Outcomes]) -> None:
    moments = np.random.default_rng(9).uniform(0.0, 1.0, times)
    for each in outcomes([("kill", float(moment), IMAGES) for moment in moments]):
        check_whole(each)


@pytest.mark.parametrize("images", [6, pytest.param(200, marks=pytest.mark.long)])
def test_killed_half_way_it_goes_on_and_ends_with_the_same_bytes(
    images: int, outcomes: Callable[[Asked], Outcomes]
) -> None:
    whole, halved = outcomes([("count", 0, images), ("kept", images // 2, images)])
    assert (whole["code"], halved["code"]) == (0, 137)
    assert images // 2 <= halved["kept"] < images
    assert halved["remade"] == 0
    check_whole(halved)
    assert halved["new"] == whole["new"]
