"""Patterns across images: what a shortcut, a dead end or a network that looks at textures gives away on page one.

And what one image adds to them: what the answer lives on, and what draws a wrong one away from the label.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from reportgen.compose import cues
from reportgen.document import Sentence
from reportgen.language import Words
from reportgen.measures import place_of
from reportgen.panels import Found, found, studied
from reportgen.phrasing import (
    DENSER,
    SAME_PLACE_LEAST,
    SAME_PLACE_SHARE,
    number,
    percent,
    place,
    placed,
    points,
    said,
    same_place,
    shown_name,
)
from reportgen.results import RegionWeights, Run, Scalar, Subject

Numbers = dict[str, Scalar]

DECISIVE = 0.5  # of the probability, which a filter's absence takes from the answers on average
EVERY = 6  # images from which one answer for all of them is no chance


def numbers(run: Run) -> Numbers:
    """The patterns as numbers, for `summary` in report.json; what was not found or not measured is absent."""
    patterns = (_same_place, _border, _one_answer, _chance, _silent_layer, _decisive_filter, cues.numbers)
    return {key: value for each in patterns for key, value in each(run).items()}


def warnings(run: Run, words: Words, summary: Mapping[str, Scalar]) -> Iterator[tuple[Sentence, ...]]:
    """One paragraph for each pattern."""
    whole = tuple(_place_sentences(run, words, summary)), tuple(_chance_sentences(run, words, summary))
    yield from (each for each in whole if each)
    yield from ((sentence,) for sentence in _alone(run, words, summary))
    yield from cues.warnings(run, words, summary)


def _alone(run: Run, words: Words, summary: Mapping[str, Scalar]) -> Iterator[Sentence]:
    if "silent_layer" in summary:
        layer = f"filters[{_position(run, summary)}].layer"
        shown = {"layer": shown_name(str(summary["silent_layer"])), "channels": summary["silent_channels"]}
        yield said(words, "pattern.silent_layer", (layer, "summary.silent_channels"), **shown)
    if "one_answer" in summary:
        name = shown_name(str(summary["one_answer"]))
        yield said(
            words, "pattern.one_answer", ("summary.images", "summary.one_answer"), n=len(run.subjects), name=name
        )
    if "border_images" in summary:
        yield cues.of_images(words, "border", ("border_images", "border_measured"), summary, _on_the_border(run))
    if "decisive_filter" in summary:
        yield _filter_sentence(run, words, summary)


def card(words: Words, subject: Subject, key: str) -> Iterator[Sentence]:
    """For a card: what the answer lives on, and what drew a wrong one."""
    yield from cues.card(words, subject, key)
    yield from _drawn_sentence(words, subject, key)


def drawn(subject: Subject) -> Numbers:
    """The region that most draws a wrong answer from the label to the predicted class; empty where none is known.

    drawn_predicted, drawn_label: its weight for either class, the latter absent where no region moves the label's;
    drawn_area: its share of the image; drawn_place.
    """
    told = {each.target.role: each for each in subject.explanations if each.method == "lime"}
    if set(told) != {"predicted", "label"}:
        return {}
    mine, label = told["predicted"].result, told["label"].result
    if not isinstance(mine, RegionWeights):
        return {}
    if isinstance(label, RegionWeights) and np.array_equal(mine.segments, label.segments):
        region = int(np.argmax(mine.weights - label.weights))
        weight: Numbers = {"drawn_label": float(label.weights[region])}
    elif told["label"].reason == "reason.hardly_moves":
        region, weight = int(np.argmax(mine.weights)), {}
    else:
        return {}
    if mine.margins is not None and mine.weights[region] <= mine.margins[region]:
        return {}  # by chance, as far as is known
    inside = mine.segments == region
    return {
        "drawn_predicted": float(mine.weights[region]),
        **weight,
        "drawn_area": float(inside.mean()),
        "drawn_place": place_of(inside),
    }


def _drawn_sentence(words: Words, subject: Subject, key: str) -> Iterator[Sentence]:
    measured = drawn(subject)
    label = subject.prediction.label
    if not measured or label is None or float(measured["drawn_predicted"]) <= 0:
        return
    weight = float(measured.get("drawn_label", 0.0))
    key_of = "pattern.drawn" if "drawn_label" in measured else "pattern.drawn_alone"
    explained = next(each for each in subject.explanations if each.method == "lime" and each.status == "ok")
    yield said(
        words,
        "pattern.drawn_against" if weight < 0 else key_of,
        tuple(f"{key}.measures.{name}" for name in measured),
        place=place(words, measured["drawn_place"]),
        area=percent(measured["drawn_area"]),
        predicted=shown_name(subject.prediction.first.name),
        weight=number(measured["drawn_predicted"]),
        label=shown_name(label.name),
        **({"label_weight": number(abs(weight))} if "drawn_label" in measured else {}),
        scale=words(f"scale.{explained.parameters['scale']}"),
    )


def _same_place(run: Run) -> Numbers:
    items = _predicted(run, "lime")
    common = same_place(item.explanation.measures["place"] for item in items)
    if not common:
        return {}
    there = [item for item in items if item.explanation.measures["place"] == common[0]]
    (name, times), *_ = Counter(item.subject.prediction.first.name for item in there).most_common(1)
    measured: Numbers = {"lime_same_place": common[0], "lime_same_place_images": common[1]}
    if times >= max(SAME_PLACE_LEAST, SAME_PLACE_SHARE * len(there)):
        measured |= {"lime_same_place_class": name, "lime_same_place_class_images": times}
    return measured


def _place_sentences(run: Run, words: Words, summary: Mapping[str, Scalar]) -> Iterator[Sentence]:
    """It is how a shortcut shows. Where a rule fails for it, the rule has said where."""
    if "lime_same_place" not in summary:
        return
    where, times = str(summary["lime_same_place"]), int(summary["lime_same_place_images"])
    if not any(result.name == "lime_same_place" and result.fails for result in run.rules):
        keys = ("summary.lime_same_place", "summary.lime_same_place_images", "summary.lime_explained")
        yield placed(words, "summary.same_place", (where, times), int(summary["lime_explained"]), keys)
    there = [item.subject for item in _predicted(run, "lime") if item.explanation.measures["place"] == where]
    if "lime_same_place_class" in summary:
        told = "lime_same_place", "lime_same_place_class", "lime_same_place_class_images", "lime_same_place_images"
        alike = int(summary["lime_same_place_class_images"])
        yield said(
            words,
            "pattern.place_class_all" if alike == times else "pattern.place_class",
            tuple(f"summary.{name}" for name in told),
            place=place(words, where),
            name=shown_name(str(summary["lime_same_place_class"])),
            n=alike,
            total=times,
        )
    if times < int(summary["lime_explained"]):
        names = cues.names_of(words, there)
        yield said(words, "pattern.place_images", ("summary.lime_same_place",), names=names)


def _chance(run: Run) -> Numbers:
    """Whether the answers are right no more often than guessing, and what stands instead of each label."""
    asked = [each for each in run.subjects if each.prediction.label]
    guess = 1 / max(1, len(run.model.classes))
    right = sum(bool(each.prediction.right) for each in asked)
    if len(asked) < EVERY or right > guess * len(asked) + math.sqrt(len(asked) * guess * (1 - guess)):
        return {}
    measured: Numbers = {"chance_share": guess}
    if instead := _instead(asked):
        (label, answer), *_ = instead.items()
        measured |= {"renamed": len(instead), "renamed_label": label, "renamed_answer": answer}
    return measured


def _instead(asked: Sequence[Subject]) -> dict[str, str]:
    """The one answer to each label, where no two labels share one and one at least is another class; else empty."""
    pairs = {(each.prediction.label.name, each.prediction.first.name) for each in asked if each.prediction.label}
    labels, answers = ({pair[side] for pair in pairs} for side in (0, 1))
    alone = len(pairs) == len(labels) == len(answers) >= SAME_PLACE_LEAST
    moved = {label: answer for label, answer in sorted(pairs) if label != answer}
    return moved if alone else {}


def _chance_sentences(run: Run, words: Words, summary: Mapping[str, Scalar]) -> Iterator[Sentence]:
    if "chance_share" not in summary:
        return
    keys = ("summary.right", "summary.labelled", "summary.chance_share", "model.classes")
    yield said(
        words,
        "pattern.chance",
        keys,
        right=summary["right"],
        total=summary["labelled"],
        classes=len(run.model.classes),
        share=percent(summary["chance_share"]),
    )
    if "renamed" in summary:
        named = {name: shown_name(str(summary[f"renamed_{name}"])) for name in ("label", "answer")}
        yield said(words, "pattern.renamed", ("summary.renamed_label", "summary.renamed_answer"), **named)


def _silent_layer(run: Run) -> Numbers:
    """The first layer none of whose channels answers to any image."""
    for item in studied(run, "filters"):
        facts = item.study.measures
        if facts.get("silent") and facts["silent"] == facts["channels"]:
            return {"silent_layer": item.study.layer, "silent_channels": facts["channels"]}
    return {}


def _position(run: Run, summary: Mapping[str, Scalar]) -> int:
    return next(n for n, study in enumerate(run.filters) if study.layer == summary["silent_layer"])


def _border(run: Run) -> Numbers:
    measured = len(_predicted(run, "saliency"))
    on = len(_on_the_border(run))
    if on < max(SAME_PLACE_LEAST, SAME_PLACE_SHARE * measured):
        return {}
    return {"border_images": on, "border_measured": measured}


def _on_the_border(run: Run) -> list[Subject]:
    """The images whose saliency is denser along the edges than elsewhere."""
    return [
        item.subject
        for item in _predicted(run, "saliency")
        if item.measure("border") >= DENSER * item.measure("border_area")
    ]


def _one_answer(run: Run) -> Numbers:
    """One class for everything, though the labels know of several."""
    answers = {each.prediction.first.name for each in run.subjects}
    labels = {each.prediction.label.index for each in run.subjects if each.prediction.label}
    alone = len(answers) == 1 and len(labels) > 1 and len(run.subjects) >= EVERY
    return {"one_answer": answers.pop()} if alone else {}


def _decisive_filter(run: Run) -> Numbers:
    tried = [item for item in studied(run, "filters") if "matters" in item.study.measures]
    if not tried:
        return {}
    best = max(tried, key=lambda item: float(item.study.measures["matters"]))
    change = float(best.study.measures["matters"])
    if change < DECISIVE:
        return {}
    return {"decisive_filter": run.filters.index(best.study), "decisive_change": change}


def _filter_sentence(run: Run, words: Words, summary: Mapping[str, Scalar]) -> Sentence:
    position = int(summary["decisive_filter"])
    study = run.filters[position]
    keys = (f"filters[{position}].layer", f"filters[{position}].filter", "summary.decisive_change")
    change = points(summary["decisive_change"])
    return said(words, "pattern.filter", keys, filter=study.filter, layer=shown_name(study.layer), change=change)


def _predicted(run: Run, method: str) -> list[Found]:
    return [item for item in found(run, method) if item.ok and item.explanation.target.leads]
