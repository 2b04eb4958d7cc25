"""LIME on superpixels: which regions raise or lower the probability of a class, and how sure is that?

Masks come from an orthogonal design until the picture is settled (or from lime's own random masks); a second fill and
a second segmentation tell whether the answer hangs on how the image was cut and what hidden regions show.
Source: ribeiro2016, garreau2021, plackett1946, covert2021.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from reportgen import images
from reportgen.attempts import failed, without_picture
from reportgen.attribution import score_of
from reportgen.classifier import Classifier
from reportgen.contracts import ImageMethod
from reportgen.costs import Image, Passes
from reportgen.fills import Fill, filled
from reportgen.heads import probabilities
from reportgen.measures import region_measures, shown_regions, weights_agreement
from reportgen.neighbourhood import Neighbourhood, at_random, by_design, fits_design, is_settled, one_block
from reportgen.options import BuildOptions
from reportgen.perturbation import Scene, scene
from reportgen.randomness import legacy_stream, stream
from reportgen.results import Case, Explanation, RegionWeights, Scalar, Target
from reportgen.sampling import Masks, order
from reportgen.segmentation import Cut, Superpixels, superpixels
from reportgen.surrogate import ALPHA, CONFIDENCE, KERNEL_WIDTH, LinearModel

NAME = "lime"
USUAL = 4  # blocks until most pictures are settled
CHECKS = 2  # questions with another fill and another cut, of one block each
LEAST_MOVE = 1e-3  # of probability: regions that move it by less, all of them together, are no evidence


@dataclass(frozen=True, eq=False)
class Recipe:
    """How images are cut, hidden and sampled. other: the pixels of fill "image", (H, W, 3) RGB in [0, 1]."""

    cut: Cut
    fill: Fill
    most: int  # passes of one explanation
    random: bool
    checked: bool
    other: NDArray[np.float32] | None = None

    @property
    def second_fill(self) -> Fill:
        """What hidden regions show in the check."""
        return "mean" if self.fill == "blur" else "blur"

    @property
    def second_cut(self) -> Cut:
        """How the image is cut in the check."""
        return replace(self.cut, name="slic" if self.cut.name == "grid" else "grid")

    def facts(self) -> dict[str, Scalar]:
        """Everything that the weights depend on, for the report."""
        sampling: dict[str, Scalar] = {"sampling": "designed", "confidence": CONFIDENCE}
        if self.random:
            sampling |= {"sampling": "random", "kernel_width": KERNEL_WIDTH, "alpha": ALPHA}
        checks = {"second_fill": self.second_fill, "second_segmentation": self.second_cut.name} if self.checked else {}
        return {"samples": self.most, **self.cut.facts(), "fill": self.fill, "scale": "probability"} | sampling | checks


def recipe(options: BuildOptions, size: tuple[int, int] | None = None) -> Recipe:
    """The recipe that these options ask for. size: of the network's input, for the image of fill "image"."""
    path = options.lime_fill_image
    other = images.decode(path, path.name, size).pixels if path and size else None
    return Recipe(
        Cut(options.segmentation, options.lime_segments, options.lime_compactness),
        "image" if path else options.lime_fill,
        options.lime_samples,
        options.lime_sampling == "random",
        not options.lime_once,
        other,
    )


def explain(classifier: Classifier, cases: Sequence[Case], options: BuildOptions) -> Iterator[tuple[Explanation, ...]]:
    """For each case the weights of its superpixels, one explanation per target, all from the same perturbed images."""
    chosen = recipe(options, classifier.facts.input.size)
    for case in cases:
        try:
            yield _explanations(classifier, case, chosen, options.seed)
        except Exception as err:  # whatever a user's own network raises
            yield tuple(failed(NAME, target, err, chosen.facts()) for target in case.targets)


def _explanations(classifier: Classifier, case: Case, chosen: Recipe, seed: int) -> tuple[Explanation, ...]:
    work = _Work(classifier, case, chosen, seed)
    regions = superpixels(case.image.pixels, chosen.cut)
    if regions.count < 2:
        measures = {"segments": regions.count}
        return tuple(without_picture(NAME, t, "one_segment", chosen.facts(), measures) for t in case.targets)
    if not fits_design(regions.count, chosen.most):  # not even one block
        work = replace(work, recipe=replace(chosen, random=True))
    about = work.scene_of(regions, chosen.fill)
    found = work.sampled(about, regions.count)
    worth_checking = chosen.checked and not all(isinstance(model, str) for model in found.models)
    checks = work.checks(regions, found) if worth_checking else [{} for _ in case.targets]
    scores = work.untouched(about, regions.count)
    return tuple(
        _explanation(target, regions, model, work.recipe.facts(), {"score": score, "passes": found.passes, **check})
        for target, model, score, check in zip(case.targets, found.models, scores, checks, strict=True)
    )


def _explanation(
    target: Target,
    regions: Superpixels,
    model: LinearModel | str,
    parameters: Mapping[str, Scalar],
    about: Mapping[str, Scalar],
) -> Explanation:
    if isinstance(model, str):
        known = {"score": about["score"]} if model == "constant_output" else {}
        return without_picture(NAME, target, model, parameters, known)
    mean = (model.intercept + model.local) / 2
    moved = float(np.abs(model.weights).sum())
    if moved < LEAST_MOVE:
        told = {"mean": mean, "moved": moved, **{name: about[name] for name in ("score", "passes")}}
        return without_picture(NAME, target, "hardly_moves", parameters, told)
    shown = list(shown_regions(model.weights))
    known_margins = np.isfinite(model.margins).all()
    result = RegionWeights(regions.segments, model.weights, model.margins if known_margins else None)
    measures = {
        "r2": model.r2,
        "intercept": model.intercept,
        "local": model.local,
        "mean": mean,
        **about,
        "settled": is_settled(model),
        "unsettled": len(result.unsettled(shown)) if known_margins else len(shown),
        "cut_by": regions.name,
        **({"largest_margin": float(model.margins[shown[0]])} if known_margins else {}),
        **region_measures(regions.segments, model.weights),
    }
    return Explanation(NAME, target, "ok", result, parameters=parameters, measures=measures)


@dataclass(frozen=True, eq=False)
class _Work:
    """One image with all that is asked about it."""

    classifier: Classifier
    case: Case
    recipe: Recipe
    seed: int

    def sampled(self, about: Scene, count: int) -> Neighbourhood:
        """The neighbourhood that the recipe asks for, of so many superpixels."""
        ask = self._ask(about)
        sha256, most = self.case.image.sha256, self.recipe.most
        if self.recipe.random:
            return at_random(ask, count, most, legacy_stream(self.seed, NAME, sha256))
        return by_design(ask, count, most, stream(self.seed, NAME, sha256))

    def checks(self, regions: Superpixels, found: Neighbourhood) -> list[dict[str, float]]:
        """For each target: do the weights stay with another fill, and with another segmentation?"""
        other = superpixels(self.case.image.pixels, self.recipe.second_cut)
        refilled = self._block("fill", self.scene_of(regions, self.recipe.second_fill), regions)
        recut = self._block("segmentation", self.scene_of(other, self.recipe.fill), other)
        checks = []
        for first, second, third in zip(found.models, refilled, recut, strict=True):
            same = partial(_agreement, regions, first)
            checks.append({**same("fill", regions, second), **same("segmentation", other, third)})
        return checks

    def untouched(self, about: Scene, count: int) -> list[float]:
        """The probability of each target on the image itself, by the network in float32."""
        whole = np.ones((1, count), bool)
        return [float(score) for score in _probabilities(about, self.case.targets, whole, exact=True)[0]]

    def scene_of(self, regions: Superpixels, fill: Fill) -> Scene:
        """The image with its superpixels, hidden ones showing the fill."""
        image = self.case.image.pixels
        other = self.recipe.other if fill == "image" else None
        hidden = filled(image, regions.segments, fill) if other is None else other
        return scene(self.classifier, image, hidden, regions.segments)

    def _ask(self, about: Scene) -> "partial[NDArray[np.float64]]":
        return partial(_probabilities, about, self.case.targets)

    def _block(self, check: str, about: Scene, regions: Superpixels) -> tuple[LinearModel | str, ...]:
        rng = stream(self.seed, NAME, check, self.case.image.sha256)
        return one_block(self._ask(about), regions.count, rng).models


def _probabilities(
    about: Scene, targets: Sequence[Target], masks: Masks, *, exact: bool = False
) -> NDArray[np.float64]:
    """(S, targets) probabilities of the masked images; less that of the class that a target is held against."""
    found = probabilities(about.logits(masks, exact=exact), about.classifier.facts.head.kind)
    return np.stack([score_of(found, target) for target in targets], axis=1)


def _agreement(
    regions: Superpixels, model: LinearModel | str, name: str, others: Superpixels, other: LinearModel | str
) -> dict[str, float]:
    """Correlation of two explanations' weights, and the most that chance would leave of a perfect one."""
    if isinstance(model, str) or isinstance(other, str):
        return {}
    both = (regions.segments, model.weights, model.margins), (others.segments, other.weights, other.margins)
    correlation, ceiling = weights_agreement(*both)
    return {f"{name}_agreement": correlation, f"{name}_ceiling": ceiling}


def passes(about: Image) -> Passes:
    """All that are allowed if they are random; else two pairs of blocks, and one block for each check.

    Most images are settled by then or before.
    """
    options = about.options
    block = order(options.lime_segments)
    if options.lime_sampling == "random" or not fits_design(options.lime_segments, options.lime_samples):
        return Passes(1 + options.lime_samples + (0 if options.lime_once else CHECKS * block))
    sampled = min(USUAL * block, options.lime_samples // block * block)
    return Passes(1 + sampled + (0 if options.lime_once else CHECKS * block))


METHOD = ImageMethod(NAME, explain, ("ribeiro2016", "achanta2012", "garreau2021", "plackett1946", "covert2021"), passes)
