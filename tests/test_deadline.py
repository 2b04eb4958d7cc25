"""A run that may not begin new work, and one that only says what it would do."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reportgen import pipeline
from reportgen.contracts import Silent
from reportgen.deadline import Deadline
from reportgen.errors import ImagesError
from reportgen.example import HONEST, SCENES
from reportgen.options import BuildOptions
from reportgen.pipeline import build


class Clock:
    """A clock that goes on by one second each time somebody looks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("reportgen.deadline.time.monotonic", self.look)

    def look(self) -> float:
        self.now += 1
        return self.now


def options(out: Path, **more: Any) -> BuildOptions:  # noqa: ANN401 - any setting
    small = {"lime_samples": 30, "filter_steps": 2, "filters_top": 1, "formats": ("html", "json"), "self_test": False,
             "methods": ("saliency", "filters", "lime")}  # fmt: skip
    return BuildOptions(**{"model": HONEST, "images": (SCENES,), "limit": 3, "out": out, **small, **more})


def test_work_goes_on_while_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    closed: list[bool] = []

    def work() -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            closed.append(True)

    assert list(Deadline.after(None).until(work())) == list(range(10))
    assert list(Deadline.after(3.5).until(work())) == [0, 1, 2]
    assert closed == [True, True]  # what it holds, such as hooks, is given back at once


def test_what_is_left_out_is_named() -> None:
    told = Deadline.after(60).left_out("lime", [f"{n}.jpg" for n in range(7)])
    assert told.what == "lime"
    assert told.why == (
        "not computed for 0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg and 2 more: the 60 seconds of --max-seconds were over"
    )
    assert "not computed: the 0.5 seconds" in Deadline.after(0.5).left_out("filters").why


def test_a_run_that_is_out_of_time_is_a_report_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    heard = Silent()
    whole = pipeline.explain_model(options(tmp_path / "whole", checks="none"), None, Silent())
    run = pipeline.explain_model(options(tmp_path / "r", max_seconds=2.5, checks="quick"), None, heard)
    assert [(f.what, f.code) for f in run.failures] == [
        (n, "E-METHOD") for n in ("saliency", "filters", "lime", "checks", "cues")
    ]
    assert [[e.method for e in subject.explanations] for subject in run.subjects] == [["saliency"], ["saliency"], []]
    assert run.filters == ()
    for early, full in zip(run.subjects[:2], whole.subjects[:2], strict=True):
        (mine,), first = early.explanations, full.explanations[0]
        assert mine.measures == first.measures  # as far as it came, the same numbers
    assert sum("--max-seconds" in line for line in heard.lines) == 5


def test_a_report_of_a_part_has_exit_code_1_and_its_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    built = build(options(tmp_path / "r", max_seconds=2.5, checks="none"))
    assert built.exit_code == 1
    page = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    assert page.count('class="depth-2 card"') == 3
    assert "of --max-seconds were over" in re.sub("<[^>]+>", "", page)  # an option is an element of its own


def test_a_dry_run_computes_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "explain_model", lambda *_: pytest.fail("it explains"))
    built = build(options(tmp_path / "r", dry_run=True, formats=("html", "pdf", "json"), lime_samples=100))
    assert (built.paths, built.exit_code) == ((), 0)
    assert not (tmp_path / "r").exists()
    plan = dict(built.summary)
    layers = str(plan.pop("layers")).split(", ")
    assert len(layers) == 5
    assert {key: plan[key] for key in ("model", "images", "unreadable", "methods", "filters")} == {
        "model": "course network", "images": 3, "unreadable": 0, "methods": "saliency, filters, lime", "filters": 5,
    }  # fmt: skip
    assert [key for key in plan if not key.startswith("passes_")][5:] == ["seconds", "bytes_html", "bytes_pdf"]
    assert int(plan["seconds"]) >= 1


def test_a_plan_is_about_what_was_asked_for(tmp_path: Path) -> None:
    asked = options(tmp_path, dry_run=True, methods=("lime",), lime_once=True, formats=("json",), checks="none")
    plan = build(asked).summary
    assert [key for key in plan if key.startswith(("passes_", "bytes_"))] == ["passes_images", "passes_lime"]
    named = options(tmp_path, dry_run=True, layers=("cnn.2",), filters=(0, 1, 2), profile="hw5")
    plan = build(named).summary
    assert plan["filters"] == 3
    assert {"passes_saliency_hw5", "passes_filters_hw5", "passes_lime_hw5"} <= set(plan)


def test_sizes_stay_within_their_budgets(tmp_path: Path) -> None:
    plan = build(options(tmp_path, dry_run=True, formats=("html", "pdf"), budget=0.1, max_pdf_mb=0.2)).summary
    assert (plan["bytes_html"], plan["bytes_pdf"]) == (100_000, 200_000)


def test_a_dry_run_refuses_what_a_build_would(tmp_path: Path) -> None:
    with pytest.raises(ImagesError):
        build(options(tmp_path, dry_run=True, images=(tmp_path / "absent",)))
