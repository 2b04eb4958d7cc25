"""The same inputs give the same bytes, wherever and whenever they are built: nothing of a machine is in a report."""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reportgen.example import HONEST, SCENES
from reportgen.publish import LOG_FILE

CHANGED = ("SOURCE_DATE_EPOCH", "LC_ALL", "LANG")
ARGUMENTS = [
    "--images", str(SCENES), "--limit", "2", "--lang", "zh-Hant", "--profile", "hw5", "--lime-samples", "128",
    "--filter-steps", "2", "--filters-top", "1", "--methods", "saliency,integrated_gradients,gradcam,filters,lime",
    "--format", "html,pdf,json", "--no-self-test", "--quiet",
]  # fmt: skip


def built(folder: Path, out: str, **environment: str) -> dict[str, str]:
    """What a build from this folder writes, in a process of its own: path -> SHA-256."""
    folder.mkdir()
    inherited = {name: value for name, value in os.environ.items() if name not in CHANGED}
    command = [sys.executable, "-m", "reportgen", "build", "--model", str(HONEST), "--out", out, *ARGUMENTS]
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        command,
        cwd=folder,
        env=inherited | {"PYTHONPATH": root} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = sorted(path for path in (folder / out).rglob("*") if path.is_file())
    hashes = {str(path.relative_to(folder / out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in written}
    assert hashes.pop(str(LOG_FILE))  # the one file with a clock
    return hashes


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="time zones are set by the environment on Unix only")
def test_a_report_depends_on_its_inputs_alone(tmp_path: Path) -> None:
    here = built(tmp_path / "here", "report", PYTHONHASHSEED="1", TZ="Asia/Taipei", LC_ALL="C", COLUMNS="40")
    there = built(
        tmp_path / "somewhere else",
        str(tmp_path / "somewhere else" / "deeper" / "ein anderer Ort"),
        PYTHONHASHSEED="2", TZ="America/St_Johns", LC_ALL="C.UTF-8", SOURCE_DATE_EPOCH="1600000000",
        XDG_CACHE_HOME=str(tmp_path / "cache"),
    )  # fmt: skip
    assert {"report.html", "report.pdf", "report.json"} <= set(here)
    assert here == there
