"""Does this installation, on this device, give the answers that are known? Once per version and device.

Scenes whose objects are known to the pixel, the network that was trained on them, the same with random weights, and a
network whose probability is a sum over regions, so that LIME's weights are known on paper.
"""

import copy
import hashlib
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from reportgen import __version__
from reportgen.cases import answered
from reportgen.checks import randomisation
from reportgen.classifier import Classifier, device_name, resolve_device
from reportgen.contracts import Evidence, Progress, Silent
from reportgen.deadline import Deadline
from reportgen.example import HONEST
from reportgen.example.scenes import Scene, fresh_scenes
from reportgen.explain import IMAGE_METHODS
from reportgen.loading import opened_classifier
from reportgen.measures import pixel_evidence, share_inside
from reportgen.options import BuildOptions
from reportgen.resources import cache_folder
from reportgen.results import Case, Explanation, Failure, ImageInput, KnownAnswer, RegionWeights, Target
from reportgen.segmentation import Cut, superpixels

COUNT: Final = 6  # scenes, one of each class
SEED: Final = 20_261  # of scenes that no threshold was chosen on
SIDE: Final = 32  # px, of the planted network's image
REGIONS: Final = 16
PACKAGES: Final = ("torch", "numpy", "scikit-image", "captum")
# How many times as dense as on the whole image a method's evidence lies on the object, median; and what random weights
# leave of it. Measured on 600 scenes: docs/verdicts.md.
DENSER: Final[Mapping[str, float]] = {"saliency": 3.0, "integrated_gradients": 3.0, "gradcam": 2.0}
RANDOM: Final = 1.5
PRECISE: Final = 1e-3
_KEPT = TypeAdapter(tuple[KnownAnswer, ...])


def self_test(device: str = "auto", *, again: bool = False) -> tuple[KnownAnswer, ...]:
    """The known answers and what came out, kept per version and device. again: even where it is kept.

    Raises EnvironmentProblem where the device is not there.
    """
    place = _place(device)
    kept = None if again else _kept(place)
    if kept is not None:
        return kept
    found = (*_scenes(device), _planted(device))
    _keep(place, found)
    return found


def known_answers(
    options: BuildOptions, progress: Progress, deadline: Deadline
) -> tuple[tuple[KnownAnswer, ...], tuple[Failure, ...]]:
    """The same for a build, where pictures are judged and there is time; what does not hold is told."""
    if options.checks == "none" or not options.self_test:
        return (), ()
    if deadline.over:
        failure = deadline.left_out("self-test")
        progress.warn(f"self-test: {failure.why}. {failure.fix}")
        return (), (failure,)
    progress.stage("self-test", 0)
    known = self_test(options.device)
    for each in known:
        if not each.holds:
            asked = "at least" if each.above else "at most"
            progress.warn(f"self-test: {each.name} is {each.value:.3g}, {asked} {each.threshold:g} is asked")
    return known, ()


def _scenes(device: str) -> tuple[KnownAnswer, ...]:
    """What the shipped network and its methods say of scenes that are known."""
    scenes = fresh_scenes(SEED, COUNT)
    options = BuildOptions(model=HONEST, device=device, lime_samples=128, lime_once=True, self_test=False)
    with opened_classifier(options, None, Silent()) as classifier:
        cases = _cases(classifier, scenes)
        right = [case.prediction.right for case in cases].count(True)
        found = [KnownAnswer("answers", right / len(scenes), 5 / 6)]
        for name, threshold in DENSER.items():
            if name in IMAGE_METHODS:
                found.append(KnownAnswer(f"object_{name}", _density(name, classifier, scenes, options), threshold))
        found.append(KnownAnswer("object_lime", _on_object(classifier, scenes, options), 5 / 6))
        shape = classifier.module
        with opened_classifier(options, _random(shape), Silent()) as other:
            density = _density("saliency", other, scenes, options)
        found.append(KnownAnswer("object_random", density, RANDOM, above=False))
        return (*found, *_depends_on_weights(classifier, cases, options))


def _depends_on_weights(classifier: Classifier, cases: Sequence[Case], options: BuildOptions) -> Iterator[KnownAnswer]:
    """Saliency follows the learned weights, and Guided Backprop, which rebuilds the image's edges, does not.

    A check that says nothing has not given the answer that is known.
    """
    methods = {name: IMAGE_METHODS[name] for name in ("saliency", "guided_backprop")}
    said = [_explained(name, classifier, cases, options) for name in methods]
    evidence = Evidence(classifier, cases, list(zip(*said, strict=True)), methods, options)
    for each in randomisation.judge(evidence):
        above = each.method == "guided_backprop"
        missed = 0.0 if above else 1.0  # of correlations the one that is farthest from what is known
        value = missed if each.result.value is None else each.result.value
        yield KnownAnswer(f"weights_{each.method}", value, randomisation.THRESHOLD, above=above)


def _cases(classifier: Classifier, scenes: Sequence[Scene]) -> tuple[Case, ...]:
    images = [_image(f"scene {n}", scene.image / np.float32(255), scene.label) for n, scene in enumerate(scenes)]
    return answered(classifier, images)[0]


def _image(name: str, pixels: NDArray[np.floating], label: int | None = None) -> ImageInput:
    shown = np.round(pixels * 255).astype(np.uint8)
    digest = hashlib.sha256(shown.tobytes()).hexdigest()
    return ImageInput(name, digest, shown, pixels.astype(np.float32), label)


def _explained(name: str, classifier: Classifier, cases: Sequence[Case], options: BuildOptions) -> list[Explanation]:
    """What the method says of the predicted class of each case."""
    return [group[0] for group in IMAGE_METHODS[name].explain(classifier, cases, options)]


def _density(name: str, classifier: Classifier, scenes: Sequence[Scene], options: BuildOptions) -> float:
    """How many times as dense as on the whole scene the evidence lies on the object; 0 where there is none."""
    densities = []
    for scene, found in zip(scenes, _explained(name, classifier, _cases(classifier, scenes), options), strict=True):
        heat = pixel_evidence(found.result) if found.result else np.zeros(scene.mask.shape)
        densities.append(share_inside(heat, scene.mask) / scene.mask.mean() if heat.any() else 0.0)
    return float(median(densities))


def _on_object(classifier: Classifier, scenes: Sequence[Scene], options: BuildOptions) -> float:
    """The share of scenes where a quarter of LIME's heaviest region lies on the object, which is mostly the smaller."""
    found = _explained("lime", classifier, _cases(classifier, scenes), options)
    return sum(_lies_on(each, scene) for each, scene in zip(found, scenes, strict=True)) / len(scenes)


def _lies_on(found: Explanation, scene: Scene) -> bool:
    if not isinstance(found.result, RegionWeights):
        return False
    top = found.result.segments == int(np.argmax(found.result.weights))
    return bool((top & scene.mask).sum() >= top.sum() / 4)


def _random(module: nn.Module) -> nn.Module:
    """A copy with fresh weights, as its layers draw them before training; torch's own generator stays as it is."""
    copied = copy.deepcopy(module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        for part in copied.cpu().modules():
            if callable(reset := getattr(part, "reset_parameters", None)):
                reset()
    return copied


class _Sum(nn.Module):
    """Two classes; the first one's probability is 0.5 and a weighted sum of the pixels, so LIME's weights are known."""

    def __init__(self, weights: NDArray[np.floating]) -> None:
        """weights: (H, W), for the mean over the channels."""
        super().__init__()
        self.weights = nn.Parameter(torch.tensor(weights, dtype=torch.float32))

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 2) logarithms of probabilities."""
        first = (0.5 + (images.mean(1) * self.weights).sum((1, 2))).clamp(0.001, 0.999)
        return torch.stack([first, 1 - first], 1).log()


def _planted(device: str) -> KnownAnswer:
    """How far LIME's weights are from those known on paper, at most, as a share of the largest one.

    Hidden regions show the image's mean colour, so a region's weight is its pixels' weights times what they lose.
    """
    rng = np.random.default_rng(SEED)
    cut = Cut("grid", REGIONS, 20.0)
    pixels = rng.random((SIDE, SIDE, 3)).astype(np.float32)
    regions = superpixels(pixels, cut)
    weights = rng.normal(size=regions.count)[regions.segments] / SIDE**2
    lost = (pixels - pixels.mean(axis=(0, 1))).mean(axis=-1) * weights
    truth = np.bincount(regions.segments.ravel(), lost.ravel())
    options = BuildOptions(
        model=Path("planted"), device=device, size=(SIDE, SIDE), segmentation="grid", lime_segments=REGIONS,
        lime_samples=128, lime_once=True, precision="fp32", checks="none", self_test=False,
    )  # fmt: skip
    with opened_classifier(options, _Sum(weights), Silent()) as classifier:
        case = answered(classifier, [_image("planted", pixels)])[0][0]
        target = replace(case, targets=(Target(0, "planted", "predicted"),))
        (found,) = _explained("lime", classifier, [target], options)
    if not isinstance(found.result, RegionWeights):
        return KnownAnswer("planted_lime", 1.0, PRECISE, above=False)
    apart = float(np.abs(found.result.weights - truth).max() / np.abs(truth).max())
    return KnownAnswer("planted_lime", apart, PRECISE, above=False)


def _place(device: str) -> Path | None:
    """Where the answers of this version on this device are kept; None without a folder for it."""
    folder = cache_folder()
    if folder is None:
        return None
    made_with = (__version__, platform.python_version(), *map(version, PACKAGES))
    which = (*made_with, device_name(resolve_device(device)), platform.machine(), torch.get_num_threads())
    digest = hashlib.sha256("\0".join(map(str, (*which, _source()))).encode()).hexdigest()[:32]
    return folder / f"self-test-{digest}.json"


def _source() -> str:
    """The fingerprint of the checkpoint and of this file: another question has another answer."""
    return hashlib.sha256(HONEST.read_bytes() + Path(__file__).read_bytes()).hexdigest()


def _kept(place: Path | None) -> tuple[KnownAnswer, ...] | None:
    try:
        return _KEPT.validate_json(place.read_bytes()) if place else None
    except (OSError, ValidationError):
        return None


def _keep(place: Path | None, found: Sequence[KnownAnswer]) -> None:
    """Kept for the next build; where that is impossible it runs again."""
    if place is None:
        return
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as file:
            file.write(_KEPT.dump_json(tuple(found)))
        Path(file.name).replace(place)
