"""Which layers with weights are the row of convolutions and which the row of linear layers, in which order."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from reportgen.contracts import Weights
from reportgen.errors import ArchitectureError
from reportgen.excerpts import dimensions, listed
from reportgen.sources.family_layers import FAMILY, WAYS_OUT, kind_of, widths
from reportgen.sources.family_places import Place

NUMBER: Final = re.compile(r"\d+$")

Parts = Mapping[str, tuple[Place, ...]]


@dataclass(frozen=True, eq=False)
class Rows:
    """Both rows. whole: they are one Sequential; separate: each layer is an attribute of its own."""

    features: tuple[Place, ...]
    head: tuple[Place, ...]
    whole: bool = False
    separate: bool = False


def two_rows(weights: Weights, parts: Parts) -> Rows:
    """The rows. Raises ArchitectureError where the attributes are others than those of the family."""
    kinds = {name: {kind_of(place.leaves) for place in part} - {"norm", "prelu"} for name, part in parts.items()}
    if set(parts) == {""} and kinds[""] == {"convolution", "linear"}:
        return _halves(parts[""])
    convolutions = [name for name, kind in kinds.items() if kind == {"convolution"}]
    linears = [name for name, kind in kinds.items() if kind == {"linear"}]
    bare = {name for name, part in parts.items() if not part[0].path}
    head = tuple(place for name in _by_number(linears) for place in parts[name])
    rest = [name for name, kind in kinds.items() if not kind]
    if len(convolutions) == 1 and convolutions[0] not in bare and not rest and _lone(linears, bare):
        return Rows(parts[convolutions[0]], head)
    if convolutions and linears and bare == set(parts):
        features = _with_norms(parts, _by_number(convolutions), rest)
        if features:
            return Rows(features, head, separate=True)
    raise ArchitectureError("E-ARCH-FAMILY", weights.file, _why(parts, kinds), WAYS_OUT)


def _lone(linears: Sequence[str], bare: set[str]) -> bool:
    """Whether they are one row: one Sequential, or attributes of their own."""
    return len(linears) == 1 or (len(linears) > 1 and set(linears) <= bare)


def _halves(part: tuple[Place, ...]) -> Rows:
    """Cut before the first linear layer; what cannot stand there is found when the widths are compared."""
    cut = next(n for n, place in enumerate(part) if kind_of(place.leaves) == "linear")
    return Rows(part[:cut], part[cut:], whole=True)


def _by_number(names: Sequence[str]) -> list[str]:
    """In the order of the numbers at their ends where all have one, else as in the file."""
    numbers = [NUMBER.search(name) for name in names]
    return sorted(names, key=lambda name: int(name[_start(name) :])) if all(numbers) else list(names)


def _start(name: str) -> int:
    found = NUMBER.search(name)
    return found.start() if found else len(name)


def _with_norms(parts: Parts, convolutions: Sequence[str], rest: Sequence[str]) -> tuple[Place, ...]:
    """The convolutions, each with the batch-norm of its number behind it; none where some do not pair."""
    row: list[Place] = []
    pending = {name[_start(name) :]: name for name in rest}
    paired = len(pending) == len(rest)
    for name in convolutions:
        row += parts[name]
        if own := pending.pop(name[_start(name) :], None):
            row += parts[own]
    return tuple(row) if paired and not pending else ()


def _why(parts: Parts, kinds: Mapping[str, set[str]]) -> str:
    """What is wrong with the attributes, as far as it has a name."""
    found = set().union(*kinds.values())
    if found == {"linear"}:
        return "it holds linear layers and no convolution, so it takes features of another network, not photographs"
    if sum("convolution" in kind for kind in kinds.values()) > 1:
        why = f"the weights lie under {listed(list(parts))}, and no key tells how forward() joins several parts"
        return f"{why}: in a row, past one another, or with strides"
    return f"the weights lie under {listed(list(parts))}, where the course's family has {FAMILY}"


def odd_keys(row: Sequence[Place]) -> list[str]:
    """Keys of layers that are none of the family, or do not take what the layer before gives."""
    odd = []
    width: int | None = None
    inside = {one.path for one, two in pairwise(row) if one.part == two.part and two.path[: len(one.path)] == one.path}
    for place in row:
        takes, gives = widths(place.leaves, width) if kind_of(place.leaves) else (None, None)
        apart = width is not None and takes != width and not _flat(row, place)
        if takes is None or apart or place.path in inside:
            odd += [f"{place.name}.{leaf} ({dimensions(tensor.shape)})" for leaf, tensor in place.leaves.items()]
        width = gives  # a layer that is none of the family may give any width: what follows is judged by its own
    return odd


def _flat(row: Sequence[Place], place: Place) -> bool:
    """Whether it is the first linear layer behind convolutions, which takes all their maps."""
    first = next((each for each in row if kind_of(each.leaves) == "linear"), None)
    return place is first and any(kind_of(each.leaves) == "convolution" for each in row)


def outside(weights: Weights, keys: Sequence[str]) -> ArchitectureError:
    """The refusal that names the first keys outside the family."""
    why = f"{len(keys)} of its {len(weights.tensors)} tensors do not belong to the course's family ({FAMILY}): "
    return ArchitectureError("E-ARCH-FAMILY", weights.file, why + listed(keys), WAYS_OUT)
