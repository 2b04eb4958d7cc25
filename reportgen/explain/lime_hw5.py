"""LIME as the write-up runs it: raw logits, ragged superpixels, hidden under their own mean colour (profile hw5).

Two things are not taken over. Superpixels count from 0, or the last one would never be hidden; and each image has a
generator of its own, or its weights would depend on the images before it.
Source: the write-up of homework 5; ribeiro2016.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from reportgen.attempts import failed, without_picture
from reportgen.classifier import Classifier
from reportgen.contracts import ImageMethod, labelled_target
from reportgen.measures import heaviest_regions, region_measures
from reportgen.options import BuildOptions
from reportgen.randomness import legacy_stream
from reportgen.results import Case, Explanation, Facts, RegionWeights, Scalar, Target
from reportgen.surrogate import Recipe, fit, fit_measures, neighbourhood, superpixels

NAME = "lime_hw5"
RECIPE = Recipe(samples=1000, asked=100, compactness=1.0, sigma=1.0, fill="segment", scale="logit")
FEATURES = 11  # regions painted at most
LEAST = 0.05  # logits
PARAMETERS: Facts = RECIPE.facts() | {"features": FEATURES, "least": LEAST}


def explain(classifier: Classifier, cases: Sequence[Case], options: BuildOptions) -> Iterator[tuple[Explanation, ...]]:
    """For each case one explanation, of the label's class or, where none is known, of the predicted one."""
    for case in cases:
        target = labelled_target(case)
        try:
            yield (_explanation(classifier, case, target, options.seed),)
        except Exception as err:  # whatever a user's own network raises
            yield (failed(NAME, target, err, PARAMETERS),)


def _explanation(classifier: Classifier, case: Case, target: Target, seed: int) -> Explanation:
    segments = superpixels(case.image.pixels, RECIPE)
    if segments.max() < 1:
        return without_picture(NAME, target, "one_segment", PARAMETERS)
    rng = legacy_stream(seed, NAME, case.image.sha256)
    drawn = neighbourhood(classifier, case.image.pixels, segments, RECIPE, rng)
    scores = drawn.scores[:, target.index]
    if not np.isfinite(scores).all():
        return without_picture(NAME, target, "not_finite", PARAMETERS)
    if not np.ptp(scores):
        return without_picture(NAME, target, "constant_output", PARAMETERS, {"score": float(scores[0])})
    model = fit(drawn, target.index, rng)
    shown = heaviest_regions(model.weights, FEATURES, LEAST)
    about = region_measures(segments, model.weights)
    measures: dict[str, Scalar] = {**fit_measures(drawn, model, target.index), "shown": len(shown)}
    measures |= {name: about[name] for name in ("segments", "largest_area", "largest_weight", "place")}
    result = RegionWeights(segments, model.weights)
    return Explanation(NAME, target, "ok", result, parameters=PARAMETERS, measures=measures)


METHOD = ImageMethod(NAME, explain, ("hw5", "ribeiro2016"))
