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
from reportgen.results import Explanation, ImageInput, RegionWeights, Run, SaliencyMap
from reportgen.shelf import LEAST, in_memory, shelved
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
