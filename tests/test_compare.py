"""reportgen compare through the real command line, on made-up runs: files, exit codes, what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from changed_runs import BASE, answered, gathered
from pypdf import PdfReader

from reportgen.__main__ import run as command
from reportgen.comparison_schema import ComparisonFacts, comparison_schema
from reportgen.publish import COMPARISON_FILES
from reportgen.results import Run
from reportgen.store import save_run

CI = ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITLAB_CI")


@pytest.fixture(autouse=True)
def _reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three reports, and no CI service, though these tests may run in one."""
    monkeypatch.chdir(tmp_path)
    for name in CI:
        monkeypatch.delenv(name, raising=False)
    for name, run in {"base": BASE, "same": BASE, "corner": gathered(BASE), "flipped": answered(BASE, 0, 1)}.items():
        write(name, run)


def write(name: str, run: Run) -> None:
    Path(name).mkdir()
    save_run(run, Path(name) / "run")


def facts(folder: str = "comparison") -> ComparisonFacts:
    return ComparisonFacts.model_validate_json((Path(folder) / "comparison.json").read_text(encoding="utf-8"))


def test_the_same_report_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["compare", "base", "same", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "comparison/comparison.json"
    assert {line.split()[0] for line in out.splitlines()[1:]} <= {"passed", "not_tested"}
    assert err == ""
    assert facts().summary["changed"] == 0


@pytest.mark.parametrize(("new", "rule"), [("corner", "lime_gathered"), ("flipped", "flipped")])
def test_a_change_that_a_rule_forbids_is_exit_code_1_and_the_line_says_why(
    new: str, rule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["compare", "base", new, "--format", "json"]) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.split()[:3] == ["failed", "error", rule]]
    assert "was asked" in line


def test_the_file_decides(capsys: pytest.CaptureFixture[str]) -> None:
    Path("rules.toml").write_text(
        "[compare]\nlime_gathered = 'warn'\nrules_lost = 'off'\n[rules]\naccuracy = 'off'", encoding="utf-8"
    )
    assert command(["compare", "base", "corner", "--rules", "rules.toml", "--format", "json"]) == 0
    Path("rules.toml").write_text("[compare]\nlime_gatherd = 'off'", encoding="utf-8")
    assert command(["compare", "base", "corner", "--rules", "rules.toml"]) == 2
    assert "unknown rule lime_gatherd. Did you mean lime_gathered?" in capsys.readouterr().err


def test_a_rule_of_the_other_table_is_unknown_there(capsys: pytest.CaptureFixture[str]) -> None:
    Path("rules.toml").write_text("[compare]\naccuracy = 'off'", encoding="utf-8")
    assert command(["compare", "base", "same", "--rules", "rules.toml"]) == 2
    assert "unknown rule accuracy" in capsys.readouterr().err


def test_all_files_are_written_and_the_pdf_carries_the_json() -> None:
    assert command(["compare", "base", "corner", "--out", "c", "--format", "html,pdf,json,junit,markdown,badge"]) == 1
    assert {path.name for path in Path("c").iterdir()} == set(COMPARISON_FILES)
    attached = PdfReader(Path("c") / "comparison.pdf").attachments
    assert dict(attached) == {"comparison.json": [(Path("c") / "comparison.json").read_bytes()]}
    assert "now lies in the lower right" in (Path("c") / "rules.md").read_text(encoding="utf-8").splitlines()[0]
    assert "comparison.html in the folder c" in (Path("c") / "rules.md").read_text(encoding="utf-8").replace("\\", "")


def test_the_json_is_always_written_and_a_second_time_takes_the_place_of_the_first() -> None:
    command(["compare", "base", "corner", "--format", "html"])
    first = {path.name: path.read_bytes() for path in Path("comparison").iterdir()}
    assert set(first) == {"comparison.html", "comparison.json"}
    command(["compare", "base", "corner", "--format", "html"])
    assert {path.name: path.read_bytes() for path in Path("comparison").iterdir()} == first
    command(["compare", "base", "same", "--format", "json"])
    assert {path.name for path in Path("comparison").iterdir()} == {"comparison.json"}


@pytest.mark.parametrize("strange", ["note.txt", "comparison.json", "run"])
def test_a_foreign_folder_is_left_alone(strange: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("there").mkdir()
    (Path("there") / strange).write_text("{}", encoding="utf-8")
    assert command(["compare", "base", "same", "--out", "there", "--format", "json"]) == 4
    assert "error[E-OUT-FOREIGN]" in capsys.readouterr().err
    assert [path.name for path in Path("there").iterdir()] == [strange]


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_never_into_one_of_the_reports(overwrite: list[str]) -> None:
    before = sorted(str(path) for path in Path("base").rglob("*"))
    assert command(["compare", "base", "same", "--out", "base", "--format", "json", *overwrite]) in (2, 4)
    assert sorted(str(path) for path in Path("base").rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["base", "nowhere"], 3, "error[E-RUN]"),
        (["base", "same", "--format", "docx"], 2, "no format 'docx'"),
        (["base", "same", "--format", ","], 2, "error[E-FORMAT]"),
        (["base"], 2, "NEW"),
    ],
)
def test_what_cannot_be_compared(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["compare", *arguments]) == code
    assert says in capsys.readouterr().err
    assert not Path("comparison").exists()


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["compare", "base", "corner", "--format", "json", "--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed["paths"] == ["comparison/comparison.json"]
    assert printed["summary"] == facts().summary
    assert printed["fails"] is True


def test_a_service_gets_its_summary(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    monkeypatch.setenv("GITLAB_CI", "true")
    assert command(["compare", "base", "corner", "--format", "json"]) == 1
    assert "now lies in the lower right" in Path("summary.md").read_text(encoding="utf-8").splitlines()[0]
    assert "::error title=" in capsys.readouterr().err
    assert (Path("comparison") / "rules.xml").is_file()


def test_the_schema_is_published(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["schema", "--compare"]) == 0
    assert json.loads(capsys.readouterr().out) == comparison_schema()


def test_nothing_of_torch_is_loaded(fresh: Callable[..., str]) -> None:
    code = (
        "import sys; from reportgen.__main__ import run; "
        "assert run(['compare', 'base', 'same', '--format', 'html']) == 0; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'torch', 'lime'}))"
    )
    assert fresh(code).splitlines()[-1] == "[]"
