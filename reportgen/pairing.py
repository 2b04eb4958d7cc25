"""Two runs laid side by side: images by what is in their files, maps by method and class. Free of torch."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from reportgen.changes import Comparison, ImageChange, MapChange, RuleChange
from reportgen.errors import InputRefused
from reportgen.heads import probabilities
from reportgen.measures import likeness
from reportgen.noise import floor_of
from reportgen.results import Explanation, RegionWeights, Run, Scalar, Subject
from reportgen.rules import Rulebook, judge, judge_changes

# Parameters that say how sure a map is, or follow from the network: the question to it is the same.
NOT_THE_QUESTION = frozenset({"form", "layer", "map_height", "map_width", "passes", "rectifiers", "samples", "steps"})
FED = ("size", "channel_order", "mean", "std", "resize")


def compared(base: Run, new: Run, book: Rulebook) -> Comparison:
    """What changed from the first run to the second, and what the rules say of it.

    Raises InputRefused where they have no image in common, or their classes differ.
    """
    if base.model.classes != new.model.classes:
        why = "the two reports are about networks with different classes"
        raise InputRefused("E-COMPARE-CLASSES", new.model.file, why, "Compare reports on the same classes")
    pairs, only_base, only_new = _matched(base.subjects, new.subjects)
    if not pairs:
        why = "no image is in both reports: they are matched by what is in the files, not by name"
        raise InputRefused("E-COMPARE-IMAGES", new.model.file, why, "Build both on the same --images")
    images = [_image_change(base, new, *pair) for pair in pairs]
    comparison = Comparison(
        base,
        new,
        tuple(sorted(images, key=_worst_first)),
        tuple(each.image.name for each in only_base),
        tuple(each.image.name for each in only_new),
        _settings(base, new),
        _rule_changes(base, new, book),
    )
    return replace(comparison, results=judge_changes(comparison, book))


def _matched(
    base: Sequence[Subject], new: Sequence[Subject]
) -> tuple[list[tuple[Subject, Subject]], list[Subject], list[Subject]]:
    """Pairs, and what only one of them has. A file that is there twice is matched with its first likeness first."""
    waiting = dict(_counted(new))
    pairs, alone = [], []
    for key, subject in _counted(base):
        other = waiting.pop(key, None)
        if other is None:
            alone.append(subject)
        else:
            pairs.append((subject, other))
    return pairs, alone, list(waiting.values())


def _counted(subjects: Sequence[Subject]) -> Iterator[tuple[tuple[str, int], Subject]]:
    times: Counter[str] = Counter()
    for subject in subjects:
        yield (subject.image.sha256, times[subject.image.sha256]), subject
        times[subject.image.sha256] += 1


def _image_change(base: Run, new: Run, one: Subject, other: Subject) -> ImageChange:
    answered = one.prediction.first.index
    confidence = tuple(
        float(probabilities(subject.prediction.logits[None], run.model.head.kind)[0, answered])
        for run, subject in ((base, one), (new, other))
    )
    sized = one.image.pixels.shape == other.image.pixels.shape and np.allclose(one.image.pixels, other.image.pixels)
    maps = tuple(_map_change(before, after, one.image.sha256, sized) for before, after in _explained(one, other))
    return ImageChange(one, other, (confidence[0], confidence[1]), maps)


def _explained(one: Subject, other: Subject) -> Iterator[tuple[Explanation, Explanation]]:
    """Explanations of the same class by the same method; of different classes where there is no such pair."""
    for method in dict.fromkeys(each.method for each in one.explanations):
        befores = [each for each in one.explanations if each.method == method]
        afters = {each.target.index: each for each in other.explanations if each.method == method}
        both = [(each, afters[each.target.index]) for each in befores if each.target.index in afters]
        yield from both or list(zip(befores[:1], afters.values(), strict=False))


def _map_change(base: Explanation, new: Explanation, sha256: str, sized: bool) -> MapChange:
    about = (base.method, base.target, base, new)
    if reason := _cannot(base, new, sized):
        return MapChange(*about, "not_compared", reason=f"compare.reason_{reason}")
    assert base.result is not None
    assert new.result is not None
    alike, floor = likeness(base.result, new.result), floor_of(base, new, sha256)
    if floor is None:
        return MapChange(*about, "open", alike.rank, alike.overlap)
    moved = alike.rank < floor.rank or alike.overlap < floor.overlap
    return MapChange(*about, "moved" if moved else "same", alike.rank, alike.overlap, floor)


def _cannot(base: Explanation, new: Explanation, sized: bool) -> str:
    """Why two explanations cannot be compared; empty where they can."""
    if base.target.index != new.target.index:
        return "class"
    if base.result is None or new.result is None:
        return "missing"
    if not sized:
        return "input"
    same = {name for name, value in base.parameters.items() if new.parameters.get(name) == value}
    named = base.parameters.keys() | new.parameters.keys()
    if named - same - NOT_THE_QUESTION:
        return "settings"
    regions = [isinstance(each.result, RegionWeights) for each in (base, new)]
    return "settings" if regions[0] != regions[1] else ""


def _worst_first(image: ImageChange) -> tuple[float, ...]:
    """Newly wrong, then another answer, then verdicts lost, then how far the farthest map has moved."""
    lost = sum(each.verdict == "lost" for each in image.maps)
    nearest = min([(each.rank or 0.0) + (each.overlap or 0.0) for each in image.moved], default=2.0)
    worse = bool(image.base.prediction.right) and not image.new.prediction.right
    return -float(worse), -float(image.flipped), -float(lost), nearest, image.confidence[1] - image.confidence[0]


def _settings(base: Run, new: Run) -> Mapping[str, tuple[Scalar, Scalar]]:
    """What was set or fed otherwise."""
    says = [_said(run) for run in (base, new)]
    names = dict.fromkeys([*says[0], *says[1]])
    both = {name: (says[0].get(name, ""), says[1].get(name, "")) for name in names}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}


def _said(run: Run) -> dict[str, Scalar]:
    spec = run.model.input
    fed = {f"input.{name}": _text(getattr(spec, name)) for name in FED}
    made = {"device": run.provenance.device, "precision": run.provenance.precision, "profile": run.profile}
    return {**run.provenance.settings, **fed, **made}


def _text(value: object) -> str:
    return ", ".join(f"{part:g}" for part in value) if isinstance(value, tuple) else str(value)


def _rule_changes(base: Run, new: Run, book: Rulebook) -> tuple[RuleChange, ...]:
    """Rules on a report that say otherwise of the second; those on the size of files are left out."""
    both = zip(judge(base, book), judge(new, book), strict=True)
    return tuple(RuleChange(before, after) for before, after in both if before.outcome != after.outcome)
