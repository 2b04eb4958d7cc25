"""`reportgen doctor`: what is there, what is not, and what to type then."""

import json
import os
from pathlib import Path

import pytest
import torch
from rich.console import Console

from reportgen import doctor, selftest
from reportgen.__main__ import run
from reportgen.doctor import NEEDED, Finding, examine, known_answers
from reportgen.errors import EnvironmentProblem
from reportgen.outputs.drawing import Drawn
from reportgen.results import KnownAnswer
from reportgen.tables import doctor_table


@pytest.fixture
def no_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "drawn_apart", lambda *_: Drawn(b"%PDF", ()))


def by_name(device: str = "cpu") -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(device)}


def test_this_machine_has_what_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    """The real thing once: what the suite itself runs with is there, fonts aside."""
    code = run(["doctor", "--json", "--device", "cpu"])
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert {name: rows[name]["state"] for name in NEEDED} == dict.fromkeys(NEEDED, "good")
    assert rows["device"]["found"].startswith("cpu")
    lacks = [row["name"] for row in rows.values() if row["state"] == "bad"]
    assert set(lacks) <= {"pdf", "chinese fonts"}
    assert code == (EnvironmentProblem.exit_code if lacks else 0)


@pytest.mark.usefixtures("no_pdf")
def test_a_missing_package_is_named_with_its_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "NEEDED", (*NEEDED, "no-such-package"))
    assert run(["doctor", "--device", "cpu", "--self-test"]) == EnvironmentProblem.exit_code
    told = capsys.readouterr().out
    assert "MISSING  no-such-package" in told
    assert "-> pip install no-such-package" in told
    assert "self-test" not in told  # what is missing comes first


def test_without_pango_the_row_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> Drawn:
        raise EnvironmentProblem("E-PDF", "report.pdf", "Pango is missing", "Install it: apt install libpango-1.0-0")

    monkeypatch.setattr(doctor, "drawn_apart", fails)
    assert by_name()["pdf"] == Finding("pdf", "bad", "Pango is missing", "Install it: apt install libpango-1.0-0")


def test_without_chinese_fonts_the_row_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    complaint = '.notdef glyph rendered for Unicode string unsupported by fonts: "顯" (U+986F)'
    monkeypatch.setattr(doctor, "drawn_apart", lambda *_: Drawn(b"%PDF", (complaint,)))
    found = by_name()
    assert (found["pdf"].state, found["chinese fonts"].state) == ("good", "bad")
    assert "fonts-noto-cjk" in found["chinese fonts"].fix


@pytest.mark.usefixtures("no_pdf")
def test_a_gpu_that_is_not_there_is_no_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    found = by_name("cuda")["device"]
    assert found.state == "bad"
    assert "sees no GPU" in found.found
    assert "--device cpu" in found.fix


@pytest.mark.usefixtures("no_pdf")
def test_what_breaks_is_a_row_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Path:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(doctor, "templates_dir", broken)
    found = by_name()
    assert found["templates"].state == "bad"
    assert found["templates"].found == "RuntimeError: two lines"
    assert found["temporary files"].state == "good"


@pytest.mark.usefixtures("no_pdf")
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o500)
    monkeypatch.chdir(tmp_path)
    assert by_name()["this folder"].fix == "Name another with --out"


@pytest.mark.parametrize(("value", "state", "code"), [(0.9, "good", 0), (0.2, "bad", 1)])
@pytest.mark.usefixtures("no_pdf")
def test_the_self_test_is_run_again_and_decides(
    value: float, state: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[bool] = []

    def answers(_device: str, *, again: bool) -> tuple[KnownAnswer, ...]:
        asked.append(again)
        return (KnownAnswer("object_lime", value, 0.5),)

    monkeypatch.setattr(selftest, "self_test", answers)
    monkeypatch.setattr(doctor, "_extras", lambda: iter(()))
    (found,) = known_answers("cpu")
    assert (found.name, found.state, bool(found.fix)) == ("self-test: object_lime", state, state == "bad")
    assert run(["doctor", "--device", "cpu", "--self-test"]) == code
    assert f"{value:g} (at least 0.5)" in capsys.readouterr().out
    assert asked == [True, True]


def test_a_wrong_device_is_a_mistake_in_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--device", "gpu"]) == 2
    assert "--device" in capsys.readouterr().err


def test_colours_at_a_terminal_and_words_for_everyone() -> None:
    rows = [Finding("a", "good", "[red]x"), Finding("b", "bad", "none", "apt install b"), Finding("c", "note", "y")]
    plain = doctor_table(rows, Console(force_terminal=False)).splitlines()
    assert [line.split()[0] for line in plain[1:]] == ["ok", "MISSING", "->", "note"]
    assert "[red]x" in plain[1]
    drawn = doctor_table(rows, Console(force_terminal=True, color_system="standard", width=80))
    assert "\x1b[32m" in drawn
    assert "\x1b[31m" in drawn
