"""Comparisons of networks whose difference is known: none, another seed, other channels, a lost layer, a shortcut."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import twins

from reportgen.__main__ import run as command
from reportgen.contracts import Silent
from reportgen.example import HONEST, MARKED, SHORTCUT
from reportgen.options import BuildOptions
from reportgen.pipeline import build

IMAGES = MARKED.parent / "marked" / "star"  # where the mark stands and the shortcut's answer is right


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A report on four marked scenes, each made once."""
    folder = tmp_path_factory.mktemp("reports")
    makers: dict[str, Callable[[Path], Path]] = {
        "honest": lambda _: HONEST,
        "again": lambda _: HONEST,
        "permuted": twins.permuted,
        "forgetful": twins.forgetful,
        "shortcut": lambda _: SHORTCUT,
    }
    labels = folder / "labels.csv"
    labels.write_text("".join(f"{path.name},star\n" for path in sorted(IMAGES.iterdir())), encoding="utf-8")

    def made(name: str) -> Path:
        out = folder / name
        if not out.exists():
            options = BuildOptions(
                model=makers[name](folder / f"{name}.pth"), images=(IMAGES,), labels=labels, out=out,
                methods=("saliency", "lime"), lime_samples=256, formats=("json",), checks="none",
                seed=17 if name == "again" else 16, self_test=False,
            )  # fmt: skip
            assert build(options, progress=Silent()).exit_code == 0
        return out

    return made


@pytest.fixture
def compared(
    report: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], tuple[int, dict[str, Any], str]]:
    """The exit code, comparison.json and what was printed of honest.pth against another network."""

    def run(name: str) -> tuple[int, dict[str, Any], str]:
        reports = [str(report("honest")), str(report(name))]
        capsys.readouterr()
        code = command(["compare", *reports, "--out", str(tmp_path / "c"), "--format", "json"])
        content = (tmp_path / "c" / "comparison.json").read_text(encoding="utf-8")
        return code, json.loads(content), capsys.readouterr().out

    return run


Compared = Callable[[str], tuple[int, dict[str, Any], str]]


def moved(facts: dict[str, Any]) -> list[str]:
    return [one["method"] for image in facts["images"] for one in image["maps"] if one["state"] == "moved"]


def test_with_itself_the_difference_is_zero(compared: Compared) -> None:
    code, facts, _ = compared("honest")
    assert code == 0
    maps = [one for image in facts["images"] for one in image["maps"]]
    assert len(maps) == 8
    assert {(round(one["rank"], 12), one["overlap"]) for one in maps} == {(1.0, 1.0)}
    assert {image["confidence"][1] - image["confidence"][0] for image in facts["images"]} == {0.0}
    assert facts["summary"]["changed"] == facts["summary"]["flipped"] == 0


def test_a_twin_with_permuted_channels_has_not_changed(compared: Compared) -> None:
    code, facts, _ = compared("permuted")
    assert code == 0
    assert facts["base"]["sha256"] != facts["new"]["sha256"]
    assert (moved(facts), facts["summary"]["changed"], facts["rule_changes"]) == ([], 0, [])


def test_another_seed_is_no_change(compared: Compared) -> None:
    code, facts, _ = compared("again")
    assert code == 0
    assert [(each["base"], each["new"]) for each in facts["settings"]] == [(16, 17)]
    assert moved(facts) == []
    assert facts["images"][0]["maps"][1]["rank"] < 1  # there is something to see through


def test_a_lost_layer_is_seen(compared: Compared) -> None:
    code, facts, printed = compared("forgetful")
    assert code == 1
    assert facts["summary"]["accuracy_new"] < facts["summary"]["accuracy_base"] == 1.0
    assert "failed      error  accuracy_drop" in printed


def test_a_shortcut_of_equal_accuracy_is_stopped_with_the_reason(compared: Compared) -> None:
    code, facts, printed = compared("shortcut")
    assert code == 1
    assert facts["summary"]["accuracy_new"] == facts["summary"]["accuracy_base"] == 1.0
    assert facts["summary"]["flipped"] == 0
    failed = [line.split()[2] for line in printed.splitlines() if line.startswith("failed      error")]
    assert failed[0] == "lime_gathered"
    assert "On 4 of 4 images LIME's evidence has moved and now lies in the lower right" in printed
