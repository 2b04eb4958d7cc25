"""What another seed would change in a map: the likeness below which two maps are called different.

A method without chance differs by rounding alone. Of LIME its own intervals tell, widened, for two seeds differ by more
than they say; docs/compare.md has the measurements behind every number here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from reportgen.changes import Floor
from reportgen.measures import Likeness, redrawn
from reportgen.randomness import stream
from reportgen.results import Explanation, RegionWeights
from reportgen.verdicts import STABILITY

SEED: Final = 0  # of the draws: the same two reports always give the same comparison
EXACT: Final = frozenset(
    {
        "gradcam",
        "guided_backprop",
        "input_x_gradient",
        "integrated_gradients",
        "occlusion",
        "saliency",
        "saliency_hw5",
    }
)
ROUNDING: Final = Likeness(0.99, 0.98)
MEASURED: Final[Mapping[str, Likeness]] = MappingProxyType(
    {"lime": Likeness(0.2, 0.55), "lime_hw5": Likeness(0.5, 0.7), "smoothgrad": Likeness(0.8, 0.65)}
)


def floor_of(base: Explanation, new: Explanation, sha256: str) -> Floor | None:
    """The floor of two explanations by one method of one image; None where nothing is known of the method."""
    method = base.method
    if method in EXACT:
        return Floor(ROUNDING.rank, ROUNDING.overlap, "rounding")
    if method in MEASURED:
        known = MEASURED[method]
        if drawn := _by_intervals(base, new, sha256):
            return Floor(min(drawn.rank, known.rank), min(drawn.overlap, known.overlap), "intervals")
        return Floor(known.rank, known.overlap, "measured")
    stable = [_stability(each) for each in (base, new)]
    if None in stable:
        return None
    return Floor(min(each for each in stable if each is not None), 0.0, "stability")


def _by_intervals(base: Explanation, new: Explanation, sha256: str) -> Likeness | None:
    results = base.result, new.result
    if not all(isinstance(each, RegionWeights) and each.margins is not None for each in results):
        return None
    one, other = (each for each in results if isinstance(each, RegionWeights))
    return redrawn(one, other, stream(SEED, "compare", base.method, sha256, str(base.target.index)))


def _stability(explanation: Explanation) -> float | None:
    """What the check says of the likeness under another seed; None where it was not made."""
    check = explanation.verdict.check(STABILITY) if explanation.verdict else None
    return check.value if check else None
