"""What one layer is, by the shapes of its tensors, and what stands in the places without any."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from torch import nn

from reportgen.errors import ArchitectureError
from reportgen.sources.family_places import Gap, Leaves, Place, between, dotted

NORM_LEAVES: Final = frozenset({"weight", "bias", "running_mean", "running_var", "num_batches_tracked"})
FAMILY: Final = "convolutions of 1x1 to 7x7, batch-norms and 2x2 max pools in one row, then linear layers"
WAYS_OUT: Final = (
    "Name the architecture: --arch food11 for the course's own network, torchvision:NAME or timm:NAME for one of "
    "theirs, or --arch file.py:Class for a class in a file; one of transformers is given as its folder"
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

Answers = Mapping[str, str]
PADDING: Final = "padding"
STRIDE: Final = "stride"
POOLS: Final = "pools"  # how many stages close with one, counted from the first; of those that have an open end
AT_ENDS: Final = "at_ends"  # whether an activation stands at the end of stages
SQUARES: Final = tuple((side, side) for side in (1, 3, 5, 7))


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
    free: places without weights, None behind the last convolution, where the numbering tells nothing; end: the stage
    that closes here, where its numbering does not tell what it closes with; least: layers that must stand there.
    """

    kind: str
    normed: bool = False
    active: bool = False
    free: int | None = 0
    end: str = ""
    least: int = 0

    @property
    def question(self) -> str:
        """Under which name it is asked what stands in such a stretch."""
        return f"behind-{self.kind}{'-normed' if self.normed else ''}-{self.free}"

    @property
    def bare(self) -> bool:
        """Whether it is a 1x1 convolution alone, behind which separable ones often have no activation."""
        return self.kind == "pointwise" and not self.normed and not self.active


@dataclass(frozen=True)
class Stretches:
    """All stretches of a network. answers: what was settled about them, by question."""

    items: tuple[Stretch, ...]
    answers: Answers = field(default_factory=dict)

    def fill(self, place: int) -> list[str]:
        """The kinds of the layers without weights behind a convolution, in order; more than are free.

        Separable convolutions often have no activation behind the 1x1 one. Where the numbering shows that for some,
        or an end was read so, it is taken for all.
        """
        stretch = self.items[place]
        idle = stretch.kind == "pointwise" and any(self._idle(other, stretch) for other in self.items)
        layers = ["pool", "dropout"] if idle or stretch.active else ["activation", "pool", "dropout"]
        match self.answers.get(stretch.question):
            case "a pool":
                layers = ["pool"]
            case "activation and dropout":
                layers = ["activation", "dropout"]
        return layers

    def _idle(self, other: Stretch, like: Stretch) -> bool:
        alike = (other.kind, other.normed, other.active) == (like.kind, like.normed, False)
        return alike and ((other.free == 0 and not other.end) or (other.bare and bool(other.end) and not self._at_ends))

    @property
    def _at_ends(self) -> bool:
        return self.answers.get(AT_ENDS) == "yes"

    @property
    def ends(self) -> tuple[Stretch, ...]:
        """The open ends, first to last."""
        return tuple(stretch for stretch in self.items if stretch.end)

    def ending(self, place: int, free: Sequence[str]) -> list[str]:
        """The layers that close an open end. free: what the stretch still offers."""
        stretch = self.items[place]
        kinds = ["activation"] if "activation" in free else []
        kinds += ["pool"] if self.ends.index(stretch) < int(self.answers.get(POOLS, 0)) else []
        return kinds if len(kinds) >= stretch.least else ["activation", "pool", "dropout"][: stretch.least]

    def questions(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What may as well stand in a stretch, the conventional reading first."""
        if self.ends:
            yield POOLS, tuple(map(str, range(len(self.ends) + 1)))
        if any(stretch.bare for stretch in self.ends):
            yield AT_ENDS, ("no", "yes")
        for place, stretch in enumerate(self.items):
            if not stretch.end and self.fill(place)[0] == "activation" and stretch.free == 1:
                yield stretch.question, ("an activation", "a pool")
            if not stretch.end and self.fill(place)[0] == "activation" and stretch.free == 2:
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
        return "convolution" if weight.shape[2:] in SQUARES else ""
    if weight.dim() == 2:
        return "linear"
    return "prelu" if weight.dim() == 1 and "bias" not in leaves else ""


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


def with_weights(leaves: Leaves, before: int | None, dimensions: int, answers: Answers) -> Read:
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
    padding = 0 if answers.get(PADDING) == "none" else kernel // 2
    stride = 2 if kernel > 1 and answers.get(STRIDE) == "2" else 1
    return Read(nn.Conv2d(takes, gives, kernel, stride, padding, groups=groups, bias=bias))


def without_weights(kind: str, answers: Answers) -> Read:
    """The layer for a place that no key stands for."""
    if kind == "activation":
        return Read(ACTIVATIONS[answers.get(ACTIVATION, "ReLU")](), ACTIVATION, inferred=True)
    return Read(WEIGHTLESS[kind](), kind, inferred=True)


def stretches(places: Sequence[Place]) -> tuple[Stretch, ...]:
    """The stretches behind each convolution."""
    found: list[Stretch] = []
    before: Place | None = None
    for here in places:
        kind, gap = kind_of(here.leaves), between(before, here)
        if found and before:
            last = found[-1]
            if gap.open and kind == "convolution":
                name = dotted(before.part, before.path[:-1]) or before.name
                last = replace(last, end=name, least=len(gap.slots))
            else:
                last = replace(last, free=(last.free or 0) + len(gap.slots))
            normed, active = last.normed or kind == "norm", last.active or kind == "prelu"
            found[-1] = last if kind == "convolution" else replace(last, normed=normed, active=active)
        if kind == "convolution":
            weight = here.leaves["weight"]
            depthwise = weight.shape[1] == 1 and bool(found)
            found.append(Stretch("pointwise" if weight.shape[2] == 1 else "depthwise" if depthwise else "full"))
        before = here
    return (*found[:-1], replace(found[-1], free=None)) if found else ()


def fill_gap(gap: Gap, free: list[str], answers: Answers, file: str) -> list[tuple[str, Read]]:
    """Layers for the places that the numbering leaves free, from what `free` still offers, which is used up.

    Raises ArchitectureError where nothing usual is left.
    """
    count = len(gap.slots)
    if count > len(free):
        missing = f"{count} layers without weights at {gap.slots[0]} to {gap.slots[-1]}"
        missing = missing if count > 1 else f"layer without weights at {gap.slots[0]}"
        why = f"nothing usual fits the {missing}, where the course's family has {FAMILY}"
        raise ArchitectureError("E-ARCH-FAMILY", file, why, WAYS_OUT)
    return named(gap, [free.pop(0) for _ in range(count)], answers)


def named(gap: Gap, kinds: Sequence[str], answers: Answers) -> list[tuple[str, Read]]:
    """Layers of those kinds with the names that the gap has for them."""
    return [(name, without_weights(kind, answers)) for name, kind in zip(gap.names(kinds), kinds, strict=True)]


def marked_idle(layers: list[tuple[str, Read]], free: Sequence[str], whole: Sequence[str]) -> list[tuple[str, Read]]:
    """The layers, the last one marked where nothing at all stands between two layers of the same kind."""
    if list(free) != list(whole) or whole[:1] != ["activation"]:
        return layers
    name, last = layers[-1]
    return [*layers[:-1], (name, replace(last, assumption="no_activation"))]
