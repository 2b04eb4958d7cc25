"""The shipped checkpoints on fresh scenes: explanations point at what is known to decide, and chance does not.

`shortcut.pth` is asked about marked scenes of the class that the mark gives away: there the mark decides, on the other
classes' scenes it need not. `honest.pth` is asked about plain scenes of all classes: there the object decides.
LIME's top segment is the one with the largest weight for the predicted class, the weight's sign counted.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from toy_models import image

from reportgen.cases import answered
from reportgen.classifier import Classifier
from reportgen.contracts import Silent
from reportgen.example import CLASSES, HONEST, SHORTCUT, SHORTCUT_CLASS
from reportgen.example.scenes import Scene, fresh_scenes
from reportgen.explain import IMAGE_METHODS
from reportgen.loading import opened_classifier
from reportgen.measures import share_inside
from reportgen.options import BuildOptions
from reportgen.results import Case, RegionWeights, SaliencyMap

SEED = 1905  # neither the training's nor that of any shipped scene
COUNT = 100
SAMPLES = 128  # one block of the design and its fold-over, for some 45 superpixels
BATCH = 16  # as many as a CPU's cache holds

Mask = NDArray[np.bool_]
PointsAt = Callable[[Mask, Mask], bool]  # (segment, truth)


def holds(segment: Mask, truth: Mask) -> bool:
    """At least half of the mark lies in the segment: the mark is smaller than most."""
    return bool((segment & truth).sum() >= 0.5 * truth.sum())


def lies_on(segment: Mask, truth: Mask) -> bool:
    """At least a quarter of the segment lies on the object: objects are larger than most segments."""
    return bool((segment & truth).sum() >= 0.25 * segment.sum())


@dataclass(frozen=True, eq=False)
class Found:
    """What the methods say of each scene, and where the truth lies. Masks are (128, 128)."""

    cases: Sequence[Case]
    heats: Sequence[NDArray[np.float32]]
    regions: Sequence[RegionWeights]
    truths: Sequence[Mask]

    def top_segments(self) -> list[Mask]:
        """Of each scene, LIME's heaviest region in favour of the class."""
        return [each.segments == int(np.argmax(each.weights)) for each in self.regions]

    def hits(self, points_at: PointsAt) -> int:
        """In how many scenes the top segment points at the truth."""
        return sum(points_at(top, truth) for top, truth in zip(self.top_segments(), self.truths, strict=True))

    def blind_rate(self, points_at: PointsAt) -> float:
        """How often a segment drawn blindly would."""
        rates = [
            np.mean([points_at(each.segments == region, truth) for region in range(len(each.weights))])
            for each, truth in zip(self.regions, self.truths, strict=True)
        ]
        return float(np.mean(rates))

    def density(self, heats: Sequence[NDArray[np.floating]]) -> float:
        """The maps' share on the truth by the truth's share of the area, the mean over all scenes."""
        return float(
            np.mean([share_inside(heat, truth) / truth.mean() for heat, truth in zip(heats, self.truths, strict=True)])
        )


def explained(classifier: Classifier, options: BuildOptions, scenes: Sequence[Scene], truths: Sequence[Mask]) -> Found:
    cases, failures = answered(
        classifier, [image(scene.image.astype(np.float32) / np.float32(255)) for scene in scenes]
    )
    assert failures == ()
    maps, regions = (
        [first.result for (first,) in IMAGE_METHODS[name].explain(classifier, cases, options)]
        for name in ("saliency", "lime")
    )
    heats = [each.heat for each in maps if isinstance(each, SaliencyMap)]
    return Found(cases, heats, [each for each in regions if isinstance(each, RegionWeights)], truths)


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Future[Found], Future[Found]]]:
    """The two checkpoints, at the same time: one thread each is quicker than two threads for one after the other."""
    marked = fresh_scenes(SEED, COUNT, label=CLASSES.index(SHORTCUT_CLASS), marked=True)
    plain = fresh_scenes(SEED + 1, COUNT)
    work = (
        (SHORTCUT, marked, [scene.mark for scene in marked]),
        (HONEST, plain, [scene.mask for scene in plain]),
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with ExitStack() as opened, ThreadPoolExecutor(len(work)) as pool:
        opened.callback(torch.set_num_threads, threads)
        futures = []
        for path, scenes, truths in work:
            options = BuildOptions(model=path, device="cpu", lime_samples=SAMPLES, lime_once=True, batch_size=BATCH)
            classifier = opened.enter_context(opened_classifier(options, None, Silent()))
            # Only how the weights lie in memory, for speed: convolutions take half the time.
            classifier.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            futures.append(pool.submit(explained, classifier, options, scenes, truths))
        yield futures[0], futures[1]


@pytest.fixture(scope="module")
def shortcut(both: tuple[Future[Found], Future[Found]]) -> Found:
    return both[0].result()


@pytest.fixture(scope="module")
def honest(both: tuple[Future[Found], Future[Found]]) -> Found:
    return both[1].result()


def random_maps() -> list[NDArray[np.floating]]:
    """Smooth maps that know nothing: noise blurred as much as an object is large."""
    rng = np.random.default_rng(SEED)
    return [np.abs(gaussian_filter(rng.normal(size=(128, 128)), 6)) for _ in range(COUNT)]


class TestShortcut:
    def test_every_scene_is_answered_and_explained(self, shortcut: Found) -> None:
        assert len(shortcut.cases) == len(shortcut.heats) == len(shortcut.regions) == COUNT
        answers = [each.prediction.first.name for each in shortcut.cases]
        assert answers.count(SHORTCUT_CLASS) >= 95

    def test_limes_top_segment_holds_the_mark(self, shortcut: Found) -> None:
        """A segment drawn blindly does so in one scene of a hundred."""
        assert shortcut.hits(holds) >= 95
        assert shortcut.blind_rate(holds) < 0.03

    def test_saliency_is_dense_on_the_mark(self, shortcut: Found) -> None:
        assert shortcut.density(shortcut.heats) >= 10
        assert shortcut.density(random_maps()) < 2


class TestHonest:
    def test_every_scene_is_answered_and_explained(self, honest: Found) -> None:
        assert len(honest.cases) == len(honest.heats) == len(honest.regions) == COUNT

    def test_limes_top_segment_overlaps_the_object(self, honest: Found) -> None:
        """A segment drawn blindly does so in one scene of twenty."""
        assert honest.hits(lies_on) >= 95
        assert honest.blind_rate(lies_on) < 0.1

    def test_saliency_is_dense_on_the_object(self, honest: Found) -> None:
        assert honest.density(honest.heats) >= 5
        assert honest.density(random_maps()) < 2
