"""The main job end to end, in small: a checkpoint and some images in, a whole report out."""

import errno
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_run import fake_run

import reportgen
from reportgen import outputs, rendering, store
from reportgen.attempts import failures_of
from reportgen.contracts import Output, RenderOptions, Silent
from reportgen.errors import ArchitectureError, EnvironmentProblem, ImagesError, InputRefused, OutputError, UsageError
from reportgen.example import HONEST, MARKED, SCENES, SHORTCUT
from reportgen.example.train import course_network
from reportgen.options import BuildOptions
from reportgen.pipeline import Built, build
from reportgen.publish import CHECK_FILES, LOG_FILE, REPORT_FILES
from reportgen.rendering import render_again
from reportgen.results import KnownAnswer, Note
from reportgen.schema import ReportFacts

SMALL: dict[str, Any] = {"lime_samples": 30, "filter_steps": 3, "filters_top": 1, "formats": ("html", "json")}


def small(out: Path, **settings: Any) -> Built:  # noqa: ANN401 - any setting
    return build(BuildOptions(**{"model": HONEST, "images": (SCENES,), "limit": 2, "out": out, **SMALL, **settings}))


def facts(out: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on three scenes of different classes with everything in it."""
    out = tmp_path_factory.mktemp("honest") / "report"
    built = small(out, limit=3, pick="per-class", formats=("html", "pdf", "json"), profile="hw5")
    assert built.exit_code == 0
    assert built.paths == tuple(out / f"report.{kind}" for kind in ("html", "pdf", "json"))
    return out


def test_a_report_holds_every_file_and_nothing_else(honest: Path) -> None:
    assert {str(path.relative_to(honest)) for path in honest.rglob("*") if path.is_file()} == set(REPORT_FILES) - set(
        CHECK_FILES
    )


def test_the_facts_follow_the_published_schema(honest: Path) -> None:
    report = ReportFacts.model_validate(facts(honest))
    assert [image.file for image in report.images] == ["checkered square/1.jpg", "plus/1.jpg", "ring/1.jpg"]
    assert all(image.label and image.label.index == image.prediction.index for image in report.images)
    assert report.model.classes_from == "checkpoint"
    assert report.model.input.chosen_by["size"] == "network"


def test_each_method_explains_each_image(honest: Path) -> None:
    methods = ["saliency", "saliency_hw5", "lime", "lime_hw5"]
    for image in facts(honest)["images"]:
        assert [one["method"] for one in image["explanations"]] == methods
        assert {one["status"] for one in image["explanations"]} == {"ok"}
    studies = facts(honest)["filters"]
    assert [study["layer"] for study in studies if study["method"] == "filters"] == [
        "cnn.2", "cnn.6", "cnn.10", "cnn.14", "cnn.18",
    ]  # fmt: skip
    assert [(study["layer"], study["filter"]) for study in studies if study["method"] == "filters_hw5"] == [
        ("cnn.15", 0)
    ]


def test_two_builds_give_the_same_bytes(honest: Path, tmp_path: Path) -> None:
    small(tmp_path / "again", limit=3, pick="per-class", formats=("html", "pdf", "json"), profile="hw5")
    for name in sorted(set(REPORT_FILES) - {LOG_FILE, *CHECK_FILES}):
        assert (honest / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_another_image_or_method_changes_no_number(honest: Path, tmp_path: Path) -> None:
    small(tmp_path / "one", limit=1, methods=("lime",))
    (alone,) = facts(tmp_path / "one")["images"]
    beside = next(image for image in facts(honest)["images"] if image["file"] == alone["file"])
    assert alone["explanations"][0]["measures"] == next(
        one["measures"] for one in beside["explanations"] if one["method"] == "lime"
    )


def test_one_broken_photograph_costs_itself_only(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    shutil.copytree(SCENES / "plus", folder)
    (folder / "0.jpg").write_bytes((folder / "1.jpg").read_bytes()[:700])
    progress = Silent()
    options = BuildOptions(model=HONEST, images=(folder,), out=tmp_path / "report", **SMALL)
    assert build(options, progress=progress).exit_code == 1
    report = facts(tmp_path / "report")
    assert [image["file"] for image in report["images"]] == ["1.jpg", "2.jpg"]
    assert [failure["what"] for failure in report["failures"]] == ["0.jpg"]
    assert any("0.jpg" in line for line in progress.lines)
    assert "0.jpg" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")


def test_rules_are_checked_with_the_build_and_shown_until_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    out, rules = tmp_path / "report", tmp_path / "rules.toml"
    rules.write_text("[rules]\nsaliency_border = { level = 'error', at_most = 0.001 }\nhtml_bytes.at_most = 1000")
    built = small(out, methods=("saliency",), formats=("html", "json", "junit"), rules=rules)
    assert (built.exit_code, built.paths[-1]) == (1, out / "rules.xml")
    assert built.gate
    assert {each.name for each in built.gate.checked.broken} == {"saliency_border", "html_bytes"}
    told = {each["name"]: each["outcome"] for each in facts(out)["rules"]}
    assert told["saliency_border"] == "failed"
    assert "html_bytes" not in told
    assert not facts(out)["provenance"]["settings"].keys() & {"rules", "preset"}
    assert render_again(out, ("html",), RenderOptions(), Silent()).problems == ()
    assert "table-rules" in (out / "report.html").read_text(encoding="utf-8")
    assert (out / "rules.xml").is_file()
    assert small(out, methods=("saliency",)).exit_code == 0
    assert facts(out)["rules"] == []
    assert not (out / "rules.xml").exists()


@pytest.mark.parametrize("settings", [{"preset": "default"}, {"formats": ("json", "badge")}])
def test_a_preset_or_a_file_of_a_check_asks_for_rules(settings: dict[str, Any], tmp_path: Path) -> None:
    built = small(tmp_path / "r", methods=("saliency",), **settings)
    assert built.gate
    assert built.exit_code == 0


def test_a_wrong_rules_file_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml"):
        small(tmp_path / "r", rules=tmp_path / "none.toml", model=tmp_path / "no.pth")


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [
        ("logo", "logo.svg", "E-LOGO"),
        ("css", "no.css", "E-CSS"),
        ("font", "words.txt", "E-FONT"),
        ("templates", "words.txt", "E-TEMPLATES"),
        ("accent", "#ffee00", "E-ACCENT"),
    ],
)
def test_looks_that_cannot_be_had_are_refused_before_the_work(
    setting: str, value: str, code: str, dry_run: bool, tmp_path: Path
) -> None:
    """Also before the network is looked at: it is not there."""
    (tmp_path / "words.txt").write_text("words")
    given = value if setting == "accent" else tmp_path / value
    with pytest.raises(UsageError) as refused:
        small(tmp_path / "report", **{"model": tmp_path / "no.pth", "dry_run": dry_run, setting: given})
    assert refused.value.code == code
    assert not (tmp_path / "report").exists()


def test_without_a_good_image_there_is_no_report(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no image")
    with pytest.raises(ImagesError, match=r"a\.jpg"):
        small(tmp_path / "report", images=(tmp_path / "a.jpg",))
    assert not (tmp_path / "report").exists()


def test_wrong_and_unsure_pick_what_they_say(tmp_path: Path) -> None:
    unmarked: dict[str, Any] = {"model": SHORTCUT, "images": (SCENES,), "methods": ("saliency",), "formats": ("json",)}
    small(tmp_path / "wrong", pick="wrong", limit=None, **unmarked)
    images = facts(tmp_path / "wrong")["images"]
    assert images
    assert all(image["label"]["index"] != image["prediction"]["index"] for image in images)
    confidences = [image["prediction"]["probability"] for image in images]
    assert confidences == sorted(confidences, reverse=True)
    small(tmp_path / "unsure", pick="unsure", limit=12, **unmarked)
    margins = [
        top[0]["probability"] - top[1]["probability"]
        for top in (image["prediction"]["top"] for image in facts(tmp_path / "unsure")["images"])
    ]
    assert margins == sorted(margins)


def test_wrong_answers_are_explained_for_the_label_too(tmp_path: Path) -> None:
    small(tmp_path / "r", model=SHORTCUT, pick="wrong", limit=1, images=(MARKED, SCENES), methods=("saliency", "lime"))
    (image,) = facts(tmp_path / "r")["images"]
    told = [(one["method"], one["target"]["role"], one["target"]["index"]) for one in image["explanations"]]
    predicted, label = image["prediction"]["index"], image["label"]["index"]
    assert told == [
        ("saliency", "predicted", predicted), ("saliency", "label", label),
        ("lime", "predicted", predicted), ("lime", "label", label),
    ]  # fmt: skip


def test_a_foreign_folder_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(OutputError, match="not a report"):
        small(tmp_path, model=tmp_path / "missing.pth")


def test_an_unknown_layer_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"cnn\.2"):
        small(tmp_path / "r", layers=("cnn.200",), methods=("filters",))
    with pytest.raises(InputRefused, match="16 filters"):
        small(tmp_path / "r", layers=("cnn.2",), filters=(16,), methods=("filters",))


def test_a_size_against_the_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchitectureError, match="128 x 128"):
        small(tmp_path / "r", size=64)


def test_a_module_from_python_comes_back_as_it_was(tmp_path: Path) -> None:
    network = course_network()
    network.train()
    network.cnn[1].eval()
    next(network.parameters()).requires_grad_(False)
    before = (
        [part.training for part in network.modules()],
        [parameter.requires_grad for parameter in network.parameters()],
        {name: tensor.clone() for name, tensor in network.state_dict().items()},
    )
    random = torch.random.get_rng_state()
    built = reportgen.build(network, SCENES / "plus", out=tmp_path / "report", **SMALL)
    assert built.paths[0].is_file()
    assert [part.training for part in network.modules()] == before[0]
    assert [parameter.requires_grad for parameter in network.parameters()] == before[1]
    assert all(torch.equal(tensor, before[2][name]) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(torch.random.get_rng_state(), random)
    assert facts(tmp_path / "report")["model"]["file"] == "CourseNetwork"


def test_a_path_from_python_is_the_same_as_on_the_command_line(tmp_path: Path) -> None:
    reportgen.build(str(HONEST), [SCENES / "plus"], out=tmp_path / "a", **SMALL)
    small(tmp_path / "b", images=(SCENES / "plus",), limit=None)
    for name in ("report.html", "report.json", "run/run.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def without_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> bytes:
        raise EnvironmentProblem("E-PDF", "report.pdf", "Pango is missing", "Install it")

    table = {**outputs.OUTPUTS, "pdf": Output("pdf", "report.pdf", missing)}
    monkeypatch.setattr(outputs, "OUTPUTS", table)


def test_without_pango_the_other_formats_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_pdf(monkeypatch)
    built = small(tmp_path / "r", methods=("saliency",), formats=("html", "pdf", "json"))
    assert built.exit_code == 1
    assert [path.name for path in built.paths] == ["report.html", "report.json"]
    with pytest.raises(EnvironmentProblem, match="Pango"):
        small(tmp_path / "s", methods=("saliency",), formats=("pdf",))
    assert (tmp_path / "s" / "run" / "run.json").is_file()  # nothing calculated is lost


def test_what_was_calculated_outlives_a_bug_in_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise OSError("broken data stream")

    with monkeypatch.context() as patch:
        patch.setattr(outputs, "OUTPUTS", {**outputs.OUTPUTS, "html": Output("html", "report.html", broken)})
        with pytest.raises(OSError, match="broken data stream"):
            small(tmp_path / "r", methods=("saliency",))
    assert not (tmp_path / "r" / "report.html").exists()
    assert render_again(tmp_path / "r", ("html",), RenderOptions(), Silent()).paths == (tmp_path / "r" / "report.html",)


@pytest.mark.parametrize("lacking", [OSError(errno.EMFILE, "Too many open files"), MemoryError()])
def test_what_the_machine_lacks_costs_no_old_report(
    lacking: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> bytes:
        raise lacking

    small(tmp_path / "r", methods=("saliency",))
    before = {path: path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file()}
    monkeypatch.setattr(outputs, "OUTPUTS", {**outputs.OUTPUTS, "html": Output("html", "report.html", fails)})
    with pytest.raises(type(lacking)):
        small(tmp_path / "r", methods=("saliency",), title="Another")
    assert {path: path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file()} == before


def test_a_report_in_its_place_is_no_failure_where_only_the_seconds_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OutputError("E-OUT-WRITE", "out", "cannot be written: No space left on device", "Free space")

    monkeypatch.setattr("reportgen.publish.add_files", full)
    told = Silent()
    options = BuildOptions(
        model=HONEST, images=(SCENES,), limit=1, out=tmp_path / "report", methods=("saliency",), checks="none",
        formats=("json",),
    )  # fmt: skip
    assert build(options, progress=told).exit_code == 0
    assert f"{LOG_FILE}: cannot be written: No space left on device" in told.lines
    assert facts(tmp_path / "report")["images"]


def test_a_named_layer_without_maps_is_not_all_that_was_asked_for(tmp_path: Path) -> None:
    assert small(tmp_path / "r", methods=("filters",), layers=("fc.0",), limit=1).exit_code == 1


def test_a_network_without_maps_is_no_failure_where_no_layer_was_named(tmp_path: Path) -> None:
    options = BuildOptions(model=Path("m"), images=(SCENES,), limit=1, size=(16, 16), out=tmp_path / "r", **SMALL)
    built = build(options, torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 2)))
    assert built.exit_code == 0
    assert [each["reason"] for each in facts(tmp_path / "r")["filters"]] == ["reason.no_maps"]
    assert "No layer of this network gives maps" in (tmp_path / "r" / "report.html").read_text(encoding="utf-8")


class TestRenderingAgain:
    def test_gives_the_same_bytes(self, honest: Path, tmp_path: Path) -> None:
        copy = shutil.copytree(honest, tmp_path / "copy")
        (copy / "report.html").write_text("old")
        written = render_again(copy, ("html",), RenderOptions(), Silent())
        assert written.paths == (copy / "report.html",)
        for name in sorted(set(REPORT_FILES) - {LOG_FILE, *CHECK_FILES}):
            assert (copy / name).read_bytes() == (honest / name).read_bytes(), name

    def test_in_another_language_which_stays_and_changes_no_number(self, honest: Path, tmp_path: Path) -> None:
        copy = shutil.copytree(honest, tmp_path / "copy")
        render_again(copy, ("html", "json"), RenderOptions(language="zh-Hant"), Silent())
        page = (copy / "report.html").read_bytes()
        assert b'<html lang="zh-Hant">' in page
        assert (copy / "report.json").read_bytes() == (honest / "report.json").read_bytes()
        render_again(copy, ("html",), RenderOptions(), Silent())
        assert (copy / "report.html").read_bytes() == page

    def test_temporary_files_lie_where_they_are_swept(
        self, honest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[Path] = []
        usual, write, copy = (
            tempfile.gettempdir(),
            rendering.write_documents,
            shutil.copytree(honest, tmp_path / "copy"),
        )

        def watched(*given: Any) -> rendering.Written:  # noqa: ANN401 - as it is
            seen.append(Path(tempfile.gettempdir()))
            return write(*given)

        monkeypatch.setattr(rendering, "write_documents", watched)
        render_again(copy, ("html",), RenderOptions(), Silent())
        assert [folder.parent for folder in seen] == [copy]
        assert not seen[0].exists()
        assert tempfile.gettempdir() == usual

    def test_refuses_a_folder_without_a_run(self, tmp_path: Path) -> None:
        with pytest.raises(InputRefused, match="cannot be read"):
            render_again(tmp_path, ("html",), RenderOptions(), Silent())

    def test_keeps_everything_that_the_report_shows(self, honest: Path) -> None:
        run = store.load_run(honest / "run")
        assert len(run.subjects) == 3
        assert run.profile == "hw5"


class TestTheAuthorsWords:
    @pytest.fixture
    def notes(self, tmp_path: Path) -> Path:
        (tmp_path / "notes.md").write_text("# LIME\nThe *ring* counts. <b>\n# Lime maps\nLost.\n", encoding="utf-8")
        return tmp_path / "notes.md"

    def test_stand_in_every_file_and_need_no_model_to_be_changed(self, notes: Path, tmp_path: Path) -> None:
        out = tmp_path / "r"
        progress = Silent()
        options = BuildOptions(
            model=HONEST, images=(SCENES,), limit=1, out=out, notes=notes, methods=("lime",), profile="hw5", **SMALL
        )
        assert build(options, progress=progress).exit_code == 0
        assert facts(out)["unanswered"] == []
        assert facts(out)["notes"][0] == {"heading": "LIME", "text": "The *ring* counts. <b>", "place": "lime"}
        assert "The <em>ring</em> counts. &lt;b&gt;" in (out / "report.html").read_text(encoding="utf-8")
        assert any("HTML is shown as text (below LIME)" in line for line in progress.lines)
        assert any("# Lime maps names nothing" in line for line in progress.lines)
        again = RenderOptions(notes=(Note("LIME", "Another."),))
        render_again(out, ("html", "json"), again, Silent())
        render_again(out, ("html",), RenderOptions(), Silent())  # they were kept in run/
        assert "<p>Another.</p>" in (out / "report.html").read_text(encoding="utf-8")
        assert [note["text"] for note in facts(out)["notes"]] == ["Another."]
        assert {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} < set(REPORT_FILES)

    def test_change_no_number(self, honest: Path, tmp_path: Path) -> None:
        render_again(honest, ("json",), RenderOptions(notes=(Note("LIME", "Mine."),)), Silent(), tmp_path / "s")
        told, plain = facts(tmp_path / "s"), facts(honest)
        assert {key for key in told if told[key] != plain[key]} == {"notes", "unanswered"}

    def test_can_be_required(self, honest: Path, tmp_path: Path) -> None:
        progress = Silent()
        must = RenderOptions(notes=(Note("LIME", "Mine."),), require_notes=True)
        written = render_again(honest, ("html", "json"), must, progress, tmp_path / "s")
        assert len(written.paths) == 2
        assert [(problem.code, problem.exit_code) for problem in written.problems] == [("E-NOTES-MISSING", 1)]
        assert "Saliency maps, Filter visualisation." in progress.lines[-1]
        all_three = tuple(Note(heading, "Mine.") for heading in ("Saliency maps", "Filter visualisation", "LIME"))
        must = RenderOptions(notes=all_three, require_notes=True)
        assert render_again(honest, ("html",), must, Silent(), tmp_path / "s").problems == ()

    def test_are_read_before_the_work(self, tmp_path: Path) -> None:
        (tmp_path / "notes.md").write_bytes(b"\xff")
        with pytest.raises(UsageError, match="UTF-8"):
            small(tmp_path / "r", notes=tmp_path / "notes.md", model=tmp_path / "absent.pth")


class TestBudgets:
    def test_pictures_give_way_and_both_places_say_so(self, honest: Path, tmp_path: Path) -> None:
        size = (honest / "report.html").stat().st_size
        progress = Silent()
        how = RenderOptions(html_mb=0.7 * size / 1e6, pdf_mb=1.0)
        written = render_again(honest, ("html", "pdf", "json"), how, progress, tmp_path / "s")
        assert written.problems == ()
        html, pdf = tmp_path / "s" / "report.html", tmp_path / "s" / "report.pdf"
        assert html.stat().st_size <= 0.7 * size
        assert pdf.stat().st_size <= 1_000_000
        assert "None is left out for that." in html.read_text(encoding="utf-8")
        assert html.read_text(encoding="utf-8").count("<img") == (honest / "report.html").read_text().count("<img")
        smaller = [line for line in progress.lines if "pictures were made smaller" in line]
        assert [line.partition(":")[0] for line in smaller] == ["report.html", "report.pdf"]
        assert (tmp_path / "s" / "report.json").read_bytes() == (honest / "report.json").read_bytes()

    def test_a_budget_that_cannot_be_kept_is_a_problem_beside_the_file(self, honest: Path, tmp_path: Path) -> None:
        written = render_again(honest, ("html",), RenderOptions(html_mb=0.01), Silent(), tmp_path / "s")
        assert [path.name for path in written.paths] == ["report.html"]
        assert [problem.code for problem in written.problems] == ["E-SIZE"]

    def test_figures_of_methods_give_way_where_smaller_pictures_do_not_do(
        self, honest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        render_again(honest, ("html",), RenderOptions(html_mb=0.01), Silent(), tmp_path / "all")
        least = (tmp_path / "all" / "report.html").stat().st_size
        monkeypatch.setattr(rendering, "WORST", 1)
        progress, how = Silent(), RenderOptions(html_mb=(least - 1000) / 1e6)
        written = render_again(honest, ("html",), how, progress, tmp_path / "s")
        assert written.problems == ()
        page = (tmp_path / "s" / "report.html").read_text(encoding="utf-8")
        assert len(page.encode()) < least
        assert "show the worst 1 of 3 images" in page
        assert page.count('class="depth-2 card"') == 3
        assert any("the worst 1 images only" in line for line in progress.lines)

    def test_a_pdf_that_takes_too_long_leaves_the_others(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "weasyprint.py").write_text("import time; time.sleep(600)")
        monkeypatch.syspath_prepend(tmp_path)
        built = small(tmp_path / "r", methods=("saliency",), formats=("html", "pdf", "json"), pdf_timeout=2)
        assert (built.exit_code, [path.name for path in built.paths]) == (1, ["report.html", "report.json"])


class Answering(torch.nn.Module):
    """Four classes; the answer goes through `change` first."""

    def __init__(self, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.change = change

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        colours = images.mean((2, 3))
        return self.change(torch.cat([colours, colours[:, :1] - 1], 1))


def photographed(out: Path, change: Callable[[torch.Tensor], torch.Tensor], **settings: Any) -> Built:  # noqa: ANN401
    settings = {"methods": ("saliency",), "size": 32, "limit": 3, **SMALL, **settings}
    return reportgen.build(Answering(change), SCENES, out=out, **settings)


class TestEveryAnswerIsNaN:
    def test_is_a_report_that_lists_each_image(self, tmp_path: Path) -> None:
        progress = Silent()
        options = BuildOptions(model=Path("m"), images=(SCENES,), limit=3, out=tmp_path / "r", size=(32, 32), **SMALL)
        built = build(options, Answering(lambda logits: logits * float("nan")), progress)
        assert built.exit_code == 1
        report = ReportFacts.model_validate(facts(tmp_path / "r"))
        assert (report.images, report.filters) == ((), ())
        assert len({failure.what for failure in report.failures}) == 3
        assert {failure.code for failure in report.failures} == {"E-OUTPUT-NAN"}
        assert "none of the 3 images" in (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
        assert len([line for line in progress.lines if "NaN" in line]) == 1  # not one for each image

    def test_also_where_images_are_chosen_by_their_answer(self, tmp_path: Path) -> None:
        assert photographed(tmp_path / "r", lambda logits: logits / 0 * 0, pick="unsure").exit_code == 1

    def test_can_be_rendered_again_elsewhere(self, tmp_path: Path) -> None:
        photographed(tmp_path / "r", lambda logits: logits * float("inf") * 0)
        again = render_again(tmp_path / "r", ("html", "json"), RenderOptions(), Silent(), tmp_path / "s")
        assert again.paths == (tmp_path / "s" / "report.html", tmp_path / "s" / "report.json")
        for name in ("report.html", "report.json", "run/run.json"):
            assert (tmp_path / "s" / name).read_bytes() == (tmp_path / "r" / name).read_bytes(), name
        assert again.summary == facts(tmp_path / "s")["summary"]


def test_a_report_is_not_rendered_over_strangers(honest: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(OutputError, match="not a report"):
        render_again(honest, ("json",), RenderOptions(), Silent(), tmp_path)
    render_again(honest, ("json",), RenderOptions(), Silent(), tmp_path, overwrite=True)
    assert (tmp_path / "thesis.tex").read_text() == "mine"


class TestHeads:
    def test_a_softmax_at_the_end_is_not_squashed_twice(self, tmp_path: Path) -> None:
        plain = photographed(tmp_path / "a", lambda logits: 5 * logits)
        photographed(tmp_path / "b", lambda logits: (5 * logits).softmax(1))
        assert plain.exit_code == 0
        a, b = facts(tmp_path / "a"), facts(tmp_path / "b")
        assert (a["model"]["head"]["ends"], b["model"]["head"]["ends"]) == ("logits", "softmax")
        for one, other in zip(a["images"], b["images"], strict=True):
            assert other["prediction"]["probability"] == pytest.approx(one["prediction"]["probability"], rel=1e-5)
        page = (tmp_path / "b" / "report.html").read_text(encoding="utf-8")
        assert "|d log-probability / d pixel|" in page
        assert "nothing is squashed twice" in page

    def test_lime_explains_probabilities_that_stand_alone(self, tmp_path: Path) -> None:
        photographed(tmp_path / "r", lambda logits: 5 * logits, methods=("lime",), head="sigmoid")
        report = facts(tmp_path / "r")
        for each in report["images"]:
            (told,) = each["explanations"]
            assert told["measures"]["score"] == pytest.approx(each["prediction"]["probability"], rel=1e-5)
        assert sum(top["probability"] for top in report["images"][0]["prediction"]["top"]) > 1.1


@pytest.mark.parametrize("settings", [{}, {"pick": "unsure"}])
def test_a_network_that_fails_on_more_than_two_images_is_told_in_one_line(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    def few(logits: torch.Tensor) -> torch.Tensor:
        if len(logits) > 2:
            raise RuntimeError("expected input to have\n3 channels")
        return logits

    with pytest.raises(ArchitectureError, match=r"it fails on \d+ photographs: RuntimeError: expected input to have 3"):
        photographed(tmp_path / "r", few, **settings)


def test_class_names_that_are_alike_are_warned_of(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("cat\ncat\ndog\ncat\n")
    photographed(tmp_path / "r", lambda logits: logits, classes=tmp_path / "names.txt")
    assert "stand for several classes (cat)" in (tmp_path / "r" / "report.html").read_text(encoding="utf-8")


class TestWhatCountsAsFailed:
    def test_images_explanations_and_filters_each_count(self) -> None:
        run = fake_run(profile="default")
        failed = [one.status for subject in run.subjects for one in subject.explanations].count("failed")
        assert failed == 1
        assert failures_of(run) == 1 + failed + 1  # an image, and a layer that was named and has no maps
        assert failures_of(fake_run(trouble=False)) == 0

    def test_what_is_degenerate_and_warnings_count_where_they_are_to(self) -> None:
        run = fake_run(profile="default")
        shown = [one.status for subject in run.subjects for one in subject.explanations]
        degenerate = shown.count("degenerate") + [study.status for study in run.filters].count("degenerate")
        assert degenerate > 1
        model = replace(run.model, notes=(("note.unsteady", {}), ("note.inferred", {})))
        known = (KnownAnswer("answers", 0.5, 0.9), KnownAnswer("object_lime", 0.95, 0.9))
        doubtful = replace(run, model=model, known_answers=known)
        assert failures_of(doubtful) == failures_of(run)
        assert failures_of(doubtful, strict=True) == failures_of(run) + degenerate + 2

    def test_some_may_fail(self, tmp_path: Path) -> None:
        folder = tmp_path / "images"
        folder.mkdir()
        (folder / "0.jpg").write_bytes(b"\xff\xd8\xff")
        (folder / "1.jpg").write_bytes((SCENES / "plus" / "1.jpg").read_bytes())
        given = {"images": (folder,), "methods": ("saliency",), "checks": "none", "formats": ("json",)}
        assert small(tmp_path / "r", **given).exit_code == 1
        assert small(tmp_path / "r", **given, max_failed=1).exit_code == 0


def test_the_report_does_not_go_among_its_images(tmp_path: Path) -> None:
    shutil.copy(SCENES / "plus" / "1.jpg", tmp_path)
    (tmp_path.parent / "link").symlink_to(tmp_path)
    for out in (tmp_path, tmp_path.parent / "link"):
        with pytest.raises(UsageError, match="it is the folder of the images"):
            small(out, images=(tmp_path,), overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["1.jpg"]


def test_a_store_that_is_cold_warm_or_half_warm_gives_the_same_bytes(tmp_path: Path) -> None:
    def made(name: str, **settings: Any) -> dict[str, bytes]:  # noqa: ANN401 - any setting
        given = {"limit": 3, "pick": "per-class", "lime_once": True, "formats": ("html", "pdf", "json")}
        small(tmp_path / name, **given | settings)
        files = {str(path.relative_to(tmp_path / name)): path for path in (tmp_path / name).rglob("*")}
        return {place: path.read_bytes() for place, path in files.items() if path.is_file() and place != LOG_FILE}

    never = made("never", store=False)
    made("part", limit=2, formats=("json",))
    assert len(never) == 6
    assert made("half") == never
    assert made("whole") == never
