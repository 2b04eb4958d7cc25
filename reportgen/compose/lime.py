"""Task 3: LIME. Which regions count, how well the linear model follows the network, how far that goes."""

from collections.abc import Iterator, Sequence

from reportgen import measures
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
    signed,
    whole,
)
from reportgen.results import Run

COLUMNS = ("image", "class", "segments", "r2", "intercept", "local", "score", "top")
ALIGN = "llrrrrrr"
WIDE_GAP = 0.1  # of probability between the linear model and the network, from which it is pointed out


def section(run: Run, words: Words) -> Section:
    """The section; the first block says what the method is."""
    items = found(run, "lime")
    how = tuple(_how(words, run, items))
    blocks: list[Block] = [paragraph(words, "what", said(words, "lime.what"))]
    blocks += [paragraph(words, "how", *how)] if how else []
    blocks += _figures(words, items)
    blocks += [
        paragraph(words, "shows", *_shows(words, items), tone="finding"),
        paragraph(words, "limits", citing(words, "lime.limits")),
        paragraph(words, "source", citing(words, "lime.source")),
        _table(words, items),
    ]
    return Section("lime", words("section.lime"), tuple(blocks))


def _how(words: Words, run: Run, items: Sequence[Found]) -> Iterator[Sentence]:
    """Every parameter; they are the same for all images."""
    known = [item for item in items if item.explanation.parameters]
    if not known:
        return
    facts, key = known[0].explanation.parameters, f"{known[0].key}.parameters"
    names = ("samples", "asked", "compactness", "sigma", "fill", "scale", "kernel_width", "alpha")
    yield said(
        words,
        "lime.how",
        tuple(f"{key}.{name}" for name in names),
        samples=whole(int(facts["samples"])),
        asked=facts["asked"],
        compactness=number(facts["compactness"]),
        sigma=number(facts["sigma"]),
        fill=words(f"fill.{facts['fill']}"),
        scale=words(f"scale.{facts['scale']}"),
        kernel_width=number(facts["kernel_width"]),
        alpha=number(facts["alpha"]),
    )
    cut = sorted((item for item in items if item.ok), key=lambda item: item.measure("segments"))
    if cut:
        low, high = (int(item.measure("segments")) for item in (cut[0], cut[-1]))
        found_ = str(high) if low == high else words("lime.found_range", low=low, high=high)
        yield said(words, "lime.how_found", (*cut[0].keys("segments"), *cut[-1].keys("segments")), found=found_)
    yield said(words, "lime.how_seed", ("provenance.seed",), seed=run.provenance.seed)


def _figures(words: Words, items: Sequence[Found]) -> Iterator[Figure]:
    scale = scale_bar(words, "weights", "−1", "+1", words("lime.scale_label"))
    for n, item in enumerate(items, 1):
        target = target_words(words, item.explanation.target)
        row = [lime_panel(words, item, numbered=True), *([chart_panel(words, item)] if item.ok else [])]
        first = item.ok and not any(earlier.ok for earlier in items[: n - 1])
        key = "lime.caption" if first else "lime.caption_next" if item.ok else "lime.caption_none"
        caption = words(key, name=item.name, target=target)
        yield Figure(f"lime-figure-{n}", 0, caption, (tuple(row),), _method(words, item), (scale,) if item.ok else ())


def _method(words: Words, item: Found) -> str:
    facts = item.explanation.parameters
    if not item.ok:
        return ""
    return words(
        "lime.method",
        samples=whole(int(facts["samples"])),
        segments=int(item.measure("segments")),
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
    heaviest = max(drawn, key=lambda item: item.measure("largest_share"))
    yield said(
        words,
        "lime.shows" if len(drawn) > 1 else "lime.shows_one",
        heaviest.keys("largest_share", "largest_area", "largest_weight", "place"),
        name=heaviest.name,
        target=heaviest.target,
        share=percent(heaviest.measure("largest_share")),
        area=percent(heaviest.measure("largest_area")),
        weight=signed(heaviest.measure("largest_weight")),
        place=place(words, heaviest.explanation.measures["place"]),
    )
    against = [item for item in drawn if item.measure("largest_weight") < 0]
    if against and len(drawn) > 1:
        keys = tuple(key for item in drawn for key in item.keys("largest_weight"))
        yield counted(words, "lime.shows_against", len(against), keys, total=len(drawn))
    predicted = [item for item in drawn if item.explanation.target.role == "predicted"]
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


def _table(words: Words, items: Sequence[Found]) -> Table:
    header = tuple(words(f"lime.column_{column}") for column in COLUMNS)
    return Table("lime-table", 0, words("lime.table"), header, tuple(_row(words, item) for item in items), ALIGN)


def _row(words: Words, item: Found) -> tuple[str, ...]:
    start = (item.name, target_words(words, item.explanation.target))
    if not item.ok:
        return (*start, words(f"status.{item.explanation.status}"), *[words("status.empty")] * 5)
    numbers = tuple(number(item.measure(name)) for name in ("intercept", "local", "score"))
    fit = coefficient(item.measure("r2"))
    return (*start, str(int(item.measure("segments"))), fit, *numbers, signed(item.measure("largest_weight")))
