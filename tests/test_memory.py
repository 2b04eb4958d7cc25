"""What is held at a time does not grow with the number of images: in Python and numpy, which tracemalloc counts."""

import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_run import fake_run
from torch import nn
from toy_models import case, options, settled, wrapped

from reportgen import figures, shelf, studied
from reportgen.classifier import Classifier
from reportgen.compose import compose
from reportgen.contracts import RenderOptions, Silent
from reportgen.document import Picture, ReportDocument
from reportgen.explain import FILTER_METHODS, filters_hw5
from reportgen.fitting import Forms, fitted
from reportgen.language import load_words
from reportgen.manifest import write_manifest
from reportgen.outputs import OUTPUTS
from reportgen.pictures import with_pictures
from reportgen.recall import recalling
from reportgen.results import Case
from reportgen.shelf import Keep, in_memory, shelved
from reportgen.store import load_run, save_run

SIDE = 64
ONE = SIDE * SIDE * 3 * 4  # bytes of the pixels of an image


@pytest.fixture
def traced() -> Iterator[Callable[[Callable[[], object]], int]]:
    """Bytes that a piece of work holds at its height, beyond what was there before."""

    def height(work: Callable[[], object]) -> int:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        work()
        return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    yield height
    tracemalloc.stop()


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return wrapped(settled(network, size=(SIDE, SIDE)), (SIDE, SIDE), batch=4)


def cases(classifier: Classifier, count: int, keep: Keep) -> list[Case]:
    rng = np.random.default_rng(0)
    made = (case(classifier, rng.random((SIDE, SIDE, 3)).astype(np.float32)) for _ in range(count))
    return [replace(each, image=keep(each.image)) for each in made]


@pytest.mark.parametrize("method", FILTER_METHODS)
def test_filters_hold_the_maps_and_pixels_of_a_few_images(
    method: str,
    classifier: Classifier,
    traced: Callable[[Callable[[], object]], int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Kept and recalled; the small facts of each image are what grows."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(filters_hw5, "STEPS", 2)
    monkeypatch.setattr(shelf, "MAPPED", shelf.LEAST)
    monkeypatch.setattr(studied, "PIECE", 1 << 16)
    given = options(layers=("1",), filters=(3,), filter_steps=2)

    def held(count: int) -> int:
        with shelved(tmp_path) as keep, recalling(classifier, given, Silent()) as recall:
            some, table = cases(classifier, count, keep), recall.studies(FILTER_METHODS)

            def work() -> None:
                for study in table[method].explain(classifier, some, given, keep):
                    keep(study)

            return max(traced(work), traced(work))

    held(1)  # whatever is loaded and kept once
    assert held(40) - held(20) < 0.3 * 20 * ONE  # both more than a group of images


def large_pictures(document: ReportDocument, keep: Keep, size: int) -> ReportDocument:
    """The document with a picture of its own, of so many bytes, in each place."""
    rng = np.random.default_rng(1)
    return with_pictures(document, lambda picture: keep(replace(picture, data=rng.bytes(size))))


def test_a_page_holds_its_pictures_once(traced: Callable[[Callable[[], object]], int], tmp_path: Path) -> None:
    usual = compose(fake_run(), load_words())
    with shelved(tmp_path) as keep:
        large = large_pictures(usual, keep, 200_000)
        page: list[bytes] = []

        def write(document: ReportDocument) -> int:
            page.clear()
            return traced(lambda: page.append(OUTPUTS["html"].render(document, RenderOptions())))

        plain, more = write(usual), -len(page[0])
        plain, full = write(usual), write(large)
        more += len(page[0])
    assert more > 5_000_000
    assert full - plain < 1.3 * more


def test_smaller_pictures_wait_on_the_shelf(traced: Callable[[Callable[[], object]], int], tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (200, 64, 3), np.uint8)
    sizes: list[int] = []

    def noisy(picture: Picture) -> Picture:
        return figures.jpeg(noise[len(sizes) % 100 :], picture.alt)

    def sized(picture: Picture) -> Picture:
        sizes.append(len(picture.data))
        return picture

    def write(reduced: ReportDocument) -> bytes:
        sizes.clear()
        with_pictures(reduced, sized)
        return b""

    with shelved(tmp_path) as keep:
        document = with_pictures(compose(fake_run(), load_words()), lambda picture: keep(sized(noisy(picture))))
        held = traced(lambda: fitted(Forms(document), write, "html", sum(sizes) / 1e6, load_words(), keep))
    assert sum(sizes) > 300_000
    assert held < sum(sizes)


def test_the_manifest_never_holds_a_file(traced: Callable[[Callable[[], object]], int], tmp_path: Path) -> None:
    run = fake_run()
    save_run(run, tmp_path / "run")
    (tmp_path / "report.html").write_bytes(b"x" * 20_000_000)
    assert traced(lambda: write_manifest(run, tmp_path)) < 5_000_000


def test_a_run_read_back_waits_in_its_file(traced: Callable[[Callable[[], object]], int], tmp_path: Path) -> None:
    """With a shelf, and as views of the file without one."""
    usual, rng = fake_run(), np.random.default_rng(1)
    first = usual.subjects[0]

    def held(count: int, keep: Keep) -> int:
        folder, back = tmp_path / str(count), []
        if not folder.exists():
            photos = (rng.integers(0, 256, (256, 256, 3), np.uint8) for _ in range(count))
            subjects = tuple(replace(first, image=replace(first.image, original=photo)) for photo in photos)
            save_run(replace(usual, subjects=subjects, rules=()), folder)
        return traced(lambda: back.append(load_run(folder, keep)))

    with shelved(tmp_path) as keep:
        held(1, keep)
        assert held(40, keep) - held(20, keep) < 0.3 * 20 * 256 * 256 * 3
    held(1, in_memory)
    assert held(40, in_memory) - held(20, in_memory) < 0.3 * 20 * 256 * 256 * 3
