"""`python -m bench.verdicts`: how often does the faithfulness check err? Markdown for docs/verdicts.md on stdout.

Scenes whose objects are known to the pixel, drawn anew: one set for choosing thresholds, another that was not looked at
before they were chosen. Pictures of all methods on the shipped network; maps that know nothing of it; random networks.
"""

import argparse
import copy
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_laplace, uniform_filter
from skimage.feature import canny
from torch import nn

from bench.page import table
from reportgen.cases import answered
from reportgen.checks import PICTURE_CHECKS
from reportgen.checks.controls import edges, noise
from reportgen.checks.deletion import ranks_of, smooth
from reportgen.classifier import Classifier
from reportgen.contracts import Evidence, Silent
from reportgen.example import HONEST
from reportgen.example.scenes import Scene, fresh_scenes
from reportgen.explain import IMAGE_METHODS
from reportgen.loading import opened_classifier
from reportgen.measures import pixel_evidence, share_inside
from reportgen.options import BuildOptions
from reportgen.results import AttributionMap, Case, CheckResult, Explanation, ImageInput
from reportgen.verdicts import SILENT, STATES

CHOOSING: Final = 20_611  # seeds of scenes; thresholds were chosen on these
FRESH: Final = 20_612  # and on these they were not
SCENES: Final = 48
NETWORKS: Final = 6  # with random weights
SCENES_OF_RANDOM: Final = 12
TWICE: Final = 2.0  # as dense on the object as on the whole scene: such a map is not wrong
METHODS: Final = tuple(name for name in IMAGE_METHODS if not name.endswith("_hw5"))
SIDE: Final = 128  # px; sizes below are for scenes of this side

Plane = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Judged:
    """One map with what the check says of it, and how dense it lies on the object.

    evidence: of all that the map marks; top: of as many pixels as the object has, those that it marks most.
    """

    name: str
    result: CheckResult
    evidence: float
    top: float

    @property
    def supported(self) -> bool:
        """Whether the check supports it."""
        return self.result.state == "supported"


def control_maps(image: Plane, rng: np.random.Generator) -> Iterator[tuple[str, Plane]]:
    """Maps that know nothing of the network, none of them one that the check compares with: (kind, (H, W)).

    image: (H, W, 3) in [0, 1].
    """
    size, grey = image.shape[:2], image.mean(axis=-1).astype(np.float64)
    for _ in range(4):
        yield "random smooth", noise(size, SIDE / np.exp(rng.uniform(np.log(3), np.log(16))), rng)
    for sigma in (0.7, 2, 4):
        yield "edges", edges(image, SIDE / sigma)
    yield "edges", np.asarray(canny(grey, 2), np.float64)  # type: ignore[no-untyped-call]
    yield "edges", np.abs(gaussian_laplace(grey, 1.5))
    yield "edges", np.hypot(*np.gradient(image.astype(np.float64), axis=(0, 1))).max(axis=-1)  # of colours
    for _ in range(3):
        yield "blobs", _blob(size, rng)
    for side in (7, 15):
        yield "local contrast", np.sqrt(np.maximum(uniform_filter(grey**2, side) - uniform_filter(grey, side) ** 2, 0))
    yield "brightness", grey - grey.mean()
    yield "brightness", grey.mean() - grey


def _blob(size: tuple[int, ...], rng: np.random.Generator) -> Plane:
    """Somewhere, a fifteenth to a fifth of the image wide."""
    plane = np.zeros(size)
    plane[tuple(int(side * place) for side, place in zip(size, rng.uniform(0.15, 0.85, 2), strict=True))] = 1
    return np.asarray(gaussian_filter(plane, rng.uniform(8, 24), mode="constant"))


def judged(
    classifier: Classifier, scenes: Sequence[Scene], options: BuildOptions, seed: int, check: str = "faithfulness"
) -> Iterator[Judged]:
    """All methods and all control maps on all scenes, for the predicted class."""
    cases, _ = answered(classifier, [_input(n, scene) for n, scene in enumerate(scenes)])
    of_methods = zip(*(IMAGE_METHODS[name].explain(classifier, cases, options) for name in METHODS), strict=True)
    groups = [
        (*(each[0] for each in found), *_controls(case, np.random.default_rng([seed, n, 1])))
        for n, (case, found) in enumerate(zip(cases, of_methods, strict=True))
    ]
    evidence = Evidence(classifier, cases, groups, IMAGE_METHODS, options)
    for scene, group, results in zip(scenes, groups, PICTURE_CHECKS[check].judge(evidence), strict=True):
        for explanation, result in zip(group, results, strict=True):
            yield Judged(explanation.method, result, *_on_object(explanation, scene))


def _input(n: int, scene: Scene) -> ImageInput:
    digest = hashlib.sha256(scene.image.tobytes()).hexdigest()
    return ImageInput(f"scene {n}", digest, scene.image, scene.image / np.float32(255), scene.label)


def _controls(case: Case, rng: np.random.Generator) -> Iterator[Explanation]:
    for kind, heat in control_maps(case.image.pixels, rng):
        yield Explanation(kind, case.targets[0], "ok", AttributionMap(heat.astype(np.float32)))


def _on_object(explanation: Explanation, scene: Scene) -> tuple[float, float]:
    if explanation.result is None:
        return 0.0, 0.0
    heat = pixel_evidence(explanation.result)
    marked = ranks_of(smooth(heat)) < scene.mask.sum()
    share = float(scene.mask.mean())
    return share_inside(heat, scene.mask) / share, float(scene.mask[marked].mean()) / share


def random_network(module: nn.Module, seed: int) -> nn.Module:
    """A copy with weights as its layers draw them before training; torch's own generator stays as it is."""
    copied = copy.deepcopy(module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for part in copied.modules():
            if callable(reset := getattr(part, "reset_parameters", None)):
                reset()
    return copied


def normalised(module: nn.Module, images: torch.Tensor) -> nn.Module:
    """A copy whose batch-norms hold the statistics of these images, (N, C, H, W) in the network's units."""
    copied = copy.deepcopy(module).eval()
    for part in copied.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.reset_running_stats()
            part.momentum = None  # the mean of all batches
            part.train()
    with torch.no_grad():
        copied(images.clone())
    return copied.eval()


def trained(options: BuildOptions, seed: int, count: int, check: str) -> list[Judged]:
    """Everything on the shipped network."""
    with opened_classifier(options, None, Silent()) as classifier:
        return list(judged(classifier, fresh_scenes(seed, count), options, seed, check))


def untrained(options: BuildOptions, seed: int, networks: int, count: int, check: str) -> list[Judged]:
    """Everything on random networks, each once as it is and once with its batch-norms fitted to the scenes.

    Fitted, their answers differ from image to image about as much as a trained network's.
    """
    with opened_classifier(options, None, Silent()) as classifier:
        modules = [random_network(classifier.module, seed + n) for n in range(networks)]
        images = classifier.prepare(np.stack([scene.image / np.float32(255) for scene in fresh_scenes(seed, count)]))
        modules += [normalised(module, images) for module in modules]
    found: list[Judged] = []
    for module in modules:
        with opened_classifier(options, module, Silent()) as classifier:
            found += judged(classifier, fresh_scenes(seed, count), options, seed, check)
    return found


def methods_table(found: Sequence[Judged]) -> str:
    """How many pictures of each method are in which state, with the medians of the numbers behind it."""
    rows = []
    for name, group in _by_name(found).items():
        if name in METHODS:
            tested = [each.result for each in group if each.result.state not in SILENT]
            states = [each.result.state for each in group]
            medians = [_median([each.value for each in tested]), _median([each.threshold for each in tested])]
            rows.append((name, *(_share(states.count(state), len(group)) for state in STATES[:4]), *medians))
    return table(("method", "supported", "weak", "no better", "fails", "gap, median", "threshold, median"), rows)


def controls_table(found: Sequence[Judged]) -> str:
    """How many maps that know nothing of the network are supported: all, and without those that lie on the object."""
    by_name = {name: group for name, group in _by_name(found).items() if name not in METHODS}
    by_name["all"] = [each for group in by_name.values() for each in group]
    rows = [
        (
            name,
            str(len(group)),
            _share(sum(each.supported for each in group), len(group)),
            _share(sum(each.supported and each.evidence < TWICE for each in group), len(group)),
            _share(sum(each.supported and each.top < TWICE for each in group), len(group)),
        )
        for name, group in by_name.items()
    ]
    header = ("kind", "maps", "supported", "and evidence not on the object", "and marked pixels not on the object")
    return table(header, rows)


def random_sentence(found: Sequence[Judged]) -> str:
    """What of random networks is supported, and how wide the widest gap is."""
    tested = [each.result for each in found if each.result.value is not None]
    states = ", ".join(f"{sum(each.state == state for each in tested)} {state}" for state in STATES[:4])
    widest = max((each.value for each in tested if each.value is not None), default=0.0)
    return f"{len(tested)} maps and pictures on random networks: {states}; the widest gap is {widest:.4f}."


def _by_name(found: Sequence[Judged]) -> Mapping[str, list[Judged]]:
    by_name: dict[str, list[Judged]] = defaultdict(list)
    for each in found:
        by_name[each.name].append(each)
    return by_name


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f} %"


def _median(values: Sequence[float | None]) -> str:
    known = [each for each in values if each is not None]
    return f"{np.median(known):.2f}" if known else "-"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser("bench.verdicts", description="How often the verdicts err.")
    parser.add_argument("--set", choices=("choosing", "fresh"), default="fresh", help="which scenes")
    parser.add_argument("--scenes", type=int, default=SCENES)
    parser.add_argument("--networks", type=int, default=NETWORKS, help="with random weights")
    parser.add_argument("--checks", choices=("quick", "full"), default="quick")
    parser.add_argument("--check", choices=("faithfulness", "road"), default="faithfulness")
    given = parser.parse_args(arguments)
    seed = CHOOSING if given.set == "choosing" else FRESH
    options = BuildOptions(model=HONEST, checks=given.checks, lime_once=True)
    found = trained(options, seed, given.scenes, given.check)
    print(f"{given.check}, --checks {given.checks}, {given.scenes} {given.set} scenes, seed {seed}:\n")
    print(methods_table(found), controls_table(found), sep="\n\n", end="\n\n")
    if not given.networks:
        return
    few = min(given.scenes, SCENES_OF_RANDOM)
    print(random_sentence(untrained(options, seed, given.networks, few, given.check)))


if __name__ == "__main__":
    main()
