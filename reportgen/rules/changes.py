"""Rules on two reports: what may change from one checkpoint to the next."""

from collections import Counter
from collections.abc import Callable
from statistics import median

from reportgen.changes import Comparison, MapChange
from reportgen.phrasing import SAME_PLACE_LEAST
from reportgen.results import Facts
from reportgen.rules.rule import FLAG, Measured, NotTested, Rule, Seen, share

GROUP = "compare"
FAR = 0.5  # overlap of the strongest parts, below which the evidence lies elsewhere
DECIMALS = 6  # of a probability
Entries = tuple[tuple[int, int, MapChange], ...]  # position of the image and of the map in comparison.json


def images_matched(comparison: Comparison) -> Measured | NotTested:
    """Share of the first report's images that the second has, too."""
    total = len(comparison.images) + len(comparison.only_base)
    missing = tuple(Seen(name, 0.0, f"only_base[{n}]") for n, name in enumerate(comparison.only_base))
    return Measured(len(comparison.images) / total, ("summary.images", "summary.only_base"), missing, FLAG)


def flipped(comparison: Comparison) -> Measured | NotTested:
    """Share of the images that are answered with another class, where that is not the label's."""
    images = tuple(
        Seen(image.base.image.name, float(image.flipped and not image.new.prediction.right), f"images[{n}].flipped")
        for n, image in enumerate(comparison.images)
    )
    return Measured(share(images), ("images",), images, FLAG, {"n": _flagged(images), "total": len(images)})


def accuracy_drop(comparison: Comparison) -> Measured | NotTested:
    """By how much fewer of the labelled images are answered as labelled, as a share of them."""
    summary = comparison.summary()
    if not summary.get("labelled"):
        return NotTested("untested.labels")
    before, after = float(summary["accuracy_base"]), float(summary["accuracy_new"])
    return Measured(before - after, ("summary.accuracy_base", "summary.accuracy_new"))


def confidence_drop(comparison: Comparison) -> Measured | NotTested:
    """By how much the probability of the class that the first network answers falls; the median image."""
    images = tuple(
        Seen(image.base.image.name, image.confidence[0] - image.confidence[1], f"images[{n}].confidence")
        for n, image in enumerate(comparison.images)
    )
    fall = round(median(each.value for each in images), DECIMALS) + 0.0  # what rounding leaves of nothing is nothing
    return Measured(fall, ("summary.confidence_change_median",), images)


def maps_moved(comparison: Comparison) -> Measured | NotTested:
    """Share of the maps whose strongest parts have less than half in common, beyond what another seed gives."""
    told = tuple(entry for entry in _entries(comparison) if entry[2].state in ("moved", "same"))
    if not told:
        return NotTested("untested.maps")
    images = tuple(
        Seen(
            comparison.images[i].base.image.name,
            float(each.state == "moved" and (each.overlap or 0.0) < FAR),
            f"images[{i}].maps[{j}].overlap",
        )
        for i, j, each in told
    )
    return Measured(share(images), ("images",), images, FLAG, {"n": _flagged(images), "total": len(images)})


def _gathered(method: str, without: str) -> Callable[[Comparison], Measured | NotTested]:
    """The largest share of images whose evidence has moved into the same place, out of another one."""

    def measure(comparison: Comparison) -> Measured | NotTested:
        told = [entry for entry in _entries(comparison) if entry[2].method == method and _counts(entry[2])]
        if not told:
            return NotTested(without)
        if len(told) < SAME_PLACE_LEAST:
            return NotTested("untested.few")
        places = [_arrived(each) for *_, each in told]
        (common, times), *_ = [*Counter(place for place in places if place).most_common(1), ("centre", 0)]
        images = tuple(
            Seen(comparison.images[i].base.image.name, float(times > 0 and place == common), f"images[{i}].maps[{j}]")
            for (i, j, _), place in zip(told, places, strict=True)
        )
        facts: Facts = {"place": common, "n": times, "total": len(told)}
        return Measured(times / len(told), tuple(each.key for each in images), images, FLAG, facts)

    return measure


def _arrived(change: MapChange) -> str:
    """Where the evidence has come to lie; empty where it has not moved far, or into the middle."""
    far = change.state == "moved" and (change.overlap or 0.0) < FAR
    return change.places[1] if far and change.places[1] != "centre" else ""


def border_grew(comparison: Comparison) -> Measured | NotTested:
    """How dense saliency is in the border, times what it was; the median image."""
    images = tuple(
        Seen(comparison.images[i].base.image.name, _border(each), f"images[{i}].maps[{j}]")
        for i, j, each in _entries(comparison)
        if each.method == "saliency" and each.rank is not None and each.base.measures.get("border")
    )
    if not images:
        return NotTested("untested.saliency")
    return Measured(median(each.value for each in images), tuple(each.key for each in images), images)


def _border(change: MapChange) -> float:
    return float(change.new.measures["border"]) / float(change.base.measures["border"])


def verdicts_lost(comparison: Comparison) -> Measured | NotTested:
    """Share of the pictures whose verdict became a worse one, of those judged in both reports."""
    told = tuple(entry for entry in _entries(comparison) if all(entry[2].states))
    if not told:
        return NotTested("untested.verdicts")
    images = tuple(
        Seen(comparison.images[i].base.image.name, float(each.verdict == "lost"), f"images[{i}].maps[{j}].verdict")
        for i, j, each in told
    )
    keys = ("summary.verdicts_lost", "summary.verdicts")
    return Measured(share(images), keys, images, FLAG, {"n": _flagged(images), "total": len(images)})


def rules_lost(comparison: Comparison) -> Measured | NotTested:
    """Number of error rules that stop the second report and do not stop the first."""
    lost = [(n, each) for n, each in enumerate(comparison.rule_changes) if each.new.fails and not each.base.fails]
    keys = tuple(f"rule_changes[{n}].new" for n, _ in lost)
    return Measured(float(len(lost)), keys, facts={"rules": ", ".join(each.new.name for _, each in lost)})


def _entries(comparison: Comparison) -> Entries:
    return tuple((i, j, each) for i, image in enumerate(comparison.images) for j, each in enumerate(image.maps))


def _counts(change: MapChange) -> bool:
    """Whether it was compared, and is the one map of its image that counts, as in the rules on a single report."""
    return change.rank is not None and change.base.target.leads


def _flagged(images: tuple[Seen, ...]) -> int:
    return sum(each.value > FLAG for each in images)


RULES = (
    Rule("images_matched", GROUP, "at_least", "share", images_matched),
    Rule("flipped", GROUP, "at_most", "share", flipped),
    Rule("accuracy_drop", GROUP, "at_most", "share", accuracy_drop),
    Rule("confidence_drop", GROUP, "at_most", "share", confidence_drop),
    Rule("lime_gathered", GROUP, "below", "share", _gathered("lime", "untested.lime")),
    Rule("saliency_gathered", GROUP, "below", "share", _gathered("saliency", "untested.saliency")),
    Rule("maps_moved", GROUP, "at_most", "share", maps_moved),
    Rule("border_grew", GROUP, "at_most", "number", border_grew),
    Rule("verdicts_lost", GROUP, "at_most", "share", verdicts_lost),
    Rule("rules_lost", GROUP, "at_most", "number", rules_lost),
)
