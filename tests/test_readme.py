"""What the README says can be done can be done: its commands parse, its files exist, its table is the help's."""

import re
from pathlib import Path

import pytest

from reportgen import options
from reportgen.cli import app
from reportgen.options import BuildOptions

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SAMPLES = (ROOT / "sample_reports" / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^reportgen build (?:.*\\\n)*.*$", README, re.MULTILINE)


@pytest.mark.parametrize(
    ("folder", "text"), [(ROOT, README), (ROOT / "sample_reports", SAMPLES)], ids=["main", "samples"]
)
def test_every_link_leads_to_a_file(folder: Path, text: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert links
    assert [link for link in links if not (folder / link).is_file()] == []


def test_there_is_a_worked_example_for_each_of_the_three_readers() -> None:
    assert len(COMMANDS) == 3


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_of_an_example_exists(command: str) -> None:
    known = {options.flag(name) for name in BuildOptions.model_fields} | {"--json", "--quiet"}
    assert set(re.findall(r"(?<!\S)--[a-z-]+", command)) <= known


def test_every_target_of_make_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE)) <= targets


def test_every_exit_code_stands_in_the_help() -> None:
    codes = re.findall(r"^\| ([\d, ]+) \|", README, re.MULTILINE)
    assert [int(code) for row in codes for code in row.split(",")] == [0, 1, 2, 3, 4, 70, 130, 143]
    for code in (0, 1, 2, 3, 4, 70):
        assert f"{code} " in str(app.info.epilog)
