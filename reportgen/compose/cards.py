"""Image by image: the answer, what carries it, and the original beside saliency, activation and LIME."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reportgen.anchors import image_anchor, picture_anchor
from reportgen.attribution_panels import METHODS, SIGNED, attribution_panel
from reportgen.compose import agreeing, heat_findings, lime_trust, patterns, trust
from reportgen.compose.bars import bars
from reportgen.compose.controls import with_controls
from reportgen.compose.legend import legend
from reportgen.compose.trust import marked
from reportgen.document import Block, Figure, Panel, Paragraph, ScaleBar, Section, Sentence
from reportgen.language import Words
from reportgen.panels import (
    Found,
    Studied,
    activation_panel,
    found,
    in_rows,
    lime_panel,
    original_panel,
    padded,
    saliency_panel,
    scale_bar,
    studied,
    target_words,
)
from reportgen.phrasing import (
    coefficient,
    counted,
    is_weak,
    joined,
    listing,
    number,
    percent,
    place,
    said,
    shown_name,
    told_failure,
)
from reportgen.pictures import with_pictures
from reportgen.results import Failure, Head, Run, Subject
from reportgen.shelf import Keep, in_memory

NO_IMAGE = ("E-MASK", "E-METHOD")  # failures that leave every image its card
MOST = 0.75  # of the total weight, below which it is told that LIME's picture leaves much out
LEAST_SECOND = 0.01  # probability from which the second class is worth a sentence


@dataclass(frozen=True, eq=False)
class _Card:
    """One image with what the corrected methods say of it."""

    position: int
    subject: Subject
    saliency: tuple[Found, ...]
    others: tuple[tuple[Found, ...], ...]  # of each further method that gives each pixel a number
    lime: tuple[Found, ...]
    studies: tuple[Studied, ...]
    head: Head

    @property
    def key(self) -> str:
        return f"images[{self.position}]"

    @property
    def maps(self) -> tuple[Found, ...]:
        """What is explained of it, method by method."""
        return (*self.saliency, *(item for items in self.others for item in items), *self.lime)


def section(run: Run, words: Words, keep: Keep = in_memory) -> Section:
    """One card per image; those that could not be explained come first, with the reason. keep: as of `compose`."""
    numbered = enumerate(run.failures, 1)
    failed = (_failed(words, n, failure) for n, failure in numbered if failure.code not in NO_IMAGE)
    cards = (with_pictures(_card(words, card), keep) for card in _cards(run))
    section_ = Section("images", words("section.images"), legend(run, words), sections=(*failed, *cards))
    return with_controls(section_, run, words)


def _failed(words: Words, n: int, failure: Failure) -> Section:
    """The card of an image without an explanation."""
    why, fix = told_failure(words, failure)
    sentence = said(words, "card.failed", (f"failures[{n - 1}].why", f"failures[{n - 1}].fix"), why=why, fix=fix)
    return Section(f"failed-{n}", shown_name(failure.what), (Paragraph((sentence,), "warning"),), lead=1)


def _cards(run: Run) -> Iterator[_Card]:
    saliency, lime, studies = found(run, "saliency"), found(run, "lime"), studied(run, "filters")
    others = [found(run, name) for name in METHODS]
    for position, subject in enumerate(run.subjects):
        own = [tuple(item for item in items if item.subject is subject) for items in (saliency, *others, lime)]
        yield _Card(position, subject, own[0], tuple(filter(None, own[1:-1])), own[-1], studies, run.model.head)


def _card(words: Words, card: _Card) -> Section:
    strongest = _strongest(card)
    answer = Paragraph(tuple(_answer(words, card)), "finding")
    # The page lets the bars float beside the paragraph that follows them.
    blocks: list[Block] = [
        bars(words, card.subject.prediction, card.head.kind),
        answer,
        _figure(words, card, strongest),
    ]
    blocks += _evidence(words, card)
    if told := tuple(patterns.card(words, card.subject, card.key)):
        blocks.append(Paragraph(told))
    return Section(image_anchor(card.subject.image), shown_name(card.subject.image.name), tuple(blocks), lead=3)


def _evidence(words: Words, card: _Card) -> Iterator[Paragraph]:
    """One paragraph for each class explained."""
    targets = tuple(dict.fromkeys(item.explanation.target for item in card.maps))
    for target in targets:
        about = [item for item in card.maps if item.ok and item.explanation.target == target]
        maps = [item for item in about if item.explanation.method != "lime"]
        sentences = [*heat_findings.card(words, maps)]
        sentences += [each for item in about if item.explanation.method == "lime" for each in _lime(words, item)]
        sentences += agreeing.of_saliency_and_lime(words, card.subject, card.key) if target.leads else ()
        sentences += trust.sentences(words, about)
        if sentences:
            heading = words("card.heading", target=target_words(words, target)) if len(targets) > 1 else ""
            yield Paragraph(tuple(sentences), heading=heading)


def _answer(words: Words, card: _Card) -> Iterator[Sentence]:
    prediction = card.subject.prediction
    keys = (f"{card.key}.prediction.probability", f"{card.key}.prediction.name")
    first = {"predicted": shown_name(prediction.first.name), "probability": percent(prediction.first.probability)}
    if prediction.label is None:
        yield said(words, "card.unlabelled", keys, **first)
    elif prediction.right:
        yield said(words, "card.right", (*keys, f"{card.key}.label.name"), **first)
    else:
        label = {"label": shown_name(prediction.label.name), "label_probability": percent(prediction.label.probability)}
        yield said(words, "card.wrong", (*keys, f"{card.key}.label.probability"), **first, **label)
    others = [(rank, each) for rank, each in enumerate(prediction.top) if each.index != prediction.first.index]
    for rank, second in others[:1]:
        told = prediction.label is not None and second.index == prediction.label.index
        if second.probability >= LEAST_SECOND and not told:
            keys = (f"{card.key}.prediction.top[{rank}].probability", "model.head.kind")
            key = "card.second" if card.head.kind == "softmax" else "card.second_own"
            yield said(words, key, keys, second=shown_name(second.name), probability=percent(second.probability))


def _lime(words: Words, item: Found) -> Iterator[Sentence]:
    facts = item.explanation.measures
    weight = item.measure("largest_weight")
    if not lime_trust.stands_out(item):
        heaviest = lime_trust.weight_with_margin(words, item)
        yield said(words, "card.lime_none", lime_trust.margin_keys(item), target=item.target, weight=heaviest)
        yield from lime_trust.card(words, item)
        return
    yield said(
        words,
        "card.lime_up" if weight > 0 else "card.lime_down",
        item.keys("place", "largest_area", "largest_weight"),
        target=item.target,
        place=place(words, facts["place"]),
        area=percent(facts["largest_area"]),
        scale=words(f"scale.{item.explanation.parameters['scale']}"),
        weight=number(abs(weight)),
    )
    if is_weak(item.measure("r2")):
        yield said(words, "card.lime_weak", item.keys("r2"), r2=coefficient(facts["r2"]))
    elif item.measure("shown_share") < MOST:
        share = percent(facts["shown_share"])
        yield counted(words, "card.lime_share", int(facts["shown"]), item.keys("shown", "shown_share"), share=share)
    yield from lime_trust.card(words, item)


def _strongest(card: _Card) -> Studied | None:
    """The filter that comes nearest to its own maximum here, in the deepest layer that has pictures."""
    painted = [item for item in card.studies if item.study.status == "ok" and float(item.study.measures["maximum"]) > 0]
    deepest = [item for item in painted if item.study.layer == painted[-1].study.layer]

    def answer(item: Studied) -> tuple[float, float]:
        facts = item.study.image_measures[card.position]
        return float(facts["relative"]), float(facts["maximum"])

    return max(deepest, key=answer, default=None)


def _figure(words: Words, card: _Card, strongest: Studied | None) -> Figure:
    """For each class explained the original, its maps, an activation and LIME, side by side as far as there is room."""
    count = max(1, *(len(items) for items in (card.saliency, *card.others, card.lime)))
    cut = [each for row in range(count) for each in in_rows(tuple(_row(words, card, strongest, row)))]
    rows = tuple(padded(row, max(map(len, cut))) for row in cut)
    scales = tuple(_scales(words, card, strongest))
    return Figure(
        f"{image_anchor(card.subject.image)}-figure", 0, _caption(words, card, strongest, count), rows, "", scales
    )


def _caption(words: Words, card: _Card, strongest: Studied | None, count: int) -> str:
    """What the legend above all cards cannot say: the image, the classes explained, the filter."""
    name = shown_name(card.subject.image.name)
    targets = dict.fromkeys(item.explanation.target for item in card.maps)
    if targets:
        named = listing(words, [target_words(words, target) for target in targets])
        told = [words("card.caption_targets", name=name, targets=named)]
    else:
        told = [words("card.caption", name=name)]
    told += [words("card.caption_rows")] if count > 1 else []
    if strongest:
        told.append(words("card.caption_filter", layer=strongest.layer, filter=strongest.study.filter))
    return joined(words, told)


def _row(words: Words, card: _Card, strongest: Studied | None, row: int) -> Iterator[Panel]:
    image = card.subject.image
    photograph = original_panel(words, image)
    yield photograph if row else replace(photograph, anchor=picture_anchor(image, "original"))
    for item in card.saliency[row : row + 1]:
        yield _linked(marked(saliency_panel(words, item, overlay=True), words, item.explanation), item)
    for items in card.others:
        for item in items[row : row + 1]:
            yield _linked(marked(attribution_panel(words, item, overlay=True), words, item.explanation), item)
    if strongest:
        panel = activation_panel(words, strongest.study, card.subject, card.position, overlay=True)
        yield panel if row else replace(panel, anchor=picture_anchor(image, "filters"))
    for item in card.lime[row : row + 1]:
        yield _linked(marked(lime_panel(words, item, numbered=False), words, item.explanation), item)


def _linked(panel: Panel, item: Found) -> Panel:
    """The panel under an address that no other image or method changes."""
    anchor = picture_anchor(item.subject.image, item.explanation.method, item.explanation.target)
    return replace(panel, anchor=anchor)


def _scales(words: Words, card: _Card, strongest: Studied | None) -> Iterator[ScaleBar]:
    if strongest or any(item.ok for item in card.maps if item.explanation.method not in (*SIGNED, "lime")):
        yield scale_bar(words, "saliency", "0", words("card.scale_full"), words("card.scale_evidence"))
    if any(item.ok for item in card.maps if item.explanation.method in (*SIGNED, "lime")):
        label = words("card.scale_signed" if any(card.others) else "lime.scale_label")
        yield scale_bar(words, "weights", "−1", "+1", label)
