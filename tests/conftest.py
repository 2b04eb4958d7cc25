"""What every test may rely on: no network, no settings from outside, the same random examples every time."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# Read when torch and numpy are loaded. The tests' networks are tiny, and threads that wait for one another on a busy
# machine make them ten times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

hypothesis.settings.register_profile("suite", derandomize=True, deadline=None, max_examples=50, database=None)
hypothesis.settings.load_profile("suite")

LOCAL = ("127.0.0.1", "::1", "localhost")


@pytest.fixture(scope="session", autouse=True)
def _alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No connection leaves the machine, no REPORTGEN_ variable of the caller changes a setting, no cache is shared."""
    connect = socket.socket.connect

    def only_local(self: socket.socket, address: Any) -> None:  # noqa: ANN401 - its type depends on the family
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOCAL:
            raise AssertionError(f"a test asks the network for {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", only_local)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        for name in os.environ:
            if name.startswith("REPORTGEN_"):
                patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def _nothing_stored(_alone: None) -> None:
    """No test finds results that another one left, which may have been made by a stand-in."""
    shutil.rmtree(Path(os.environ["XDG_CACHE_HOME"]) / "reportgen" / "results", ignore_errors=True)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Weights that a test lets torch draw are the same whichever tests ran before in this process."""
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[..., str]:
    """Runs Python code in a new process, in an empty folder, and returns what it prints; it must succeed."""

    def run(code: str, *, folder: Path = tmp_path, pythonpath: Path | None = None) -> str:
        environment = os.environ | ({"PYTHONPATH": str(pythonpath)} if pythonpath else {})
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
