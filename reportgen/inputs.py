"""What a network is fed, and what its batch-norms say of that."""

from dataclasses import dataclass, field
from typing import Final, Literal

from reportgen.arrays import NO_FACTS, Facts, lock_facts

Order = Literal["rgb", "bgr", "grey"]
UNDEFINED: Final = 1e30  # nats; stands for a distance that is not defined


@dataclass(frozen=True)
class InputCandidate:
    """A way to feed photographs, and how far the first batch-norm's input then is from what it stores, in nats."""

    channel_order: Order
    normalisation: str  # key of [normalisation]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    divergence: float = 0.0


@dataclass(frozen=True)
class InputEvidence:
    """What the first batch-norm says of the input. candidates: nearest first; chosen: the best with the order settled.

    order, normalisation: how sure each is; the shares are those of resampled sets of photographs that agree.
    """

    candidates: tuple[InputCandidate, ...]
    chosen: InputCandidate
    images: int
    order: Literal["clear", "weak", "none"]
    order_share: float
    normalisation: Literal["clear", "weak", "none"]
    normalisation_share: float


@dataclass(frozen=True)
class Finding:
    """What batch-norms said of one point that the weights leave open.

    distances: (answer, distance in nats) of the answers that could be tried, nearest first; share: of resampled sets of
    photographs in which the nearest one wins; layers: batch-norms asked; sure: "none" where convention decides.
    """

    question: str
    answer: str
    sure: Literal["clear", "weak", "none"]
    distances: tuple[tuple[str, float], ...]
    share: float
    layers: int


@dataclass(frozen=True)
class InputSpec:
    """What the network is fed. Pixels are RGB in [0, 1]; `mean` and `std` are per channel in the order fed.

    resize: "squash" to the size, or "crop": the shape is kept and the middle cut out; crop: the share of the shorter
    side that is kept of either.
    """

    size: tuple[int, int]  # height, width
    channel_order: Order = "rgb"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    # field -> "option" | "network" | "config" | "checkpoint" | "batch-norm" | "default"
    chosen_by: Facts = field(default_factory=lambda: NO_FACTS)
    resize: Literal["squash", "crop"] = "squash"
    crop: float = 1.0
    evidence: InputEvidence | None = None

    def __post_init__(self) -> None:
        """Lock the facts."""
        lock_facts(self, "chosen_by")
