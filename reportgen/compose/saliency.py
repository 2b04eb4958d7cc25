"""Task 1: saliency maps. What they are, how they were computed, what they show, how far they go."""

from collections.abc import Iterator, Sequence

from reportgen.anchors import image_anchor
from reportgen.compose.heat_findings import places, versus_sentences
from reportgen.compose.trust import marked
from reportgen.document import Block, Figure, Section, Sentence, Table
from reportgen.language import Words
from reportgen.panels import (
    PERCENTILE,
    Found,
    found,
    in_rows,
    original_panel,
    padded,
    saliency_panel,
    scale_bar,
    target_words,
)
from reportgen.phrasing import (
    citing,
    counted,
    joined,
    number,
    paragraph,
    percent,
    place,
    said,
)
from reportgen.results import Run

COLUMNS = ("image", "class", "maximum", "half", "top", "border", "place")
ALIGN = "llrrrrl"


def section(run: Run, words: Words) -> Section:
    """The section; the first block says what the method is."""
    items = found(run, "saliency")
    percentile = f"{PERCENTILE:g}"
    score = words(f"score.{run.model.head.score}")
    asked = any(item.explanation.target.role == "asked" for item in items)
    how = (
        said(
            words,
            "saliency.how",
            ("provenance.precision", "presentation.saliency_percentile", "model.head.ends"),
            percentile=percentile,
            precision=run.provenance.precision,
            score=score,
        ),
        *([said(words, "saliency.how_rivals", ("model.head.ends",))] if run.model.head.score != "logit" else []),
        said(words, "saliency.how_targets_asked" if asked else "saliency.how_targets"),
    )
    blocks: tuple[Block, ...] = (
        paragraph(words, "what", said(words, "saliency.what", score=score)),
        paragraph(words, "how", *how),
        *_figures(words, items, score),
        paragraph(words, "shows", *_shows(words, items, words(f"units.{run.model.head.score}")), tone="finding"),
        paragraph(words, "limits", citing(words, "saliency.limits")),
        paragraph(words, "source", citing(words, "saliency.source")),
        _table(words, items),
    )
    return Section("saliency", words("section.saliency"), blocks)


def _figures(words: Words, items: Sequence[Found], score: str) -> Iterator[Figure]:
    percentile = f"{PERCENTILE:g}"
    contrast = [sentence.text for sentence in versus_sentences(words, items)]
    method = joined(words, [words("saliency.method", percentile=percentile, score=score), *contrast])
    scale = scale_bar(words, "saliency", "0", "1", words("saliency.scale_label", percentile=percentile))
    for n, group in enumerate(in_rows(items), 1):
        photographs = padded(original_panel(words, item.subject.image, item.name) for item in group)
        maps = padded(marked(saliency_panel(words, item, overlay=False), words, item.explanation) for item in group)
        about = tuple(image_anchor(item.subject.image) for item in group)
        caption = words("saliency.caption" if n == 1 else "saliency.caption_continued")
        told = method if n == 1 else ""
        yield Figure(f"saliency-figure-{n}", 0, caption, (photographs, maps), told, (scale,), about)


def _shows(words: Words, items: Sequence[Found], units: str) -> Iterator[Sentence]:
    drawn = [item for item in items if item.ok]
    if not drawn:
        yield said(words, "shows.nothing")
        return
    yield from _area(words, drawn)
    yield from places(words, drawn, "saliency.shows_place")
    strengths = sorted(drawn, key=lambda item: item.measure("maximum"))
    low, high = strengths[0], strengths[-1]
    bounds = {"low": number(low.measure("maximum")), "high": number(high.measure("maximum"))}
    if bounds["low"] == bounds["high"]:
        yield said(words, "saliency.shows_strength_one", high.keys("maximum"), high=bounds["high"], units=units)
    else:
        keys = (*low.keys("maximum"), *high.keys("maximum"))
        yield said(words, "saliency.shows_strength", keys, units=units, **bounds)
    if missing := len(items) - len(drawn):
        yield counted(words, "shows.missing", missing, total=len(items))


def _area(words: Words, drawn: Sequence[Found]) -> Iterator[Sentence]:
    ordered = sorted(drawn, key=lambda item: item.measure("half_area"))
    tight, wide = ordered[0], ordered[-1]
    low, high = (percent(item.measure("half_area")) for item in (tight, wide))
    if low == high:
        key = "saliency.shows_area_one" if len(drawn) == 1 else "saliency.shows_area_same"
        yield said(words, key, tight.keys("half_area"), area=low)
        return
    names = {"tight": tight.name, "tight_class": tight.target, "wide": wide.name, "wide_class": wide.target}
    keys = (*tight.keys("half_area"), *wide.keys("half_area"))
    yield said(words, "saliency.shows_area", keys, low=low, high=high, **names)


def _table(words: Words, items: Sequence[Found]) -> Table:
    header = tuple(words(f"saliency.column_{column}") for column in COLUMNS)
    caption = words("saliency.table")
    areas = [item.measure("border_area") for item in items if item.ok]
    if areas:
        caption = joined(words, [caption, words("saliency.border_note", share=percent(areas[0]))])
    return Table("saliency-table", 0, caption, header, tuple(_row(words, item) for item in items), ALIGN)


def _row(words: Words, item: Found) -> tuple[str, ...]:
    facts = item.explanation.measures
    start = (item.name, target_words(words, item.explanation.target))
    if not item.ok:
        return (*start, *(words(f"status.{item.explanation.status}"), *[words("status.empty")] * 4))
    shares = tuple(percent(facts[name]) for name in ("half_area", "top_tenth", "border"))
    return (*start, number(facts["maximum"]), *shares, place(words, facts["place"]))
