"""What this machine has and lacks: packages, device, PDF, fonts, folders; each lack with the command that mends it."""

import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

from reportgen import fonts
from reportgen.errors import EnvironmentProblem, ReportgenError
from reportgen.outputs.apart import drawn_apart
from reportgen.outputs.drawing import Page
from reportgen.resources import templates_dir

State = Literal["good", "note", "bad"]
NEEDED: Final = (
    "torch", "numpy", "scikit-image", "lime", "captum", "jinja2", "matplotlib", "weasyprint", "pydantic", "pillow",
    "safetensors", "typer",
)  # fmt: skip
EXTRAS: Final = {"transformers": "hf", "torchvision": "torchvision", "timm": "timm"}
SECONDS: Final = 60  # for one page
SCRIPTS: Final = {"en": "Saliency", "zh-Hant": "顯著圖與感受野", "zh-Hans": "显著图与感受野"}
GPU_FIX: Final = "Install a CUDA build of torch and the driver (pytorch.org), or go on with --device cpu"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. state: "note" is worth knowing and stops nothing; fix: what to type, if bad."""

    name: str
    state: State
    found: str
    fix: str = ""


def examine(device: str = "auto") -> tuple[Finding, ...]:
    """Everything but the self-test, in a few seconds. A check that breaks is a finding of its own."""
    looks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("extras", _extras),
        ("device", lambda: _device(device)),
        ("templates", _templates),
        ("pdf", _pdf),
        ("folders", _folders),
    )
    return tuple(finding for name, look in looks for finding in _looked(name, look))


def known_answers(device: str = "auto") -> tuple[Finding, ...]:
    """The self-test, run again whatever was kept, one finding for each known answer."""
    from reportgen.selftest import self_test

    return tuple(
        Finding(
            f"self-test: {each.name}",
            "good" if each.holds else "bad",
            f"{each.value:.3g} ({'at least' if each.above else 'at most'} {each.threshold:.3g})",
            "" if each.holds else "Install the versions of constraints.txt; if it stays, report it with this table",
        )
        for each in self_test(device, again=True)
    )


def _looked(name: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except ReportgenError as err:
        yield Finding(name, "bad", err.why, err.fix)
    except Exception as err:  # whatever a broken installation raises
        why = " ".join(f"{type(err).__name__}: {err}".split())[:200]
        yield Finding(name, "bad", why, "Install it again: pip install --force-reinstall reportgen")


def _python() -> Iterator[Finding]:
    yield Finding("python", "good", f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _packages() -> Iterator[Finding]:
    for name in NEEDED:
        found = _version(name)
        fix = "" if found else f"pip install {name}"
        yield Finding(name, "good" if found else "bad", found or "missing", fix)


def _extras() -> Iterator[Finding]:
    for name, extra in EXTRAS.items():
        found = _version(name)
        yield Finding(
            name, "good" if found else "note", found or f"not there; pip install 'reportgen[{extra}]' adds it"
        )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _device(name: str) -> Iterator[Finding]:
    """The device that a build would take, and whether it computes."""
    import torch

    from reportgen.classifier import device_name, resolve_device

    try:
        device = resolve_device(name)
    except EnvironmentProblem as err:
        yield Finding("device", "bad", err.why, GPU_FIX)
        return
    total = float(torch.ones(64, 64, device=device).sum())
    if total != 64 * 64:
        yield Finding("device", "bad", f"{device_name(device)} adds 4096 ones to {total:g}", "Run with --device cpu")
        return
    threads = f", {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    yield Finding("device", "good", f"{device_name(device)}{threads}")


def _templates() -> Iterator[Finding]:
    yield Finding("templates", "good", f"{len(list(templates_dir().rglob('*.j2')))} files")


def _pdf() -> Iterator[Finding]:
    """One page with a word of each language, drawn as a report is."""
    lines = "".join(f'<p lang="{code}">{text}</p>' for code, text in SCRIPTS.items())
    page = Page(f'<!doctype html><html lang="en"><title>-</title><body>{lines}</body></html>', {}, b"{}")
    drawn = drawn_apart(page, SECONDS)
    yield Finding("pdf", "good", f"a page of {len(drawn.data):,} bytes")
    if fonts.missing(drawn.complaints):
        yield Finding("chinese fonts", "bad", "no font here has Chinese characters", fonts.install(chinese=True))
    else:
        yield Finding("chinese fonts", "good", "found")


def _folders() -> Iterator[Finding]:
    """Whether a report can be written here, and temporary files anywhere."""
    here = Path.cwd()
    if os.access(here, os.W_OK):
        yield Finding("this folder", "good", "can be written")
    else:
        yield Finding("this folder", "note", "cannot be written", "Name another with --out")
    with tempfile.TemporaryFile() as file:
        file.write(b"-")
    yield Finding("temporary files", "good", "can be written")
