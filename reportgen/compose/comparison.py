"""Two reports as one document: what changed in answers and in reasons, worst first, each beside what chance gives."""

from collections.abc import Iterator, Sequence

from reportgen.changes import Comparison, ImageChange
from reportgen.compose import comparison_pictures, comparison_tables, rules
from reportgen.compose.comparison_facts import CARDS, comparison_facts
from reportgen.document import Block, Paragraph, ReportDocument, Section, Sentence
from reportgen.language import Words
from reportgen.numbering import numbered
from reportgen.phrasing import (
    coefficient,
    count,
    counted,
    listing,
    number,
    paragraph,
    percent,
    said,
    shown_name,
)
from reportgen.results import Facts, Run

SHA_SHOWN = 12
TOGETHER = 4  # maps that fit on the page of their heading


def compose_comparison(comparison: Comparison, words: Words) -> ReportDocument:
    """The document of a comparison; the same two runs and words always give an equal one."""
    files = {"base": shown_name(comparison.base.model.file), "new": shown_name(comparison.new.model.file)}
    title = words("compare.title", **files)
    sections = (
        _summary(comparison, words),
        _images(comparison, words),
        *comparison_tables.sections(comparison, words),
        _method(comparison, words),
    )
    return ReportDocument(
        language=words.code,
        title=title,
        subtitle=words("compare.subtitle", images=count(words, len(comparison.images))),
        byline=tuple(_byline(words, name, run) for name, run in _sides(comparison)),
        running_head=title,
        sections=numbered(sections),
        references=(),
        facts=comparison_facts(comparison),
        words=words.table("page"),
        stem="comparison",
    )


def _sides(comparison: Comparison) -> tuple[tuple[str, Run], tuple[str, Run]]:
    return ("base", comparison.base), ("new", comparison.new)


def _byline(words: Words, name: str, run: Run) -> str:
    file, sha = shown_name(run.model.file), run.model.sha256[:SHA_SHOWN]
    return words(f"compare.byline_{name}", file=file, sha=sha)


def _summary(comparison: Comparison, words: Words) -> Section:
    summary = comparison.summary()
    blocks: list[Block] = [*rules.blocks(comparison.results, words, words("compare.table_judged"))]
    told = (
        ("answers", tuple(_answers(words, comparison, summary))),
        ("evidence", tuple(_evidence(words, comparison, summary))),
        ("verdicts", tuple(_verdicts(words, summary))),
    )
    blocks += [paragraph(words, heading, *sentences, tone="finding") for heading, sentences in told if sentences]
    blocks += [Paragraph(notes, "note")] if (notes := tuple(_notes(words, comparison, summary))) else []
    return Section("summary", words("section.summary"), tuple(blocks))


def _answers(words: Words, comparison: Comparison, summary: Facts) -> Iterator[Sentence]:
    if comparison.unchanged:
        yield said(words, "compare.unchanged", ("summary.changed", "summary.rules_lost", "summary.rules_other"))
    keys = ("summary.flipped", "summary.images")
    total = int(summary["images"])
    if summary["flipped"]:
        yield counted(words, "compare.flipped", int(summary["flipped"]), keys, total=total)
    else:
        yield said(words, "compare.none_flipped", keys)
    if summary["labelled"]:
        sides = ("summary.accuracy_base", "summary.accuracy_new", "summary.labelled")
        shares = {name: percent(summary[f"accuracy_{name}"]) for name in ("base", "new")}
        key = "compare.accuracy_same" if shares["base"] == shares["new"] else "compare.accuracy"
        yield counted(words, key, int(summary["labelled"]), sides, **shares)
    moved = max(comparison.images, key=lambda each: abs(each.confidence[1] - each.confidence[0]))
    position = comparison.images.index(moved)
    keys = ("summary.confidence_change_largest", f"images[{position}].confidence")
    before, after = map(percent, moved.confidence)
    if before == after:
        yield said(words, "compare.confidence_same", keys)
    else:
        name, predicted = shown_name(moved.base.image.name), shown_name(moved.base.prediction.first.name)
        yield said(words, "compare.confidence", keys, name=name, predicted=predicted, before=before, after=after)


def _evidence(words: Words, comparison: Comparison, summary: Facts) -> Iterator[Sentence]:
    for method in comparison.methods:
        compared = int(summary[f"{method}_compared"])
        named = words(f"method.{method}")
        if not compared:
            continue
        names = ("compared", "moved", "rank_median", "overlap_median")
        keys = tuple(f"summary.{method}_{name}" for name in names)
        medians = {name: coefficient(summary[f"{method}_{name}_median"]) for name in ("rank", "overlap")}
        moved = int(summary[f"{method}_moved"])
        key = "compare.moved" if moved else "compare.stayed"
        yield said(words, key, keys, method=named, moved=moved, total=compared, **medians)


def _verdicts(words: Words, summary: Facts) -> Iterator[Sentence]:
    if summary["verdicts"]:
        keys = ("summary.verdicts", "summary.verdicts_lost", "summary.verdicts_gained")
        numbers = {name: summary[f"verdicts_{name}"] for name in ("lost", "gained")}
        yield said(words, "compare.verdicts", keys, total=summary["verdicts"], **numbers)
    changed = {name: int(summary[f"rules_{name}"]) for name in ("lost", "other")}
    if any(changed.values()):
        yield said(words, "compare.rules", ("summary.rules_lost", "summary.rules_other"), **changed)


def _notes(words: Words, comparison: Comparison, summary: Facts) -> Iterator[Sentence]:
    """What must be known to read the comparison: images in one report only, and settings that differ."""
    for name in ("base", "new"):
        if alone := int(summary[f"only_{name}"]):
            yield counted(words, f"compare.only_{name}", alone, (f"summary.only_{name}",))
    others = [name for name in comparison.settings if name != "seed"]
    if others:
        keys = tuple(f"settings[{list(comparison.settings).index(name)}].name" for name in others)
        yield said(words, "compare.settings", keys, names=listing(words, others))


def _images(comparison: Comparison, words: Words) -> Section:
    shown = comparison.images[:CARDS]
    intro = [said(words, "compare.worst_first")]
    if left := len(comparison.images) - len(shown):
        intro.append(counted(words, "compare.more_images", left, ("summary.images", "presentation.cards"), shown=CARDS))
    cards = tuple(_card(words, n, image) for n, image in enumerate(shown))
    return Section("images", words("section.images"), (Paragraph(tuple(intro)),), cards)


def _card(words: Words, n: int, image: ImageChange) -> Section:
    sentences = Paragraph(tuple(_said_of(words, n, image)))
    figure = comparison_pictures.figure(words, n, image)
    blocks: tuple[Block, ...] = (sentences, *([figure] if figure else []))
    lead = len(blocks) if len(image.maps) <= TOGETHER else 1
    return Section(f"image-{n + 1}", shown_name(image.base.image.name), blocks, lead=lead)


def _said_of(words: Words, n: int, image: ImageChange) -> Iterator[Sentence]:
    before, after = image.base.prediction.first, image.new.prediction.first
    keys = (f"images[{n}].base", f"images[{n}].new", f"images[{n}].confidence")
    shares = {"before": percent(image.confidence[0]), "after": percent(image.confidence[1])}
    if image.flipped:
        named = {"one": shown_name(before.name), "other": shown_name(after.name), "share": percent(after.probability)}
        yield said(words, "compare.card_flipped", keys, **named, **shares)
    else:
        same = shares["before"] == shares["after"]
        key = "compare.card_answer_same" if same else "compare.card_answer"
        yield said(words, key, keys, one=shown_name(before.name), **shares)
    if label := image.base.prediction.label:
        yield said(words, "compare.card_label", (f"images[{n}].label.name",), label=shown_name(label.name))
    for j, each in enumerate(image.maps):
        yield from comparison_tables.moved_sentence(words, f"images[{n}].maps[{j}]", each)


def _method(comparison: Comparison, words: Words) -> Section:
    """How it was measured, and from where it is known what is noise."""
    rank, overlap = (f"presentation.rounding_{name}" for name in ("rank", "overlap"))
    sources: Sequence[str] = tuple(dict.fromkeys(each.floor.source for each in comparison.maps if each.floor))
    constants = comparison_facts(comparison)["presentation"]
    values = {
        "rounding": {"rank": number(constants["rounding_rank"]), "overlap": number(constants["rounding_overlap"])},
        "intervals": {"draws": constants["draws"], "wider": number(constants["wider"])},
    }
    keys = {"rounding": (rank, overlap), "intervals": ("presentation.draws", "presentation.wider")}
    strongest, top = percent(constants["strongest"]), constants["top_regions"]
    how = said(
        words, "compare.how", ("presentation.strongest", "presentation.top_regions"), strongest=strongest, regions=top
    )
    noise = [
        said(words, f"compare.noise_{source}", keys.get(source, ()), **values.get(source, {})) for source in sources
    ]
    blocks = [paragraph(words, "how", how)]
    blocks += [paragraph(words, "noise", *noise)] if noise else []
    blocks += [paragraph(words, "limits", said(words, "compare.limits"))]
    return Section("method", words("section.compared"), tuple(blocks))
