"""LIME on superpixels: which regions raise or lower the probability of a class?

Source: ribeiro2016, garreau2021.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from reportgen.attempts import failed, without_picture
from reportgen.classifier import Classifier
from reportgen.contracts import ImageMethod
from reportgen.measures import region_measures
from reportgen.options import BuildOptions
from reportgen.randomness import legacy_stream
from reportgen.results import Case, Explanation, RegionWeights, Target
from reportgen.surrogate import Neighbourhood, Recipe, Segments, fit, fit_measures, neighbourhood, superpixels

NAME = "lime"
SIGMA = 1.0  # px, smoothing before SLIC
FLAT = 1e-9  # spread of a probability that counts as none: below float32's resolution near 1


def recipe(options: BuildOptions) -> Recipe:
    """How the neighbourhoods are drawn with these options."""
    return Recipe(
        options.lime_samples, options.lime_segments, options.lime_compactness, SIGMA, options.lime_fill, "probability"
    )


def explain(classifier: Classifier, cases: Sequence[Case], options: BuildOptions) -> Iterator[tuple[Explanation, ...]]:
    """For each case the weights of its superpixels, one explanation per target, all from the same perturbed images."""
    chosen = recipe(options)
    for case in cases:
        try:
            yield _explanations(classifier, case, chosen, options.seed)
        except Exception as err:  # whatever a user's own network raises
            yield tuple(failed(NAME, target, err, chosen.facts()) for target in case.targets)


def _explanations(classifier: Classifier, case: Case, chosen: Recipe, seed: int) -> tuple[Explanation, ...]:
    image = case.image.pixels
    segments = superpixels(image, chosen)
    if segments.max() < 1:
        measures = {"segments": int(segments.max()) + 1}
        return tuple(without_picture(NAME, t, "one_segment", chosen.facts(), measures) for t in case.targets)
    rng = legacy_stream(seed, NAME, case.image.sha256)
    drawn = neighbourhood(classifier, image, segments, chosen, rng)
    return tuple(_explanation(target, segments, drawn, chosen, rng) for target in case.targets)


def _explanation(
    target: Target, segments: Segments, drawn: Neighbourhood, chosen: Recipe, rng: np.random.RandomState
) -> Explanation:
    scores = drawn.scores[:, target.index]
    if not np.isfinite(scores).all():
        return without_picture(NAME, target, "not_finite", chosen.facts())
    # lime itself reports R2 = 1 with all weights 0 here.
    if np.ptp(scores) <= FLAT:
        return without_picture(NAME, target, "constant_output", chosen.facts(), {"score": float(scores[0])})
    model = fit(drawn, target.index, rng)
    measures = {**fit_measures(drawn, model, target.index), **region_measures(segments, model.weights)}
    result = RegionWeights(segments, model.weights)
    return Explanation(NAME, target, "ok", result, parameters=chosen.facts(), measures=measures)


METHOD = ImageMethod(NAME, explain, ("ribeiro2016", "achanta2012", "garreau2021"))
