import json
import os
import re
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reportgen import __version__
from reportgen.__main__ import run
from reportgen.command_line import spread
from reportgen.errors import UsageError
from reportgen.ledger import Ledger
from reportgen.options import BuildOptions, flag

EXIT_CODES = (0, 1, 2, 3, 4, 70, 130, 143)


@dataclass
class FakePipeline:
    """Stands where reportgen.pipeline is imported from: keeps the options, and does as it is told."""

    act: Callable[[Any], None] = lambda _: None
    exit_code: int = 0
    paths: tuple[Path, ...] = (Path("report/report.html"), Path("report/report.json"))
    options: list[BuildOptions] = field(default_factory=list)
    gate: Any = None

    def build(self, options: BuildOptions, progress: Any) -> types.SimpleNamespace:  # noqa: ANN401 - a Progress
        self.options.append(options)
        self.act(progress)
        return types.SimpleNamespace(paths=self.paths, summary={"images": 4}, exit_code=self.exit_code, gate=self.gate)


@pytest.fixture(autouse=True)
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePipeline:
    monkeypatch.chdir(tmp_path)
    fake = FakePipeline()
    module = types.ModuleType("reportgen.pipeline")
    module.build = fake.build  # type: ignore[attr-defined]  # a module made by hand
    monkeypatch.setitem(sys.modules, "reportgen.pipeline", module)
    return fake


def lines(capsys: pytest.CaptureFixture[str]) -> tuple[list[str], list[str]]:
    """What was printed on stdout and on stderr."""
    captured = capsys.readouterr()
    return captured.out.splitlines(), captured.err.splitlines()


def test_every_setting_has_its_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "--help"]) == 0
    shown = set(re.findall(r"--[a-z0-9-]+", capsys.readouterr().out))
    assert {flag(name) for name in BuildOptions.model_fields} <= shown
    own = {
        "--help",
        "--config",
        "--json",
        "--quiet",
        "--verbose",
        "--no-dry-run",
        "--no-overwrite",
        "--no-once",
        "--no-require-notes",
        "--no-self-test",
        "--no-store",
        "--no-strict",
    }
    assert shown == own | {flag(name) for name in BuildOptions.model_fields}


def test_the_help_tells_every_default_that_says_something(capsys: pytest.CaptureFixture[str]) -> None:
    run(["build", "--help"])
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    told = set(re.findall(r"\(default: ([^)]*)\)", text))
    said = [setting.default for setting in BuildOptions.model_fields.values() if not setting.is_required()]
    worth = [", ".join(d) if isinstance(d, tuple) else str(d) for d in said if d not in (None, (), "", False)]
    assert told == set(worth)


GIVEN: dict[str, tuple[list[str], object]] = {
    "model": (["m.pth"], Path("m.pth")),
    "arch": (["food11"], "food11"),
    "size": (["128x96"], (128, 96)),
    "mean": (["0.5,0.4,0.3"], (0.5, 0.4, 0.3)),
    "std": (["0.2"], (0.2,)),
    "channel_order": (["bgr"], "bgr"),
    "resize": (["crop"], "crop"),
    "head": (["sigmoid"], "sigmoid"),
    "state_key": (["ema"], "ema"),
    "classes": (["c.txt"], Path("c.txt")),
    "reference_images": (["d.jpg", "e f.jpg"], (Path("d.jpg"), Path("e f.jpg"))),
    "images": (["a.jpg", "b c.jpg"], (Path("a.jpg"), Path("b c.jpg"))),
    "labels": (["l.csv"], Path("l.csv")),
    "masks": (["m.json"], Path("m.json")),
    "indices": (["1,2,47,98"], (1, 2, 47, 98)),
    "limit": (["3"], 3),
    "pick": (["unsure"], "unsure"),
    "methods": (["lime,gradcam"], ("lime", "gradcam")),
    "target": (["3"], "3"),
    "versus": (["a cat"], "a cat"),
    "profile": (["hw5"], "hw5"),
    "layers": (["cnn.15"], ("cnn.15",)),
    "filters": (["0,5"], (0, 5)),
    "filters_top": (["3"], 3),
    "filter_images": (["1"], 1),
    "filter_steps": (["9"], 9),
    "lime_samples": (["50"], 50),
    "lime_segments": (["40"], 40),
    "lime_compactness": (["1.5"], 1.5),
    "lime_fill": (["black"], "black"),
    "lime_fill_image": (["f.jpg"], Path("f.jpg")),
    "lime_sampling": (["random"], "random"),
    "lime_once": ([], True),
    "segmentation": (["grid"], "grid"),
    "checks": (["full"], "full"),
    "self_test": ([], True),
    "store": ([], True),
    "store_mb": (["1.5"], 1.5),
    "out": (["there"], Path("there")),
    "formats": (["json,html"], ("json", "html")),
    "lang": (["zh-Hans"], "zh-Hans"),
    "title": (["A title"], "A title"),
    "author": (["Ann"], "Ann"),
    "student_id": (["b01"], "b01"),
    "templates": (["mine"], Path("mine")),
    "css": (["my.css"], Path("my.css")),
    "font": (["my.otf"], Path("my.otf")),
    "notes": (["mine.md"], Path("mine.md")),
    "require_notes": ([], True),
    "budget": (["3.5"], 3.5),
    "max_pdf_mb": (["4"], 4.0),
    "pdf_timeout": (["60"], 60),
    "max_failed": (["22"], 22),
    "pdf_images": (["30"], 30),
    "pdf_full": (["3"], 3),
    "paper": (["letter"], "letter"),
    "accent": (["#7a1f5c"], "#7a1f5c"),
    "logo": (["logo.png"], Path("logo.png")),
    "strict": ([], True),
    "overwrite": ([], True),
    "device": (["cpu"], "cpu"),
    "batch_size": (["8"], 8),
    "precision": (["bf16"], "bf16"),
    "dry_run": ([], True),
    "max_seconds": (["90"], 90.0),
    "seed": (["7"], 7),
    "rules": (["r.toml"], Path("r.toml")),
    "preset": (["strict"], "strict"),
}


def test_every_setting_arrives_as_it_was_given(pipeline: FakePipeline) -> None:
    assert set(GIVEN) == set(BuildOptions.model_fields)
    assert run(["build", *(word for name, (words, _) in GIVEN.items() for word in (flag(name), *words))]) == 0
    assert pipeline.options[0].model_dump() == {name: value for name, (_, value) in GIVEN.items()}


def test_the_model_alone_is_enough(pipeline: FakePipeline) -> None:
    assert run(["build", "--model", "m.pth"]) == 0
    assert pipeline.options == [BuildOptions(model=Path("m.pth"))]


def test_a_file_without_permission_is_no_mistake_in_usage(
    pipeline: FakePipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.pth").write_bytes(b"")
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    assert run(["build", "--model", str(tmp_path / "m.pth"), "--images", str(tmp_path / "m.pth")]) == 0
    assert pipeline.options[0].model == tmp_path / "m.pth"  # whoever opens it refuses it, with exit code 3


def test_a_layer_may_be_repeated(pipeline: FakePipeline) -> None:
    run(["build", "--model", "m.pth", "--layer", "cnn.2", "--layer", "cnn.15"])
    assert pipeline.options[0].layers == ("cnn.2", "cnn.15")


def test_the_settings_file_is_read_and_can_be_overruled(pipeline: FakePipeline, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("seed = 5\noverwrite = true\nlimit = 2")
    assert run(["build", "--model", "m.pth", "--config", "own.toml", "--no-overwrite", "--seed", "6"]) == 0
    assert (pipeline.options[0].seed, pipeline.options[0].overwrite, pipeline.options[0].limit) == (6, False, 2)


@pytest.mark.parametrize(
    ("given", "spread_out"),
    [
        ("--images a b c --model m", "--images a --images b --images c --model m"),
        ("--model m --images a", "--model m --images a"),
        ("--images a --images b", "--images a --images b"),
        ("--images a b -q", "--images a --images b -q"),
        ("--images=a b", "--images=a b"),
        ("--layer a b", "--layer a b"),
        ("render out --css x", "render out --css x"),
        ("", ""),
    ],
)
def test_several_paths_follow_one_images(given: str, spread_out: str) -> None:
    assert spread(given.split()) == spread_out.split()


@pytest.mark.parametrize("given", ["--images", "--images --seed 3", "--images a --images", "--images -q"])
def test_images_without_a_path_is_no_wish_for_the_default(given: str) -> None:
    """As when a shell's pattern finds nothing."""
    with pytest.raises(UsageError, match="no path follows"):
        spread(given.split())
    assert run(["build", "--model", "m.pth", *given.split()]) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["build"], "Missing option '--model'"),
        (["build", "--modle", "x"], "No such option: --modle"),
        (["build", "--model", "x", "--seed", "y"], "'--seed'"),
        (["build", "--model", "x", "--seed", "-1"], "--seed"),
        (["build", "--model", "x", "--size", "3"], "--size: each side must be from 8 to 2048 pixels (got "),
        (["build", "--model", "x", "--format", "doc"], "--format"),
        (["build", "--model", "x", "--config", "none.toml"], "none.toml"),
        (["build", "--model", "x", "y"], "y"),
        (["build", "--model", "x", "--images=a", "b\nc"], r"b\x0ac"),
        (["bulid"], "Did you mean 'build'? Run"),
        (["render"], "Missing argument"),
    ],
)
def test_a_usage_error_is_one_line_and_code_2(
    arguments: list[str], says: str, pipeline: FakePipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    out, err = lines(capsys)
    assert (out, len(err), pipeline.options) == ([], 1, [])
    assert err[0].startswith("error[E-")
    assert says in err[0]


def test_no_arguments_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    shown = capsys.readouterr()
    assert "build" in shown.out
    assert shown.err == ""


def test_the_help_lists_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--help"])
    text = capsys.readouterr().out
    epilog = text[text.index("Exit codes") :]
    assert [int(number) for number in re.findall(r"\d+", epilog)] == list(EXIT_CODES)


def test_the_result_is_the_path_on_stdout_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "--model", "m.pth"]) == 0
    assert lines(capsys) == ([str(Path("report/report.html"))], [])


def test_json_gives_paths_and_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "--model", "m.pth", "--json"]) == 0
    out, err = lines(capsys)
    assert json.loads(out[0]) == {"paths": ["report/report.html", "report/report.json"], "summary": {"images": 4}}
    assert (len(out), err) == (1, [])


def test_the_exit_code_of_a_build_is_handed_over(pipeline: FakePipeline, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline.exit_code = 1
    assert run(["build", "--model", "m.pth"]) == 1
    assert lines(capsys)[0] == [str(Path("report/report.html"))]


def test_what_the_rules_say_follows_the_path(pipeline: FakePipeline, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline.gate = types.SimpleNamespace(notes="::error::a\n", lines=("one", "two"), as_json=lambda: {"fails": True})
    run(["build", "--model", "m.pth"])
    assert lines(capsys) == ([str(Path("report/report.html")), "one", "two"], ["::error::a"])
    run(["build", "--model", "m.pth", "--json"])
    out, _ = lines(capsys)
    assert json.loads(out[0]).keys() == {"paths", "summary", "fails"}


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert lines(capsys) == ([f"reportgen {__version__}"], [])


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "reportgen report.json"


class TestRender:
    told: list[Any]

    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
        """What reportgen.rendering is asked for; it answers with one page, and one problem where the PDF is asked."""
        calls: list[tuple[Any, ...]] = []
        told = self.told = []

        def render_again(
            out: Path,
            formats: tuple[str, ...],
            render: Any,  # noqa: ANN401 - RenderOptions
            _: Any,  # noqa: ANN401 - a Progress
            into: Path | None,
            *,
            overwrite: bool,
        ) -> types.SimpleNamespace:
            calls.append((out, formats, render.templates, render.css, into, overwrite))
            told.append(render)
            problems = ("no Pango",) * ("pdf" in formats)
            return types.SimpleNamespace(paths=(out / "report.html",), problems=problems, summary={"images": 2})

        module = types.ModuleType("reportgen.rendering")
        module.render_again = render_again  # type: ignore[attr-defined]  # a module made by hand
        monkeypatch.setitem(sys.modules, "reportgen.rendering", module)
        return calls

    def test_the_folder_alone_is_enough(self, asked: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["render", "there"]) == 1
        assert asked == [(Path("there"), ("html", "pdf", "json"), None, None, None, False)]
        assert lines(capsys)[0] == [str(Path("there/report.html"))]

    def test_formats_and_style(self, asked: list[tuple[Any, ...]]) -> None:
        given = ["--format", "html, json,,html", "--templates", "mine", "--css", "my.css", "--quiet"]
        assert run(["render", "there", *given]) == 0
        assert asked == [(Path("there"), ("html", "json"), Path("mine"), Path("my.css"), None, False)]

    def test_notes_and_limits(self, asked: list[tuple[Any, ...]], tmp_path: Path) -> None:
        (tmp_path / "mine.md").write_text("# LIME\nMine.\n")
        given = ["--notes", str(tmp_path / "mine.md"), "--require-notes", "--budget", "3", "--max-pdf-mb", "2.5"]
        assert run(["render", "there", "--format", "html", *given, "--pdf-timeout", "20"]) == 0
        assert len(asked) == 1
        (how,) = self.told
        assert [(note.heading, note.text) for note in how.notes] == [("LIME", "Mine.")]
        assert (how.require_notes, how.html_mb, how.pdf_mb, how.pdf_timeout) == (True, 3.0, 2.5, 20)

    def test_without_notes_those_of_the_run_stay(self, asked: list[tuple[Any, ...]]) -> None:
        assert run(["render", "there", "--format", "html"]) == 0
        assert len(asked) == 1
        assert (self.told[0].notes, self.told[0].require_notes) == (None, False)

    @pytest.mark.parametrize("given", [["--budget", "0"], ["--max-pdf-mb", "-1"], ["--pdf-timeout", "0"]])
    def test_a_limit_that_cannot_be_is_refused(
        self, asked: list[tuple[Any, ...]], given: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(["render", "there", *given]) == 2
        assert asked == []
        assert given[0] in lines(capsys)[1][0]

    def test_another_folder_and_json(self, asked: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["render", "there", "--format", "html", "--out", "here", "--overwrite", "--json"]) == 0
        assert asked == [(Path("there"), ("html",), None, None, Path("here"), True)]
        printed = json.loads(capsys.readouterr().out)
        assert printed == {"paths": [str(Path("there/report.html"))], "summary": {"images": 2}}


class TestProgress:
    """Without a terminal, as here: silence, but for what must be seen."""

    @pytest.mark.parametrize(
        ("flags", "shown"),
        [([], ["loud [red] <U+001B>"]), (["--verbose"], ["good to know", "loud [red] <U+001B>"]), (["--quiet"], [])],
    )
    def test_lines(
        self, flags: list[str], shown: list[str], pipeline: FakePipeline, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def act(progress: Any) -> None:  # noqa: ANN401 - a Progress
            progress.stage("saliency", 2)
            progress.advance()
            progress.say("good to know")
            progress.stage("lime", 0)
            progress.advance(3)
            progress.warn("loud [red] \x1b")

        pipeline.act = act
        assert run(["build", "--model", "m.pth", *flags]) == 0
        assert lines(capsys) == ([str(Path("report/report.html"))], shown)


def test_the_store_is_listed_and_cleaned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    root = tmp_path / "reportgen" / "results"
    assert run(["store"]) == 0
    assert lines(capsys)[0] == [f"nothing is kept in {root}"]
    ledger = Ledger(root / "one")
    ledger.describe("net.pth")
    ledger.put("a", b"data")
    assert run(["store", "--json"]) == 0
    (told,) = json.loads(lines(capsys)[0][0])
    assert (told["model"], told["results"]) == ("net.pth", 1)
    assert run(["store", "--older-than", "1"]) == 0
    assert lines(capsys)[0] == ["0 results removed"]
    assert run(["store", "--clean", "--json"]) == 0
    assert lines(capsys)[0] == ['{"removed": 1}']
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("name", ["--model", "--images", "--out"])
def test_an_empty_place_is_a_mistake_and_not_the_current_folder(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "--model", "m.pth", name, ""]) == 2
    assert "what follows is empty" in lines(capsys)[1][0]
