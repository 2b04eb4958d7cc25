"""What lies on the shelf is the same value to everyone, but not in memory."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import small_values
from fake_run import fake_run
from test_store import assert_same

from reportgen.compose import compose
from reportgen.contracts import RenderOptions
from reportgen.document import Picture, ReportDocument
from reportgen.fingerprint import fingerprint
from reportgen.language import load_words
from reportgen.outputs import OUTPUTS
from reportgen.pictures import with_pictures
from reportgen.results import Explanation, FilterStudy, ImageInput, RegionWeights, Run, SaliencyMap
from reportgen.shelf import LEAST, MAPPED, in_memory, shelved
from reportgen.store import ARRAYS_FILE, RUN_FILE, save_run

HEAT = np.random.default_rng(2).random((40, 50)).astype(np.float32)


def large_run() -> Run:
    """A run whose image and first picture are worth the way to the disk."""
    run = small_values.run()
    subject = run.subjects[0]
    image = dataclasses.replace(
        subject.image,
        original=np.arange(40 * 50 * 3, dtype=np.int64).reshape(40, 50, 3) % 256,
        pixels=np.stack([HEAT] * 3, 2),
    )
    said = Explanation("saliency", subject.explanations[0].target, "ok", SaliencyMap(HEAT))
    return dataclasses.replace(run, subjects=(dataclasses.replace(subject, image=image, explanations=(said,)),))


def on_shelf(run: Run, keep: "object") -> Run:
    assert callable(keep)
    subject = run.subjects[0]
    said = dataclasses.replace(subject.explanations[0], result=keep(subject.explanations[0].result))
    return dataclasses.replace(
        run, subjects=(dataclasses.replace(subject, image=keep(subject.image), explanations=(said,)),)
    )


def test_a_run_on_the_shelf_is_written_to_the_same_bytes(tmp_path: Path) -> None:
    run = large_run()
    save_run(run, tmp_path / "one")
    with shelved(tmp_path) as keep:
        save_run(on_shelf(run, keep), tmp_path / "two")
    for name in (RUN_FILE, ARRAYS_FILE):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_value_says_the_same_and_holds_no_large_array(tmp_path: Path) -> None:
    image = large_run().subjects[0].image
    with shelved(tmp_path) as keep:
        kept = keep(image)
        assert isinstance(kept, ImageInput)
        assert not any(isinstance(each, np.ndarray) and each.nbytes >= LEAST for each in vars(kept).values())
        for name in ("original", "pixels"):
            assert_same(getattr(image, name), getattr(kept, name))
        assert fingerprint(kept) == fingerprint(image)
        assert (kept.name, repr(type(kept))) == (image.name, repr(type(image)))
        assert kept.pixels is not kept.pixels  # read anew
        with pytest.raises(AttributeError):
            kept.pixels = HEAT  # type: ignore[misc]
        again = dataclasses.replace(kept, name="other")
        assert type(again) is ImageInput
        assert_same(again, dataclasses.replace(image, name="other"))
        assert type(keep(image)) is type(kept)


def test_small_values_and_others_stay_as_they_are(tmp_path: Path) -> None:
    regions = RegionWeights(np.array([[0, 1]]), np.array([0.5, 1.0]))
    with shelved(tmp_path) as keep:
        assert type(keep(regions)) is RegionWeights
        assert_same(keep(regions), regions)
        assert keep(None) is None
        assert keep(ImageInput) is ImageInput


@pytest.mark.parametrize("width", [1, 40, 400])  # small, read at once, and looked into
def test_an_array_put_together_on_the_shelf_is_that_of_its_rows(width: int, tmp_path: Path) -> None:
    rows = np.random.default_rng(3).random((70, 10, width)).astype(np.float32)
    with shelved(tmp_path) as keep:
        keep(SaliencyMap(HEAT))  # the next one does not begin with the file
        room, other = keep.room(rows.shape, np.float32), keep.room(rows.shape, np.float32)
        for start in (60, 0, 30, 35):
            room.put(start, rows[start : start + 30])
            other.put(start, -rows[start : start + 30])
        found = room.array()
        np.testing.assert_array_equal(found, rows)
        np.testing.assert_array_equal(other.array(), -rows)
        assert not found.flags.writeable
    np.testing.assert_array_equal(found, rows)  # also when the file is closed
    held = in_memory.room(rows.shape, np.float32)
    held.put(3, rows[3:5])
    assert not held.array()[:3].any()
    np.testing.assert_array_equal(held.array()[3:5], rows[3:5])


def test_a_large_array_from_the_shelf_is_neither_copied_nor_put_there_twice(tmp_path: Path) -> None:
    maps = np.random.default_rng(3).random((70, 64, 64)).astype(np.float32)
    with shelved(tmp_path) as keep:
        room = keep.room(maps.shape, np.float32)
        room.put(0, maps)
        given = room.array()
        assert given.nbytes >= MAPPED
        study = FilterStudy("filters", "a", 0, "ok", given)
        assert np.shares_memory(study.activations, given)
        taken = os.fstat(keep.file.fileno()).st_size  # type: ignore[attr-defined]
        kept = keep(study)
        np.testing.assert_array_equal(kept.activations, maps)
        assert os.fstat(keep.file.fileno()).st_size == taken  # type: ignore[attr-defined]
        turned = keep(FilterStudy("filters", "a", 0, "ok", given[::-1]))
        np.testing.assert_array_equal(turned.activations, maps[::-1])


def test_a_disk_that_is_full_half_way_loses_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(3).random((8, 30, 30)).astype(np.float32)
    with shelved(tmp_path) as keep:
        room = keep.room(rows.shape, np.float32)
        room.put(0, rows[:3])
        with monkeypatch.context() as full:
            full.setattr(os, "pwrite", lambda *_: 10)
            room.put(3, rows[3:6])
        room.put(6, rows[6:])
        np.testing.assert_array_equal(room.array(), rows)
        monkeypatch.setattr(os, "ftruncate", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
        none = keep.room(rows.shape, np.float32)
        none.put(0, rows)
        np.testing.assert_array_equal(none.array(), rows)


def test_nothing_of_it_is_seen_or_left(tmp_path: Path) -> None:
    with shelved(tmp_path) as keep:
        keep(SaliencyMap(HEAT))
        assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []


def test_where_the_disk_takes_nothing_values_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shelved(tmp_path / "none") as keep:
        assert keep is in_memory
    heat = SaliencyMap(HEAT)
    monkeypatch.setattr(os, "pwrite", lambda *_: 10)
    with shelved(tmp_path) as keep:
        assert keep(heat) is heat


def test_a_page_is_the_same_though_its_pictures_wait_elsewhere(tmp_path: Path) -> None:
    run, words = fake_run(profile="default"), load_words()
    usual = compose(run, words)
    with shelved(tmp_path) as keep:
        kept = compose(run, words, keep)
        large = large_pictures(kept)
        assert large
        assert not any(isinstance(vars(picture)["data"], bytes) for picture in large)
        assert OUTPUTS["html"].render(kept, RenderOptions()) == OUTPUTS["html"].render(usual, RenderOptions())
        assert len(set(large)) == len(set(large_pictures(usual)))  # equal ones are still found to be equal


def large_pictures(document: ReportDocument) -> list[Picture]:
    found: list[Picture] = []

    def noted(picture: Picture) -> Picture:
        found.append(picture)
        return picture

    with_pictures(document, noted)
    return [picture for picture in found if len(picture.data) >= LEAST]
