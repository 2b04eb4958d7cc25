"""How many designed masks do the work of random ones? Measured on the trained network that ships with the program.

The truth is lime's fit on many random masks of the same superpixels and fill, by the network itself in float32.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from bench.ours import opened, whole_budget
from bench.scale import Scale
from bench.scenes import scenes
from reportgen.classifier import Classifier
from reportgen.example import HONEST
from reportgen.explain import lime
from reportgen.fills import filled
from reportgen.heads import softmax
from reportgen.neighbourhood import Ask, Neighbourhood, at_random, by_design, fits_design
from reportgen.options import BuildOptions
from reportgen.perturbation import Scene, scene
from reportgen.randomness import legacy_stream, stream
from reportgen.results import Case
from reportgen.sampling import Masks, order
from reportgen.segmentation import superpixels

WAYS = ("random", "designed", "until settled")


@dataclass(frozen=True)
class Quality:
    """How near one way of sampling comes to the reference, over all images and draws.

    sampling: "random", "designed", or "until settled", as the program does it; asked: masks allowed; passes: mean of
    those taken; mean, lowest: correlation of the weights with the reference's; paired: each block had its fold-over.
    """

    sampling: str
    asked: int
    passes: float
    mean: float
    lowest: float
    paired: bool


@dataclass(frozen=True, eq=False)
class Subject:
    """One image of which a class's probability is asked.

    name: of its generators; ask, exactly: by the fastest way there is, and by the network itself in float32.
    """

    name: str
    segments: int
    ask: Ask
    exactly: Ask


@dataclass(frozen=True)
class _Trial:
    sampling: str
    asked: int
    passes: int
    correlation: float
    paired: bool


def measure(scale: Scale, device: str) -> tuple[Quality, ...]:
    """Each way of sampling on the shipped scenes."""
    options = BuildOptions(model=HONEST, images=scenes(scale.scenes), device=device)
    with opened(options) as (classifier, cases):
        trials = [trial for case in cases for trial in _trials(subject(classifier, case, options), scale, options)]
    ranked = sorted(trials, key=lambda trial: (WAYS.index(trial.sampling), trial.asked))
    return tuple(_summed(tuple(group)) for _, group in groupby(ranked, key=lambda trial: (trial.sampling, trial.asked)))


def enough(found: Sequence[Quality]) -> Quality:
    """The fewest designed passes that come as near as the random ones, but no fewer than the program ever takes.

    Where none does, the most that were tried.
    """
    random = next(each for each in found if each.sampling == "random")
    paired = [each for each in found if each.sampling == "designed" and each.paired]
    return next((each for each in paired if each.mean >= random.mean), paired[-1])


def subject(classifier: Classifier, case: Case, options: BuildOptions) -> Subject:
    """The image, cut and hidden as LIME does it; its predicted class is asked."""
    recipe = lime.recipe(options)
    regions = superpixels(case.image.pixels, recipe.cut)
    hidden = filled(case.image.pixels, regions.segments, recipe.fill)
    about = scene(classifier, case.image.pixels, hidden, regions.segments)
    target = case.targets[0].index
    asked = partial(_probability, about, target)
    return Subject(case.image.sha256, regions.count, partial(asked, False), partial(asked, True))


def _probability(about: Scene, target: int, exact: bool, masks: Masks) -> NDArray[np.float64]:
    return softmax(about.logits(masks, exact=exact))[:, [target]]


def _trials(about: Subject, scale: Scale, options: BuildOptions) -> Iterator[_Trial]:
    names = ("bench", about.name)
    reference = _weights(
        at_random(about.exactly, about.segments, scale.reference, legacy_stream(options.seed, *names, "reference"))
    )
    for draw in map(str, range(scale.draws)):
        rng = legacy_stream(options.seed, *names, draw)
        found = at_random(about.exactly, about.segments, scale.samples, rng)
        yield _trial("random", scale.samples, found, reference, True)
        for asked in scale.designed:
            if fits_design(about.segments, asked):
                with whole_budget():
                    found = by_design(about.ask, about.segments, asked, stream(options.seed, *names, draw))
                yield _trial("designed", asked, found, reference, asked >= 2 * order(about.segments))
        found = by_design(about.ask, about.segments, options.lime_samples, stream(options.seed, *names, draw))
        yield _trial("until settled", options.lime_samples, found, reference, True)


def _trial(sampling: str, asked: int, found: Neighbourhood, reference: NDArray[np.float64], paired: bool) -> _Trial:
    return _Trial(sampling, asked, found.passes, float(np.corrcoef(_weights(found), reference)[0, 1]), paired)


def _weights(found: Neighbourhood) -> NDArray[np.float64]:
    (model,) = found.models
    if isinstance(model, str):
        raise ValueError(f"nothing to compare: {model}")
    return model.weights


def _summed(trials: Sequence[_Trial]) -> Quality:
    correlations = [trial.correlation for trial in trials]
    return Quality(
        trials[0].sampling,
        trials[0].asked,
        float(np.mean([trial.passes for trial in trials])),
        float(np.mean(correlations)),
        min(correlations),
        all(trial.paired for trial in trials),
    )
