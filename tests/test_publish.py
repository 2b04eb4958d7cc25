import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from report_files import OURS, content, fill

from reportgen.errors import OutputError
from reportgen.publish import REPORT_FILES, carry_over, check_target, publishing

NEW = {name: f"new {name}" for name in REPORT_FILES} | {"run/run.json": OURS}
OLD = {name: f"old {name}" for name in REPORT_FILES} | {"run/run.json": OURS + " "}


def publish(out: Path, files: dict[str, str] = NEW, *, overwrite: bool = False) -> None:
    with publishing(out, overwrite=overwrite) as staging:
        fill(staging, files)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with an old report."""
    fill(tmp_path / "report", OLD)
    return tmp_path / "report"


@pytest.fixture(params=["old", "none"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A place with an old report, and one with nothing; as it was before, after whatever goes wrong."""
    out = tmp_path / "a" / "b"
    if request.param == "old":
        fill(out, OLD)
    yield out
    assert content(tmp_path) == ({f"a/b/{name}": text for name, text in OLD.items()} if request.param == "old" else {})
    assert (tmp_path / "a").exists() == (request.param == "old")


class TestWhole:
    def test_a_new_report_makes_its_folders(self, tmp_path: Path) -> None:
        publish(tmp_path / "a" / "b")
        assert content(tmp_path / "a" / "b") == NEW

    def test_a_new_report_takes_the_place_of_the_old(self, out: Path) -> None:
        publish(out)
        assert content(out) == NEW

    def test_what_the_new_report_does_not_have_goes_with_the_old(self, out: Path) -> None:
        fewer = {name: text for name, text in NEW.items() if name not in ("report.pdf", "report.json")}
        publish(out, fewer)
        assert content(out) == fewer

    def test_other_files_stay(self, out: Path) -> None:
        (out / "notes.txt").write_text("mine")
        publish(out)
        assert content(out) == NEW | {"notes.txt": "mine"}

    def test_what_is_carried_over_stays_unless_it_is_written_again(self, out: Path) -> None:
        (out / "report.pdf").unlink()
        with publishing(out, overwrite=True) as staging:
            carry_over(out, staging)
            (staging / "report.html").write_text("again")
        assert content(out) == {name: text for name, text in OLD.items() if name != "report.pdf"} | {
            "report.html": "again"
        }

    def test_carrying_over_takes_copies(self, out: Path) -> None:
        with pytest.raises(ValueError, match="half"), publishing(out, overwrite=True) as staging:  # noqa: PT012
            carry_over(out, staging)
            (staging / "report.html").write_text("half")
            raise ValueError("half")
        assert content(out) == OLD

    def test_the_staging_folder_lies_beside_its_goal_and_is_empty(self, out: Path) -> None:
        """On the same disk, or moving would be copying."""
        with publishing(out, overwrite=False) as staging:
            assert staging.parent == out
            assert list(staging.iterdir()) == []

    def test_the_page_comes_last_and_on_disk_first(self, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[str] = []
        replace, fsync = Path.replace, os.fsync

        def moved(self: Path, target: Path) -> Path:
            seen.append(str(target.relative_to(out)))
            return replace(self, target)

        def synced(descriptor: int) -> None:
            seen.append("sync")
            fsync(descriptor)

        monkeypatch.setattr(Path, "replace", moved)
        monkeypatch.setattr(os, "fsync", synced)
        publish(out)
        files = len(REPORT_FILES)
        assert seen[:files] == ["sync"] * files
        assert seen[files : 2 * files] == list(REPORT_FILES)
        assert seen[2 * files - 1 :] == ["report.html", "sync", "sync"]

    def test_a_reader_finds_a_page_at_any_moment(self, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        replace = Path.replace

        def moved(self: Path, target: Path) -> Path:
            assert (out / "report.html").read_text() == "old report.html"
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", moved)
        publish(out)
        assert (out / "report.html").read_text() == "new report.html"


class TestOrNotAtAll:
    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, OSError])
    def test_when_the_building_fails(self, before: Path, error: type[BaseException]) -> None:
        with pytest.raises(error), publishing(before, overwrite=False) as staging:  # noqa: PT012 - fails half-way
            fill(staging, NEW)
            raise error

    @pytest.mark.parametrize("had_one", [True, False])
    @pytest.mark.parametrize(("owner", "name"), [(Path, "replace"), (Path, "mkdir"), (Path, "unlink"), (os, "fsync")])
    def test_when_the_disk_is_full_at_any_step(
        self, tmp_path: Path, owner: object, name: str, had_one: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its first call fails, then its second, and so on, until there is none left to fail."""
        out, original, failing = tmp_path / "a" / "b", getattr(owner, name), 0
        new = {name: text for name, text in NEW.items() if name != "report.pdf"}
        if had_one:
            fill(out, OLD)
        tree = sorted(tmp_path.rglob("*"))
        while True:
            with monkeypatch.context() as patch:
                patch.setattr(owner, name, failing_at(failing, original, OSError(errno.ENOSPC, "No space left")))
                try:
                    publish(out, new)
                except (OutputError, OSError):
                    failing += 1
                else:
                    break
            assert sorted(tmp_path.rglob("*")) == tree
            assert content(out) == (OLD if had_one else {})
        assert failing >= (1 if name == "unlink" else 2)
        assert content(out) == new

    @pytest.mark.parametrize("failing", range(len(REPORT_FILES)))
    def test_when_the_user_interrupts_while_files_move(
        self, before: Path, failing: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Path, "replace", failing_at(failing, Path.replace, KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            publish(before)

    def test_when_a_file_of_the_old_report_cannot_be_removed(self, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Path, "unlink", failing_at(0, Path.unlink, PermissionError(errno.EACCES, "Not yours")))
        with pytest.raises(OutputError, match="Not yours"):
            publish(out, {name: text for name, text in NEW.items() if name != "report.pdf"})
        assert content(out) == OLD

    def test_where_the_disk_has_no_hard_links(self, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
        replace = Path.replace
        monkeypatch.setattr(Path, "replace", failing_at(3, replace, OSError(errno.ENOSPC, "Full")))
        with pytest.raises(OutputError):
            publish(out)
        assert content(out) == OLD
        monkeypatch.setattr(Path, "replace", replace)
        publish(out)
        assert content(out) == NEW


class TestWhere:
    def refused(self, out: Path, code: str, *, overwrite: bool = False) -> None:
        with pytest.raises(OutputError) as caught:
            publish(out, overwrite=overwrite)
        assert caught.value.code == code

    def test_a_folder_of_somebody_else_needs_consent(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.tex").write_text("mine")
        self.refused(tmp_path, "E-OUT-FOREIGN")
        assert content(tmp_path) == {"thesis.tex": "mine"}
        publish(tmp_path, overwrite=True)
        assert content(tmp_path) == NEW | {"thesis.tex": "mine"}

    @pytest.mark.parametrize("claim", ["", "[]", "3", '{"generator": "other"}', "{}", "[" * 100_000])
    def test_a_report_of_another_program_is_somebody_elses(self, out: Path, claim: str) -> None:
        (out / "run" / "run.json").write_text(claim)
        self.refused(out, "E-OUT-FOREIGN")

    def test_an_empty_folder_is_free(self, tmp_path: Path) -> None:
        publish(tmp_path)
        assert content(tmp_path) == NEW

    def test_what_a_killed_run_left_is_no_stranger(self, tmp_path: Path) -> None:
        fill(tmp_path / "report" / ".reportgen-00ff.tmp", NEW)
        publish(tmp_path / "report")
        assert NEW.items() <= content(tmp_path / "report").items()

    def test_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "report").write_text("mine")
        self.refused(tmp_path / "report", "E-OUT-FILE", overwrite=True)
        self.refused(tmp_path / "report" / "below", "E-OUT-WRITE", overwrite=True)

    def test_a_link_that_leads_nowhere(self, tmp_path: Path) -> None:
        (tmp_path / "report").symlink_to(tmp_path / "gone")
        self.refused(tmp_path / "report", "E-OUT-LINK", overwrite=True)
        (tmp_path / "loop").symlink_to(tmp_path / "loop")
        self.refused(tmp_path / "loop", "E-OUT-LINK", overwrite=True)

    def test_a_link_to_a_folder_is_followed(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "report").symlink_to(tmp_path / "real")
        publish(tmp_path / "report")
        assert content(tmp_path / "real") == NEW

    def test_a_link_inside_to_another_place(self, tmp_path: Path) -> None:
        fill(tmp_path / "other", OLD)
        (tmp_path / "report").mkdir()
        (tmp_path / "report" / "run").symlink_to(tmp_path / "other" / "run")
        self.refused(tmp_path / "report", "E-OUT-LINK", overwrite=True)
        assert content(tmp_path / "other") == OLD

    def test_links_under_our_names_cost_nothing_elsewhere(self, out: Path, tmp_path: Path) -> None:
        (tmp_path / "victim").write_text("mine")
        (out / "report.html").unlink()
        (out / "report.html").symlink_to(tmp_path / "victim")
        publish(out)
        assert (tmp_path / "victim").read_text() == "mine"
        assert content(out) == NEW

    @pytest.mark.parametrize("name", ["report.html", "report.json", "report.pdf"])
    def test_a_folder_under_our_name_is_left_alone(self, out: Path, name: str) -> None:
        (out / name).unlink()
        (out / name).mkdir()
        self.refused(out, "E-OUT-WRITE", overwrite=True)
        assert content(out) == {key: text for key, text in OLD.items() if key != name}

    def test_the_home_folder_and_the_root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        self.refused(tmp_path, "E-OUT-PLACE", overwrite=True)
        self.refused(tmp_path / "a" / "..", "E-OUT-PLACE", overwrite=True)
        for root in (Path("/"), Path("/usr/..")):
            with pytest.raises(OutputError) as caught:
                check_target(root, overwrite=True)
            assert caught.value.code == "E-OUT-PLACE"

    def test_a_user_without_a_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As in a container that runs under a number only."""

        def homeless() -> Path:
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.setattr(Path, "home", homeless)
        publish(tmp_path / "report")
        assert content(tmp_path / "report") == NEW

    def test_a_name_that_no_disk_takes(self, tmp_path: Path) -> None:
        self.refused(tmp_path / ("a" * 300), "E-OUT-WRITE")

    def test_a_folder_that_may_not_be_read(self, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Path, "iterdir", failing_at(0, Path.iterdir, PermissionError(errno.EACCES, "Not yours")))
        self.refused(out, "E-OUT-WRITE")


def failing_at(number: int, original: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
    """The function, raising the error instead of its call number so-and-so."""
    calls = iter(range(10**9))

    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the original takes and gives
        if next(calls) == number:
            raise error
        return original(*args, **kwargs)

    return call
