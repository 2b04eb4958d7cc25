"""Rules on LIME: is the picture settled, does a linear model fit, does another fill or another cut say the same?"""

from collections.abc import Callable
from statistics import median

from reportgen.compose.lime_trust import AGREES, TELLING
from reportgen.panels import found
from reportgen.rules.rule import FLAG, Evidence, Measured, NotTested, Rule, named, predicted, share


def lime_settled(evidence: Evidence) -> Measured | NotTested:
    """Share of the explanations whose shown signs and order are beyond chance."""
    items = [item for item in found(evidence.run, "lime") if item.ok and "settled" in item.explanation.measures]
    if not items:
        return NotTested("untested.lime")
    images = tuple(named(item, float(bool(item.explanation.measures["settled"])), "settled") for item in items)
    return Measured(share(images), tuple(seen.key for seen in images), images, FLAG)


def lime_fit(evidence: Evidence) -> Measured | NotTested:
    """R² of LIME's linear model for the predicted class; the median image."""
    images = tuple(named(item, item.measure("r2"), "r2") for item in predicted(evidence.run, "lime"))
    if not images:
        return NotTested("untested.lime")
    return Measured(median(seen.value for seen in images), ("summary.lime_r2_median",), images)


def _disagreement(check: str) -> Callable[[Evidence], Measured | NotTested]:
    """The share of explanations that another fill or cut contradicts, of those where chance leaves room to tell.

    Of an image: what is missing to the highest correlation that chance allows.
    """

    def measure(evidence: Evidence) -> Measured | NotTested:
        asked = [item for item in found(evidence.run, "lime") if item.ok]
        tested = [item for item in asked if f"{check}_agreement" in item.explanation.measures]
        telling = [item for item in tested if item.measure(f"{check}_ceiling") >= TELLING]
        if not telling:
            return NotTested("untested.telling" if tested else "untested.second" if asked else "untested.lime")
        images = tuple(
            named(item, 1 - item.measure(f"{check}_agreement") / item.measure(f"{check}_ceiling"), f"{check}_agreement")
            for item in telling
        )
        keys = tuple(key for item in telling for key in item.keys(f"{check}_agreement", f"{check}_ceiling"))
        against = sum(seen.value > 1 - AGREES for seen in images)
        return Measured(against / len(images), keys, images, 1 - AGREES)

    return measure


RULES = (
    Rule("lime_settled", "lime", "at_least", "share", lime_settled),
    Rule("lime_fit", "lime", "at_least", "number", lime_fit),
    Rule("lime_fill", "lime", "at_most", "share", _disagreement("fill")),
    Rule("lime_segmentation", "lime", "at_most", "share", _disagreement("segmentation")),
)
