"""What the machine lacks is told as that, and no file is called damaged for it."""

import errno
import os
import resource
import subprocess
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from PIL import Image
from test_environment import command, environment

from reportgen import fonts, images, looks, settings, sources, store
from reportgen.attempts import ends_the_run
from reportgen.errors import CheckpointError, EnvironmentProblem, ImageError, ReportgenError
from reportgen.example import HONEST
from reportgen.fingerprint import fingerprint
from reportgen.images.decode import decode
from reportgen.manifest import read_manifest
from reportgen.shortages import raise_shortage, shortage
from reportgen.sources import checkpoint, sniff

LACKING = {errno.EMFILE: "E-FILES", errno.ENFILE: "E-FILES", errno.ENOMEM: "E-MEMORY", errno.EIO: "E-DISK"}


def raising(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


class TestTold:
    @pytest.mark.parametrize(("number", "code"), LACKING.items())
    def test_by_its_number_whatever_a_library_made_of_it(self, number: int, code: str) -> None:
        try:
            try:
                raising(number)()
            except OSError as err:
                raise RuntimeError("cannot be read") from err
        except RuntimeError as err:
            found = shortage(err, "m.pth")
        assert found is not None
        assert (found.code, found.what, found.exit_code) == (code, "m.pth", 4)

    def test_by_the_words_of_the_system_where_a_library_is_loaded(self) -> None:
        found = shortage(ImportError("libx.so: cannot open shared object file: Too many open files"), "x")
        assert found is not None
        assert found.code == "E-FILES"

    @pytest.mark.parametrize(
        "err",
        [
            OSError(errno.EACCES, "Permission denied"), FileNotFoundError(errno.ENOENT, "none", "Too many open files"),
            ValueError("Too many open files"), MemoryError(), OSError("no number"),
        ],
    )  # fmt: skip
    def test_all_else_is_none(self, err: Exception) -> None:
        assert shortage(err, "x") is None
        raise_shortage(err, "x")

    def test_an_error_that_led_to_itself_ends(self) -> None:
        one, other = ValueError(), ValueError()
        one.__cause__, other.__cause__ = other, one
        assert shortage(one, "x") is None

    def test_it_ends_the_run_and_is_no_failure_of_a_method(self) -> None:
        assert ends_the_run(OSError(errno.EMFILE, "Too many open files"))
        assert not ends_the_run(OSError(errno.ENOENT, "No such file"))


def photograph(folder: Path) -> Path:
    path = folder / "a.png"
    Image.new("RGB", (9, 9)).save(path)
    return path


READERS: dict[str, Callable[[Path], object]] = {
    "checkpoint": lambda _: sources.load(HONEST, None, lambda _: None, None),
    "labels": lambda path: images.read_class_names(path),
    "font": lambda path: fonts.read_font(path),
    "settings": lambda path: settings.read_toml(path, "E-X", "settings", "Mend it"),
    "logo": lambda path: looks.read_logo(path),
    "photograph": lambda path: decode(path, path.name, (8, 8)),
    "run": lambda path: store.load_run(path.parent),
    "manifest": lambda path: read_manifest(path.parent),
    "fingerprint": lambda path: fingerprint(path),
}


@pytest.mark.parametrize("name", READERS)
def test_without_a_handle_left_no_file_is_blamed(name: str, tmp_path: Path) -> None:
    """In this process, with its real limit."""
    path = photograph(tmp_path)
    for needed in ("run.json", "arrays.safetensors", "manifest.json", "report.json"):
        (tmp_path / needed).write_text("{}")
    with suppress(Exception):  # whatever it says of such a file; what it needs is imported now
        READERS[name](path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/dev/fd").iterdir())) + 8, hard))
    taken: list[int] = []
    try:
        with suppress(OSError):
            while len(taken) < 100:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        with pytest.raises(EnvironmentProblem) as caught:
            READERS[name](path)
    finally:
        for handle in taken:
            os.close(handle)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (caught.value.code, caught.value.exit_code) == ("E-FILES", 4)


@pytest.mark.parametrize(("number", "code"), LACKING.items())
class TestWhileItIsRead:
    def test_a_checkpoint_is_not_damaged(self, number: int, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch, "load", raising(number))
        with HONEST.open("rb") as file, pytest.raises(EnvironmentProblem) as caught:
            checkpoint.load(file, "m.pth", "ab")
        assert caught.value.code == code

    def test_its_checksums_are_not_wrong(self, number: int, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(zipfile.ZipFile, "testzip", raising(number))
        with sniff.opened(HONEST) as file, pytest.raises(EnvironmentProblem) as caught:
            sniff.check(file, "m.pth")
        assert caught.value.code == code

    def test_a_photograph_is_not_damaged(
        self, number: int, code: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        path = photograph(tmp_path)
        monkeypatch.setattr(Image, "open", raising(number))
        with pytest.raises(EnvironmentProblem) as caught:
            decode(path, "a.png", (8, 8))
        assert caught.value.code == code


def test_a_disk_that_does_not_give_one_photograph_costs_that_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = photograph(tmp_path)
    monkeypatch.setattr(Path, "open", raising(errno.EIO))
    with pytest.raises(ImageError, match="Input/output error") as caught:
        decode(path, "a.png", (8, 8))
    assert caught.value.code == "E-IMG-MISSING"


def test_a_photograph_that_needs_too_much_memory_is_not_damaged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    path = photograph(tmp_path)
    monkeypatch.setattr(Image.Image, "load", fail)
    with pytest.raises(ImageError) as caught:
        decode(path, "a.png", (8, 8))
    assert caught.value.code == "E-IMG-MEMORY"


@pytest.mark.parametrize(("size", "kind"), [(10, EnvironmentProblem), (2**42, CheckpointError)])
def test_no_memory_for_what_the_file_holds_is_the_machine_for_more_it_is_the_file(
    size: int, kind: type[ReportgenError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"DefaultCPUAllocator: can't allocate memory: you tried to allocate {size} bytes.")

    monkeypatch.setattr(torch, "load", fail)
    with HONEST.open("rb") as file, pytest.raises(kind):
        checkpoint.load(file, "m.pth", "ab")


def test_a_logo_that_may_not_be_read_is_not_called_another_kind_of_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Image, "open", raising(errno.EACCES))
    with pytest.raises(ReportgenError, match="Permission denied"):
        looks.read_logo(photograph(tmp_path))


@pytest.mark.parametrize("handles", [5, 6, pytest.param(7, marks=pytest.mark.long)])
def test_few_handles_end_the_real_command_line_with_what_to_do(handles: int, tmp_path: Path) -> None:
    out = tmp_path / "report"
    shell = f'ulimit -n {handles}; exec "$@"'
    words = ["bash", "-c", shell, "bash", *command(out, "--no-store")]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True)
    if done.returncode == 0:  # enough for so small a report
        return
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.splitlines()[-1].startswith("error[E-FILES]")
    assert "ulimit -n" in done.stderr
