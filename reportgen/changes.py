"""What changed between two runs on the same images: frozen values, free of words and pictures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Literal

from reportgen.results import Explanation, Facts, Run, Scalar, Subject, Target
from reportgen.ruling import RuleResult
from reportgen.verdicts import SILENT, STATES, State, Verdict

MapState = Literal["moved", "same", "open", "not_compared"]
FloorSource = Literal["rounding", "intervals", "measured", "stability"]
VerdictChange = Literal["lost", "gained", "within_noise", "none"]
SLACK: Final = 0.1  # of the number that decides a verdict, below which a map that stays cannot change its verdict


@dataclass(frozen=True)
class Floor:
    """The likeness below which a map has moved, and where it is known from; `noise` says how."""

    rank: float
    overlap: float
    source: FloorSource


@dataclass(frozen=True, eq=False)
class MapChange:
    """One method's map of one class in both runs.

    state: "open" where it is not known what another seed gives; "not_compared" where `reason` (key of a sentence) says
    why; rank, overlap: as of measures.Likeness, None where not compared.
    """

    method: str
    target: Target
    base: Explanation
    new: Explanation
    state: MapState
    rank: float | None = None
    overlap: float | None = None
    floor: Floor | None = None
    reason: str = ""

    @property
    def places(self) -> tuple[str, str]:
        """Where the evidence lies, in both runs; empty where that was not measured."""
        return str(self.base.measures.get("place", "")), str(self.new.measures.get("place", ""))

    @property
    def verdict(self) -> VerdictChange:
        """Whether the verdict became a worse one; a small change of its number below a map that stays is noise."""
        before, after = self.base.verdict, self.new.verdict
        if before is None or after is None or before.state == after.state or {before.state, after.state} & SILENT:
            return "none"
        if self.state != "moved" and abs(_value(before) - _value(after)) < SLACK:
            return "within_noise"
        return "lost" if STATES.index(after.state) > STATES.index(before.state) else "gained"

    @property
    def states(self) -> tuple[State | None, State | None]:
        """The verdicts in both runs; None where nothing was checked."""
        return state_of(self.base.verdict), state_of(self.new.verdict)


def state_of(verdict: Verdict | None) -> State | None:
    """The verdict's state; None where nothing was checked."""
    return verdict.state if verdict else None


def _value(verdict: Verdict) -> float:
    value = verdict.deciding.value
    return 0.0 if value is None else value


@dataclass(frozen=True, eq=False)
class ImageChange:
    """One image in both runs. confidence: of the class that the first run predicts, in both runs."""

    base: Subject
    new: Subject
    confidence: tuple[float, float]
    maps: tuple[MapChange, ...]

    @property
    def flipped(self) -> bool:
        """Whether the answer is another class."""
        return self.base.prediction.first.index != self.new.prediction.first.index

    @property
    def moved(self) -> tuple[MapChange, ...]:
        """The maps that moved beyond chance, the farthest first."""
        found = [each for each in self.maps if each.state == "moved"]
        return tuple(sorted(found, key=lambda each: (each.rank or 0.0) + (each.overlap or 0.0)))

    @property
    def changed(self) -> bool:
        """Whether anything here is called a change."""
        verdicts = any(each.verdict in ("lost", "gained") for each in self.maps)
        return self.flipped or bool(self.moved) or verdicts


@dataclass(frozen=True)
class RuleChange:
    """A rule whose outcome is another one."""

    base: RuleResult
    new: RuleResult

    @property
    def lost(self) -> bool:
        """Whether it is newly broken."""
        return self.new.broken and not self.base.broken


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two runs on the same images. images: those in both, worst first; only_base, only_new: names of the others.

    settings: name -> what both runs say, where that differs; results: what the rules of comparison say.
    """

    base: Run
    new: Run
    images: tuple[ImageChange, ...]
    only_base: tuple[str, ...] = ()
    only_new: tuple[str, ...] = ()
    settings: Mapping[str, tuple[Scalar, Scalar]] = field(default_factory=dict)
    rule_changes: tuple[RuleChange, ...] = ()
    results: tuple[RuleResult, ...] = ()

    @property
    def maps(self) -> tuple[MapChange, ...]:
        """All maps of all images."""
        return tuple(each for image in self.images for each in image.maps)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that both runs have, in the order of the first."""
        return tuple(dict.fromkeys(each.method for image in self.images for each in image.maps))

    @property
    def unchanged(self) -> bool:
        """Whether nothing at all is called a change."""
        return not any(image.changed for image in self.images) and not self.rule_changes

    def summary(self) -> Facts:
        """The numbers over all images, flat; what is undefined is absent."""
        return {**_answers(self.images), **_verdicts(self.maps), **self._methods(), **self._rules()}

    def _rules(self) -> dict[str, Scalar]:
        lost = sum(each.lost for each in self.rule_changes)
        alone = {"only_base": len(self.only_base), "only_new": len(self.only_new)}
        return {**alone, "rules_lost": lost, "rules_other": len(self.rule_changes) - lost}

    def _methods(self) -> dict[str, Scalar]:
        numbers: dict[str, Scalar] = {}
        for method in self.methods:
            own = [each for each in self.maps if each.method == method]
            compared = [each for each in own if each.rank is not None and each.overlap is not None]
            numbers |= {f"{method}_compared": len(compared), f"{method}_left_out": len(own) - len(compared)}
            numbers |= {f"{method}_{state}": sum(each.state == state for each in own) for state in ("moved", "open")}
            if compared:
                numbers[f"{method}_rank_median"] = median(each.rank or 0.0 for each in compared)
                numbers[f"{method}_overlap_median"] = median(each.overlap or 0.0 for each in compared)
        return numbers


def _answers(images: tuple[ImageChange, ...]) -> dict[str, Scalar]:
    if not images:
        return {"images": 0}
    flipped = sum(image.flipped for image in images)
    changes = [image.confidence[1] - image.confidence[0] for image in images]
    numbers: dict[str, Scalar] = {
        "images": len(images),
        "flipped": flipped,
        "flipped_share": flipped / len(images),
        "changed": sum(image.changed for image in images),
        "confidence_change_median": median(changes),
        "confidence_change_largest": max(changes, key=abs),
    }
    right = [(image.base.prediction.right, image.new.prediction.right) for image in images]
    labelled = [(before, after) for before, after in right if before is not None and after is not None]
    if labelled:
        for name, each in zip(("base", "new"), zip(*labelled, strict=True), strict=True):
            numbers |= {f"right_{name}": sum(each), f"accuracy_{name}": sum(each) / len(labelled)}
    return numbers | {"labelled": len(labelled)}


def _verdicts(maps: tuple[MapChange, ...]) -> dict[str, Scalar]:
    both = [each for each in maps if each.base.verdict and each.new.verdict]
    changes = [each.verdict for each in both]
    return {"verdicts": len(both), **{f"verdicts_{name}": changes.count(name) for name in ("lost", "gained")}}
