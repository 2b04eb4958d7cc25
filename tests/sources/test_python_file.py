"""A network from a user's file: announced before it runs, and whatever the file does, one clear error or a network."""

import hashlib
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from reportgen.contracts import Network, Weights
from reportgen.errors import ArchitectureError
from reportgen.sources import python_file

WEIGHTS = Weights("a.pth", "", {})
GOOD = """
from torch import nn

class Net(nn.Module):
    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.fc = nn.Linear(2, classes)
"""


def write(path: Path, code: str) -> str:
    (path / "net.py").write_text(code, encoding="utf-8")
    return f"{path / 'net.py'}:Net"


def build(arch: str, lines: list[str] | None = None) -> Network:
    return python_file.build(WEIGHTS, arch, (lines if lines is not None else []).append)


def refusal(arch: str) -> ArchitectureError:
    with pytest.raises(ArchitectureError) as caught:
        build(arch)
    assert "\n" not in caught.value.line()
    return caught.value


@pytest.mark.parametrize("arch", ["net.py:Net", "../a b/net.py:Net", "C:\\net.py:Net", "модуль.py:Сеть"])
def test_is_meant_by_file_and_class(arch: str) -> None:
    assert python_file.accepts(arch)


@pytest.mark.parametrize("arch", [None, "", "food11", "net.py", "net.py:", "net:Net", "net.py:a.b", "net.py:1"])
def test_is_meant_by_nothing_else(arch: str | None) -> None:
    assert not python_file.accepts(arch)


def test_makes_the_class_without_arguments(tmp_path: Path) -> None:
    network = build(write(tmp_path, GOOD))
    assert type(network.module).__name__ == "Net"
    assert network.architecture == "net.py:Net"
    assert network.size is None


def test_announces_path_and_hash_of_what_is_run(tmp_path: Path) -> None:
    lines: list[str] = []
    arch = write(tmp_path, GOOD)
    network = build(arch, lines)
    digest = hashlib.sha256((tmp_path / "net.py").read_bytes()).hexdigest()
    assert lines == [f"running Python code: {(tmp_path / 'net.py').as_posix()}, SHA-256 {digest}"]
    assert network.notes == (("note.ran_code", {"path": "net.py", "sha256": digest}),)


def test_announces_before_anything_runs(tmp_path: Path) -> None:
    seen: list[bool] = []
    arch = write(tmp_path, f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\n{GOOD}")
    python_file.build(WEIGHTS, arch, lambda _: seen.append((tmp_path / "ran").exists()))
    assert seen == [False]
    assert (tmp_path / "ran").exists()


FAILING = {
    "syntax": ("class Net(:\n", "E-ARCH-SYNTAX", "in line 1"),
    "nul": ("\0", "E-ARCH-SYNTAX", "is not valid Python"),
    "too deep": ("(" * 5000, "E-ARCH-SYNTAX", "is not valid Python"),
    "import": ("\nimport no_such_package_at_all\n", "E-ARCH-IMPORT", "in line 2: ModuleNotFoundError"),
    "raises": ("raise RuntimeError('boom\\nbang')\n", "E-ARCH-IMPORT", "RuntimeError: boom bang"),
    "exit": ("import sys\nsys.exit(0)\n", "E-ARCH-IMPORT", "SystemExit: 0"),
    "no class": ("x = 1\n", "E-ARCH-CLASS", "It defines no class"),
    "other class": (GOOD.replace("Net", "Other"), "E-ARCH-CLASS", "has no class or function Net. It defines Other"),
    "no network": ("Net = 42\n", "E-ARCH-CLASS", "Net is no class that derives from torch.nn.Module"),
    "instance": (f"{GOOD}\nNet = Net()\n", "E-ARCH-CLASS", "Net is no class"),
    "arguments": (GOOD.replace("classes: int = 3", "classes, width"), "E-ARCH-INIT", "it needs classes, width"),
    "keyword": (GOOD.replace("classes: int = 3", "*, classes"), "E-ARCH-INIT", "it needs classes"),
    "init raises": (
        GOOD.replace("        super().__init__()\n", "        1 / 0\n"),
        "E-ARCH-INIT",
        "ZeroDivisionError",
    ),
    "init exits": (GOOD.replace("        super().__init__()\n", "        exit(0)\n"), "E-ARCH-INIT", "SystemExit: 0"),
}


@pytest.mark.parametrize("name", FAILING)
def test_each_failure_is_one_clear_error(name: str, tmp_path: Path) -> None:
    code, expected, told = FAILING[name]
    error = refusal(write(tmp_path, code))
    assert error.code == expected
    assert told in error.line()
    assert "net.py" in error.what


def test_names_the_line_in_the_users_own_file(tmp_path: Path) -> None:
    code = "import json\n\ndef read():\n    return json.loads('{')\n\nread()\n"
    assert "failed in line 4" in refusal(write(tmp_path, code)).why


def test_interruption_is_no_failure_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(write(tmp_path, "raise KeyboardInterrupt\n"))


def test_missing_file_folder_and_pipe(tmp_path: Path) -> None:
    assert "no such file" in refusal(f"{tmp_path / 'net.py'}:Net").why
    (tmp_path / "net.py").mkdir()
    assert "no ordinary file" in refusal(f"{tmp_path / 'net.py'}:Net").why


def test_prints_go_to_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build(write(tmp_path, f"print('while importing')\n{GOOD}        print('while building')\n"))
    out, err = capsys.readouterr()
    assert out == ""
    assert "while importing" in err
    assert "while building" in err


def test_what_the_file_bends_comes_back(tmp_path: Path) -> None:
    code = "import os, torch, warnings\nos.chdir('/')\ntorch.set_default_dtype(torch.float64)\n"
    code += f"torch.set_grad_enabled(False)\nwarnings.simplefilter('ignore')\n{GOOD}"
    before = (Path.cwd(), list(warnings.filters))
    build(write(tmp_path, code))
    assert (Path.cwd(), list(warnings.filters)) == before
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()


def test_file_named_torch_does_not_stand_in_for_torch(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text(GOOD)
    network = python_file.build(WEIGHTS, f"{tmp_path / 'torch.py'}:Net", print)
    assert isinstance(network.module, torch.nn.Module)
    assert sys.modules["torch"] is torch
    assert str(tmp_path) not in sys.path


def test_dataclasses_and_late_annotations_work(tmp_path: Path) -> None:
    code = "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    code += f"@dataclass\nclass Sizes:\n    width: int = 2\n{GOOD.replace('(2,', '(Sizes().width,')}"
    assert build(write(tmp_path, code)).module.state_dict()["fc.weight"].shape == (3, 2)


def test_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    build(write(tmp_path, GOOD))
    assert os.listdir(tmp_path) == ["net.py"]  # noqa: PTH208 - names alone


def test_exit_in_the_file_is_no_success(tmp_path: Path) -> None:
    """Told in a process of its own: an exit that slips through would end this one with 0."""
    arch = write(tmp_path, "import os, sys\nsys.exit(0)\n")
    code = "import sys; from reportgen.sources import python_file as p; p.build(None, sys.argv[1], print)"
    done = subprocess.run([sys.executable, "-c", code, arch], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "E-ARCH" in done.stderr or "ArchitectureError" in done.stderr


FUNCTION = """
from torch import nn

def net(width=4):
    return nn.Linear(2, width)

def needy(width):
    return nn.Linear(2, width)

def number():
    return 3
"""


def test_a_function_may_make_the_network(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(FUNCTION)
    network = python_file.build(Weights("a.pth", "", {}), f"{tmp_path / 'net.py'}:net", lambda line: None)  # noqa: ARG005
    assert isinstance(network.module, torch.nn.Linear)
    assert network.architecture == "net.py:net"


@pytest.mark.parametrize(("name", "told"), [("needy", "it needs width"), ("number", "number() gives a int")])
def test_a_function_that_makes_none_is_one_clear_error(name: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(FUNCTION)
    with pytest.raises(ArchitectureError) as caught:
        python_file.build(Weights("a.pth", "", {}), f"{tmp_path / 'net.py'}:{name}", lambda line: None)  # noqa: ARG005
    assert told in caught.value.line()
