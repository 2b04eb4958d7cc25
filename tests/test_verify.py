"""reportgen verify: a fresh report holds, and each thing that was changed since is found and named."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import twins
from fake_run import fake_run
from PIL import Image

from reportgen.__main__ import run as command
from reportgen.contracts import RenderOptions, Silent
from reportgen.example import HONEST, SCENES
from reportgen.images import find_images
from reportgen.manifest import LISTED, read_manifest
from reportgen.options import BuildOptions
from reportgen.pipeline import build
from reportgen.publish import LOG_FILE, MANIFEST_FILE
from reportgen.rendering import render_again
from reportgen.store import load_run
from reportgen.witness import image_claims

NUDGED = "cnn.8.weight"


@pytest.fixture(scope="module")
def fresh_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on two images that lie beside it, in settings that are not the defaults."""
    folder = tmp_path_factory.mktemp("verify")
    shutil.copytree(SCENES, folder / "images")
    options = BuildOptions(
        model=HONEST, images=(folder / "images",), limit=2, pick="per-class", out=folder / "report", seed=3,
        methods=("saliency", "lime"), lime_samples=96, lime_segments=20, formats=("html", "json"), checks="none",
        self_test=False,
    )  # fmt: skip
    assert build(options, progress=Silent()).exit_code == 0
    return folder


@pytest.fixture
def place(fresh_report: Path, tmp_path: Path) -> Path:
    """A copy to be changed: report/ and images/."""
    return shutil.copytree(fresh_report, tmp_path / "copy")


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, list[str]]]:
    """The exit code, and what was said but for what holds."""

    def run(place: Path, *arguments: str) -> tuple[int, list[str]]:
        code = command(["verify", str(place / "report"), *arguments])
        lines = capsys.readouterr().out.splitlines()
        return code, [line for line in lines if not line.startswith("holds")]

    return run


Verify = Callable[..., tuple[int, list[str]]]


def everything(place: Path) -> tuple[str, ...]:
    return "--model", str(HONEST), "--images", str(place / "images")


def test_a_fresh_report_is_reproduced(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["verify", str(place / "report"), *everything(place)]) == 0
    lines = capsys.readouterr().out.splitlines()
    files = len([name for name in LISTED if (place / "report" / name).is_file()])
    assert f"holds        files: {files} of {files} are as they were written" in lines
    assert "holds        tensors: 39 of 39 are as they were explained" in lines
    assert "holds        images: 2 of 2 are as they were explained, files and pixels" in lines
    again = [line for line in lines if "reproduced" in line]
    assert len(again) == 2 * 3  # an answer, a map and LIME's weights of two images
    assert all(re.search(r"reproduced (exactly|to 1e-\d+)$", line) for line in again)
    assert lines[-1] == "verified: 9 checks hold"


def test_without_model_and_images_only_the_files_are_checked(place: Path, verify: Verify) -> None:
    code, lines = verify(place)
    assert code == 0
    assert [line.split(":")[0] for line in lines] == ["not checked  images", "not checked  tensors", "verified"]


def test_one_weight_changed_is_found_and_named(place: Path, verify: Verify) -> None:
    model = twins.nudged(place / "nudged.pth", NUDGED, 1e-3)
    code, lines = verify(place, "--model", str(model))
    assert code == 1
    (tensor,) = [line for line in lines if line.startswith("differs      tensor")]
    assert NUDGED in tensor
    assert "their sum moved by +0.001" in tensor


def test_a_large_change_of_the_weights_changes_the_numbers_too(place: Path, verify: Verify) -> None:
    code, lines = verify(place, "--model", str(twins.forgetful(place / "other.pth")), "--sample", "1")
    assert code == 1
    assert any(re.match(r"differs      answer to .*: number \d was .* of the largest apart$", line) for line in lines)


def test_one_pixel_of_one_image_is_found_and_named(place: Path, verify: Verify) -> None:
    path = place / "images" / "checkered square" / "1.jpg"
    with Image.open(path) as image:
        pixels = image.convert("RGB")
    row, column = 50, 40
    value = pixels.getpixel((column, row))
    assert isinstance(value, tuple)
    pixels.putpixel((column, row), (255 - value[0], *value[1:]))
    pixels.save(path, "PNG")  # without loss, so that no other pixel changes
    code, lines = verify(place, *everything(place), "--sample", "0")
    assert code == 1
    (image_line,) = [line for line in lines if line.startswith("differs  ")]
    assert image_line.startswith("differs      image checkered square/1.jpg: the file was changed: 1 of its")
    assert image_line.endswith(f"in row {row}, column {column}")


def test_an_image_that_is_gone_or_torn_is_named(place: Path, verify: Verify) -> None:
    (place / "images" / "plus" / "1.jpg").unlink()
    (place / "images" / "checkered square" / "1.jpg").write_bytes(b"\xff\xd8\xff")
    code, lines = verify(place, *everything(place), "--sample", "0")
    assert code == 1
    differing = [line for line in lines if line.startswith("differs      image")]
    assert [line.split(":")[0].removeprefix("differs      image ") for line in differing] == [
        "checkered square/1.jpg",
        "plus/1.jpg",
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_in_place_of_an_image_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "1.jpg")
    claims = list(image_claims(fake_run(), find_images((tmp_path,))))
    assert {claim.state for claim in claims} == {"differs"}


@pytest.mark.parametrize(
    ("file", "key", "says"),
    [
        ("report.json", '"probability": ', "report.json images[0].prediction.probability: it says 0.125"),
        ("run/run.json", '"probability": ', "images[0].prediction.top[0].probability"),
    ],
)
def test_one_number_edited_in_a_json_is_found_and_named(
    place: Path, verify: Verify, file: str, key: str, says: str
) -> None:
    path = place / "report" / file
    text = path.read_text(encoding="utf-8")
    if file == "report.json":
        content = json.loads(text)
        content["images"][0]["prediction"]["probability"] = 0.125
        path.write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    else:
        path.write_text(re.sub(f"{key}[0-9.e-]+", f"{key}0.125", text, count=1), encoding="utf-8")
    code, lines = verify(place)
    assert code == 1
    assert any(line.startswith(f"differs      {file}: it was changed since") for line in lines)
    assert any(says in line for line in lines)


def test_a_file_that_is_gone_is_named(place: Path, verify: Verify) -> None:
    (place / "report" / "report.html").unlink()
    code, lines = verify(place)
    assert code == 1
    assert lines[0].startswith("differs      report.html: it cannot be read")


def test_a_run_that_cannot_be_read_costs_what_rests_on_it(place: Path, verify: Verify) -> None:
    (place / "report" / "run" / "arrays.safetensors").write_bytes(b"torn")
    code, lines = verify(place, *everything(place))
    assert code == 1
    assert "not checked  numbers: run/ cannot be read, so nothing can be compared with it" in lines


def test_a_report_without_a_manifest_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "report" / MANIFEST_FILE).write_text("{}", encoding="utf-8")
    assert command(["verify", str(place / "report")]) == 3
    assert "error[E-MANIFEST]" in capsys.readouterr().err


def test_as_json(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["verify", str(place / "report"), "--json"]) == 0
    claims = json.loads(capsys.readouterr().out)
    assert [claim["state"] for claim in claims] == ["holds", "not_checked", "not_checked"]


class TestManifest:
    def test_lists_every_file_but_those_that_come_later(self, fresh_report: Path) -> None:
        out = fresh_report / "report"
        files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
        assert {entry.name for entry in read_manifest(out).files} == files - {LOG_FILE, MANIFEST_FILE}

    def test_lists_images_and_tensors(self, fresh_report: Path) -> None:
        manifest = read_manifest(fresh_report / "report")
        run = load_run(fresh_report / "report" / "run")
        assert [entry.sha256 for entry in manifest.images] == [subject.image.sha256 for subject in run.subjects]
        assert len(manifest.tensors) == 39
        assert manifest.model.sha256 == run.model.sha256

    def test_follows_when_the_report_is_written_again(self, place: Path, verify: Verify) -> None:
        before = read_manifest(place / "report")
        render_again(place / "report", ("html",), RenderOptions(css=None), Silent())
        assert read_manifest(place / "report") == before
        style = place / "mine.css"
        style.write_text(":root { --accent: #123456 }", encoding="utf-8")
        render_again(place / "report", ("html",), RenderOptions(css=style), Silent())
        assert read_manifest(place / "report") != before
        assert verify(place)[0] == 0

    def test_a_check_does_not_break_it(self, place: Path, verify: Verify) -> None:
        command(["check", str(place / "report"), "--format", "junit,badge"])
        assert verify(place)[0] == 0
