"""SmoothGrad: the gradient of the score, averaged over copies of the image with noise on them.

Source: smilkov2017. The noise comes from the image's own generator, so that neither order nor batch changes it.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reportgen.attribution import Heat, Method, Row, explained, score_gradients
from reportgen.classifier import Classifier
from reportgen.contracts import ImageMethod
from reportgen.costs import Image, Passes
from reportgen.options import BuildOptions
from reportgen.randomness import stream
from reportgen.results import Case, Explanation, Facts

NAME = "smoothgrad"
SAMPLES: Final = 32
NOISE: Final = 0.1  # standard deviation, as a share of the range of the image; the paper takes 0.1 to 0.2


def explain(classifier: Classifier, cases: Sequence[Case], options: BuildOptions) -> Iterator[tuple[Explanation, ...]]:
    """For each case one map per target: the size of the mean gradient, the largest channel, (H, W) float32."""
    score = classifier.facts.head.score
    parameters: Facts = {"score": score, "reduction": "max", "samples": SAMPLES, "noise": NOISE}
    return explained(Method(NAME, lambda rows: _heats(classifier, rows, options.seed), parameters, group=1), cases)


def _heats(classifier: Classifier, rows: Sequence[Row], seed: int) -> list[Heat]:
    """All rows are of one image, and see the same noise."""
    image = rows[0][0].image
    copies = noisy(image.pixels, stream(seed, NAME, image.sha256))
    gradients = (score_gradients(classifier, copies, [target] * SAMPLES) for _, target in rows)
    return [Heat(np.abs(each.mean(axis=0)).max(axis=-1), signed=False) for each in gradients]


def noisy(image: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.float32]:
    """(H, W, 3) -> (SAMPLES, H, W, 3) float32; not clipped, for the mean over the noise would move."""
    spread = NOISE * float(image.max() - image.min())
    return (image + spread * rng.standard_normal((SAMPLES, *image.shape))).astype(np.float32)


def passes(about: Image) -> Passes:
    """A gradient of each noisy copy for each class."""
    return Passes(graded=SAMPLES * about.targets)


METHOD = ImageMethod(NAME, explain, ("smilkov2017",), passes)
