"""How the numbers a network ends with become probabilities, and how sure it is that they do."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["softmax", "sigmoid"]
End = Literal["logits", "log_softmax", "softmax", "sigmoid"]


@dataclass(frozen=True)
class Head:
    """The last step of a network.

    kind: classes exclude each other (softmax), or each has a probability of its own (sigmoid); ends: what the network
    itself gives, which is brought back to logits before anything is explained; chosen_by: who decided on the kind,
    "option", "config" or "default".
    """

    kind: Kind = "softmax"
    ends: End = "logits"
    chosen_by: str = "default"

    @property
    def score(self) -> Literal["logit", "log-probability"]:
        """What is explained of a class. The logarithm of a softmax knows its logits up to a shift only."""
        return "log-probability" if self.ends in ("softmax", "log_softmax") and self.kind == "softmax" else "logit"


def probabilities(logits: NDArray[np.floating[Any]], kind: Kind = "softmax") -> NDArray[np.float64]:
    """(N, K) -> (N, K) float64 in [0, 1]; with softmax each row adds up to 1; what is not finite: see both."""
    return softmax(logits) if kind == "softmax" else sigmoid(logits)


def softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """(N, K) -> (N, K) float64; a row that holds NaN or +inf, or nothing but -inf, becomes NaN."""
    with np.errstate(invalid="ignore"):
        shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
        exponentials = np.exp(shifted)
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def sigmoid(logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """(N, K) -> (N, K) float64, each number on its own, NaN stays NaN; exp sees no number above 0: no overflow."""
    small = np.exp(-np.abs(logits.astype(np.float64)))
    return np.asarray(np.where(logits >= 0, 1, small) / (1 + small))
