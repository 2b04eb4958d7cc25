"""How many images a method or a check sends through the network: for what is said before a run, never for a report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reportgen.options import BuildOptions


@dataclass(frozen=True)
class Passes:
    """Images through the network. plain: for their answers; graded: for a gradient as well."""

    plain: int = 0
    graded: int = 0

    def __add__(self, other: "Passes") -> "Passes":
        return Passes(self.plain + other.plain, self.graded + other.graded)

    def __mul__(self, times: int) -> "Passes":
        return Passes(self.plain * times, self.graded * times)

    @property
    def all(self) -> int:
        """Of both kinds."""
        return self.plain + self.graded


NO_PASSES = Passes()


@dataclass(frozen=True, eq=False)
class Image:
    """What a method is asked about one image.

    size: (height, width) of the network's input; targets: classes explained.
    """

    options: BuildOptions
    size: tuple[int, int]
    targets: int


@dataclass(frozen=True, eq=False)
class Filters:
    """What a method is asked about filters. images: those of the run; layers: how many are shown."""

    options: BuildOptions
    images: int
    layers: int


@dataclass(frozen=True, eq=False)
class Judging:
    """What checks are asked about a run.

    images: how many; pictures: of all methods on all images; methods: name -> what each asks about an image; rough: the
    same of those that have a cheaper way.
    """

    options: BuildOptions
    images: int
    pictures: int
    methods: Mapping[str, Passes]
    rough: Mapping[str, Passes] = field(default_factory=dict)

    @property
    def again(self) -> Mapping[str, Passes]:
        """What each method asks about an image where its pictures are compared by rank only."""
        return {**self.methods, **self.rough}


OfImage = Callable[[Image], Passes]
OfFilters = Callable[[Filters], Passes]
OfJudging = Callable[[Judging], Passes]


def nothing(_: object) -> Passes:
    """Of what never asks the network."""
    return NO_PASSES
