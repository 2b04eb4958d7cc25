"""reportgen check through the real command line, here and in the CI services that it finds; and docs/ci.md."""

import html
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from fake_run import fake_run

from reportgen import example
from reportgen.__main__ import run as command
from reportgen.compose import compose
from reportgen.contracts import RenderOptions
from reportgen.language import load_words
from reportgen.noise import MEASURED, ROUNDING
from reportgen.options import BuildOptions, flag
from reportgen.outputs import OUTPUTS
from reportgen.publish import CHECK_FILES
from reportgen.results import Explanation, Run
from reportgen.rules import COMPARE_RULES, RULES, judge, read_rules
from reportgen.rules.rule import Rule
from reportgen.store import save_run

ROOT = Path(__file__).parent.parent
DOCS = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
COMPARE = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
CI = ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITLAB_CI")
PLACES = ("centre", "upper", "lower", "right")


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, and no CI service, though these tests may run in one."""
    monkeypatch.chdir(tmp_path)
    for name in CI:
        monkeypatch.delenv(name, raising=False)


def spread_out(run: Run, places: tuple[str, ...] = PLACES) -> Run:
    """The heaviest regions in these places."""

    def placed(each: Explanation, place: str) -> Explanation:
        return replace(each, measures={**each.measures, "place": place}) if each.method == "lime" else each

    subjects = tuple(
        replace(subject, explanations=tuple(placed(each, place) for each in subject.explanations))
        for subject, place in zip(run.subjects, places, strict=True)
    )
    return replace(run, subjects=subjects)


GOOD = spread_out(fake_run(profile="default", trouble=False))
SHORTCUT = spread_out(GOOD, ("lower_right",) * 4)


def report(run: Run, folder: str = "report") -> Path:
    Path(folder).mkdir()
    save_run(run, Path(folder) / "run")
    (Path(folder) / "report.html").write_bytes(b"x" * 1000)
    return Path(folder)


class TestExitCodes:
    def test_no_error_rule_fails(self, capsys: pytest.CaptureFixture[str]) -> None:
        report(GOOD)
        assert command(["check", "report"]) == 0
        out, err = capsys.readouterr()
        assert [line.split()[2] for line in out.splitlines()] == list(RULES)
        assert err == ""

    def test_a_shortcut_fails_and_the_line_says_why(self, capsys: pytest.CaptureFixture[str]) -> None:
        report(SHORTCUT)
        assert command(["check", "report"]) == 1
        failed = [line for line in capsys.readouterr().out.splitlines() if line.split()[:2] == ["failed", "error"]]
        (line,) = failed
        assert "lime_same_place      100% (below 75%): On 4 of 4 images" in line
        assert "in the lower right" in line

    def test_it_speaks_the_language_of_the_report_or_the_one_asked_for(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        report(replace(SHORTCUT, language="zh-Hant"))
        assert command(["check", "report", "--format", "markdown"]) == 1
        assert "右下方" in capsys.readouterr().out
        assert "| 規則 |" in Path("report/rules.md").read_text(encoding="utf-8")
        assert command(["check", "report", "--format", "markdown", "--lang", "zh-hans"]) == 1
        assert "| 规则 |" in Path("report/rules.md").read_text(encoding="utf-8")
        assert command(["check", "report", "--lang", "zh-CN"]) == 2

    def test_the_file_decides(self) -> None:
        report(SHORTCUT)
        Path("rules.toml").write_text("[rules]\nlime_same_place = 'warn'")
        assert command(["check", "report", "--rules", "rules.toml"]) == 0
        assert command(["check", "report", "--rules", "rules.toml", "--preset", "strict"]) == 1

    def test_not_tested_fails_where_it_must_be_tested(self, capsys: pytest.CaptureFixture[str]) -> None:
        report(fake_run(methods=("filters",), profile="default", trouble=False))
        assert command(["check", "report"]) == 0
        Path("rules.toml").write_text("[rules]\nlime_same_place.not_tested = 'fail'")
        assert command(["check", "report", "--rules", "rules.toml"]) == 1
        assert "not_tested  error  lime_same_place" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ("--rules wrong.toml", "unknown rule acuracy. Did you mean accuracy?"),
            ("--rules none.toml", "none.toml"),
            ("--preset lax", "default or strict"),
            ("--format html", "a check has no format 'html'. Of: junit, markdown, badge"),
        ],
    )
    def test_usage(self, arguments: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
        report(GOOD)
        Path("wrong.toml").write_text("[rules]\nacuracy = 'off'")
        assert command(["check", "report", *arguments.split()]) == 2
        out, err = capsys.readouterr()
        assert (out, len(err.splitlines())) == ("", 1)
        assert says in err

    def test_no_report(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert command(["check", "report"]) == 3
        assert "error[E-RUN]" in capsys.readouterr().err

    def test_a_folder_that_cannot_be_written(self, capsys: pytest.CaptureFixture[str]) -> None:
        (report(GOOD) / "badge.json").mkdir()
        assert command(["check", "report", "--format", "badge"]) == 4
        assert "error[E-OUT-WRITE]" in capsys.readouterr().err
        assert sorted(path.name for path in Path("report").iterdir()) == ["badge.json", "report.html", "run"]


class TestFiles:
    def test_nothing_is_written_unasked(self) -> None:
        before = {path: path.stat().st_mtime_ns for path in report(GOOD).rglob("*")}
        assert command(["check", "report"]) == 0
        assert {path: path.stat().st_mtime_ns for path in Path("report").rglob("*")} == before

    def test_formats(self, capsys: pytest.CaptureFixture[str]) -> None:
        report(SHORTCUT)
        assert command(["check", "report", "--format", "junit, markdown,,badge", "--json"]) == 1
        printed = json.loads(capsys.readouterr().out)
        names = ["rules.xml", "rules.md", "badge.json"]
        assert printed["paths"] == [str(Path("report") / name) for name in names]
        assert all((Path("report") / name).stat().st_size for name in names)
        assert tuple(names) == CHECK_FILES  # so that the next build removes what tells of the last one
        assert printed["fails"] is True
        assert [rule["name"] for rule in printed["rules"]] == list(RULES)
        (place,) = [rule for rule in printed["rules"] if rule["name"] == "lime_same_place"]
        assert (place["value"], place["threshold"], len(place["against"])) == (1.0, 0.75, 4)

    def test_sizes_are_those_of_the_files(self, capsys: pytest.CaptureFixture[str]) -> None:
        report(GOOD)
        Path("rules.toml").write_text("[rules]\nhtml_bytes = { level = 'error', at_most = 999 }")
        assert command(["check", "report", "--rules", "rules.toml"]) == 1
        assert "html_bytes           0.001 MB (at most 0.000999 MB)" in capsys.readouterr().out


class TestServices:
    def test_github_gets_summary_and_annotations(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        report(SHORTCUT)
        Path("summary.md").write_text("before\n")
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
        assert command(["check", "report", "--json"]) == 1
        out, err = capsys.readouterr()
        json.loads(out)
        assert err.startswith("::error title=Images whose heaviest LIME region lies in the same place::On 4 of 4")
        assert Path("summary.md").read_text(encoding="utf-8").splitlines()[1].startswith("**Failed\\: On 4 of 4")
        assert not (Path("report") / "rules.md").exists()

    @pytest.mark.parametrize("size", [1024 * 1024 - 100, None])
    def test_a_summary_that_is_full_or_cannot_be_written_costs_only_itself(
        self, size: int | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        report(GOOD)
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
        if size:
            Path("summary.md").write_bytes(b"x" * size)
        else:
            Path("summary.md").mkdir()
        assert command(["check", "report"]) == 0
        assert "the step's summary: it " in capsys.readouterr().err
        assert size is None or Path("summary.md").stat().st_size == size

    def test_gitlab_gets_junit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        report(GOOD)
        monkeypatch.setenv("GITLAB_CI", "true")
        assert command(["check", "report"]) == 0
        assert ET.parse(Path("report") / "rules.xml").getroot().get("failures") == "0"


class TestPage:
    def test_the_summary_has_the_rules_and_why_one_fails_once(self) -> None:
        run = replace(SHORTCUT, rules=judge(SHORTCUT, read_rules()))
        document = compose(run, load_words())
        assert [rule["name"] for rule in document.facts["rules"]] == [each.name for each in run.rules]
        page = html.unescape(OUTPUTS["html"].render(document, RenderOptions()).decode())
        summary = page[page.index('id="summary"') : page.index('id="images"')]
        assert 'id="table-rules"' in summary
        assert summary.count("LIME's heaviest region lies") == 1
        assert "Size of report.html" not in summary

    def test_without_rules_there_is_no_table(self) -> None:
        document = compose(GOOD, load_words())
        assert document.facts["rules"] == []
        assert "table-rules" not in OUTPUTS["html"].render(document, RenderOptions()).decode()


def fenced(language: str, text: str = DOCS) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


GITHUB, GITLAB, HOOK = fenced("yaml")
SETTING_UP = ("sudo ", "apt-get ", "pip ")
STEPS = [line for line in re.findall(r"^ +- run: (.*)$", GITHUB, re.MULTILINE) if not line.startswith(SETTING_UP)]
(SCRIPT,) = re.findall(r"^  script:\n((?:    - .*\n)+)", GITLAB, re.MULTILINE)
JOB = [line for line in re.findall(r"^    - (.*)$", SCRIPT, re.MULTILINE) if not line.startswith(SETTING_UP)]
ENTRIES = re.findall(r"^ +entry: (.*)$", HOOK, re.MULTILINE)
BUILDS = re.findall(r"^reportgen build .*$", "".join(fenced("")), re.MULTILINE)
# What makes a build small, where a runner would take its time.
QUICK = {"METHODS": "saliency,lime", "LIME_SAMPLES": "128", "LIME_SEGMENTS": "30", "CHECKS": "none", "SELF_TEST": "0"}
SERVICE = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "summary.md", "GITLAB_CI": "true"}


class TestDocs:
    @pytest.fixture
    def shell(self, tmp_path: Path) -> Callable[..., int]:
        """Runs a line as a runner does, `reportgen` being this one, in a folder with the docs' rules.toml."""
        program = tmp_path / "bin" / "reportgen"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m reportgen "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        (toml,) = fenced("toml")
        Path("rules.toml").write_text(toml, encoding="utf-8")
        path = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        quick = {f"REPORTGEN_{name}": value for name, value in QUICK.items()}

        def run(line: str, **environ: str) -> int:
            done = subprocess.run(
                ["bash", "-e", "-c", line], env=os.environ | path | quick | environ, capture_output=True, text=True
            )
            assert done.returncode in (0, 1), done.stderr
            return done.returncode

        return run

    def test_there_are_a_workflow_a_job_and_a_hook(self) -> None:
        assert [len(lines) for lines in (STEPS, JOB, ENTRIES, BUILDS)] == [4, 4, 2, 2]
        for lines in (STEPS, JOB):
            assert [re.findall(r"reportgen (\w+)", line) for line in lines] == [["build"], ["check"], ["compare"], []]

    def test_the_examples_run_as_written(self, shell: Callable[..., int]) -> None:
        """The workflow passes with the first checkpoint; the job and the hook stop the shortcut that follows it."""
        Path("runs").mkdir()
        shutil.copytree(example.MARKED / "star", Path("audit") / "star")
        shutil.copy(example.HONEST, Path("runs") / "latest.pth")
        assert [shell(line, **SERVICE) for line in STEPS] == [0, 0, 0, 0]
        assert Path("summary.md").is_file()
        assert Path("report/badge.json").is_file()
        assert not Path("comparison").exists()  # there was nothing to compare with
        assert all(Path(path).is_file() for path in re.findall(r"path: (report/.*)$", GITHUB, re.MULTILINE))

        shutil.copy(example.SHORTCUT, Path("runs") / "latest.pth")
        assert [shell(line, **SERVICE) for line in JOB[:3]] == [0, 1, 1]
        (junit,) = re.findall(r"junit: \[(.*)\]$", GITLAB, re.MULTILINE)
        assert all(Path(path).is_file() for path in junit.split(", "))
        assert all(Path(path).is_file() for path in re.findall(r"path: (comparison/.*)$", GITHUB, re.MULTILINE))
        assert [shell(line) for line in ENTRIES] == [1, 1]
        (script,) = fenced("sh")
        hook = Path("pre-push")
        hook.write_text(script)
        hook.chmod(0o755)
        assert shell("./pre-push") == 1
        Path("rules.toml").write_text("[rules]\nlime_same_place = 'off'\naccuracy = 'off'", encoding="utf-8")
        assert shell("./pre-push") == 1  # by the comparison
        shutil.rmtree("last")
        assert shell("./pre-push") == 0

    @pytest.mark.parametrize("line", [*BUILDS, STEPS[0]])
    def test_every_flag_of_a_build_exists(self, line: str) -> None:
        known = {flag(name) for name in BuildOptions.model_fields} | {"--json", "--quiet"}
        assert set(re.findall(r"(?<!\S)--[a-z-]+", line)) <= known

    @pytest.mark.parametrize(("text", "rules"), [(DOCS, RULES), (COMPARE, COMPARE_RULES)], ids=["check", "compare"])
    def test_every_rule_stands_in_the_table_with_what_it_asks(self, text: str, rules: Mapping[str, Rule[Any]]) -> None:
        rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| .* \| `(at_least|at_most|below)` \|$", text, re.MULTILINE)
        told = [(name, sense) for names, sense in rows for name in re.findall(r"`(\w+)`", names)]
        assert told == [(rule.name, rule.sense) for rule in rules.values()]

    def test_the_rules_of_comparison_that_are_shown_can_be_read(self, tmp_path: Path) -> None:
        (toml,) = fenced("toml", COMPARE)
        (tmp_path / "compare.toml").write_text(toml, encoding="utf-8")
        assert read_rules(tmp_path / "compare.toml")["maps_moved"].level == "off"

    def test_the_floors_that_are_told_are_those_of_the_code(self) -> None:
        numbers = {"rounding": ROUNDING, "measured": MEASURED["lime"]}
        for name, known in numbers.items():
            (row,) = re.findall(rf"^\| {name} \| .*$", COMPARE, re.MULTILINE)
            assert {f"{known.rank:.2f}", f"{known.overlap:.2f}"} <= set(re.findall(r"\d\.\d\d\b", row))

    @pytest.mark.parametrize("text", [DOCS, COMPARE], ids=["ci", "compare"])
    def test_every_link_leads_to_a_file(self, text: str) -> None:
        links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
        assert links
        assert all((ROOT / "docs" / link).is_file() for link in links)
