"""Does the picture point at the object, where people have marked it?

The share of the evidence that lies on the object, as a multiple of the object's share of the image (relevance mass),
and whether the strongest place lies on it (pointing game). Beside them what a picture without any knowledge would get:
evenly spread evidence, and a blob in the middle, where photographers put things. A network may well use what lies
beside an object; so this check stands beside the verdict and does not decide it.
Source: zhang2018, arras2022.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reportgen.contracts import Evidence, PictureCheck
from reportgen.measures import centred_blob, pixel_evidence, share_inside, smoothed
from reportgen.objects import on_target
from reportgen.results import CheckResult, Explanation, ImageInput, Scalar
from reportgen.verdicts import OBJECT, State, untested

DENSER: Final = 1.5  # times as much evidence on the object as its share of the image, from which a picture points at it
ALIKE: Final = 1.1  # up to which it does no more than chance
LARGEST: Final = 1 / DENSER  # share of the image, above which nothing can be so much denser


def judge(evidence: Evidence) -> Iterator[tuple[CheckResult, ...]]:
    """For each picture how dense its evidence is on the object; nothing at all where no masks were asked for."""
    if evidence.options.masks is None:
        return
    for case, group in zip(evidence.cases, evidence.explanations, strict=True):
        yield tuple(_judged(each, case.image) for each in group)


def _judged(explanation: Explanation, image: ImageInput) -> CheckResult:
    if explanation.result is None:
        return CheckResult(OBJECT, "degenerate", reason="reason.no_picture")
    mask, of = on_target(image.objects, explanation.target.name)
    if mask is None:
        return untested(OBJECT, "no_mask")
    area = float(mask.mean())
    if not 0 < area <= LARGEST:
        return untested(OBJECT, "object_everywhere" if area else "object_outside", area=area)
    heat = pixel_evidence(explanation.result)
    if not heat.any():
        return CheckResult(OBJECT, "degenerate", reason="reason.no_evidence")
    mass = share_inside(heat, mask)
    middle = centred_blob(mask.shape)
    state: State = "supported" if mass >= DENSER * area else "weak" if mass >= ALIKE * area else "indistinct"
    measures: dict[str, Scalar] = {
        "mass": mass,
        "area": area,
        "hit": _hits(smoothed(heat), mask),
        "middle_mass": share_inside(middle, mask),
        "middle_hit": _hits(middle, mask),
        "of": of,
    }
    return CheckResult(OBJECT, state, mass / area, DENSER, measures=measures)


def _hits(heat: NDArray[np.float64], mask: NDArray[np.bool_]) -> bool:
    """Whether the strongest pixel, of equal ones the first, lies on the object."""
    return bool(mask.ravel()[int(heat.argmax())])


CHECK = PictureCheck(OBJECT, judge, ("zhang2018", "arras2022"))
