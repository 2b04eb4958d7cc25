"""Tools for pages that npm brings: one that lies here already is taken, else it is fetched for the session."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GIVEN = dict(os.environ)  # read here, for tests run without REPORTGEN_ variables


def tool(package: str, version: int, inside: str, setting: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of a package: what the environment variable names, from node_modules, or fetched.

    inside: its path in the package's folder. Skips the test where there is none.
    """
    part = Path("node_modules", package, inside)
    for path in (Path(GIVEN.get(setting, "")), ROOT / part):
        if path.is_file():
            return path
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"no {package}: set {setting} to {part.name}, or install npm")
    folder = tmp_path_factory.mktemp(package)
    wanted = f"{package}@{version}"
    command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", wanted]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        pytest.skip(f"npm could not fetch {package}: {done.stderr.strip()[-200:]}")
    return folder / part
