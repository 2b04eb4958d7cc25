"""What an answer lives on: does it stand when the colours, the details or the arrangement of the parts are taken away?

Source: geirhos2019 for grey and for texture against shape, brendel2019 for pictures cut up and shuffled.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from reportgen.classifier import Classifier
from reportgen.fills import BLUR
from reportgen.randomness import stream
from reportgen.results import Case, Cue, CueName, RankedClass

GRID: Final = 4  # pieces along each side
SOFTER: Final = 4  # of the blur that hides regions, a fourth: details go, shapes stay
GROUP: Final = 64  # images whose copies are held at once
OF_COLOUR: Final = frozenset({"grey", "swapped"})
LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow converts to "L"

Pixels = NDArray[np.float32]  # (H, W, 3) RGB in [0, 1]


def answers_to_copies(classifier: Classifier, cases: Sequence[Case], seed: int) -> Iterator[tuple[Cue, ...]]:
    """For each case the answers to its poorer copies, in the order of COPIES.

    A network that sees no colours is not asked about them. Nothing for a case one of whose answers is not finite.
    """
    colourless = classifier.facts.input.channel_order == "grey"
    names = [name for name in COPIES if not (colourless and name in OF_COLOUR)]
    for start in range(0, len(cases), GROUP):
        group = cases[start : start + GROUP]
        copies = np.stack([COPIES[name](case, seed) for case in group for name in names])
        rows = classifier.probabilities(copies).reshape(len(group), len(names), -1)
        yield from (_cues(classifier, case, names, each) for case, each in zip(group, rows, strict=True))


def _cues(classifier: Classifier, case: Case, names: Sequence[CueName], rows: NDArray[np.float64]) -> tuple[Cue, ...]:
    if not np.isfinite(rows).all():
        return ()
    classes, asked = classifier.facts.classes, case.prediction.first.index

    def cue(name: CueName, row: NDArray[np.float64]) -> Cue:
        best = int(row.argmax())
        return Cue(name, float(row[asked]), RankedClass(best, classes[best], float(row[best])))

    return tuple(cue(name, row) for name, row in zip(names, rows, strict=True))


def grey(pixels: Pixels) -> Pixels:
    """The picture without its colours, in three equal channels."""
    return np.repeat((pixels @ LUMA)[..., None], 3, axis=2).clip(0, 1)


def swapped(pixels: Pixels) -> Pixels:
    """The picture with red and blue exchanged, as who mistakes the order of the channels feeds it."""
    return pixels[..., ::-1].copy()


def blurred(pixels: Pixels) -> Pixels:
    """The picture without its details: a Gaussian of 2.5 px where the shorter side has 128."""
    sigma = min(pixels.shape[:2]) / BLUR / SOFTER
    return np.asarray(gaussian_filter(pixels, (sigma, sigma, 0), mode="nearest"), np.float32).clip(0, 1)


def shuffled(pixels: Pixels, chance: np.random.Generator) -> Pixels:
    """The picture cut into 4 x 4 equal pieces, none of which stays in its place.

    A rim that the pieces leave over, narrower than 4 pixels, stays. A side shorter than that is not cut.
    """
    height, width = (max(1, side // GRID) for side in pixels.shape[:2])
    places = [
        (slice(top, top + height), slice(left, left + width))
        for top in range(0, height * min(GRID, pixels.shape[0]), height)
        for left in range(0, width * min(GRID, pixels.shape[1]), width)
    ]
    order = chance.permutation(len(places))
    copy = pixels.copy()
    # Along one cycle through all of them each piece moves.
    for place, source in zip(order, np.roll(order, 1), strict=True):
        copy[places[place]] = pixels[places[source]]
    return copy


COPIES: Final[dict[CueName, Callable[[Case, int], Pixels]]] = {
    "grey": lambda case, _: grey(case.image.pixels),
    "swapped": lambda case, _: swapped(case.image.pixels),
    "blurred": lambda case, _: blurred(case.image.pixels),
    "shuffled": lambda case, seed: shuffled(case.image.pixels, stream(seed, "cues", case.image.sha256)),
}
