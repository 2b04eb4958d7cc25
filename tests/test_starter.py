"""`reportgen init`: a settings file that says everything and changes nothing."""

import re
import tomllib
from pathlib import Path

import pytest

from reportgen.__main__ import run
from reportgen.options import COMMAND_LINE_ONLY, BuildOptions
from reportgen.settings import resolve
from reportgen.starter import EXAMPLES, starter

FIELDS = {name: field for name, field in BuildOptions.model_fields.items() if name not in COMMAND_LINE_ONLY}


def uncommented(text: str) -> str:
    """The file with every setting switched on."""
    return re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)


def test_as_it_is_written_it_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = resolve({"model": Path("m.pth")}, environ={})
    assert tomllib.loads(starter()) == {}
    assert run(["init"]) == 0
    assert resolve({"model": Path("m.pth")}, environ={}) == before


def test_every_setting_is_there_once_and_may_be_switched_on(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(uncommented(starter()), encoding="utf-8")
    said = tomllib.loads(file.read_text(encoding="utf-8"))
    assert list(said) == list(FIELDS)
    options = resolve({"model": Path("m.pth")}, config=file, environ={})
    for name, field in FIELDS.items():
        empty = field.default in (None, (), "")
        assert (name in EXAMPLES) == empty, name
        assert bool(getattr(options, name)) or not empty, name
        assert empty or getattr(options, name) == field.default, name


def test_each_stands_below_what_it_means() -> None:
    lines = starter().splitlines()
    for name, field in FIELDS.items():
        position = next(n for n, line in enumerate(lines) if line.startswith(f"# {name} = "))
        assert lines[position - 1] == f"# {field.description}"


def test_a_language_that_was_asked_for_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["init", "--lang", "zh-Hant"]) == 0
    assert tomllib.loads((tmp_path / "reportgen.toml").read_text(encoding="utf-8")) == {"lang": "zh-Hant"}
    assert run(["init", "other.toml", "--lang", "zh"]) == 2


def test_a_file_that_is_there_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "own.toml"
    file.write_text("seed = 3")
    assert run(["init", str(file)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert file.read_text() == "seed = 3"
    assert run(["init", str(file), "--overwrite"]) == 0
    assert file.read_text(encoding="utf-8") == starter()


def test_where_it_cannot_be_written_the_error_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(tmp_path / "none" / "own.toml")]) == 4
    assert capsys.readouterr().err.startswith("error[E-INIT]")
