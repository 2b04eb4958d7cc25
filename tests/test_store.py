import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import small_values

from reportgen import shelf, store
from reportgen.errors import InputRefused
from reportgen.results import FilterStudy, ImageInput, Run
from reportgen.store import ARRAYS_FILE, RUN_FILE, load_run, save_run


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    save_run(small_values.run(), folder)
    return folder


def assert_same(one: object, two: object, where: str = "run") -> None:
    """Equal to the last bit, and of the same types, all the way down."""
    assert type(one) is type(two), where
    if isinstance(one, np.ndarray) and isinstance(two, np.ndarray):
        assert (one.dtype, one.shape, one.tobytes()) == (two.dtype, two.shape, two.tobytes()), where
        assert not two.flags.writeable, where
    elif dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            assert_same(getattr(one, field.name), getattr(two, field.name), f"{where}.{field.name}")
    elif isinstance(one, tuple) and isinstance(two, tuple):
        assert len(one) == len(two), where
        for number, (first, second) in enumerate(zip(one, two, strict=True)):
            assert_same(first, second, f"{where}[{number}]")
    elif isinstance(one, Mapping) and isinstance(two, Mapping):
        assert_same(tuple(one.items()), tuple(two.items()), where)
    else:
        assert one == two, where


def test_a_run_comes_back_to_the_last_bit(saved: Path) -> None:
    assert_same(small_values.run(), load_run(saved))


def test_it_is_the_same_on_a_shelf_and_where_what_was_seen_is_let_go(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_SEEN", 0)
    monkeypatch.setattr(store, "LEAST", 0)
    monkeypatch.setattr(shelf, "LEAST", 1)
    with shelf.shelved(tmp_path) as keep:
        back = load_run(saved, keep)
        assert type(back.subjects[0].image) is not ImageInput  # its arrays are read at every use
        for one, two in zip(small_values.run().subjects, back.subjects, strict=True):
            for name in ("original", "pixels"):
                assert_same(getattr(one.image, name), getattr(two.image, name))
    assert_same(small_values.run(), load_run(saved))


@pytest.mark.parametrize("header", [b"", b"\xff" * 8, b"\x02" + b"\0" * 7 + b"[]", b"\x02" + b"\0" * 7 + b"{}"])
def test_arrays_without_a_header_that_holds_are_damaged(header: bytes, saved: Path) -> None:
    (saved / ARRAYS_FILE).write_bytes(header)
    with pytest.raises(InputRefused, match="damaged"):
        store.load_changed(saved)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-308, 5e-324, 1.7e308, -0.0, 2.0, 2, True, False, "2", "", "é\u2028{"])
def test_every_fact_comes_back_with_its_type(tmp_path: Path, value: float | str) -> None:
    study = FilterStudy("filters", "cnn.2", 0, "ok", np.zeros((1, 1, 1)), measures={"x": value})
    save_run(dataclasses.replace(small_values.run(), filters=(study,)), tmp_path / "run")
    back = load_run(tmp_path / "run").filters[0].measures["x"]
    assert (type(back), repr(back)) == (type(value), repr(value))


def test_a_run_without_arrays_comes_back(tmp_path: Path) -> None:
    empty = dataclasses.replace(small_values.run(), subjects=(), filters=())
    save_run(empty, tmp_path / "run")
    assert_same(empty, load_run(tmp_path / "run"))


def test_the_same_run_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    save_run(load_run(saved), tmp_path / "again")
    for name in (RUN_FILE, ARRAYS_FILE):
        assert (saved / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_the_files_are_plain_and_hold_no_pickle(saved: Path) -> None:
    assert sorted(path.name for path in saved.iterdir()) == sorted([RUN_FILE, ARRAYS_FILE])
    document = json.loads((saved / RUN_FILE).read_text(encoding="utf-8"))
    assert (document["generator"], document["format"]) == ("reportgen", 1)
    header = (saved / ARRAYS_FILE).read_bytes()[8:]
    assert header.startswith(b'{"0')  # safetensors: a length, then JSON
    assert b"numpy" not in header


def test_an_old_run_is_not_written_over(saved: Path) -> None:
    with pytest.raises(FileExistsError):
        save_run(small_values.run(), saved)


@pytest.mark.parametrize("name", [RUN_FILE, ARRAYS_FILE])
@pytest.mark.parametrize("bit", [0, 5])
def test_a_flipped_bit_is_refused_or_changes_nothing(saved: Path, name: str, bit: int) -> None:
    """Anything between: numbers that look right and are not. White space between values is no number."""
    path, good = saved / name, (saved / name).read_bytes()
    whole = json.loads(good) if name == RUN_FILE else None
    refused = 0
    positions = range(0, len(good), max(1, len(good) // 150))
    for position in positions:
        bad = bytearray(good)
        bad[position] ^= 1 << bit
        path.write_bytes(bad)
        try:
            load_run(saved)
        except InputRefused:
            refused += 1
        else:
            assert name == RUN_FILE
            assert json.loads(bad) == whole
    assert refused > 0.5 * len(positions)


def test_a_number_changed_by_hand_is_refused(saved: Path) -> None:
    path = saved / RUN_FILE
    text = path.read_text(encoding="utf-8")
    assert "0.75" in text
    path.write_text(text.replace("0.75", "0.85"), encoding="utf-8")
    with pytest.raises(InputRefused, match="was changed"):
        load_run(saved)


def test_arrays_of_another_run_are_refused(saved: Path, tmp_path: Path) -> None:
    run = small_values.run()
    save_run(dataclasses.replace(run, filters=run.filters[::-1]), tmp_path / "other")
    (tmp_path / "other" / ARRAYS_FILE).replace(saved / ARRAYS_FILE)
    with pytest.raises(InputRefused, match="does not belong"):
        load_run(saved)


@pytest.mark.parametrize("name", [RUN_FILE, ARRAYS_FILE])
def test_a_missing_file_is_refused(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(InputRefused, match="cannot be read"):
        load_run(saved)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        "{}",
        "\x00",
        "[" * 100_000,
        '{"generator": "reportgen", "format": 2}',
        '{"generator": "x", "format": 1}',
    ],
    ids=["empty", "list", "number", "object", "nul", "deep", "newer", "stranger"],
)
def test_what_is_no_run_is_refused(saved: Path, text: str) -> None:
    (saved / RUN_FILE).write_text(text)
    with pytest.raises(InputRefused) as caught:
        load_run(saved)
    assert caught.value.code == "E-RUN"
    assert "reportgen build" in caught.value.fix


def test_a_run_that_says_nonsense_is_refused_though_its_fingerprint_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a file of a hand that knows the format: names of arrays that are not there, statuses that do not exist."""
    monkeypatch.setattr("reportgen.store._digest", lambda _: "same")
    save_run(small_values.run(), tmp_path / "run")
    path = tmp_path / "run" / RUN_FILE
    text = path.read_text(encoding="utf-8")
    for old, new in (('"00000"', '"99999"'), ('"ok"', '"fine"'), ('"00001"', '"00002"'), ('"subjects"', '"objects"')):
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(InputRefused, match="damaged"):
            load_run(tmp_path / "run")


def test_the_run_of_small_values_says_something_everywhere() -> None:
    """Or the round trip above would prove less than it seems."""
    run = small_values.run()
    assert isinstance(run, Run)
    assert all(getattr(run, field.name) for field in dataclasses.fields(run))


@pytest.mark.parametrize("limit", [100, 4000])
def test_a_full_disk_is_an_error_of_the_system(limit: int, tmp_path: Path) -> None:
    """Whichever file it is that finds no room; a write is never taken for done."""
    body = f"import resource, signal; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
    body += "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nfrom pathlib import Path\n"
    body += "import small_values\nfrom reportgen.store import save_run\n"
    body += "try:\n    save_run(small_values.run(), Path('run'))\nexcept OSError as err:\n    print(err.strerror)"
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": f"{here}:{here.parent}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", body], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout == "File too large\n", done.stderr
