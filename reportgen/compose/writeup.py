"""The write-up's own figures (profile hw5), each with a paragraph on why the corrected one differs."""

from collections.abc import Iterator, Sequence

from reportgen import figures, measures
from reportgen.anchors import image_anchor
from reportgen.compose.trust import marked
from reportgen.document import Block, Figure, NoPicture, Panel, Section, Sentence
from reportgen.language import Words
from reportgen.options import HW5_LAYER
from reportgen.panels import (
    MAP_PIXELS,
    Found,
    Studied,
    found,
    in_rows,
    original_panel,
    padded,
    stretched_panel,
    studied,
)
from reportgen.phrasing import (
    FOLLOWS,
    apart,
    citing,
    coefficient,
    counted,
    joined,
    number,
    paragraph,
    percent,
    place,
    reason,
    said,
    shown_name,
    signed,
    whole,
)
from reportgen.results import ColourSaliency, RegionWeights, Run, Subject


def saliency(run: Run, words: Words) -> Section:
    """2 x N: photographs, and the gradient of the loss stretched per image."""
    items = found(run, "saliency_hw5")
    sentences = [said(words, "hw5.saliency_differs"), *_strength(words, items)]
    if run.model.head.kind == "sigmoid":
        sentences.append(said(words, "hw5.saliency_exclusive", ("model.head.kind",)))
    sentences.append(said(words, "hw5.saliency_corrected"))
    blocks: list[Block] = []
    for n, group in enumerate(in_rows(items), 1):
        photographs = padded(original_panel(words, item.subject.image, item.name) for item in group)
        maps = padded(marked(_saliency_panel(words, item), words, item.explanation) for item in group)
        caption = words("hw5.saliency_caption" if n == 1 else "hw5.caption_continued")
        method = words("hw5.saliency_method")
        about = tuple(image_anchor(item.subject.image) for item in group)
        blocks.append(Figure(f"saliency-writeup-{n}", 0, caption, (photographs, maps), method, about=about))
    if drawn := [item for item in items if item.ok]:
        blocks.append(paragraph(words, "shows", _placed(words, drawn), tone="finding"))
    return _section(words, "saliency", (*blocks, *_unlabelled(words, items)), sentences)


def _placed(words: Words, items: Sequence[Found]) -> Sentence:
    """Where the write-up's map of each image lies."""
    parts = []
    for item in items:
        area, where = percent(item.measure("half_area")), place(words, str(item.explanation.measures["place"]))
        parts.append(words("hw5.saliency_part", name=item.name, area=area, place=where))
    keys = tuple(key for item in items for key in item.keys("half_area", "place"))
    return said(words, "hw5.saliency_shows", keys, parts=apart(words, parts))


def filters(run: Run, words: Words) -> Section:
    """The image climbed from a photograph, then 2 x N: photographs and activations."""
    blocks: list[Block] = []
    sentences = [said(words, "hw5.filters_differs")]
    for item in studied(run, "filters_hw5"):
        blocks += _filter_figures(run, words, item)
        blocks += _edges(words, item)
        sentences += _range(words, item)
    return _section(words, "filters", blocks, [*sentences, said(words, "hw5.filters_corrected")])


def lime(run: Run, words: Words) -> Section:
    """1 x N: lime's own painting of the heaviest regions."""
    items = found(run, "lime_hw5")
    blocks: list[Block] = []
    for n, group in enumerate(in_rows(items), 1):
        facts = group[0].explanation.parameters
        least, samples = number(facts["least"]), whole(int(facts["samples"]))
        caption = words("hw5.caption_continued")
        if n == 1:
            caption = words("hw5.lime_caption", features=facts["features"], least=least)
        method = words(
            "hw5.lime_method",
            samples=samples,
            asked=facts["asked"],
            compactness=number(facts["compactness"]),
            sigma=number(facts["sigma"]),
        )
        row = padded(marked(_lime_panel(words, item), words, item.explanation) for item in group)
        about = tuple(image_anchor(item.subject.image) for item in group)
        blocks.append(Figure(f"lime-writeup-{n}", 0, caption, (row,), method, about=about))
    differs = [said(words, f"hw5.lime_{part}") for part in ("differs", "fill", "paint", "corrected")]
    if items:
        least = number(items[0].explanation.parameters["least"])
        differs.insert(1, said(words, "hw5.lime_threshold", (f"{items[0].key}.parameters.least",), least=least))
    if told := [item for item in items if item.ok]:
        blocks.append(paragraph(words, "shows", *(_heaviest(words, item) for item in told), tone="finding"))
        differs.insert(2, _segments(words, told))
    return _section(words, "lime", (*blocks, *_unlabelled(words, items)), differs)


def _heaviest(words: Words, item: Found) -> Sentence:
    """Which region lime paints first on one image, and how much it moves."""
    if not item.measure("shown"):
        return said(words, "hw5.lime_shows_none", item.keys("shown"), name=item.name)
    facts = item.explanation.measures
    return said(
        words,
        "hw5.lime_shows",
        item.keys("place", "largest_area", "largest_weight"),
        name=item.name,
        target=item.target,
        place=place(words, str(facts["place"])),
        area=percent(facts["largest_area"]),
        weight=signed(facts["largest_weight"]),
    )


def _segments(words: Words, items: Sequence[Found]) -> Sentence:
    """How many superpixels the write-up's settings give."""
    few, many = (edge(items, key=lambda item: item.measure("segments")) for edge in (min, max))
    facts, low, high = items[0].explanation.parameters, int(few.measure("segments")), int(many.measure("segments"))
    key = "hw5.lime_segments" if low < high else "hw5.lime_segments_one"
    parameters = tuple(f"{items[0].key}.parameters.{name}" for name in ("asked", "compactness"))
    keys = (*parameters, *few.keys("segments"), *many.keys("segments"))
    compactness = number(facts["compactness"])
    return said(words, key, keys, asked=facts["asked"], low=low, high=high, compactness=compactness)


def _section(words: Words, task: str, blocks: Sequence[Block], differs: Sequence[Sentence]) -> Section:
    why = paragraph(words, "differs", *differs, tone="note")
    source = paragraph(words, "source", citing(words, "hw5.source"))
    return Section(f"{task}-writeup", words("section.writeup"), (*blocks, why, source))


def _unlabelled(words: Words, items: Sequence[Found]) -> tuple[Block, ...]:
    """A sentence where a label that the write-up explains is not known."""
    names = [item.name for item in items if item.explanation.target.role != "label"]
    if not names:
        return ()
    key = "hw5.no_label" if len(names) < len(items) else "hw5.no_labels"
    return (paragraph(words, "how", said(words, key)),)


def _strength(words: Words, items: Sequence[Found]) -> tuple[Sentence, ...]:
    """How strong the gradients are that the stretching makes look alike."""
    flat = [item for item in items if item.explanation.status == "degenerate"]
    said_flat = (
        (counted(words, "hw5.saliency_flat", len(flat), [item.keys("maximum")[0] for item in flat]),) if flat else ()
    )
    measured = sorted((item for item in items if item.ok), key=lambda item: item.measure("maximum"))
    if not measured:
        return said_flat
    low, high = measured[0], measured[-1]
    bounds = number(low.measure("maximum")), number(high.measure("maximum"))
    if bounds[0] == bounds[1]:
        return (said(words, "hw5.saliency_strength_one", high.keys("maximum"), high=bounds[1]), *said_flat)
    keys = (*low.keys("maximum"), *high.keys("maximum"))
    return (said(words, "hw5.saliency_strength", keys, low=bounds[0], high=bounds[1]), *said_flat)


def _saliency_panel(words: Words, item: Found) -> Panel:
    label = words("card.saliency_panel", target=item.target)
    result = item.explanation.result
    if not isinstance(result, ColourSaliency):
        return Panel(NoPicture(reason(words, item.explanation)), label)
    maximum = number(item.measure("maximum"))
    alt = words("alt.hw5_saliency", name=item.name, target=item.target, maximum=maximum)
    panel = stretched_panel(words, result.heat, label, alt)
    return Panel(panel.content, label, words("card.maximum", maximum=maximum))


def _filter_figures(run: Run, words: Words, item: Studied) -> Iterator[Figure]:
    study = item.study
    which = {"filter": study.filter, "layer": item.layer}
    steps, lr = study.parameters.get("steps"), study.parameters.get("lr")
    climbed = words("hw5.filters_caption_synthetic", steps=steps, lr=lr, **which)
    if study.parameters.get("layer_assumed"):
        climbed = joined(words, [climbed, words("hw5.filters_layer", layer=item.layer)])
    elif item.layer.endswith(f".{HW5_LAYER}") and study.parameters.get("kind", "ReLU") != "ReLU":
        climbed = joined(words, [climbed, words("hw5.filters_kind", kind=study.parameters["kind"])])
    method = words("hw5.filters_method_synthetic")
    yield Figure("filters-writeup-climbed", 0, climbed, (padded((_climbed_panel(words, item),)),), method)
    if not study.activations.size:
        return
    for n, group in enumerate(in_rows(tuple(enumerate(run.subjects))), 1):
        photographs = padded(original_panel(words, each.image, shown_name(each.image.name)) for _, each in group)
        maps = padded(_activation_panel(words, item, position, each) for position, each in group)
        caption = words("hw5.filters_caption", **which) if n == 1 else words("hw5.caption_continued")
        yield Figure(f"filters-writeup-{n}", 0, caption, (photographs, maps), words("hw5.filters_method"))


def _climbed_panel(words: Words, item: Studied) -> Panel:
    study = item.study
    label = words("filters.panel_synthetic", filter=study.filter)
    if study.visualisation is None:
        return Panel(NoPicture(reason(words, study)), label)
    bounds = {name: number(study.measures[name]) for name in ("low", "high")}
    alt = words("alt.hw5_synthetic", layer=item.layer, filter=study.filter, **bounds)
    return Panel(stretched_panel(words, study.visualisation, label, alt).content, label, words("hw5.range", **bounds))


def _activation_panel(words: Words, item: Studied, position: int, subject: Subject) -> Panel:
    activation = item.study.activations[position]
    label = words("filters.panel_activation", filter=item.study.filter)
    maximum = number(float(activation.max()))
    alt = words(
        "alt.hw5_activation",
        filter=item.study.filter,
        layer=item.layer,
        name=shown_name(subject.image.name),
        maximum=maximum,
    )
    panel = stretched_panel(words, activation, label, alt)
    return Panel(panel.content, label, words("filters.detail_maximum", maximum=maximum))


def _edges(words: Words, item: Studied) -> Iterator[Block]:
    """Whether the filter follows edges, as the write-up says of its own."""
    if "edges" in item.study.measures:
        r = round(float(item.study.measures["edges"]), 2)
        key = "hw5.filters_edges" if r >= FOLLOWS else "hw5.filters_no_edges"
        finding = said(words, key, item.keys("edges"), filter=item.study.filter, layer=item.layer, r=coefficient(r))
        yield paragraph(words, "shows", finding, tone="finding")


def _range(words: Words, item: Studied) -> tuple[Sentence, ...]:
    """Where the pixels of the climbed image end."""
    facts = item.study.measures
    if "low" not in facts:
        return ()
    low, high, share = number(facts["low"]), number(facts["high"]), percent(facts["outside"])
    key = "hw5.filters_range" if float(facts["outside"]) > 0 else "hw5.filters_inside"
    return (said(words, key, item.keys("low", "high", "outside"), low=low, high=high, share=share),)


def _lime_panel(words: Words, item: Found) -> Panel:
    label = words("hw5.label_panel", name=item.name, target=item.target)
    explanation = item.explanation
    result, facts = explanation.result, explanation.parameters
    if not isinstance(result, RegionWeights):
        return Panel(NoPicture(reason(words, explanation)), label)
    shown = measures.heaviest_regions(result.weights, int(facts["features"]), float(facts["least"]))
    painted = figures.lime_paint(item.subject.image.pixels, result.segments, result.weights, shown)
    alt = words("alt.hw5_lime", name=item.name, target=item.target, shown=len(shown), segments=len(result.weights))
    picture = figures.jpeg(figures.fit(figures.filter_picture(painted), MAP_PIXELS), alt)
    detail = words("card.r2", r2=coefficient(item.measure("r2")), segments=len(result.weights))
    return Panel(picture, label, detail)
