"""The best classes of one image with their probabilities, as bars."""

from typing import Literal

from reportgen.document import Bar, Bars
from reportgen.heads import Kind
from reportgen.language import Words
from reportgen.phrasing import percent, shown_name
from reportgen.results import Prediction, RankedClass

BARS = 3
Tone = Literal["predicted", "label", "both", "other"]


def bars(words: Words, prediction: Prediction, kind: Kind) -> Bars:
    """The best classes, and the label's wherever it comes. kind: whether they exclude each other."""
    label = prediction.label
    shown = list(prediction.top[:BARS])
    if label and label.index not in [each.index for each in shown]:
        shown.append(label)
    return Bars(
        words("card.bars" if kind == "softmax" else "card.bars_own"),
        tuple(
            Bar(
                shown_name(each.name),
                each.probability,
                percent(each.probability),
                _tone(prediction, each),
            )
            for each in shown
        ),
    )


def _tone(prediction: Prediction, each: RankedClass) -> Tone:
    predicted = each.index == prediction.first.index
    labelled = prediction.label is not None and each.index == prediction.label.index
    if predicted:
        return "both" if labelled else "predicted"
    return "label" if labelled else "other"
