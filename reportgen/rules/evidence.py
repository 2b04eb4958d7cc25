"""Rules on where the evidence lies: in the border, in one place of all images, and whether two methods agree."""

from collections import Counter
from statistics import median

from reportgen.panels import Found, agreement
from reportgen.phrasing import SAME_PLACE_LEAST
from reportgen.rules.rule import FLAG, Evidence, Measured, NotTested, Rule, Seen, named, predicted


def saliency_border(evidence: Evidence) -> Measured | NotTested:
    """How dense saliency is in the border, times what it is on average; the median image."""
    items = predicted(evidence.run, "saliency")
    if not items:
        return NotTested("untested.saliency")
    images = tuple(named(item, item.measure("border") / item.measure("border_area"), "border") for item in items)
    keys = tuple(key for item in items for key in item.keys("border", "border_area"))
    return Measured(median(seen.value for seen in images), keys, images)


def lime_same_place(evidence: Evidence) -> Measured | NotTested:
    """The largest share of images whose heaviest region lies in the same place; the middle does not count."""
    return _same_place(predicted(evidence.run, "lime"), "untested.lime")


def saliency_same_place(evidence: Evidence) -> Measured | NotTested:
    """The same for the centre of gravity of saliency."""
    return _same_place(predicted(evidence.run, "saliency"), "untested.saliency")


def _same_place(items: tuple[Found, ...], without: str) -> Measured | NotTested:
    if not items:
        return NotTested(without)
    if len(items) < SAME_PLACE_LEAST:
        return NotTested("untested.few")
    places = [str(item.explanation.measures["place"]) for item in items]
    (common, times), *_ = [*Counter(each for each in places if each != "centre").most_common(1), ("centre", 0)]
    images = tuple(
        named(item, float(times > 0 and where == common), "place") for item, where in zip(items, places, strict=True)
    )
    keys = tuple(key for item in items for key in item.keys("place"))
    return Measured(times / len(items), keys, images, FLAG, {"place": common, "n": times, "total": len(items)})


def methods_agree(evidence: Evidence) -> Measured | NotTested:
    """How dense saliency is in the regions that LIME finds supportive, times its average; the median image."""
    measured = [(i, subject, agreement(subject)) for i, subject in enumerate(evidence.run.subjects)]
    images = tuple(
        Seen(subject.image.name, facts["agreement_density"], f"images[{i}].measures.agreement_density")
        for i, subject, facts in measured
        if facts
    )
    if not images:
        return NotTested("untested.both")
    keys = ("summary.agreement_density_median", "summary.agreement_images")
    return Measured(median(seen.value for seen in images), keys, images)


RULES = (
    Rule("saliency_border", "evidence", "at_most", "number", saliency_border),
    Rule("lime_same_place", "evidence", "below", "share", lime_same_place),
    Rule("saliency_same_place", "evidence", "below", "share", saliency_same_place),
    Rule("methods_agree", "evidence", "at_least", "number", methods_agree),
)
