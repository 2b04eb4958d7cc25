from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reportgen.errors import UsageError
from reportgen.options import (
    COMMAND_LINE_ONLY,
    DEFAULT_LIMIT,
    HW5_FILTER,
    HW5_INDICES,
    HW5_LAYER,
    BuildOptions,
    flag,
)
from reportgen.settings import resolve

MODEL = {"model": Path("m.pth")}
NOWHERE: dict[str, str] = {}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(**given: Any) -> BuildOptions:  # noqa: ANN401 - fields of BuildOptions
    return resolve(MODEL | given, environ=NOWHERE)


def refusal(act: Callable[[], object]) -> UsageError:
    with pytest.raises(UsageError) as caught:
        act()
    return caught.value


class TestWhereSettingsComeFrom:
    def test_the_nearer_place_wins(self, here: Path) -> None:
        assert resolve(MODEL, environ=NOWHERE).seed == 16
        (here / "reportgen.toml").write_text("seed = 1\nlimit = 1\nfilters_top = 1")
        environment = {"REPORTGEN_SEED": "2", "REPORTGEN_LIMIT": "2"}
        options = resolve(MODEL | {"seed": 3}, environ=environment)
        assert (options.seed, options.limit, options.filters_top, options.filter_steps) == (3, 2, 1, 64)

    @pytest.mark.parametrize("unsaid", [None, (), []])
    def test_what_the_command_line_does_not_say_hides_nothing(self, here: Path, unsaid: object) -> None:
        (here / "reportgen.toml").write_text("formats = ['json']")
        assert made(formats=unsaid).formats == ("json",)

    def test_the_command_line_can_take_back_what_a_file_switched_on(self, here: Path) -> None:
        (here / "reportgen.toml").write_text("overwrite = true")
        assert made().overwrite
        assert not made(overwrite=False).overwrite

    def test_pyproject_speaks_below_its_own_heading(self, here: Path) -> None:
        (here / "pyproject.toml").write_text("[tool.other]\nseed = 5\n[tool.reportgen]\nlime-samples = 50")
        assert made().lime_samples == 50

    def test_reportgen_toml_comes_before_pyproject(self, here: Path) -> None:
        (here / "pyproject.toml").write_text("[tool.reportgen]\nseed = 1\nlimit = 1")
        (here / "reportgen.toml").write_text("seed = 2")
        assert (made().seed, made().limit) == (2, None)

    def test_an_empty_reportgen_toml_does_so_too(self, here: Path) -> None:
        (here / "pyproject.toml").write_text("[tool.reportgen]\nseed = 1")
        (here / "reportgen.toml").touch()
        assert made().seed == 16

    def test_a_named_file_replaces_both(self, here: Path) -> None:
        (here / "reportgen.toml").write_text("limit = 1")
        (here / "own.toml").write_text("seed = 2")
        options = resolve(MODEL, config=Path("own.toml"), environ=NOWHERE)
        assert (options.seed, options.limit) == (2, None)

    def test_a_named_pyproject_is_read_as_one(self, here: Path) -> None:
        (here / "pyproject.toml").write_text("[project]\nname = 'x'\n[tool.reportgen]\nseed = 4")
        assert resolve(MODEL, config=here / "pyproject.toml", environ=NOWHERE).seed == 4

    def test_a_pyproject_of_somebody_else_is_no_settings_file(self, here: Path) -> None:
        (here / "pyproject.toml").write_text("[project]\nname = 'x'")
        assert made() == BuildOptions(model=Path("m.pth"))

    def test_a_byte_order_mark_is_no_part_of_a_key(self, here: Path) -> None:
        (here / "reportgen.toml").write_bytes(b"\xef\xbb\xbfseed = 2")
        assert made().seed == 2

    def test_other_variables_are_not_ours(self) -> None:
        assert resolve(MODEL, environ={"SEED": "1", "XREPORTGEN_SEED": "1"}).seed == 16


class TestKeys:
    @pytest.mark.parametrize("key", sorted(COMMAND_LINE_ONLY))
    def test_what_runs_code_or_names_the_subject_is_for_the_command_line(self, here: Path, key: str) -> None:
        (here / "own.toml").write_text(f"{key} = 'evil.py:Net'")
        for act in (
            lambda: resolve(MODEL, config=here / "own.toml", environ=NOWHERE),
            lambda: resolve(MODEL, environ={f"REPORTGEN_{key.upper()}": "evil.py:Net"}),
        ):
            error = refusal(act)
            assert error.code == "E-CONFIG-KEY"
            assert error.why == f"{key} may be given on the command line only"

    def test_exactly_the_model_and_its_code_are_kept_from_files(self) -> None:
        assert {"model", "arch"} == COMMAND_LINE_ONLY

    def test_a_misspelt_key_names_the_place_and_the_nearest(self, here: Path) -> None:
        (here / "reportgen.toml").write_text("lime_sample = 5")
        error = refusal(made)
        assert (error.what, error.why) == ("reportgen.toml", "unknown setting lime_sample")
        assert error.fix == "Did you mean lime_samples?"

    def test_so_does_a_misspelt_variable(self) -> None:
        error = refusal(lambda: resolve(MODEL, environ={"REPORTGEN_SEEED": "5"}))
        assert (error.what, error.fix) == ("the environment", "Did you mean seed?")

    def test_a_key_like_no_other_points_to_the_help(self, here: Path) -> None:
        (here / "pyproject.toml").write_text("[tool.reportgen]\nqqqq = 5")
        assert "--help" in refusal(made).fix

    def test_python_callers_are_told_too(self) -> None:
        error = refusal(lambda: made(seeds=5))
        assert (error.what, error.fix) == ("the call", "Did you mean seed?")

    def test_the_model_must_be_given(self) -> None:
        error = refusal(lambda: resolve({}, environ=NOWHERE))
        assert (error.what, error.why) == ("--model", "Field required")

    @pytest.mark.parametrize(("key", "written"), [("formats", "--format"), ("layers", "--layer"), ("seed", "--seed")])
    def test_flags(self, key: str, written: str) -> None:
        assert flag(key) == written

    def test_a_wrong_value_is_called_as_the_user_wrote_it(self, here: Path) -> None:
        assert refusal(lambda: made(formats="htm")).what == "--format"
        assert refusal(lambda: resolve(MODEL, environ={"REPORTGEN_FORMATS": "htm"})).what == "REPORTGEN_FORMATS"
        (here / "reportgen.toml").write_text("formats = ['htm']")
        error = refusal(made)
        assert error.what == "formats in reportgen.toml"
        assert error.why.endswith("(got htm)")
        assert made(formats="junit,json").formats == ("junit", "json")
        assert "one of html, pdf, json" in refusal(lambda: made(formats="junit,badge")).why
        assert made(formats="json").formats == ("json",)


class TestFiles:
    @pytest.mark.parametrize(
        "content",
        [
            b"seed = ",
            b"seed = 1\nseed = 2",
            b"\xff\xfes\x00e\x00",
            b"a = " + b"[" * 100_000,
            b"seed = " + b"9" * 5000,
        ],
        ids=["syntax", "twice", "utf16", "deep", "long"],
    )
    def test_what_is_no_toml_is_refused(self, here: Path, content: bytes) -> None:
        (here / "reportgen.toml").write_bytes(content)
        error = refusal(made)
        assert error.code == "E-CONFIG"
        assert error.what == "reportgen.toml"

    def test_a_named_file_must_exist(self, here: Path) -> None:
        assert refusal(lambda: resolve(MODEL, config=Path("none.toml"), environ=NOWHERE)).code == "E-CONFIG"
        assert refusal(lambda: resolve(MODEL, config=here, environ=NOWHERE)).code == "E-CONFIG"

    @pytest.mark.parametrize("content", ["tool = 3", "[tool]\nreportgen = 3", "tool = ['reportgen']"])
    def test_a_table_must_be_one(self, here: Path, content: str) -> None:
        (here / "pyproject.toml").write_text(content)
        assert "is not a table" in refusal(made).why


class TestValues:
    @pytest.mark.parametrize(("given", "language"), [("en", "en"), ("ZH-hant", "zh-Hant"), ("zh_Hans", "zh-Hans")])
    def test_a_language_in_any_spelling(self, given: str, language: str) -> None:
        assert made(lang=given).lang == language

    @pytest.mark.parametrize(
        ("given", "hint"),
        [
            ("zh-TW", "did you mean zh-Hant?"),
            ("zh_CN", "did you mean zh-Hans?"),
            ("zh", "did you mean zh-Hant or zh-Hans?"),
            ("zh-Hand", "did you mean zh-Han"),
            ("fr", "choose one of en, zh-Hant, zh-Hans"),
        ],
    )
    def test_another_language_is_refused_with_the_nearest(self, given: str, hint: str) -> None:
        error = refusal(lambda: made(lang=given))
        assert (error.code, error.what) == ("E-OPTION", "--lang")
        assert hint in error.why

    @pytest.mark.parametrize(
        ("given", "size"),
        [
            (128, (128, 128)),
            ("128", (128, 128)),
            ("128x96", (128, 96)),
            ("128X96", (128, 96)),
            ((8, 2048), (8, 2048)),
            ([96], (96, 96)),
            (None, None),
        ],
    )
    def test_sizes(self, given: object, size: tuple[int, int] | None) -> None:
        assert made(size=given).size == size

    @pytest.mark.parametrize("given", [7, 2049, "128x7", "128x96x3", "x", "", "big", "128.5", -128, True])
    def test_sizes_that_are_none(self, given: object) -> None:
        assert refusal(lambda: made(size=given)).what == "--size"

    @pytest.mark.parametrize(
        ("key", "given", "found"),
        [
            ("indices", "1,2,47,98", (1, 2, 47, 98)),
            ("indices", " 1 , 2 ,", (1, 2)),
            ("filters", [0, 5], (0, 5)),
            ("mean", "0.5", (0.5,)),
            ("std", "0.1,0.2,0.3", (0.1, 0.2, 0.3)),
            ("methods", "lime,saliency,lime", ("lime", "saliency")),
            ("formats", "json", ("json",)),
            ("layers", ["cnn.15", "cnn.2"], ("cnn.15", "cnn.2")),
            ("layers", "cnn.15,cnn.2", ("cnn.15", "cnn.2")),
            ("images", "a,b.jpg", (Path("a,b.jpg"),)),
            ("images", Path("a"), (Path("a"),)),
            ("images", ["a", "b"], (Path("a"), Path("b"))),
        ],
    )
    def test_lists(self, key: str, given: object, found: tuple[object, ...]) -> None:
        assert getattr(made(**{key: given}), key) == found

    @pytest.mark.parametrize(
        ("key", "given"),
        [
            ("indices", "1,-2"),
            ("indices", "1,two"),
            ("filters", "1.5"),
            ("limit", 0),
            ("filters_top", 0),
            ("filters_top", 65),
            ("filter_images", 0),
            ("filter_images", 9),
            ("filter_steps", 0),
            ("filter_steps", 10_001),
            ("lime_samples", 1),
            ("lime_samples", 1_000_001),
            ("lime_segments", 1),
            ("lime_segments", 10_001),
            ("lime_compactness", 0),
            ("lime_compactness", float("nan")),
            ("lime_compactness", 10_001),
            ("batch_size", 0),
            ("precision", "fp16"),
            ("batch_size", 4097),
            ("seed", -1),
            ("seed", 2**32),
            ("seed", "x"),
            ("mean", "0.1,0.2"),
            ("mean", "nan"),
            ("mean", "inf"),
            ("std", "0"),
            ("std", "0.1,0.2,-0.3"),
            ("std", "0.1,0.2,0.3,0.4"),
            ("methods", "gradcm"),
            ("methods", ["saliency", 3]),
            ("methods", ","),
            ("formats", "html,doc"),
            ("profile", "hw6"),
            ("pick", "last"),
            ("lime_fill", "white"),
            ("channel_order", "gbr"),
            ("device", "gpu"),
            ("device", "cuda:x"),
            ("device", "cpu\n"),
            ("title", "a\nb"),
            ("title", "\udcff"),
            ("title", "a" * 201),
            ("author", "\x1b[2J"),
            ("student_id", "a" * 101),
        ],
    )
    def test_what_is_out_of_range_is_named(self, key: str, given: object) -> None:
        error = refusal(lambda: made(**{key: given}))
        assert (error.code, error.what) == ("E-OPTION", flag(key))
        assert "(got " in error.why

    @pytest.mark.parametrize(
        ("key", "given"),
        [
            ("seed", 0), ("seed", 2**32 - 1), ("limit", 1), ("filters_top", 64), ("filter_steps", 1),
            ("lime_samples", 2), ("lime_segments", 2), ("lime_compactness", 1e4), ("batch_size", 4096),
            ("device", "cuda:3"), ("device", "cpu"),
            ("title", "作業\u3000五"), ("mean", (0.1, 0.2, 0.3)), ("std", (1e-9,)), ("indices", (0,)),
        ],
    )  # fmt: skip
    def test_what_is_just_in_range_is_taken(self, key: str, given: object) -> None:
        assert getattr(made(**{key: given}), key) == given

    def test_the_defaults_are_those_that_the_readme_and_the_help_tell(self) -> None:
        assert BuildOptions(model=Path("m.pth")).model_dump(exclude={"model"}) == {
            "arch": None, "size": None, "mean": (), "std": (), "channel_order": None, "resize": None,
            "head": None, "state_key": None, "classes": None, "reference_images": (),
            "images": (), "labels": None, "masks": None, "indices": (), "limit": None, "pick": "first",
            "methods": ("saliency", "integrated_gradients", "gradcam", "filters", "lime"), "target": None,
            "versus": None, "profile": "default", "layers": (), "filters": (),
            "filters_top": 2, "filter_images": 3, "filter_steps": 64, "lime_samples": 1024, "lime_sampling": "designed",
            "lime_once": False, "segmentation": "slic", "lime_segments": 50, "lime_compactness": 20.0,
            "lime_fill": "mean", "lime_fill_image": None, "checks": "quick", "self_test": True,
            "store": True, "store_mb": 2000.0, "max_failed": 0, "strict": False,
            "out": Path("report"), "formats": ("html", "pdf", "json"), "title": "", "author": "", "student_id": "",
            "templates": None, "css": None, "notes": None, "require_notes": False, "budget": 25.0, "max_pdf_mb": 10.0,
            "pdf_timeout": 300, "lang": "en", "font": None,
            "pdf_images": 100, "pdf_full": 12, "paper": "a4", "accent": "", "logo": None,
            "overwrite": False, "device": "auto", "precision": "auto",
            "batch_size": None, "dry_run": False, "max_seconds": None, "seed": 16, "rules": None, "preset": None,
        }  # fmt: skip

    def test_an_unknown_method_is_told_the_nearest(self) -> None:
        assert "no method is called gradcm; did you mean gradcam" in refusal(lambda: made(methods="lime,gradcm")).why
        assert "there are saliency, smoothgrad, " in refusal(lambda: made(methods="xyz")).why

    def test_the_homework_has_its_three_tasks_unless_others_are_named(self) -> None:
        assert made(profile="hw5").methods == ("saliency", "filters", "lime")
        assert made(profile="hw5", methods="gradcam").methods == ("gradcam",)

    def test_a_class_is_held_against_a_target_only(self) -> None:
        assert (made(target=3, versus="cat").target, made(target="3", versus="cat").versus) == ("3", "cat")
        error = refusal(lambda: made(versus="cat"))
        assert error.what == "--versus"
        assert "--target must name the class" in error.why

    def test_the_homework_is_the_courses(self) -> None:
        assert (HW5_INDICES, HW5_LAYER, HW5_FILTER, DEFAULT_LIMIT) == ((1, 2, 47, 98), 15, 0, 12)

    def test_options_do_not_change(self) -> None:
        with pytest.raises(ValueError, match="frozen"):
            BuildOptions(model=Path("m.pth")).seed = 3

    @pytest.mark.parametrize(
        ("given", "chose"),
        [
            ({}, False),
            ({"indices": "1"}, True),
            ({"limit": 3}, True),
            ({"pick": "wrong"}, True),
            ({"images": "a"}, False),
        ],
    )
    def test_whether_the_user_chose(self, given: dict[str, object], chose: bool) -> None:
        assert made(**given).chose_images is chose


class TestNotes:
    def test_a_file_in_the_current_directory_is_found(self, here: Path) -> None:
        (here / "notes.md").write_text("# LIME\n")
        assert made().notes == Path("notes.md")

    def test_one_beside_the_settings_file_comes_first(self, here: Path) -> None:
        (here / "notes.md").write_text("")
        (here / "sub").mkdir()
        (here / "sub" / "notes.md").write_text("")
        (here / "sub" / "mine.toml").write_text("seed = 1")
        assert resolve(MODEL, config=Path("sub/mine.toml"), environ=NOWHERE).notes == Path("sub/notes.md")

    def test_none_is_found_where_none_is(self, here: Path) -> None:
        (here / "notes.md").mkdir()  # no file
        assert made().notes is None

    def test_what_is_said_wins(self, here: Path) -> None:
        (here / "notes.md").write_text("")
        (here / "reportgen.toml").write_text("[notes]\nLIME = 'Mine.'\n\"image: 1.jpg\" = 'A ring.'")
        assert made().notes == {"LIME": "Mine.", "image: 1.jpg": "A ring."}
        assert made(notes=Path("other.md")).notes == Path("other.md")

    @pytest.mark.parametrize("value", ["3", "[1]", "{ LIME = 3 }", "{ LIME = { a = 'b' } }"])
    def test_what_is_neither_a_file_nor_a_table_of_texts_is_refused(self, here: Path, value: str) -> None:
        (here / "reportgen.toml").write_text(f"notes = {value}")
        assert "notes in reportgen.toml" in refusal(made).what
