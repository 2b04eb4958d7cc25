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
from reportgen.costs import Image, Passes
from reportgen.fills import filled
from reportgen.measures import heaviest_regions, region_measures
from reportgen.neighbourhood import at_random
from reportgen.options import BuildOptions
from reportgen.perturbation import scene
from reportgen.randomness import legacy_stream
from reportgen.results import Case, Explanation, Facts, RegionWeights, Scalar, Target
from reportgen.segmentation import Cut, superpixels
from reportgen.surrogate import ALPHA, KERNEL_WIDTH

NAME = "lime_hw5"
SAMPLES = 1000
CUT = Cut("slic", asked=100, compactness=1.0, stand_in=False)
FEATURES = 11  # regions painted at most
LEAST = 0.05  # logits
PARAMETERS: Facts = {
    "samples": SAMPLES, **CUT.facts(), "fill": "segment", "scale": "logit", "kernel_width": KERNEL_WIDTH,
    "alpha": ALPHA, "features": FEATURES, "least": LEAST,
}  # fmt: skip


def explain(classifier: Classifier, cases: Sequence[Case], options: BuildOptions) -> Iterator[tuple[Explanation, ...]]:
    """For each case one explanation, of the label's class or, where none is known, of the predicted one."""
    for case in cases:
        target = labelled_target(case)
        try:
            yield (_explanation(classifier, case, target, options.seed),)
        except Exception as err:  # whatever a user's own network raises
            yield (failed(NAME, target, err, PARAMETERS),)


def _explanation(classifier: Classifier, case: Case, target: Target, seed: int) -> Explanation:
    image = case.image.pixels
    regions = superpixels(image, CUT)
    if regions.count < 2:
        return without_picture(NAME, target, "one_segment", PARAMETERS)
    about = scene(classifier, image, filled(image, regions.segments, "segment"), regions.segments)
    answers = about.logits(np.ones((1, regions.count), bool), exact=True)
    score = {"score": float(answers[0, target.index])}
    rng = legacy_stream(seed, NAME, case.image.sha256)
    found = at_random(lambda masks: about.logits(masks, exact=True)[:, [target.index]], regions.count, SAMPLES, rng)
    (model,) = found.models
    if isinstance(model, str):
        return without_picture(NAME, target, model, PARAMETERS, score if model == "constant_output" else {})
    shown = heaviest_regions(model.weights, FEATURES, LEAST)
    known = region_measures(regions.segments, model.weights)
    measures: dict[str, Scalar] = {
        "r2": model.r2, "intercept": model.intercept, "local": model.local, **score, "shown": len(shown),
    }  # fmt: skip
    measures |= {name: known[name] for name in ("segments", "largest_area", "largest_weight", "place")}
    result = RegionWeights(regions.segments, model.weights)
    return Explanation(NAME, target, "ok", result, parameters=PARAMETERS, measures=measures)


def passes(_: Image) -> Passes:
    """The image, and as many as the write-up asks."""
    return Passes(1 + SAMPLES)


METHOD = ImageMethod(NAME, explain, ("hw5", "ribeiro2016"), passes)
