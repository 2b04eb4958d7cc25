"""Task 3: LIME. Which regions count, how well the linear model follows the network, how far that goes."""

from collections.abc import Iterator, Sequence

from reportgen import measures
from reportgen.anchors import image_anchor
from reportgen.compose import lime_trust
from reportgen.compose.lime_trust import margin_keys, samplings, weight_with_margin
from reportgen.compose.trust import marked
from reportgen.document import Block, Figure, Section, Sentence, Table
from reportgen.language import Words
from reportgen.panels import Found, chart_panel, found, lime_panel, scale_bar, target_words
from reportgen.phrasing import (
    WEAK_FIT,
    citing,
    coefficient,
    counted,
    is_weak,
    number,
    paragraph,
    percent,
    place,
    placed,
    said,
    same_place,
    third_decimal,
    whole,
)
from reportgen.results import Run

FIT_COLUMNS, FIT_ALIGN = ("image", "class", "segments", "passes", "r2", "intercept", "local", "score"), "llrrrrrr"
TRUST_COLUMNS, TRUST_ALIGN = ("image", "class", "top", "open", "fill", "segmentation"), "llrrrr"
WIDE_GAP = 0.1  # of probability between the linear model and the network, from which it is pointed out
TABLE_DECIMALS = 10  # values below it stand in the table with three decimals


def section(run: Run, words: Words) -> Section:
    """The section; the first block says what the method is."""
    items = found(run, "lime")
    blocks: list[Block] = [paragraph(words, "what", said(words, "lime.what"))]
    if known := [item for item in items if item.explanation.parameters]:
        blocks += [
            paragraph(words, "how", *_how(words, run, known)),
            paragraph(words, "sure", *_sure(words, run, known[0])),
        ]
    blocks += _figures(words, items)
    blocks += [
        paragraph(words, "shows", *_shows(words, items), tone="finding"),
        paragraph(words, "limits", citing(words, "lime.limits")),
        paragraph(words, "source", citing(words, "lime.source")),
        _table(words, items, "fit", FIT_COLUMNS, FIT_ALIGN),
        _table(words, items, "trust", TRUST_COLUMNS, TRUST_ALIGN),
    ]
    return Section("lime", words("section.lime"), tuple(blocks))


def _how(words: Words, run: Run, known: Sequence[Found]) -> Iterator[Sentence]:
    """What was hidden and what a weight is; the same for all images. known: those with parameters."""
    facts, key = known[0].explanation.parameters, f"{known[0].key}.parameters"
    ways = samplings(run)
    names = ("asked", *(("compactness", "sigma") if facts["segmentation"] == "slic" else ()))
    values = {name: number(facts[name]) for name in names}
    yield said(
        words,
        f"lime.how_{facts['segmentation']}",
        tuple(f"{key}.{name}" for name in names),
        fill=words(f"fill.{facts['fill']}"),
        scale=words(f"scale.{facts['scale']}"),
        **values,
    )
    cut = sorted((item for item in known if item.ok), key=lambda item: item.measure("segments"))
    if cut:
        low, high = (int(item.measure("segments")) for item in (cut[0], cut[-1]))
        found_ = str(high) if low == high else words("lime.found_range", low=low, high=high)
        yield said(words, "lime.how_found", (*cut[0].keys("segments"), *cut[-1].keys("segments")), found=found_)
    if "designed" in ways:
        yield citing(words, "lime.how_designed")
        yield said(words, "lime.how_weight")
    if "random" in ways:
        fitted = {name: number(ways["random"][name]) for name in ("alpha", "kernel_width")}
        keys = (f"{key}.samples", *(f"{key}.{name}" for name in fitted))
        yield said(words, "lime.how_random", keys, samples=whole(int(facts["samples"])), **fitted)
    yield said(words, "lime.how_seed", ("provenance.seed",), seed=run.provenance.seed)


def _sure(words: Words, run: Run, first: Found) -> Iterator[Sentence]:
    """When sampling stops, and what is told of chance; the same for all images. first: with parameters."""
    facts, key = first.explanation.parameters, f"{first.key}.parameters"
    if "designed" in samplings(run):
        samples = whole(int(facts["samples"]))
        yield said(words, "lime.how_stop", (f"{key}.samples",), samples=samples, top=measures.TOP)
    yield said(words, "lime.how_interval", (f"{key}.confidence",), confidence=percent(facts["confidence"]))
    if "second_fill" in facts:
        fill, cut_by = words(f"fill.{facts['second_fill']}"), words(f"segmentation.{facts['second_segmentation']}")
        yield said(words, "lime.how_checks", (f"{key}.second_fill",), fill=fill, segmentation=cut_by)


def _figures(words: Words, items: Sequence[Found]) -> Iterator[Figure]:
    scale = scale_bar(words, "weights", "−1", "+1", words("lime.scale_label"))
    for n, item in enumerate(items, 1):
        target = target_words(words, item.explanation.target)
        row = [
            marked(lime_panel(words, item, numbered=True), words, item.explanation),
            *([chart_panel(words, item)] if item.ok else []),
        ]
        first = item.ok and not any(earlier.ok for earlier in items[: n - 1])
        key = "lime.caption" if first else "lime.caption_next" if item.ok else "lime.caption_none"
        caption = words(key, name=item.name, target=target)
        about, scales = (image_anchor(item.subject.image),), (scale,) if item.ok else ()
        yield Figure(f"lime-figure-{n}", 0, caption, (tuple(row),), _method(words, item, first=first), scales, about)


def _method(words: Words, item: Found, *, first: bool) -> str:
    """What was spent; below the first figure also what is the same for all."""
    facts = item.explanation.parameters
    if not item.ok:
        return ""
    spent = {"passes": whole(int(item.measure("passes"))), "segments": int(item.measure("segments"))}
    if not first:
        return words("lime.method_next", **spent)
    return words(
        "lime.method",
        **spent,
        fill=words(f"fill.{facts['fill']}"),
        scale=words(f"scale.{facts['scale']}"),
        most=measures.SHOWN_REGIONS,
        least=percent(measures.LEAST_SHARE),
    )


def _shows(words: Words, items: Sequence[Found]) -> Iterator[Sentence]:
    drawn = [item for item in items if item.ok]
    if not drawn:
        yield said(words, "shows.nothing")
        return
    yield from _regions(words, drawn)
    yield from lime_trust.sentences(words, drawn)
    yield from _fit(words, drawn)
    widest = max(drawn, key=_gap)
    if _gap(widest) >= WIDE_GAP:
        local, score = (number(widest.measure(name)) for name in ("local", "score"))
        key = "lime.shows_gap" if len(drawn) > 1 else "lime.shows_gap_one"
        name = {"name": widest.name} if len(drawn) > 1 else {}
        yield said(words, key, widest.keys("local", "score"), local=local, score=score, **name)
    if missing := len(items) - len(drawn):
        yield counted(words, "shows.missing", missing, total=len(items))


def _gap(item: Found) -> float:
    return abs(item.measure("local") - item.measure("score"))


def _regions(words: Words, drawn: Sequence[Found]) -> Iterator[Sentence]:
    clear = [item for item in drawn if lime_trust.stands_out(item)]
    if not clear:
        yield said(words, "lime.shows_none", tuple(key for item in drawn for key in margin_keys(item)))
        return
    heaviest = max(clear, key=lambda item: item.measure("largest_share"))
    yield said(
        words,
        "lime.shows" if len(drawn) > 1 else "lime.shows_one",
        (*heaviest.keys("largest_share", "largest_area", "place"), *margin_keys(heaviest)),
        name=heaviest.name,
        target=heaviest.target,
        share=percent(heaviest.measure("largest_share")),
        area=percent(heaviest.measure("largest_area")),
        weight=weight_with_margin(words, heaviest),
        place=place(words, heaviest.explanation.measures["place"]),
    )
    against = [item for item in clear if item.measure("largest_weight") < 0]
    if against and len(drawn) > 1:
        keys = tuple(key for item in drawn for key in item.keys("largest_weight"))
        yield counted(words, "lime.shows_against", len(against), keys, total=len(drawn))
    predicted = [item for item in clear if item.explanation.target.leads]
    if common := same_place(item.explanation.measures["place"] for item in predicted):
        keys = tuple(key for item in predicted for key in item.keys("place"))
        yield placed(words, "lime.shows_place", common, len(predicted), keys)


def _fit(words: Words, drawn: Sequence[Found]) -> Iterator[Sentence]:
    ordered = sorted(drawn, key=lambda item: item.measure("r2"))
    low, high = ordered[0], ordered[-1]
    bounds = {"low": coefficient(low.measure("r2")), "high": coefficient(high.measure("r2"))}
    if bounds["low"] == bounds["high"]:
        yield said(words, "lime.shows_r2_one", high.keys("r2"), high=bounds["high"])
    else:
        keys = (*low.keys("r2"), *high.keys("r2"))
        yield said(words, "lime.shows_r2", keys, name_low=low.name, name_high=high.name, **bounds)
    weak = [item for item in drawn if is_weak(item.measure("r2"))]
    keys = (*(key for item in drawn for key in item.keys("r2")), "presentation.weak_fit")
    if len(weak) == len(drawn):
        yield said(words, "lime.shows_weak_all", keys, limit=WEAK_FIT)
    elif weak:
        yield counted(words, "lime.shows_weak", len(weak), keys, total=len(drawn), limit=WEAK_FIT)


def _table(words: Words, items: Sequence[Found], name: str, columns: Sequence[str], align: str) -> Table:
    header = tuple(words(f"lime.column_{column}") for column in columns)
    rows = tuple(_row(words, item, columns) for item in items)
    return Table(f"lime-table-{name}", 0, words(f"lime.table_{name}"), header, rows, align)


def _row(words: Words, item: Found, columns: Sequence[str]) -> tuple[str, ...]:
    start = (item.name, target_words(words, item.explanation.target))
    if not item.ok:
        return (*start, words(f"status.{item.explanation.status}"), *[words("status.empty")] * (len(columns) - 3))
    return (*start, *(_cell(words, item, column) for column in columns[2:]))


def _cell(words: Words, item: Found, column: str) -> str:
    facts = item.explanation.measures
    if column in ("segments", "passes"):
        return whole(int(item.measure(column)))
    if column == "r2":
        return coefficient(facts["r2"])
    if column == "top":
        return weight_with_margin(words, item)
    if column == "open":
        return words("lime.open", n=facts["unsettled"], total=facts["shown"])
    if column in ("fill", "segmentation"):
        known = f"{column}_agreement" in facts
        return coefficient(facts[f"{column}_agreement"]) if known else words("status.empty")
    value = item.measure(column)
    return third_decimal(value) if abs(value) < TABLE_DECIMALS else number(value)  # a probability, mostly
