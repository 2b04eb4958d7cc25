from pathlib import Path

import pytest

from reportgen import resources
from reportgen.errors import EnvironmentProblem


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package in a folder that a stranger shares."""
    folder = tmp_path / "reportgen"
    folder.mkdir()
    monkeypatch.setattr(resources, "_PACKAGE", folder)
    return folder


def test_the_checkout_has_templates_and_the_example() -> None:
    assert (resources.templates_dir() / "lang" / "en.toml").is_file()
    assert (resources.example_dir() / "scenes").is_dir()


def test_the_wheels_copy_wins(package: Path) -> None:
    (package / "_templates").mkdir()
    (package.parent / "templates").mkdir()
    (package.parent / "pyproject.toml").touch()
    assert resources.templates_dir() == package / "_templates"


def test_a_checkout_is_known_by_its_pyproject(package: Path) -> None:
    (package.parent / "templates").mkdir()
    (package.parent / "pyproject.toml").touch()
    assert resources.templates_dir() == package.parent / "templates"


def test_a_strangers_templates_are_not_taken(package: Path) -> None:
    (package.parent / "templates").mkdir()
    with pytest.raises(EnvironmentProblem, match="templates are missing"):
        resources.templates_dir()


def test_nothing_at_all_is_said(package: Path) -> None:
    (package.parent / "pyproject.toml").touch()
    with pytest.raises(EnvironmentProblem, match="Install it again"):
        resources.templates_dir()
