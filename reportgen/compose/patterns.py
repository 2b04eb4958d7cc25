"""Patterns across images: what a shortcut, a dead end or a network that looks at textures gives away on page one.

And what one image adds to them: what the answer lives on, and what draws a wrong one away from the label.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from reportgen.document import Sentence
from reportgen.language import Words
from reportgen.measures import place_of
from reportgen.panels import Found, found, studied
from reportgen.phrasing import (
    DENSER,
    SAME_PLACE_LEAST,
    SAME_PLACE_SHARE,
    citing,
    listing,
    number,
    percent,
    place,
    placed,
    points,
    said,
    same_place,
    shown_name,
)
from reportgen.results import Cue, RegionWeights, Run, Scalar, Subject

Numbers = dict[str, Scalar]

COPIES = ("grey", "blurred", "shuffled")
NAMED = 5  # images that a sentence names
DECISIVE = 0.5  # of the probability, which a filter's absence takes from the answers on average
EVERY = 6  # images from which one answer for all of them is no chance
MANY = 0.5  # share of the images from which a change is a pattern


def numbers(run: Run) -> Numbers:
    """The patterns as numbers, for `summary` in report.json; what was not found or not measured is absent."""
    return {**_same_place(run), **_border(run), **_one_answer(run), **_decisive_filter(run), **_cues(run)}


def warnings(run: Run, words: Words, summary: Mapping[str, Scalar]) -> Iterator[tuple[Sentence, ...]]:
    """One paragraph for each pattern."""
    if place_told := tuple(_place_sentences(run, words, summary)):
        yield place_told
    if "border_images" in summary:
        keys = ("summary.border_images", "summary.border_measured")
        names = _names(words, _on_the_border(run))
        n, total = int(summary["border_images"]), int(summary["border_measured"])
        yield (
            said(words, "pattern.border_all" if n == total else "pattern.border", keys, n=n, total=total, names=names),
        )
    if "one_answer" in summary:
        keys = ("summary.images", "summary.one_answer")
        yield (
            said(words, "pattern.one_answer", keys, n=len(run.subjects), name=shown_name(str(summary["one_answer"]))),
        )
    if "decisive_filter" in summary:
        yield (_filter_sentence(run, words, summary),)
    if "grey_pattern" in summary:
        keys = ("summary.grey_changed", "summary.cues")
        names = _names(words, [each for each in run.subjects if _changed(each, "grey")])
        n, total = int(summary["grey_changed"]), int(summary["cues"])
        yield (said(words, "pattern.grey_all" if n == total else "pattern.grey", keys, n=n, total=total, names=names),)


def findings(words: Words, summary: Mapping[str, Scalar]) -> Iterator[Sentence]:
    """For page one: what the answers live on, over all images."""
    if "cues" not in summary:
        return
    total = int(summary["cues"])
    kept = {name: summary[f"{name}_kept"] for name in COPIES if f"{name}_kept" in summary}
    keys = ("summary.cues", *(f"summary.{name}_kept" for name in kept))
    told = listing(words, [words(f"pattern.kept_{name}", n=n) for name, n in kept.items()])
    yield citing(words, "pattern.cues", keys, total=total, kept=told)
    if "shuffled_pattern" in summary:
        keys = ("summary.cues", "summary.shuffled_kept")
        yield said(words, "pattern.shuffled", keys, n=summary["shuffled_kept"], total=total)


def card(words: Words, subject: Subject, key: str) -> Iterator[Sentence]:
    """For a card: the probability on poorer copies, which of them are answered otherwise, and what drew the answer."""
    if subject.cues:
        keys = tuple(f"{key}.cues[{n}].probability" for n in range(len(subject.cues)))
        each = [words(f"pattern.card_{cue.name}", probability=percent(cue.probability)) for cue in subject.cues]
        name = shown_name(subject.prediction.first.name)
        yield said(words, "pattern.card", keys, target=name, copies=listing(words, each))
    for n, cue in enumerate(subject.cues):
        if _differs(subject, cue):
            keys = (f"{key}.cues[{n}].answer.name", f"{key}.cues[{n}].answer.probability")
            answer = {"answer": shown_name(cue.answer.name), "probability": percent(cue.answer.probability)}
            yield said(words, f"pattern.card_changed_{cue.name}", keys, **answer)
    yield from _drawn_sentence(words, subject, key)


def drawn(subject: Subject) -> Numbers:
    """The region that most draws a wrong answer from the label to the predicted class; empty where none is known.

    drawn_predicted, drawn_label: its weight for either class; drawn_area: its share of the image; drawn_place.
    """
    results = {
        each.target.role: each.result for each in subject.explanations if each.method == "lime" and each.status == "ok"
    }
    mine, label = results.get("predicted"), results.get("label")
    if not isinstance(mine, RegionWeights) or not isinstance(label, RegionWeights):
        return {}
    if not np.array_equal(mine.segments, label.segments):
        return {}
    region = int(np.argmax(mine.weights - label.weights))
    if mine.margins is not None and mine.weights[region] <= mine.margins[region]:
        return {}  # by chance, as far as is known
    inside = mine.segments == region
    return {
        "drawn_predicted": float(mine.weights[region]),
        "drawn_label": float(label.weights[region]),
        "drawn_area": float(inside.mean()),
        "drawn_place": place_of(inside),
    }


def _drawn_sentence(words: Words, subject: Subject, key: str) -> Iterator[Sentence]:
    measured = drawn(subject)
    label = subject.prediction.label
    if not measured or label is None or float(measured["drawn_predicted"]) <= 0:
        return
    weight = float(measured["drawn_label"])
    explained = next(each for each in subject.explanations if each.method == "lime" and each.status == "ok")
    yield said(
        words,
        "pattern.drawn_against" if weight < 0 else "pattern.drawn",
        tuple(f"{key}.measures.{name}" for name in measured),
        place=place(words, measured["drawn_place"]),
        area=percent(measured["drawn_area"]),
        predicted=shown_name(subject.prediction.first.name),
        weight=number(measured["drawn_predicted"]),
        label=shown_name(label.name),
        label_weight=number(abs(weight)),
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
    names = _names(words, there)
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
    yield said(words, "pattern.place_images", ("summary.lime_same_place",), names=names)


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
    decisive = float(best.study.measures["matters"])
    return (
        {"decisive_filter": run.filters.index(best.study), "decisive_change": decisive} if decisive >= DECISIVE else {}
    )


def _filter_sentence(run: Run, words: Words, summary: Mapping[str, Scalar]) -> Sentence:
    position = int(summary["decisive_filter"])
    study = run.filters[position]
    keys = (f"filters[{position}].layer", f"filters[{position}].filter", "summary.decisive_change")
    change = points(summary["decisive_change"])
    return said(words, "pattern.filter", keys, filter=study.filter, layer=shown_name(study.layer), change=change)


def _cues(run: Run) -> Numbers:
    asked = [each for each in run.subjects if each.cues]
    if not asked:
        return {}
    present = [name for name in COPIES if any(cue.name == name for cue in asked[0].cues)]
    changed = {name: sum(_changed(each, name) for each in asked) for name in present}
    measured: Numbers = {"cues": len(asked)}
    for name, n in changed.items():
        measured |= {f"{name}_changed": n, f"{name}_kept": len(asked) - n}
    several = len({each.prediction.first.index for each in asked}) > 1
    if several and changed.get("grey", 0) >= max(SAME_PLACE_LEAST, MANY * len(asked)):
        measured["grey_pattern"] = True
    # A network that always answers the same keeps its answer whatever it is shown.
    if several and int(measured["shuffled_kept"]) >= max(SAME_PLACE_LEAST, SAME_PLACE_SHARE * len(asked)):
        measured["shuffled_pattern"] = True
    return measured


def _changed(subject: Subject, name: str) -> bool:
    return any(cue.name == name and _differs(subject, cue) for cue in subject.cues)


def _differs(subject: Subject, cue: Cue) -> bool:
    return cue.answer.index != subject.prediction.first.index


def _predicted(run: Run, method: str) -> list[Found]:
    return [item for item in found(run, method) if item.ok and item.explanation.target.role == "predicted"]


def _names(words: Words, subjects: Sequence[Subject]) -> str:
    names = [shown_name(each.image.name) for each in subjects]
    return listing(words, names) if len(names) <= NAMED else words("pattern.such_as", names=", ".join(names[:NAMED]))
