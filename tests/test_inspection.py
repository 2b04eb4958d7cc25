"""`reportgen layers`: what is told of each layer, and how it is printed."""

import json
import re
import sys
from pathlib import Path

import pytest
import torch
from rich.console import Console
from torch import Tensor, nn
from toy_models import Small, settled

from reportgen.__main__ import run
from reportgen.contracts import Silent
from reportgen.inspection import LayerRow, inspect_layers
from reportgen.options import BuildOptions
from reportgen.resources import example_dir
from reportgen.tables import layer_table

HONEST = str(example_dir() / "honest.pth")
KEYS = {
    "name", "kind", "form", "channels", "size", "receptive_field", "stride", "offset", "visualisable", "default",
    "reason",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Patches(nn.Module):
    """Patches of 8 x 8 as tokens; talks while it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.norm, self.head, self.spare = (
            nn.Conv2d(3, 6, 8, 8),
            nn.LayerNorm(6),
            nn.Linear(6, 3),
            nn.ReLU(),
        )

    def forward(self, images: Tensor) -> Tensor:
        print("talk")
        tokens = self.norm(self.embed(images).flatten(2).transpose(1, 2))
        logits: Tensor = self.head(tokens.mean(1))
        return logits


def rows_of(module: nn.Module, size: tuple[int, int] = (16, 24)) -> tuple[dict[str, LayerRow], list[str]]:
    progress = Silent()
    rows = inspect_layers(BuildOptions(model=Path("m"), size=size), progress, module)
    return {row.name: row for row in rows}, progress.lines


def test_each_layer_with_all_that_is_known_of_it() -> None:
    rows, lines = rows_of(settled(Small(), size=(16, 24)))
    assert rows["cnn.4"] == LayerRow(
        "cnn.4", "Conv2d", "map", 8, (8, 12), (8, 8), (2.0, 2.0), (0.5, 0.5), True, False, ""
    )
    assert rows["fc.1"] == LayerRow("fc.1", "ReLU", "vector", 12, None, None, None, None, False, False, "a vector")
    assert [name for name, row in rows.items() if row.default] == ["cnn.2", "cnn.6"]
    assert not any("patches" in line for line in lines)


def test_a_network_of_tokens_is_told_to_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    rows, lines = rows_of(Patches())
    assert [row.reason for row in rows.values()] == ["", "tokens", "a vector", "does not run"]
    assert (rows["embed"].default, rows["embed"].receptive_field) == (True, (8, 8))
    assert any(line.startswith("This network works on patches (tokens)") for line in lines)
    assert capsys.readouterr().out == ""


def test_a_network_without_maps_is_told_to_have_none() -> None:
    rows, lines = rows_of(nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 24, 2)))
    assert not any(row.visualisable or row.default for row in rows.values())
    assert any(line.startswith("No layer of this network gives maps") for line in lines)


def test_a_global_layer_sees_the_whole_image() -> None:
    rows, _ = rows_of(nn.Sequential(nn.Conv2d(3, 2, 3), nn.GroupNorm(1, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    assert (rows["1"].receptive_field, rows["1"].stride, rows["1"].offset) == ("whole image", None, None)
    assert (rows["1"].visualisable, rows["2"].reason) == (True, "one number for each channel")


def test_the_command_prints_plain_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["layers", "--model", HONEST]) == 0
    out, err = capsys.readouterr()
    header, first, *rest = out.splitlines()
    assert header.split() == ["Layer", "Kind", "Channels", "Size", "Receptive", "field", "Can", "be", "shown"]
    assert first.split()[:2] == ["cnn.0", "Conv2d"]
    assert first.endswith("yes")
    assert any(line.endswith("yes, by default") for line in rest)
    assert err == ""
    assert not any(character in out for character in "\x1b│─━")


def test_json_is_a_list_with_the_same_keys_for_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["layers", "--model", HONEST, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {frozenset(row) for row in rows} == {frozenset(KEYS)}
    assert rows[0]["size"] == [128, 128]
    assert rows[0]["receptive_field"] == [3, 3]


def test_it_is_loaded_and_refused_as_for_a_build(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["layers", "--model", HONEST, "--size", "3"]) == 2
    assert run(["layers", "--model", "none.pth"]) == 3
    assert run(["layers"]) == 2
    assert capsys.readouterr().out == ""


def row(name: str, **more: object) -> LayerRow:
    told: dict[str, object] = {
        "kind": "ReLU", "form": "map", "channels": 4, "size": (8, 9), "receptive_field": (3, 5), "stride": (1.0, 1.0),
        "offset": (0.0, 0.0), "visualisable": True, "default": False, "reason": "",
    }  # fmt: skip
    return LayerRow(name=name, **(told | more))  # type: ignore[arg-type]  # fields of LayerRow


class TestTable:
    def test_columns(self) -> None:
        rows = [
            row("a"), row("[red]b", default=True),
            row("c" * 300, channels=None, size=None, receptive_field="whole image", visualisable=False, reason="why"),
        ]  # fmt: skip
        lines = layer_table(rows).splitlines()
        assert len(lines) == 4
        assert lines[1].split() == ["a", "ReLU", "4", "8", "x", "9", "3", "x", "5", "yes"]
        assert lines[2].startswith("[red]b ")
        assert lines[2].endswith("yes, by default")
        assert lines[3].startswith("c" * 300)
        assert lines[3].endswith("whole image  no: why")

    def test_at_a_terminal_it_is_drawn_and_fits(self) -> None:
        console = Console(force_terminal=True, width=70, file=sys.stdout, color_system="standard")
        lines = layer_table([row("a", default=True), row("b" * 90)], console).splitlines()
        assert any("─" in line for line in lines)
        assert sum("\x1b[1ma" in line for line in lines) == 1  # what is shown by default is bold
        assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines) <= 70


def test_the_survey_leaves_a_network_from_python_as_it_was() -> None:
    module = settled(Small(), size=(16, 24)).train()
    rows_of(module)
    assert module.training
    assert all(torch.isfinite(parameter).all() for parameter in module.parameters())
