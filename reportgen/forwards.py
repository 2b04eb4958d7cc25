"""How the forward passes behind perturbed images ran, beside the float32 network that everything else asks."""

from dataclasses import dataclass
from typing import Literal

Precision = Literal["float32", "tf32", "bfloat16"]
Layout = Literal["contiguous", "channels_last"]
# "none": no batch-norms; "hooks": a trace would pass by the caller's hooks; "untraceable": torch.fx cannot follow the
# network; "unpaired": no batch-norm follows a convolution alone; "differs": folded, it answers something else.
Folding = Literal["folded", "none", "hooks", "untraceable", "unpaired", "differs", "uncopied"]


@dataclass(frozen=True)
class ForwardFacts:
    """What was kept of the fast path, each step judged on the same probe images.

    copied: whether a copy of the network answers, or, where it cannot be copied or fails on the probes, it itself;
    folded: batch-norms folded into the layer before them, of `batch_norms`; distance: the largest absolute difference
    of a class probability from the network as given in float32, over all probes; rejected: a lower precision that
    this device computes fast and that was not taken, and its own distance: up to `limit` it would have been taken (None
    where it gave no finite answers); probes: number of probe images, 0 where none could be answered.
    """

    copied: bool = False
    folding: Folding = "uncopied"
    folded: int = 0
    batch_norms: int = 0
    layout: Layout = "contiguous"
    precision: Precision = "float32"
    asked: bool = False  # the precision was asked for, and not chosen
    distance: float = 0.0
    limit: float = 0.0
    rejected: Precision | None = None
    rejected_distance: float | None = None
    probes: int = 0
