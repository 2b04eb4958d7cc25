"""Which input size a reading of the convolutions fits, by arithmetic on the side of the maps."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from torch import nn

from reportgen.contracts import Weights
from reportgen.sources.family_layers import PADDING, POOLS, STRIDE, Answers, Read, Stretches, stretches
from reportgen.sources.family_reading import convolutions, since_last_convolution, tail, unfit
from reportgen.sources.family_rows import Rows

USUAL_SIDES: Final = (128, 224, 64, 256, 32, 96, 48, 160, 192, 112, 512, 299, 384, 320, 288, 144, 80, 100, 150, 200)
COMMON_SIDES: Final = (128, 224, 64, 256, 32)  # px; common enough to stand against another reading
SIDES: Final = range(8, 2049)  # px


@dataclass(frozen=True, eq=False)
class Fitting:
    """One reading of the convolutions that gives the first linear layer what it takes.

    choices: what was chosen for padding, stride and pools; side: of the input in px; last_pools: pools added behind
    the last layer with weights; rivals: other paddings under which a common side fits, with that side;
    pools: side by number of stages that close with a pool, this reading first, where no key tells that number.
    """

    layers: tuple[tuple[str, Read], ...]
    choices: dict[str, str]
    side: int
    usual: bool
    last_pools: int
    rivals: tuple[tuple[str, int], ...] = ()
    pools: Mapping[str, int] = field(default_factory=dict)

    @property
    def closed(self) -> str:
        """How many stages close with a pool, the last one among them."""
        return _closed(self.choices, self.last_pools)


def side_behind(layers: Sequence[tuple[str, Read]], side: int) -> int:
    """The side of the maps behind the layers, for square images of that side; 0 where nothing is left."""
    for _, layer in layers:
        match layer.module:
            case nn.Conv2d(kernel_size=(kernel, _), stride=(stride, _), padding=(int(padding), _)):
                side = (side + 2 * padding - kernel) // stride + 1
            case nn.MaxPool2d():
                side //= 2
        if side < 1:
            return 0
    return side


def input_sides(layers: Sequence[tuple[str, Read]], behind: int) -> tuple[int | None, int | None]:
    """The most usual side that gives maps of the side `behind`, and the smallest of all that does."""
    usual = next((side for side in USUAL_SIDES if side_behind(layers, side) == behind), None)
    exact = next((side for side in SIDES if side_behind(layers, side) == behind), None)
    return usual, exact


def fitting(weights: Weights, rows: Rows, answers: Answers, taken: int) -> Fitting:
    """The reading whose maps the first linear layer takes whole: the first with a usual side, else the first at all.

    A pool that halves the same maps once more fits an input twice as large, so a usual side decides, and where both are
    usual, that the last stage ends as all others do. Other paddings and strides than the usual ones need a side that is
    common, so that chance does not find one.
    """
    fits: list[Fitting] = []
    for choices in _choices(rows, answers):
        read = convolutions(weights, rows, {**answers, **choices})
        side = math.isqrt(taken // read.width)
        since = since_last_convolution(read.layers)
        for last_pools in _last_pools(read.found, choices, nn.MaxPool2d in since):
            if answers.get(POOLS, _closed(choices, last_pools)) != _closed(choices, last_pools):
                continue
            ending = tail(rows, read, ["last_pool"] * last_pools)
            if read.width * side**2 == taken and (ending or not rows.whole):
                layers = tuple(read.layers + ending)
                usual, exact = input_sides(layers, side)
                plain = (choices[PADDING], choices[STRIDE]) == ("same", "1") or PADDING in answers
                usual = usual if plain or usual in COMMON_SIDES else None
                if usual or (exact and plain):
                    fits.append(Fitting(layers, choices, usual or exact or 0, bool(usual), last_pools))
    if not fits:
        raise unfit(weights, taken, convolutions(weights, rows, answers))
    best = next((fit for fit in fits if fit.usual), fits[0])
    others = [fit for fit in fits if fit.usual and fit.side in COMMON_SIDES]
    others = [fit for fit in others if _other_padding_only(fit, best)]
    pooled = [fit for fit in fits if fit.usual and fit.side in COMMON_SIDES and fit.choices[POOLS] != "0"]
    pooled = [fit for fit in pooled if {**fit.choices, POOLS: ""} == {**best.choices, POOLS: ""}]
    ends = Stretches(stretches(rows.features)).ends
    counts = {fit.closed: fit.side for fit in (best, *pooled)} if ends else {}
    return replace(best, rivals=tuple({fit.choices[PADDING]: fit.side for fit in others}.items()), pools=counts)


def _last_pools(found: Stretches, choices: dict[str, str], closed: bool) -> tuple[int, ...]:
    """How many pools may stand behind the last layer with weights: none where one does, or where strides halve."""
    if closed or choices[STRIDE] == "2" or int(choices[POOLS]) < len(found.ends):
        return (0,)
    return (1, 0)


def _closed(choices: dict[str, str], last_pools: int) -> str:
    """How many stages close with a pool, the last one among them."""
    return str(int(choices[POOLS]) + last_pools)


def _other_padding_only(fit: Fitting, best: Fitting) -> bool:
    """Whether they part in nothing else: two departures from the convention at once would find a side by chance."""
    alike = fit.last_pools == best.last_pools and {**fit.choices, PADDING: ""} == {**best.choices, PADDING: ""}
    return alike and fit.choices[PADDING] != best.choices[PADDING]


def _choices(rows: Rows, answers: Answers) -> Iterator[dict[str, str]]:
    """Padding, stride and number of pools at open ends, the more conventional first."""
    found = Stretches(stretches(rows.features), answers)
    ways = [("same", "1"), ("none", "1"), ("same", "2")]
    for padding, stride in ways:
        for pools in range(len(found.ends), -1, -1):
            if answers.get(PADDING, padding) == padding:
                yield {PADDING: padding, STRIDE: stride, POOLS: str(pools)}
