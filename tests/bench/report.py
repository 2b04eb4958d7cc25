"""How large a report of many images is and how long writing it takes, on results that are made up, without a network.

`python -m bench.report COUNT` prints the reading of one report as JSON, from a process of its own; `--six`: of one with
six pictures to an image.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from fake_run import CLASSES, fake_prediction, fake_run
from numpy.typing import NDArray
from PIL import Image

from bench.memory import high_water
from reportgen.compose import abridged, compose
from reportgen.contracts import RenderOptions
from reportgen.document import ReportDocument
from reportgen.example import PHOTOGRAPHS
from reportgen.fitting import Fitted, Forms, fitted
from reportgen.language import Words, load_words
from reportgen.outputs import OUTPUTS
from reportgen.results import Explanation, ImageInput, RegionWeights, Run, SaliencyMap, Subject
from reportgen.shelf import Keep, shelved

SIDE = 448  # pixels of a photograph: what the report shows of it
SEEN = 128  # pixels that the network of these results would see
CELLS = 7  # LIME's regions along a side
BUSY = RenderOptions(pdf_timeout=600)
T = TypeVar("T")


@dataclass(frozen=True)
class Size:
    """One report. pictures: on an image's card and in the figures of the tasks; seconds; MB; MiB of memory.

    cpu: seconds of a core, which a busy machine changes least.
    """

    images: int
    pictures: float
    compose_seconds: float
    compose_cpu: float
    html_seconds: float
    html_cpu: float
    html_mb: float
    pdf_seconds: float
    pdf_cpu: float
    pdf_mb: float
    own_mib: float
    pdf_mib: float


def measured_apart(count: int, six: bool) -> Size:
    """The reading of a report on so many images, by a process of its own. six: with as many pictures to an image."""
    paths = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)])}
    command = [sys.executable, "-m", "bench.report", str(count), *(["--six"] if six else [])]
    done = subprocess.run(command, env=os.environ | paths, stdout=subprocess.PIPE, text=True, check=True)
    return Size(**json.loads(done.stdout))


def measure(count: int, six: bool, keep: Path | None = None) -> Size:
    """Compose and write the report, its pictures on the shelf as those of a build. keep: a folder for the files."""
    words, run = load_words(), made_up(count)
    run = _of_six(run) if six else run
    with tempfile.TemporaryDirectory() as name, shelved(Path(name)) as shelf:
        return _measure(run, words, shelf, keep)


def _measure(run: Run, words: Words, shelf: Keep, keep: Path | None) -> Size:
    composing, document = _timed(lambda: compose(run, words, shelf))
    writing, page = _timed(lambda: _within_budget("html", document, BUSY.html_mb))
    on_paper = abridged(document, run, words, BUSY.pdf_images, BUSY.pdf_full)
    with _watched() as peak:
        drawing, paper = _timed(lambda: _within_budget("pdf", on_paper, BUSY.pdf_mb))
    if keep:
        (keep / "report.html").write_bytes(page.data)
        (keep / "report.pdf").write_bytes(paper.data)
    count = len(run.subjects)
    pictures = page.data.count(b"<img ") / count
    sizes = (len(page.data) / 1e6, len(paper.data) / 1e6)
    return Size(count, pictures, *composing, *writing, sizes[0], *drawing, sizes[1], high_water(), max(peak.values()))


def made_up(count: int) -> Run:
    """Results on crops of the shipped photographs: as much detail in photographs, maps and regions as real ones have.

    One image in five is answered against its label, and explained for both classes.
    """
    base = fake_run(images=4, profile="default", trouble=False)
    photographs = [np.asarray(Image.open(path).convert("RGB")) for path in sorted(PHOTOGRAPHS.glob("*.jpg"))]
    subjects = tuple(_subject(n, photographs, base.subjects[1 if n % 5 == 1 else 0]) for n in range(count))
    filters = tuple(
        replace(
            study,
            activations=np.resize(study.activations, (count, *study.activations.shape[1:])),
            image_measures=tuple(study.image_measures[n % 4] for n in range(count)),
        )
        for study in base.filters
    )
    return replace(base, subjects=subjects, filters=filters, selection=())


def _of_six(run: Run) -> Run:
    """Saliency of one class for each image: three pictures on its card, two in the method's figure, one on page one."""
    subjects = (replace(each, explanations=each.explanations[:1]) for each in run.subjects)
    return replace(run, subjects=tuple(subjects))


def _subject(n: int, photographs: list[NDArray[np.uint8]], like: Subject) -> Subject:
    rng = np.random.default_rng(n)
    whole = photographs[n % len(photographs)]
    side = int(rng.integers(min(whole.shape[:2]) // 2, min(whole.shape[:2])))
    top, left = (int(rng.integers(0, extent - side + 1)) for extent in whole.shape[:2])
    crop = Image.fromarray(whole[top : top + side, left : left + side])
    pixels = np.asarray(crop.resize((SEEN, SEEN)), np.float32) / 255
    label = (0, 4)[n % 5 == 1]
    image = ImageInput(
        f"{CLASSES[0]}/{n:04}.jpg", f"{n:064x}", np.asarray(crop.resize((SIDE, SIDE))), pixels, label, (), (SIDE, SIDE)
    )
    prediction = fake_prediction(1 if n % 5 == 1 else 0, label)
    return Subject(image, prediction, tuple(_detailed(rng, each) for each in like.explanations))


def _detailed(rng: np.random.Generator, explanation: Explanation) -> Explanation:
    """The explanation with a map as grainy as a gradient is, or regions of the same grid."""
    if isinstance(explanation.result, SaliencyMap):
        rows, columns = np.mgrid[:SEEN, :SEEN] / SEEN
        blob = np.exp(-8 * ((rows - rng.uniform(0.2, 0.8)) ** 2 + (columns - rng.uniform(0.2, 0.8)) ** 2))
        heat = np.asarray(blob * rng.gamma(0.6, 1.0, (SEEN, SEEN)), np.float32)
        return replace(explanation, result=SaliencyMap(heat))
    if isinstance(explanation.result, RegionWeights):
        grid = np.add.outer(np.arange(SEEN) * CELLS // SEEN * CELLS, np.arange(SEEN) * CELLS // SEEN)
        return replace(explanation, result=RegionWeights(grid, rng.normal(0, 0.1, CELLS**2)))
    return explanation


def _within_budget(name: str, document: ReportDocument, limit: float) -> Fitted:
    return fitted(Forms(document), lambda made: OUTPUTS[name].render(made, BUSY), name, limit, load_words())


@contextmanager
def _watched() -> Iterator[dict[str, float]]:
    """The most memory of processes started meanwhile, in MiB, looked up ten times a second: their last word counts.

    Not the system's own account of ended children: on Linux it counts what they had of this process before they began.
    """
    seen, ended = {"": 0.0}, threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            for child in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split():
                with suppress(OSError, StopIteration):  # it ended
                    seen[child] = high_water(Path(f"/proc/{child}/status"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()


def _timed(work: Callable[[], T]) -> tuple[tuple[float, float], T]:
    """Seconds by the clock and of a core, children and all, and what was made."""
    start, busy = time.perf_counter(), sum(os.times()[:4])
    made = work()
    return (time.perf_counter() - start, sum(os.times()[:4]) - busy), made


if __name__ == "__main__":
    parser = argparse.ArgumentParser("bench.report", description="Size and speed of a report on made-up results.")
    parser.add_argument("count", type=int)
    parser.add_argument("--six", action="store_true", help="six pictures to an image")
    parser.add_argument("--keep", type=Path, help="folder for the files")
    given = parser.parse_args()
    print(json.dumps(asdict(measure(given.count, given.six, given.keep))))
