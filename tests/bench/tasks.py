"""The write-up's workload, its way and ours, on the course network with random weights."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench import ours
from bench.course import Classifier, course_network
from bench.meter import Reading, measured, total
from bench.scale import Scale
from bench.scenes import photographs, scenes
from bench.writeup import WriteUp, drawn, shown
from reportgen.options import BuildOptions
from reportgen.pipeline import build

THREE = ("saliency", "filters", "lime")  # what the write-up does; a build adds Integrated Gradients and Grad-CAM
Say = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """One task both ways. images: that each side explained, so that a reading divided by it is that of one."""

    name: str
    images: int
    theirs: Reading
    ours: Reading

    @property
    def ratio(self) -> float:
        """How many times as fast this program is."""
        return self.theirs.seconds / self.ours.seconds


@dataclass(frozen=True, eq=False)
class Work:
    """What is timed, and where. passes: designed masks that are worth the random ones."""

    scale: Scale
    device: torch.device
    passes: int
    say: Say

    @property
    def paths(self) -> tuple[Path, ...]:
        """The images of the workload."""
        return scenes(self.scale.images)

    def options(self, **given: Any) -> BuildOptions:  # noqa: ANN401 - fields of BuildOptions
        """Settings of this program for the course network."""
        fixed: dict[str, Any] = {"images": self.paths, "filter_steps": self.scale.steps}
        return ours.course_options(device=str(self.device), **{**fixed, **given})


def measure(work: Work) -> tuple[Row, ...]:
    """All tasks. Each image's LIME is run by both sides in turn, so that a machine that slows down slows both."""
    network = course_network(work.scale.narrower, work.device)
    write_up = WriteUp(network, work.device, photographs(work.paths))
    labels = write_up.labels()
    _warm(write_up, labels)
    lime = tuple(_lime_rows(work, write_up, labels))
    one, designed, _ = lime
    saliency, filters, every = _other_rows(work, write_up, labels)
    whole = Row(
        f"whole workload, {work.scale.images} images: saliency, filter, LIME of equal quality",
        1,
        total([saliency.theirs, filters.theirs, one.theirs]),
        total([saliency.ours, filters.ours, designed.ours]),
    )
    return (*lime, saliency, filters, every, whole, _finished_row(work, write_up, whole))


def _warm(write_up: WriteUp, labels: Tensor) -> None:
    """A first time chooses algorithms and loads Adam's and matplotlib's modules for two seconds: no task's cost."""
    write_up.saliency(labels)
    write_up.filters(1)
    drawn([shown(write_up.images)])


def _lime_rows(work: Work, write_up: WriteUp, labels: Tensor) -> Iterator[Row]:
    """The write-up's LIME against ours at equal samples, of equal quality, and of equal quality with its two checks."""
    samples, count = work.scale.samples, work.scale.images
    # The first of ours does exactly the same: the write-up's superpixels under its fill.
    same = {"lime_segments": 100, "lime_compactness": 1.0, "lime_fill": "segment", "lime_once": True}
    settings: dict[str, dict[str, Any]] = {
        f"LIME, equal samples ({samples} random)": {**same, "lime_sampling": "random", "lime_samples": samples},
        f"LIME, equal quality ({work.passes} designed)": {"lime_samples": work.passes, "lime_once": True},
        "LIME, equal quality, with second fill and second segmentation": {"lime_samples": work.passes},
    }
    theirs: list[Reading] = []
    mine: dict[str, list[Reading]] = {name: [] for name in settings}
    for position, path in enumerate(work.paths):
        work.say(f"LIME, image {position + 1} of {count}")
        task = partial(write_up.lime, position, int(labels[position]), samples)
        theirs.append(measured(task, work.device, (write_up.model,), timed=True)[1])
        for name, given in settings.items():
            mine[name].append(_our_lime(write_up.model, work.options(images=(path,), **given)))
    for name, readings in mine.items():
        yield Row(name, count, total(theirs), total(readings))


def _our_lime(network: Classifier, options: BuildOptions) -> Reading:
    with ours.opened(options, network) as (classifier, cases), ours.whole_budget():
        task = partial(ours.explain, classifier, cases, "lime", options)
        return measured(task, classifier.device, ours.networks(classifier), timed=True)[1]


def _other_rows(work: Work, write_up: WriteUp, labels: Tensor) -> tuple[Row, Row, Row]:
    """Saliency; and filter visualisation with one image, which is what the write-up shows, and with all of ours."""
    work.say("saliency and filter")
    steps, network, options = work.scale.steps, (write_up.model,), work.options()
    saliency = measured(partial(write_up.saliency, labels), work.device, network)[1]
    filters = measured(partial(write_up.filters, steps), work.device, network)[1]
    with ours.opened(options, write_up.model) as (classifier, cases):
        asked = ours.networks(classifier)
        heat = partial(ours.explain, classifier, cases, "saliency", options)
        our_saliency = measured(heat, work.device, asked)[1]
        every = options.filter_images
        one, all_of_them = (
            measured(partial(ours.study, classifier, cases, work.options(filter_images=count)), work.device, asked)[1]
            for count in (1, every)
        )
    name = f"filter visualisation, 1 filter, {steps} steps"
    return (
        Row(f"saliency, {work.scale.images} images", 1, saliency, our_saliency),
        Row(f"{name}, one image", 1, filters, one),
        Row(f"{name}, {every} images that differ", 1, filters, all_of_them),
    )


def _finished_row(work: Work, write_up: WriteUp, whole: Row) -> Row:
    """The write-up with its three figures against a report from the first line to the last, checks and all.

    Ours finds out how the network is fed and which precision it bears, asks LIME twice more, and writes a page.
    """
    work.say("a finished report")
    pictures, maps = shown(write_up.images), write_up.images[:, 0]
    figures = [[pictures, pictures], [pictures, shown(maps), pictures[:1]], [pictures]]
    drawing = measured(lambda: [drawn(rows) for rows in figures], work.device)[1]
    with tempfile.TemporaryDirectory() as name, ours.whole_budget():
        given = {"lime_samples": work.passes, "formats": ("html",), "out": Path(name) / "report", "methods": THREE}
        options = work.options(**given)
        built, reading = measured(lambda: build(options, write_up.model), work.device)
    assert built.exit_code == 0, "the build did not succeed"
    title = "whole workload as files: the write-up's three figures, our page on these methods with their checks"
    return Row(title, 1, whole.theirs + drawing, reading)
