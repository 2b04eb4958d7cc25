"""Results on disk: whole, checked, bounded, and shared by runs that know nothing of one another."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
import small_values
from pydantic import TypeAdapter

from reportgen.ledger import Damaged, Ledger, Packing, remove, shelves, trim
from reportgen.results import Explanation, RegionWeights, SaliencyMap
from reportgen.tables import store_table

EXPLANATIONS = Packing(TypeAdapter(tuple[Explanation, ...]))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / "results" / "model")
    made.describe("net.pth (course network)")
    return made


def used(ledger: Ledger, key: str, days_ago: float) -> None:
    then = time.time() - days_ago * 86_400
    os.utime(ledger.folder / key, (then, then))


def test_what_was_put_there_is_found(ledger: Ledger) -> None:
    assert ledger.get("a") is None
    assert not ledger.holds("a")
    ledger.put("a", b"one")
    ledger.put("b", b"")
    ledger.put("a", b"two")
    assert (ledger.get("a"), ledger.get("b"), ledger.holds("a")) == (b"two", b"", True)
    assert (ledger.damaged, ledger.made, ledger.off) == (0, 3, "")


def test_a_result_comes_back_to_the_last_bit_and_gives_the_same_bytes_again() -> None:
    target = small_values.run().subjects[0].explanations[0].target
    heat = np.random.default_rng(1).random((5, 7)).astype(np.float32)
    regions = RegionWeights(np.array([[0, 1]]), np.array([1 / 3, -0.0]), np.array([5e-324, 1.0]))
    given = (
        Explanation(
            "saliency", target, "ok", SaliencyMap(heat), measures={"a": 1, "b": 1.0, "c": True, "d": "é\udcff"}
        ),
        Explanation("lime", target, "ok", regions),
        Explanation("lime", target, "degenerate", None, "reason.one_segment"),
    )
    data = EXPLANATIONS.pack(given)
    back = EXPLANATIONS.unpack(data)
    assert EXPLANATIONS.pack(back) == data
    assert isinstance(back[0].result, SaliencyMap)
    assert back[0].result.heat.tobytes() == heat.tobytes()
    assert not back[0].result.heat.flags.writeable
    assert isinstance(back[1].result, RegionWeights)
    assert back[1].result.weights.tobytes() == regions.weights.tobytes()
    assert [repr(value) for value in back[0].measures.values()] == ["1", "1.0", "True", repr("é\udcff")]
    assert b"pickle" not in data


def test_every_bit_counts(ledger: Ledger) -> None:
    ledger.put("a", b"data")
    file = ledger.folder / "a"
    good = file.read_bytes()
    for place in range(len(good)):
        file.write_bytes(good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :])
        assert ledger.get("a") is None, place
    for length in range(len(good)):
        file.write_bytes(good[:length])
        assert ledger.get("a") is None, length
    assert ledger.damaged == 2 * len(good)
    file.write_bytes(good)
    assert ledger.get("a") == b"data"


@pytest.mark.parametrize("data", [b"", b"\0" * 8, b"\xff" * 40, b"\0" * 7 + b"\5[1,2]", b"\0" * 7 + b"\2{}\0"])
def test_what_is_no_result_is_damaged_and_never_run(data: bytes) -> None:
    with pytest.raises(Damaged):
        EXPLANATIONS.unpack(data)


def test_a_pipe_a_folder_and_a_link_to_nowhere_are_no_results(ledger: Ledger) -> None:
    os.mkfifo(ledger.folder / "pipe")
    (ledger.folder / "folder").mkdir()
    (ledger.folder / "link").symlink_to("nowhere")
    assert [ledger.get(name) for name in ("pipe", "folder", "link")] == [None] * 3


def test_a_place_that_cannot_be_written_costs_nothing_but_the_keeping(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file where the folder should be")
    ledger = Ledger(tmp_path / "results" / "model")
    ledger.describe("x")
    ledger.put("a", b"1")
    assert ledger.off
    assert ledger.get("a") is None
    assert shelves(tmp_path / "results") == ()
    assert trim(tmp_path / "results", 0) == 0


def test_a_writer_that_fails_leaves_nothing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.put("a", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    ledger.put("a", b"new")
    assert ledger.off == "No space left on device"
    assert ledger.get("a") == b"old"
    assert sorted(path.name for path in ledger.folder.iterdir()) == ["a", "about.json"]


def test_what_was_used_longest_ago_goes_first(ledger: Ledger, tmp_path: Path) -> None:
    for n in range(10):
        ledger.put(f"{n}", b"x" * 1000)
        used(ledger, f"{n}", 10 - n)
    assert ledger.get("0")  # marks it as used
    root = tmp_path / "results"
    (size,) = [shelf.size for shelf in shelves(root)]
    assert trim(root, size) == 0
    assert trim(root, size // 2) == 6  # down to 80 % of it
    assert sorted(path.name for path in ledger.folder.iterdir()) == ["0", "7", "8", "9", "about.json"]
    assert trim(root, 0) == 4
    assert list(root.iterdir()) == []


def test_what_another_run_removes_meanwhile_costs_nothing(ledger: Ledger, tmp_path: Path) -> None:
    """Its folder is listed, and gone or closed before it is looked into."""
    ledger.put("a", b"1")
    root, gone = tmp_path / "results", tmp_path / "results" / "gone"
    listed = [gone, ledger.folder]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reportgen.ledger._folders", lambda _: listed)
        assert [shelf.name for shelf in shelves(root)] == ["net.pth (course network)"]
        assert trim(root, 0) == 1


def test_only_what_is_gone_counts_as_removed(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.put("a", b"1")

    def refused(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "unlink", refused)
    assert remove(tmp_path / "results") == 0


def test_half_written_files_are_swept_once_their_writer_is_gone(ledger: Ledger, tmp_path: Path) -> None:
    ledger.put("a", b"1")
    (ledger.folder / "new.part").write_bytes(b"")
    (ledger.folder / "old.part").write_bytes(b"")
    used(ledger, "old.part", 1)
    trim(tmp_path / "results", 10**9)
    assert sorted(path.name for path in ledger.folder.iterdir()) == ["a", "about.json", "new.part"]


def test_the_list_names_each_model_and_cleaning_empties_it(ledger: Ledger, tmp_path: Path) -> None:
    root = tmp_path / "results"
    assert store_table((), root) == f"nothing is kept in {root}"
    ledger.put("a", b"x" * 2_000_000)
    ledger.put("b", b"x" * 500_000)
    other = Ledger(root / "other")
    other.describe("[red] second.pth")
    other.put("c", b"1")
    for key in ("a", "b"):
        used(ledger, key, 3)
    (other.folder.parent / "stranger").write_text("")
    assert [(shelf.name, shelf.entries) for shelf in shelves(root)] == [
        ("[red] second.pth", 1), ("net.pth (course network)", 2),
    ]  # fmt: skip
    table = store_table(shelves(root), root).splitlines()
    assert table[1].split()[:4] == ["[red]", "second.pth", "1", "0.0"]
    assert table[2].split()[:5] == ["net.pth", "(course", "network)", "2", "2.5"]
    assert table[3].split()[-2:] == ["3", "2.5"]
    assert remove(root, 2 * 86_400) == 2
    assert [shelf.name for shelf in shelves(root)] == ["[red] second.pth"]
    assert remove(root) == 1
    assert shelves(root) == ()
    assert remove(None) == 0


def test_a_model_whose_name_is_lost_is_listed_all_the_same(ledger: Ledger, tmp_path: Path) -> None:
    ledger.put("a", b"1")
    for text in ("", "[]", "{" * 9000):
        (ledger.folder / "about.json").write_text(text)
        assert [shelf.name for shelf in shelves(tmp_path / "results")] == ["?"]
