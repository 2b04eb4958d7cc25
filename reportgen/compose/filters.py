"""Task 2: filters. Images made to excite them, real crops that do, where they answer, and which classes need them."""

from collections.abc import Iterator, Sequence

from reportgen.compose.filter_findings import all_idle, findings, layer_findings, tables
from reportgen.document import Block, Figure, Panel, Paragraph, Section, Sentence
from reportgen.filter_panels import crop_panels, made_panels, nothing_panel, where_panels
from reportgen.language import Words
from reportgen.panels import COLUMNS, Studied, in_rows, padded, scale_bar, studied
from reportgen.phrasing import citing, counted, joined, listing, number, paragraph, percent, reason, said
from reportgen.results import Facts, FilterStudy, Run, Subject

STRIP = 8  # pictures side by side: 2 cm each on A4
Group = Sequence[tuple[int, Subject]]  # with their places in the run


def section(run: Run, words: Words) -> Section:
    """The section; the first block says what the method is."""
    items = studied(run, "filters")
    layers = [[item for item in items if item.study.layer == layer] for layer in _layers(items)]
    known = [item for item in items if item.study.status != "not_applicable" and "choice" in item.study.parameters]
    blocks: list[Block] = [paragraph(words, "what", said(words, "filters.what"))]
    if known:
        blocks += [paragraph(words, "how", *_how(words, known)), paragraph(words, "made", *_made(words, known))]
    idle = tuple(all_idle(words, items))
    blocks += [paragraph(words, "shows", *idle, tone="finding")] if idle else []
    first = next((n for n, layer in enumerate(layers, 1) if any(item.study.status == "ok" for item in layer)), 0)
    for n, layer in enumerate(layers, 1):
        blocks += _layer(words, run, layer, n, first=n == first, idle_told=bool(idle))
    blocks += [
        paragraph(words, "limits", citing(words, "filters.limits")),
        paragraph(words, "source", citing(words, "filters.source")),
    ]
    blocks += tables(words, [item for item in items if item.study.status != "not_applicable"])
    return Section("filters", words("section.filters"), tuple(blocks))


def _layers(items: Sequence[Studied]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.study.layer for item in items))


def _how(words: Words, known: Sequence[Studied]) -> Iterator[Sentence]:
    """Which filters are shown, and where the crops come from."""
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
    if pool := first.study.measures.get("pool"):
        yield counted(words, "filters.how_crops", int(pool), (f"{first.key}.measures.pool",))
    if "token_layers" in parameters:
        key_of = "filters.tokens_only" if parameters["patches_only"] else "filters.tokens"
        yield counted(words, key_of, int(parameters["token_layers"]), (f"{key}.token_layers",))


def _made(words: Words, known: Sequence[Studied]) -> Iterator[Sentence]:
    """How the synthetic images were made."""
    yield from _ascent(words, [item for item in known if "steps" in item.study.parameters])
    if share := known[0].study.parameters["colours_borrowed"]:
        yield said(words, "filters.how_palette", (f"{known[0].key}.parameters.colours_borrowed",), share=percent(share))


def _ascent(words: Words, items: Sequence[Studied]) -> Iterator[Sentence]:
    """How the synthetic images were made, and for which layers from a part of them at a time."""
    parted = [item for item in items if "window_height" in item.study.parameters]
    whole = [item for item in items if item not in parted]
    first = (whole or parted)[0]
    facts, key = first.study.parameters, f"{first.key}.parameters"
    keys = (f"{key}.steps", f"{key}.lr", f"{key}.variants")
    values = {"steps": facts["steps"], "lr": number(facts["lr"])}
    yield counted(words, "filters.how_ascent", int(facts["variants"]), keys, **values)
    yield said(words, "filters.how_image")
    if parted:
        names = ("window_height", "window_width", "steps")
        facts = parted[0].study.parameters
        yield said(
            words,
            "filters.how_window",
            tuple(f"{parted[0].key}.parameters.{name}" for name in names),
            layers=listing(words, tuple(dict.fromkeys(item.layer for item in parted))),
            height=facts["window_height"],
            width=facts["window_width"],
            steps=facts["steps"],
        )


def _layer(
    words: Words, run: Run, items: Sequence[Studied], n: int, *, first: bool, idle_told: bool
) -> Iterator[Block]:
    """One layer: its figures, each with what it shows; a sentence where the layer has no maps."""
    mapped = [item for item in items if item.study.status != "not_applicable"]
    if not mapped:
        why = said(words, "filters.not_applicable", (), layer=items[0].layer, reason=reason(words, items[0].study))
        if not items[0].layer:  # none was named, and none has maps
            why = said(words, items[0].study.reason)
        yield Paragraph((why,), "note")
        return
    if whole := tuple(layer_findings(words, mapped)):
        yield Paragraph(whole, "finding", words("filters.heading", layer=items[0].layer))
    drawn = [item for item in mapped if item.study.status == "ok"]
    for m, item in enumerate(drawn, 1):
        yield _figure(words, run, item, f"filters-figure-{n}-{m}", explain=first and m == 1)
        which = words("filters.heading_filter", layer=item.layer, filter=item.study.filter)
        if shows := tuple(findings(words, item, idle_told=idle_told)):
            yield Paragraph(shows, "finding", which)
    if missing := [item for item in mapped if item.study.status != "ok"]:
        panels = [nothing_panel(words, item.study, reason(words, item.study)) for item in missing]
        rows = tuple(padded(row) for row in in_rows(panels, COLUMNS))
        yield Figure(f"filters-missing-{n}", 0, words("filters.caption_none", layer=items[0].layer), rows)
        if shows := tuple(sentence for item in missing for sentence in findings(words, item)):
            yield Paragraph(shows, "finding", words("filters.heading", layer=items[0].layer))


def _figure(words: Words, run: Run, item: Studied, anchor: str, *, explain: bool) -> Figure:
    """Two lines for one filter: what excites it; then what does not, and where it answers.

    explain: say what stands where, as the first of these figures does for all.
    """
    study = item.study
    group = _most_answered(study, run.subjects)
    lines = _strip(words, study, group, run.model.input.size)
    caption = words("filters.caption", layer=item.layer, filter=study.filter, **_shape(words, study.parameters))
    if not explain:
        return Figure(anchor, 0, caption, tuple(padded(line, STRIP) for line in lines if line))
    where = words("filters.where_all")
    if len(group) < len(run.subjects):
        where = words("filters.where_some", n=len(group), total=len(run.subjects))
    how = words("filters.caption_crops" if study.crops else "filters.caption_plain", where=where)
    crops = [words("filters.method_crops")] if study.crops else []
    method = joined(words, [*crops, words("filters.method", layer=item.layer)])
    scale = scale_bar(words, "activation", "0", "1", words("filters.scale_label"))
    shown = tuple(padded(line, STRIP) for line in lines if line)
    return Figure(anchor, 0, joined(words, [caption, how]), shown, method, (scale,))


def _strip(
    words: Words, study: FilterStudy, group: Group, size: tuple[int, int]
) -> tuple[tuple[Panel, ...], tuple[Panel, ...]]:
    """The two lines of one filter, the second empty where there is nothing for it."""
    made, where = tuple(made_panels(words, study)), tuple(where_panels(words, study, group))
    top, middle, bottom = (tuple(crop_panels(words, study, kind, size)) for kind in ("top", "middle", "bottom"))
    if not study.crops:
        return (*made, *where)[:STRIP], ()
    contrast = (*middle, *bottom)
    return (*made, *top)[:STRIP], (*contrast, *where)[:STRIP]


def _most_answered(study: FilterStudy, subjects: Sequence[Subject]) -> Group:
    """The photographs that the filter answers to most, at most half a line, in their order."""
    maxima = [float(facts["maximum"]) for facts in study.image_measures[: len(subjects)]]
    best = sorted(range(len(maxima)), key=lambda position: -maxima[position])[: STRIP // 2]
    return [(position, subjects[position]) for position in sorted(best)]


def _shape(words: Words, parameters: Facts) -> dict[str, object]:
    """Kind and size of a layer for the caption, and what one position of the map sees, where it is known."""
    field = ""
    sides = [parameters.get(f"receptive_field_{side}") for side in ("height", "width")]
    if parameters.get("receptive_field"):
        field = words("filters.field_whole")
    elif None not in sides:
        field = words("filters.field", high=sides[0], wide=sides[1])
    return {"kind": parameters["kind"], "height": parameters["height"], "width": parameters["width"], "field": field}
