"""The methods beside the three tasks that give each pixel a number, one section each."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from reportgen.anchors import image_anchor
from reportgen.attribution_panels import METHODS, SIGNED, attribution_panel, attribution_scale, method_name
from reportgen.compose.heat_findings import shows, versus_sentences
from reportgen.compose.trust import marked
from reportgen.document import Block, Figure, Section, Sentence, Table
from reportgen.language import Words
from reportgen.panels import PERCENTILE, Found, found, in_rows, padded, target_words
from reportgen.phrasing import citing, joined, number, paragraph, percent, place, said, shown_name
from reportgen.results import Run, Scalar

COLUMNS = ("half", "top", "border", "place")
MEASURES = ("half_area", "top_tenth", "border")
# What the sentence on how it was computed names, of the parameters.
HOW: Mapping[str, tuple[str, ...]] = {
    "smoothgrad": ("samples", "noise"),
    "input_x_gradient": ("baseline",),
    "integrated_gradients": ("baseline",),
    "gradcam": ("layer", "map_height", "map_width"),
    "guided_backprop": ("rectifiers",),
    "occlusion": ("fill", "window", "stride", "passes"),
}
BAD = ("guided_backprop",)  # shown to be compared with


def writer(name: str) -> Callable[[Run, Words], Section]:
    """What writes the section of the method."""
    return lambda run, words: _section(run, words, name)


def cited(name: str) -> tuple[str, ...]:
    """The sentences of the section that cite."""
    return (f"attribution.source_{name}", f"attribution.limits_{name}")


def _section(run: Run, words: Words, name: str) -> Section:
    items = found(run, name)
    score = words(f"score.{run.model.head.score}")
    limits = paragraph(
        words, "limits", citing(words, f"attribution.limits_{name}"), tone="warning" if name in BAD else "plain"
    )
    how = tuple(_how(words, name, items, score))
    blocks: list[Block] = [
        paragraph(words, "what", said(words, f"attribution.what_{name}", score=score)),
        *([limits] if name in BAD else []),
        *([paragraph(words, "how", *how)] if how else []),
        *_figures(words, name, items, score),
        paragraph(words, "shows", *shows(words, items), tone="finding"),
        *([] if name in BAD else [limits]),
        paragraph(words, "source", citing(words, f"attribution.source_{name}")),
        _table(words, name, items),
    ]
    return Section(name.replace("_", "-"), words(f"section.{name}"), tuple(blocks))


def _how(words: Words, name: str, items: Sequence[Found], score: str) -> Iterator[Sentence]:
    known = [item for item in items if set(HOW[name]) <= set(item.explanation.parameters)]
    for item in known[:1]:
        facts = item.explanation.parameters
        given = {each: _shown(words, each, facts[each]) for each in HOW[name]}
        keys = tuple(f"{item.key}.parameters.{each}" for each in HOW[name])
        yield said(words, f"attribution.how_{name}", keys, score=score, **given)
        if facts.get("form", "map") != "map":
            yield said(words, "attribution.how_tokens", (f"{item.key}.parameters.form",))
    yield from _steps(words, [item for item in known if "steps" in item.explanation.parameters])
    yield from versus_sentences(words, items)


def _shown(words: Words, name: str, value: Scalar) -> str:
    if name in ("baseline", "fill"):
        return words(f"fill.{value}")
    return shown_name(value) if isinstance(value, str) else number(value)


def _steps(words: Words, items: Sequence[Found]) -> Iterator[Sentence]:
    """How finely Integrated Gradients cut the way, where it did."""
    if items:
        ordered = sorted(items, key=lambda item: int(item.explanation.parameters["steps"]))
        low, high = (int(item.explanation.parameters["steps"]) for item in (ordered[0], ordered[-1]))
        keys = tuple(f"{item.key}.parameters.steps" for item in (ordered[0], ordered[-1]))
        key = "attribution.how_steps" if low < high else "attribution.how_steps_same"
        yield said(words, key, keys, **({"low": low, "high": high} if low < high else {"steps": low}))


def _figures(words: Words, name: str, items: Sequence[Found], score: str) -> Iterator[Figure]:
    percentile = f"{PERCENTILE:g}"
    told = words(f"attribution.method_{name}", score=score)
    named = words("card.method_other", method=method_name(words, name), line=told)
    colour = words("attribution.colour_signed" if name in SIGNED else "attribution.colour", percentile=percentile)
    contrast = [sentence.text for sentence in versus_sentences(words, items)]
    line = joined(words, [named, colour, *contrast])
    for n, group in enumerate(in_rows(items), 1):
        above = padded(attribution_panel(words, item, overlay=True, label=item.name) for item in group)
        maps = (attribution_panel(words, item, overlay=False) for item in group)
        below = padded(marked(panel, words, item.explanation) for panel, item in zip(maps, group, strict=True))
        key = "attribution.caption" if n == 1 else "attribution.caption_continued"
        caption = words(key, method=method_name(words, name))
        anchor = f"{name.replace('_', '-')}-figure-{n}"
        about = tuple(image_anchor(item.subject.image) for item in group)
        method = line if n == 1 else ""
        yield Figure(anchor, 0, caption, (above, below), method, (attribution_scale(words, name),), about)


def _table(words: Words, name: str, items: Sequence[Found]) -> Table:
    columns = ["image", "class", *(["positive"] if name in SIGNED else ["maximum"]), *COLUMNS]
    columns += ["missed"] if name == "integrated_gradients" else []
    header = tuple(words(f"attribution.column_{column}") for column in columns)
    rows = tuple(_row(words, name, item, len(columns)) for item in items)
    align = "ll" + "r" * 4 + "l" + "r" * (len(columns) - 7)
    caption = words("attribution.table", method=words(f"method.{name}"))
    return Table(f"{name.replace('_', '-')}-table", 0, caption, header, rows, align)


def _row(words: Words, name: str, item: Found, columns: int) -> tuple[str, ...]:
    facts = item.explanation.measures
    start = (item.name, target_words(words, item.explanation.target))
    if not item.ok:
        return (*start, words(f"status.{item.explanation.status}"), *[words("status.empty")] * (columns - 3))
    first = percent(facts["positive"]) if name in SIGNED else number(facts["maximum"])
    row = (*start, first, *(percent(facts[each]) for each in MEASURES), place(words, facts["place"]))
    if len(row) == columns:
        return row
    missed = facts.get("completeness_relative")
    return (*row, words("status.empty") if missed is None else _rounded(float(missed)))


def _rounded(share: float) -> str:
    """A share that may exceed all."""
    return percent(share) if share <= 1 else f"{number(100 * share)}%"


WRITERS: Mapping[str, Callable[[Run, Words], Section]] = {name: writer(name) for name in METHODS}
