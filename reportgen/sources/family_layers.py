"""What one place of a Sequential is, by the shapes of its tensors, and what stands in the places without any."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from torch import Tensor, nn

from reportgen.errors import ArchitectureError

NORM_LEAVES: Final = frozenset({"weight", "bias", "running_mean", "running_var", "num_batches_tracked"})
FAMILY: Final = "one Sequential of 3x3 and 1x1 convolutions, batch-norms and 2x2 max pools, then one of linear layers"
WAYS_OUT: Final = (
    "Name the architecture: --arch food11 for the course's own network, torchvision:NAME or timm:NAME for theirs, "
    "or --arch file.py:Class for a class in a file"
)
ACTIVATION: Final = "activation"  # the question that all activations without weights share
# The conventional one first. A slope is no matter of taste: the batch-norm fit tells 0.01 from 0.1.
ACTIVATIONS: Final[Mapping[str, Callable[[], nn.Module]]] = {
    "ReLU": nn.ReLU,
    "ReLU6": nn.ReLU6,
    "LeakyReLU 0.01": lambda: nn.LeakyReLU(0.01),
    "LeakyReLU 0.1": lambda: nn.LeakyReLU(0.1),
    "LeakyReLU 0.2": lambda: nn.LeakyReLU(0.2),
    "none": nn.Identity,
}
WEIGHTLESS: Final[Mapping[str, Callable[[], nn.Module]]] = {
    "pool": lambda: nn.MaxPool2d(2),
    "last_pool": lambda: nn.MaxPool2d(2),
    "global_pool": lambda: nn.AdaptiveAvgPool2d(1),
    "dropout": nn.Dropout,
    "flatten": nn.Flatten,
}

Leaves = Mapping[str, Tensor]
Part = Mapping[int, Leaves]  # place in a Sequential -> its tensors, in order
Answers = Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Read:
    """One layer as read: the module, and the key of the sentence on what was assumed about it."""

    module: nn.Module
    assumption: str = ""
    inferred: bool = False


@dataclass(frozen=True)
class Stretch:
    """What stands from one convolution up to the next one.

    kind: "full", "depthwise" or "pointwise"; normed: a batch-norm follows; active: an activation with weights does;
    free: places without weights, None behind the last convolution, where the numbering tells nothing.
    """

    kind: str
    normed: bool
    active: bool
    free: int | None

    @property
    def question(self) -> str:
        """Under which name it is asked what stands in such a stretch."""
        return f"after {self.kind} convolutions{' and batch-norm' if self.normed else ''} ({self.free} free)"


@dataclass(frozen=True)
class Stretches:
    """All stretches of a network. answers: what was settled about them, by question."""

    items: tuple[Stretch, ...]
    answers: Answers = field(default_factory=dict)

    def fill(self, place: int) -> list[str]:
        """The kinds of the layers without weights behind a convolution, in order; more than are free.

        Separable convolutions often have no activation behind the 1x1 one. Where the numbering shows that for some,
        it is taken for all.
        """
        stretch = self.items[place]
        idle = stretch.kind == "pointwise" and any(
            other.free == 0 and (other.kind, other.normed, other.active) == (stretch.kind, stretch.normed, False)
            for other in self.items
        )
        layers = ["pool", "dropout"] if idle or stretch.active else ["activation", "pool", "dropout"]
        match self.answers.get(stretch.question):
            case "a pool":
                layers = ["pool"]
            case "activation and dropout":
                layers = ["activation", "dropout"]
        return layers

    def questions(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What may as well stand in a stretch, the conventional reading first."""
        for place, stretch in enumerate(self.items):
            if self.fill(place)[0] == "activation" and stretch.free == 1:
                yield stretch.question, ("an activation", "a pool")
            if self.fill(place)[0] == "activation" and stretch.free == 2:
                yield stretch.question, ("activation and pool", "activation and dropout")


def kind_of(leaves: Leaves) -> str:
    """convolution, linear, norm or prelu; empty for any other layer."""
    weight = leaves.get("weight")
    if leaves.keys() <= NORM_LEAVES and {"running_mean", "running_var"} <= leaves.keys():
        lengths = {tensor.shape for name, tensor in leaves.items() if name != "num_batches_tracked"}
        return "norm" if len(lengths) == 1 and leaves["running_mean"].dim() == 1 else ""
    if weight is None or not leaves.keys() <= {"weight", "bias"} or not weight.numel():
        return ""
    if "bias" in leaves and leaves["bias"].shape != weight.shape[:1]:
        return ""
    if weight.dim() == 4:
        return "convolution" if weight.shape[2:] in ((3, 3), (1, 1)) else ""
    return {1: "" if "bias" in leaves else "prelu", 2: "linear"}.get(weight.dim(), "")


def widths(leaves: Leaves, before: int | None) -> tuple[int, int]:
    """How many channels a layer of the family takes and gives. before: those it is given, None where not known."""
    kind = kind_of(leaves)
    if kind == "norm":
        return (len(leaves["running_mean"]),) * 2
    weight = leaves["weight"]
    if kind == "prelu":
        width = before if before and len(weight) == 1 else len(weight)
        return width, width
    gives, takes = weight.shape[:2]
    if kind == "convolution" and takes == 1 and before and gives % before == 0:
        return before, gives  # depth-wise: each filter sees one channel
    return takes, gives


def with_weights(leaves: Leaves, before: int | None, dimensions: int) -> Read:
    """The layer that the tensors stand for. dimensions: 2 among convolutions, 1 among linear layers."""
    bias = "bias" in leaves
    match kind_of(leaves):
        case "norm":
            norm = nn.BatchNorm2d if dimensions == 2 else nn.BatchNorm1d
            return Read(norm(len(leaves["running_mean"]), affine="weight" in leaves))
        case "prelu":
            return Read(nn.PReLU(len(leaves["weight"])))
        case "linear":
            given, taken = leaves["weight"].shape
            return Read(nn.Linear(taken, given, bias=bias))
    takes, gives = widths(leaves, before)
    kernel = leaves["weight"].shape[2]
    groups = takes // leaves["weight"].shape[1]
    return Read(nn.Conv2d(takes, gives, kernel, padding=kernel // 2, groups=groups, bias=bias))


def without_weights(kind: str, answers: Answers) -> Read:
    """The layer for a place that no key stands for."""
    if kind == "activation":
        return Read(ACTIVATIONS[answers.get(ACTIVATION, "ReLU")](), ACTIVATION, inferred=True)
    return Read(WEIGHTLESS[kind](), kind, inferred=True)


def stretches(part: Part) -> tuple[Stretch, ...]:
    """The stretches behind each convolution of a Sequential."""
    found: list[Stretch] = []
    last: int | None = None  # the latest place with weights
    for index, leaves in part.items():
        kind = kind_of(leaves)
        if found and last is not None:
            found[-1] = replace(found[-1], free=(found[-1].free or 0) + index - last - 1)
        if found and kind in ("norm", "prelu"):
            key = "normed" if kind == "norm" else "active"
            found[-1] = replace(
                found[-1], normed=found[-1].normed or key == "normed", active=found[-1].active or key == "active"
            )
        elif kind == "convolution":
            weight = leaves["weight"]
            pointwise = weight.shape[2] == 1
            depthwise = weight.shape[1] == 1 and bool(found)
            found.append(Stretch("pointwise" if pointwise else "depthwise" if depthwise else "full", False, False, 0))
        last = index
    return (*found[:-1], replace(found[-1], free=None)) if found else ()


def fill_gap(layers: list[Read], index: int, free: list[str], answers: Answers, where: tuple[str, str]) -> list[Read]:
    """The layers with the places up to `index` filled by what `free` still offers, which is used up.

    where: the checkpoint's file and the Sequential's name. Raises ArchitectureError where nothing usual is left.
    """
    gap = index - len(layers)
    if gap > len(free):
        file, name = where
        missing = f"{gap} layers without weights at {name}.{len(layers)} to {name}.{index - 1}"
        missing = missing if gap > 1 else f"layer without weights at {name}.{len(layers)}"
        why = f"nothing usual fits the {missing}, where the course's family has {FAMILY}"
        raise ArchitectureError("E-ARCH-FAMILY", file, why, WAYS_OUT)
    return layers + [without_weights(free.pop(0), answers) for _ in range(gap)]


def marked_idle(layers: list[Read], free: Sequence[str], whole: Sequence[str]) -> list[Read]:
    """The layers, the last one marked where nothing at all stands between two layers of the same kind."""
    idle = list(free) == list(whole) and whole[:1] == ["activation"]
    return [*layers[:-1], replace(layers[-1], assumption="no_activation")] if idle else layers
