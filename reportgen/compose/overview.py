"""The first page: every image with its answer, what to beware of, and what was found, in a few sentences."""

from collections.abc import Iterator, Mapping
from typing import Literal

from reportgen.anchors import image_anchor
from reportgen.compose import cues, installation, patterns, reading, rules, trust
from reportgen.compose.confusion import confusion
from reportgen.compose.ranking import Ranked, worst_first
from reportgen.document import Block, Overview, OverviewItem, Paragraph, Section, Sentence
from reportgen.language import Words
from reportgen.panels import studied, thumbnail
from reportgen.phrasing import (
    ALIKE,
    CONFIDENT,
    DENSER,
    FOLLOWS,
    WEAK_FIT,
    coefficient,
    count,
    counted,
    listing,
    noted,
    number,
    paragraph,
    percent,
    said,
    shown_name,
    whole,
)
from reportgen.results import WARNINGS, Run, Scalar, Subject

Numbers = Mapping[str, Scalar]
Tone = Literal["right", "wrong", "unknown"]
TONES: Mapping[bool | None, Tone] = {True: "right", False: "wrong", None: "unknown"}
SHOWN = 24  # thumbnails on the first page
STRANGERS = "summary.shipped_photographs"  # a note that must not be overlooked


def section(run: Run, words: Words, summary: Numbers) -> Section:
    """The summary. summary: the numbers over all images."""
    notes = noted(words, [note for note in run.selection if note[0] != STRANGERS])
    blocks: list[Block] = [paragraph(words, "verdict", *_verdict(words, summary), tone="finding")]
    blocks += [Paragraph(each, "warning") for each in _warnings(run, words, summary)]
    blocks += rules.blocks(run.rules, words, words("rules.table"))
    blocks += [_worst(run, words), *([matrix] if (matrix := confusion(run, words)) else [])]
    blocks += [
        paragraph(words, "answers", *_answers(run, words, summary), tone="finding"),
        paragraph(words, "evidence", *_evidence(run, words, summary), tone="finding"),
        paragraph(words, "model", *_model(run, words)),
    ]
    blocks += [paragraph(words, "selection", *notes)] if notes else []
    return Section("summary", words("section.summary"), tuple(block for block in blocks if _says_something(block)))


def _says_something(block: Block) -> bool:
    return not isinstance(block, Paragraph) or bool(block.sentences)


def _verdict(words: Words, summary: Numbers) -> Iterator[Sentence]:
    """The model in a few sentences: how often it is right, how sure of its errors, how far it can be explained."""
    if int(summary["labelled"]):
        yield _accuracy(words, summary)
        keys = ("summary.wrong", "summary.confident_wrong", "presentation.confident")
        wrong, confident = int(summary["wrong"]), int(summary["confident_wrong"])
        if wrong == confident == 1:
            yield said(words, "verdict_page.confident_only", keys, limit=percent(CONFIDENT))
        elif confident:
            yield counted(words, "verdict_page.confident", confident, keys, wrong=wrong, limit=percent(CONFIDENT))
        elif wrong:
            yield counted(words, "verdict_page.unsure", wrong, keys, limit=percent(CONFIDENT))
    yield from trust.summary_sentences(words, summary)


def _worst(run: Run, words: Words) -> Overview:
    """The images that deserve a look first."""
    ranked = worst_first(run)
    shown = tuple(_item(words, run.subjects[each.position], each) for each in ranked[:SHOWN])
    caption = words("worst.order", limit=percent(CONFIDENT)) if len(ranked) > 1 else ""
    if len(ranked) > SHOWN:
        caption += " " + words("worst.more", shown=SHOWN, total=len(ranked))
    return Overview(shown, caption)


def _item(words: Words, subject: Subject, ranked: Ranked) -> OverviewItem:
    first, right = subject.prediction.first, subject.prediction.right
    answer = words("summary.answer", predicted=shown_name(first.name), probability=percent(first.probability))
    tone: Tone = TONES[right]
    picture = thumbnail(words, subject.image)
    why = "" if ranked.group in ("wrong", "rest") else words(f"worst.{ranked.group}")
    return OverviewItem(image_anchor(subject.image), picture, shown_name(subject.image.name), answer, tone, why)


def _warnings(run: Run, words: Words, summary: Numbers) -> Iterator[tuple[Sentence, ...]]:
    """A paragraph each: what the numbers may not mean, what the network may have learned, then what is missing."""
    yield from ((each,) for each in noted(words, [note for note in run.selection if note[0] == STRANGERS]))
    yield from ((each,) for each in noted(words, [note for note in run.model.notes if note[0] in WARNINGS]))
    yield from ((each,) for each in installation.warnings(run, words))
    yield from patterns.warnings(run, words, summary)
    yield from trust.warnings(run, words)
    yield from ((each,) for each in _missing(words, summary))


def _missing(words: Words, summary: Numbers) -> Iterator[Sentence]:
    if failed := int(summary["failed"]):
        keys = ("summary.failed", "summary.parts")
        yield counted(words, "summary.incomplete", failed, keys, total=summary["parts"])
    if empty := int(summary["empty"]):
        keys = ("summary.empty", "summary.results")
        if summary["results"] == 1:
            yield said(words, "summary.empty_only", keys)
        else:
            yield counted(words, "summary.empty", empty, keys, total=summary["results"])


def _answers(run: Run, words: Words, summary: Numbers) -> Iterator[Sentence]:
    labelled, images = int(summary["labelled"]), int(summary["images"])
    if labelled:
        if unlabelled := images - labelled:
            yield counted(words, "summary.unlabelled", unlabelled, ("summary.images", "summary.labelled"))
    else:
        yield said(words, "summary.no_labels", ("summary.labelled",))
    low, middle, high = (percent(summary[f"confidence_{each}"]) for each in ("low", "median", "high"))
    if low == high:
        yield said(words, "summary.confidence_same", ("summary.confidence_high",), high=high)
    else:
        keys = ("summary.confidence_low", "summary.confidence_median", "summary.confidence_high")
        yield said(words, "summary.confidence", keys, low=low, median=middle, high=high)
    yield from _most_confident_wrong(run, words)


def _accuracy(words: Words, summary: Numbers) -> Sentence:
    labelled, right = int(summary["labelled"]), int(summary["right"])
    keys = ("summary.labelled", "summary.right", "summary.accuracy")
    if labelled == 1:
        return said(words, "summary.accuracy_one_right" if right else "summary.accuracy_one_wrong", keys)
    if right in (0, labelled):
        return said(words, "summary.accuracy_all" if right else "summary.accuracy_none", keys, labelled=labelled)
    share = percent(summary["accuracy"])
    return said(words, "summary.accuracy", keys, labelled=labelled, right=right, share=share)


def _most_confident_wrong(run: Run, words: Words) -> Iterator[Sentence]:
    predictions = enumerate(subject.prediction for subject in run.subjects)
    wrong = [(position, each, each.label) for position, each in predictions if each.label and not each.right]
    if not wrong:
        return
    position, prediction, label = max(wrong, key=lambda each: each[1].first.probability)  # of equals the first
    yield counted(
        words,
        "summary.wrong_confident",
        len(wrong),
        ("summary.wrong", f"images[{position}].prediction.probability", f"images[{position}].label.name"),
        name=shown_name(run.subjects[position].image.name),
        predicted=shown_name(prediction.first.name),
        probability=percent(prediction.first.probability),
        label=shown_name(label.name),
    )


def _evidence(run: Run, words: Words, summary: Numbers) -> Iterator[Sentence]:
    if "saliency_half_area_median" in summary:
        area = summary["saliency_half_area_median"]
        one = summary["saliency_half_area_low"] == summary["saliency_half_area_high"]
        key = "summary.saliency_one" if one else "summary.saliency"
        yield said(words, key, ("summary.saliency_half_area_median",), area=percent(area))
    if "lime_explained" in summary:
        yield from _lime(words, summary)
    if "agreement_density_median" in summary:
        density = float(summary["agreement_density_median"])
        key = "summary.agreement" if density >= ALIKE else "summary.agreement_low"
        key = "summary.agreement_high" if density >= DENSER else key
        keys = ("summary.agreement_density_median", "summary.agreement_images")
        yield counted(words, key, int(summary["agreement_images"]), keys, times=number(density))
    yield from _filters(run, words, summary)
    yield from cues.findings(words, summary)


def _lime(words: Words, summary: Numbers) -> Iterator[Sentence]:
    total, weak = int(summary["lime_explained"]), int(summary["lime_weak"])
    low, middle, high = (coefficient(summary[f"lime_r2_{each}"]) for each in ("low", "median", "high"))
    keys = ("summary.lime_r2_low", "summary.lime_r2_median", "summary.lime_r2_high")
    if low == high:
        yield said(words, "summary.lime_one", keys[1:2], median=middle)
    else:
        yield said(words, "summary.lime", keys, low=low, median=middle, high=high)
    if weak and total == 1:
        yield said(words, "summary.lime_weak_only", ("summary.lime_weak", "presentation.weak_fit"), limit=WEAK_FIT)
    elif weak == total:
        counts = ("summary.lime_weak", "summary.lime_explained", "presentation.weak_fit")
        yield said(words, "summary.lime_weak_all", counts, total=total, limit=WEAK_FIT)
    elif weak:
        counts = ("summary.lime_weak", "summary.lime_explained", "presentation.weak_fit")
        yield counted(words, "summary.lime_weak", weak, counts, total=total, limit=WEAK_FIT)
    yield said(
        words,
        "summary.lime_largest" if total > 1 else "summary.lime_largest_one",
        ("summary.lime_largest_area_median", "summary.lime_largest_share_median"),
        area=percent(summary["lime_largest_area_median"]),
        share=percent(summary["lime_largest_share_median"]),
    )


def _filters(run: Run, words: Words, summary: Numbers) -> Iterator[Sentence]:
    total, dead = int(summary.get("filters", 0)), int(summary.get("filters_dead", 0))
    if dead and total == 1:
        yield said(words, "summary.filters_dead_only", ("summary.filters", "summary.filters_dead"))
    elif dead:
        yield counted(words, "summary.filters_dead", dead, ("summary.filters", "summary.filters_dead"), total=total)
    measured = [item for item in studied(run, "filters") if "edges" in item.study.measures]
    if not measured:
        return
    best = max(measured, key=lambda item: float(item.study.measures["edges"]))
    r = round(float(best.study.measures["edges"]), 2)
    if r >= FOLLOWS:
        named = {"filter": best.study.filter, "layer": best.layer, "r": coefficient(r)}
        yield counted(words, "summary.filters_edges", len(measured), best.keys("edges"), **named)


def _architecture(words: Words, name: str) -> str:
    """The architecture's name; in words where it is a description of ours."""
    key = f"architecture.{name.replace(' ', '_')}"
    return words(key) if words.has(key) else shown_name(name)


def _model(run: Run, words: Words) -> Iterator[Sentence]:
    model, spec = run.model, run.model.input
    inputs = tuple(f"model.input.{name}" for name in ("size", "channel_order", "mean", "std"))
    mean, std = (listing(words, [number(value) for value in values]) for values in (spec.mean, spec.std))
    yield said(
        words,
        "summary.model",
        ("model.file", "model.architecture", "model.layers", "model.classes", *inputs),
        file=shown_name(model.file),
        architecture=_architecture(words, model.architecture),
        layers=count(words, len(model.layers), "layers"),
        parameters=whole(sum(layer.parameters for layer in model.layers)),
        classes=count(words, len(model.classes), "classes"),
        height=spec.size[0],
        width=spec.size[1],
        order=spec.channel_order.upper(),
        mean=words("summary.mean", mean=mean) if any(spec.mean) else "",
        std=words("summary.std", std=std) if set(spec.std) - {1.0} else "",
    )
    if spec.chosen_by.get("size") == "default":
        size = {"height": spec.size[0], "width": spec.size[1]}
        yield said(words, "summary.assumed_size", ("model.input.size", "model.input.chosen_by.size"), **size)
    yield from reading.summary(run, words)
