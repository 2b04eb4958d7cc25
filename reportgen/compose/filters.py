"""Task 2: filters. What excites them in the photographs, and an image made to excite them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reportgen.document import Block, Figure, NoPicture, Panel, Paragraph, Section, Sentence, Table
from reportgen.language import Words
from reportgen.panels import (
    COLUMNS,
    EMPTY,
    MANY_COLUMNS,
    Studied,
    activation_panel,
    in_rows,
    original_panel,
    padded,
    scale_bar,
    studied,
    synthetic_panel,
)
from reportgen.phrasing import (
    FOLLOWS,
    citing,
    coefficient,
    counted,
    listing,
    number,
    paragraph,
    percent,
    reason,
    said,
    shown_name,
)
from reportgen.results import Facts, FilterStudy, Run, Subject

MEASURES = ("layer", "filter", "maximum", "active", "edges", "orientation", "colour", "ratio")
ALIGN = "lrrrrllr"
COHERENT = 0.2  # alignment beyond that of the images at large, from which a direction is named
Group = Sequence[tuple[int, Subject]]  # with their places in the run
DIRECTIONS = ("horizontal", "rising", "vertical", "falling")


def section(run: Run, words: Words) -> Section:
    """The section; the first block says what the method is."""
    items = studied(run, "filters")
    layers = [[item for item in items if item.study.layer == layer] for layer in _layers(items)]
    how = tuple(_how(words, items))
    blocks: list[Block] = [paragraph(words, "what", said(words, "filters.what"))]
    blocks += [paragraph(words, "how", *how)] if how else []
    blocks += [block for n, layer in enumerate(layers, 1) for block in _layer(words, run, layer, n)]
    blocks += [
        paragraph(words, "limits", citing(words, "filters.limits")),
        paragraph(words, "source", citing(words, "filters.source")),
    ]
    rows = tuple(_row(words, item) for item in items if item.study.status != "not_applicable")
    if rows:
        header = tuple(words(f"filters.column_{column}") for column in MEASURES)
        blocks.append(Table("filters-table", 0, words("filters.table"), header, rows, ALIGN))
    return Section("filters", words("section.filters"), tuple(blocks))


def _layers(items: Sequence[Studied]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.study.layer for item in items))


def _how(words: Words, items: Sequence[Studied]) -> Iterator[Sentence]:
    known = [item for item in items if item.study.status != "not_applicable" and "choice" in item.study.parameters]
    if not known:
        return
    first = known[0]
    parameters, key = first.study.parameters, f"{first.key}.parameters"
    layers = tuple(dict.fromkeys(item.layer for item in known))
    most = max(sum(item.layer == layer for item in known) for layer in layers)
    layer_keys = tuple(f"{item.key}.layer" for item in known)
    yield counted(words, "filters.how_layers", len(layers), layer_keys, layers=listing(words, layers))
    if parameters["choice"] == "named":
        yield said(words, "filters.choice_named", (f"{key}.choice",))
    else:
        yield counted(words, f"filters.choice_{parameters['choice']}", most, (f"{key}.choice",))
    if "token_layers" in parameters:
        key_of = "filters.tokens_only" if parameters["patches_only"] else "filters.tokens"
        yield counted(words, key_of, int(parameters["token_layers"]), (f"{key}.token_layers",))
    yield said(
        words,
        "filters.how_ascent",
        (f"{key}.steps", f"{key}.lr"),
        steps=parameters["steps"],
        lr=number(parameters["lr"]),
    )


def _layer(words: Words, run: Run, items: Sequence[Studied], n: int) -> Iterator[Block]:
    """One layer: its figures, then what they show; a sentence where the layer has no maps."""
    mapped = [item for item in items if item.study.status != "not_applicable"]
    if not mapped:
        why = said(words, "filters.not_applicable", (), layer=items[0].layer, reason=reason(words, items[0].study))
        if not items[0].layer:  # none was named, and none has maps
            why = said(words, items[0].study.reason)
        yield Paragraph((why,), "note")
        return
    subjects = tuple(enumerate(run.subjects))
    columns = COLUMNS if len(subjects) <= COLUMNS else MANY_COLUMNS
    for m, group in enumerate(in_rows(subjects, columns), 1):
        yield _figure(words, mapped, group, f"filters-figure-{n}-{m}", columns)
    shows = tuple(sentence for item in mapped for sentence in _shows(words, item))
    if shows:
        yield Paragraph(shows, "finding", words("filters.heading", layer=items[0].layer))


def _figure(words: Words, items: Sequence[Studied], group: Group, anchor: str, columns: int) -> Figure:
    """The photographs, then a row per filter; the synthetic image stands at the head of the first figure's rows."""
    first = group[0][0] == 0
    photographs = (original_panel(words, each.image, shown_name(each.image.name)) for _, each in group)
    rows = [(EMPTY, *padded(photographs, columns))]
    for item in items:
        maps = padded(_maps(words, item.study, group), columns)
        rows.append((_head(words, item.study, synthetic=first), *maps))
    drawn = any(item.study.status == "ok" for item in items)
    layer = items[0].layer
    sized = [item.study.parameters for item in items if "height" in item.study.parameters]
    if not first:
        caption = words("filters.caption_continued", layer=layer)
    elif sized and drawn:
        known = {name: sized[0][name] for name in ("kind", "height", "width")}
        field = _field(words, sized[0])
        caption = words(
            "filters.caption",
            layer=layer,
            kind=known["kind"],
            height=known["height"],
            width=known["width"],
            field=field,
        )
    else:
        caption = words("filters.caption_none", layer=layer)
    scale = scale_bar(words, "activation", "0", "1", words("filters.scale_label"))
    method = words("filters.method", layer=layer) if drawn else ""
    return Figure(anchor, 0, caption, tuple(rows), method, (scale,) if drawn else ())


def _field(words: Words, parameters: Facts) -> str:
    """What one position of the map sees, for the caption; nothing where it is not known."""
    if parameters.get("receptive_field"):
        return words("filters.field_whole")
    sides = [parameters.get(f"receptive_field_{side}") for side in ("height", "width")]
    return "" if None in sides else words("filters.field", high=sides[0], wide=sides[1])


def _head(words: Words, study: FilterStudy, *, synthetic: bool) -> Panel:
    """What stands before a filter's maps: its synthetic image in the first figure, or why there is nothing."""
    if study.status != "ok":
        return Panel(NoPicture(reason(words, study)), words("filters.panel_activation", filter=study.filter))
    return synthetic_panel(words, study) if synthetic else EMPTY


def _maps(words: Words, study: FilterStudy, group: Group) -> Iterator[Panel]:
    label = words("filters.panel_activation", filter=study.filter)
    if study.status == "ok":
        for position, subject in group:
            yield replace(activation_panel(words, study, subject, position, overlay=False), label=label)


def _shows(words: Words, item: Studied) -> Iterator[Sentence]:
    study = item.study
    if study.status == "degenerate":
        yield said(words, "filters.shows_dead", item.keys("maximum"), filter=study.filter)
    if study.status != "ok":
        return
    facts = study.measures
    if float(facts["maximum"]) <= 0:
        reached = number(facts["reached"])
        keys = item.keys("maximum", "reached")
        yield said(words, "filters.shows_silent", keys, filter=study.filter, reached=reached)
        return
    share = percent(facts["active"])
    yield said(words, "filters.shows_active", item.keys("active"), filter=study.filter, share=share)
    if "edges" in facts:
        r = round(float(facts["edges"]), 2)  # as it is printed
        key = "filters.shows_avoids" if r <= -FOLLOWS else "filters.shows_no_edges"
        key = "filters.shows_edges" if r >= FOLLOWS else key
        yield said(words, key, item.keys("edges"), r=coefficient(r))
    if round(float(facts.get("coherence", 0)), 2) >= COHERENT:
        yield said(
            words,
            "filters.shows_orientation",
            item.keys("orientation", "coherence"),
            direction=words(f"direction.{_direction(float(facts['orientation']))}"),
            degrees=_degrees(float(facts["orientation"])),
            coherence=coefficient(facts["coherence"]),
        )
    if facts.get("colour", "none") != "none":
        colour = words(f"colour.{facts['colour']}")
        yield said(
            words,
            "filters.shows_colour",
            item.keys("colour", "colour_r"),
            colour=colour,
            r=coefficient(abs(float(facts["colour_r"]))),
        )
    if "ratio" in facts:
        yield _ratio(words, item)


def _ratio(words: Words, item: Studied) -> Sentence:
    """How the synthetic image does beside the best photograph."""
    ratio = item.study.measures["ratio"]
    key = "filters.shows_ratio" if float(ratio) >= 1 else "filters.shows_ratio_low"
    if number(ratio) == "1":  # an activation that saturates, such as ReLU6, gives no more
        key = "filters.shows_ratio_even"
    return said(words, key, item.keys("ratio"), ratio=number(ratio))


def _degrees(orientation: float) -> int:
    """Whole degrees in [0, 180): 179.6 is as horizontal as 0."""
    return round(orientation) % 180


def _direction(orientation: float) -> str:
    """The nearest of four directions."""
    return DIRECTIONS[round(orientation / 45) % 4]


def _row(words: Words, item: Studied) -> tuple[str, ...]:
    study, facts, empty = item.study, item.study.measures, words("status.empty")
    start = (item.layer, str(study.filter))
    if study.status == "failed":
        return (*start, words("status.failed"), *[empty] * 5)
    if study.status != "ok":
        active = percent(facts["active"]) if "active" in facts else empty
        return (*start, number(facts["maximum"]), active, *[empty] * 3, words("status.dead"))
    orientation = empty
    if "orientation" in facts:
        degrees, coherence = _degrees(float(facts["orientation"])), coefficient(facts["coherence"])
        orientation = words("filters.orientation_value", degrees=degrees, coherence=coherence)
    return (
        *start,
        number(facts["maximum"]),
        percent(facts["active"]),
        coefficient(facts["edges"]) if "edges" in facts else empty,
        orientation,
        words(f"colour.{facts['colour']}") if "colour" in facts else empty,
        number(facts["ratio"]) if "ratio" in facts else empty,
    )
