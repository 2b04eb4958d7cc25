"""What a user gets from the package index: the whole program with its templates and its example, and nothing else."""

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

import pytest

from reportgen import __version__

ROOT = Path(__file__).resolve().parent.parent
LEAVE = shutil.ignore_patterns("__pycache__", ".*", "report", "build", "dist")


def files(folder: Path) -> set[str]:
    """All files below, without what Python leaves behind."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the source archive, and the wheel made from it."""
    tree = tmp_path_factory.mktemp("tree")
    for entry in ("reportgen", "templates", "tests"):
        shutil.copytree(ROOT / entry, tree / entry, ignore=LEAVE)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, tree)
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", "made"], cwd=tree, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return tree / "made"


@pytest.fixture(scope="module")
def wheel(dist: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(dist.glob("*.whl")))


@pytest.fixture(scope="module")
def unpacked(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content as pip lays it down."""
    folder = tmp_path_factory.mktemp("installed")
    wheel.extractall(folder)
    return folder


def test_the_wheel_carries_the_package_and_its_templates_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    package = {f"reportgen/{name}" for name in files(ROOT / "reportgen")}
    templates = {f"reportgen/_templates/{name}" for name in files(ROOT / "templates")}
    carried = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert carried == package | templates


@pytest.mark.parametrize(
    "name",
    [
        "py.typed",
        "_templates/report.html.j2",
        "_templates/lang/en.toml",
        "_templates/references.toml",
        "example/honest.pth",
        "example/shortcut.pth",
        "example/scenes/star/1.jpg",
        "example/marked/star/1.jpg",
        "example/photographs/chelsea.jpg",
    ],
)
def test_the_wheel_carries(wheel: zipfile.ZipFile, name: str) -> None:
    assert wheel.getinfo(f"reportgen/{name}").file_size > 0 or name == "py.typed"


def test_the_source_archive_can_be_built_and_tested(dist: Path) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "Makefile", "constraints.txt", "LICENSE", "README.md", "CHANGELOG.md"} <= names
    assert {"tests/conftest.py", "templates/lang/en.toml", "reportgen/cli.py"} <= names


def test_its_metadata(wheel: zipfile.ZipFile) -> None:
    info = f"reportgen-{__version__}.dist-info"
    metadata = message_from_bytes(wheel.read(f"{info}/METADATA"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (metadata["Version"], metadata["License-Expression"]) == (__version__, "Apache-2.0")
    needs = [need for need in metadata.get_all("Requires-Dist", []) if "extra ==" not in need]
    assert sorted(needs) == sorted(project["dependencies"])
    assert b"reportgen = reportgen.__main__:main" in wheel.read(f"{info}/entry_points.txt")
    assert wheel.read(f"{info}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()


def test_the_unpacked_wheel_finds_its_own_templates_and_example(unpacked: Path, fresh: Callable[..., str]) -> None:
    """Not the checkout's: PYTHONPATH comes before what an editable install has set."""
    code = (
        "from reportgen import resources\n"
        "from reportgen.language import languages, load_references, load_words\n"
        "print(resources.templates_dir(), resources.example_dir(), *languages())\n"
        "assert load_words().sentences and load_references()\n"
        "assert (resources.example_dir() / 'honest.pth').is_file()"
    )
    templates, example, *codes = fresh(code, pythonpath=unpacked).split()
    assert Path(templates) == unpacked / "reportgen" / "_templates"
    assert Path(example) == unpacked / "reportgen" / "example"
    assert "en" in codes


def test_the_unpacked_wheel_answers(unpacked: Path, fresh: Callable[..., str]) -> None:
    code = "import sys; from reportgen.__main__ import run; sys.exit(run(['build', '--help']))"
    assert "--model" in fresh(code, pythonpath=unpacked)
