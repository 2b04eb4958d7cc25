"""What is said of a filter, chosen from what was measured, and the tables of the measures."""

from collections.abc import Iterator, Sequence

from reportgen.document import Sentence, Table
from reportgen.language import Words
from reportgen.panels import Studied
from reportgen.phrasing import FOLLOWS, coefficient, counted, enumerated, number, percent, points, said, shown_name
from reportgen.results import ClassEffect, Facts

MEASURES = ("layer", "filter", "maximum", "active", "edges", "orientation", "period", "colour", "ratio")
ALIGN = "lrrrrlrlr"
NEEDS = ("layer", "filter", "matters", "relied", "opposed", "logit", "duplicates")
COHERENT = 0.2  # alignment beyond that of the images at large, from which a direction is named
FINER = 0.1  # of the contrast, by which an octave's share must grow where a filter answers, to be named
MATTERS = 0.01  # change of a probability from which a class is said to rely on a filter
FULL = 0.5  # share of positions at the highest value, from which a filter counts as saturated
LISTED = 12  # numbers of filters in one sentence
DIRECTIONS = ("horizontal", "rising", "vertical", "falling")


def layer_findings(words: Words, items: Sequence[Studied]) -> Iterator[Sentence]:
    """What is said of all channels of a layer."""
    first = items[0]
    parameters, key = first.study.parameters, f"{first.key}.parameters"
    telling = next((fact for fact in ("patches_only", "no_activation") if parameters.get(fact)), None)
    if telling:
        yield said(words, f"filters.{telling}", (f"{key}.{telling}",), layer=first.layer, kind=parameters["kind"])
    for kind, sentence in (("silent", "filters.silent"), ("broken", "filters.broken")):
        measured = next((item for item in items if item.study.measures.get(kind)), None)
        if measured:
            facts = measured.study.measures
            count, total = int(facts[kind]), int(facts["channels"])
            keys = tuple(f"{measured.key}.measures.{name}" for name in (kind, "channels", f"{kind}_filters"))
            listed = enumerated(words, str(facts[f"{kind}_filters"]).split(", "))
            numbers = words("filters.silent_numbers", numbers=listed) if count <= LISTED else ""
            yield counted(words, sentence, count, keys, total=total, numbers=numbers)


def all_idle(words: Words, items: Sequence[Studied]) -> Iterator[Sentence]:
    """What is said once where no filter is needed alone; items: all of the report."""
    tried = [item for item in items if item.study.status == "ok" and item.study.effects]
    if len(tried) < 2:  # of one its own paragraph tells
        return
    most = max(tried, key=lambda item: float(item.study.measures["largest_change"]))
    change = float(most.study.measures["largest_change"])
    if change < MATTERS:
        yield said(words, "filters.shows_all_idle", most.keys("largest_change"), n=len(tried), points=points(change))


def findings(words: Words, item: Studied, *, idle_told: bool = False) -> Iterator[Sentence]:
    """What is said of one filter, beyond what the tables have of every one. idle_told: `all_idle` has told of it."""
    study = item.study
    if study.status == "degenerate":
        yield said(words, "filters.shows_dead", item.keys("maximum"), filter=study.filter)
    if study.status != "ok":
        return
    facts = study.measures
    if float(facts["maximum"]) <= 0:
        reached = number(facts["reached"])
        keys = item.keys("maximum", "reached")
        yield said(words, "filters.shows_silent", keys, reached=reached)
        return
    yield from _warnings(words, item)
    yield from _answers(words, item)
    yield from _needs(words, item, idle_told=idle_told)
    if "ratio" in facts and float(facts["ratio"]) < 1 and number(facts["ratio"]) != "1":  # ReLU6 gives no more than 6
        yield said(words, "filters.shows_ratio_low", item.keys("ratio"), ratio=number(facts["ratio"]))


def _warnings(words: Words, item: Studied) -> Iterator[Sentence]:
    """Why pictures of a filter may mean little."""
    facts = item.study.measures
    if facts.get("steady"):
        yield said(words, "filters.shows_steady", item.keys("spread"), spread=number(facts["spread"]))
    if float(facts.get("saturated", 0)) >= FULL:
        yield said(words, "filters.shows_saturated", item.keys("saturated"), share=percent(facts["saturated"]))
    if "duplicate_of" in facts:
        others = str(facts["duplicate_of"]).split(", ")
        keys, r = item.keys("duplicate_of", "duplicate_r"), coefficient(facts["duplicate_r"])
        named = enumerated(words, [*others[:LISTED], *(["…"] if len(others) > LISTED else [])])
        yield counted(words, "filters.shows_duplicate", len(others), keys, others=named, r=r)


def _answers(words: Words, item: Studied) -> Iterator[Sentence]:
    """What the filter answers to: edges, a direction, a size of structures, a colour."""
    facts = item.study.measures
    if "edges" in facts:
        r = round(float(facts["edges"]), 2)  # as it is printed
        if abs(r) >= FOLLOWS:
            key = "filters.shows_edges" if r > 0 else "filters.shows_avoids"
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
    if _has_period(facts):
        share, usual = percent(facts["period_share"]), percent(facts["period_usual"])
        keys = item.keys("period", "period_share", "period_usual")
        yield said(words, "filters.shows_period", keys, period=number(facts["period"]), share=share, usual=usual)
    if facts.get("colour", "none") != "none":
        colour = words(f"colour.{facts['colour']}")
        size = coefficient(abs(float(facts["colour_r"])))
        yield said(words, "filters.shows_colour", item.keys("colour", "colour_r"), colour=colour, r=size)
    if "object_share" in facts:
        keys = item.keys("object_share", "object_area", "object_images")
        share, area = percent(facts["object_share"]), percent(facts["object_area"])
        yield counted(words, "filters.shows_object", int(facts["object_images"]), keys, share=share, area=area)


def _has_period(facts: Facts) -> bool:
    """Whether structures of one size stand out where the filter answers."""
    return "period" in facts and float(facts["period_share"]) - float(facts["period_usual"]) >= FINER


def _needs(words: Words, item: Studied, *, idle_told: bool) -> Iterator[Sentence]:
    """Whether the answers need the filter, and which classes rely on it."""
    facts, effects = item.study.measures, item.study.effects
    if not effects:
        return
    largest = float(facts["largest_change"])
    if largest < MATTERS:
        if not idle_told:
            yield said(words, "filters.shows_idle", item.keys("largest_change"), points=points(largest))
        return
    yield said(words, "filters.shows_matters", item.keys("matters"), points=points(facts["matters"]))
    relying = [(i, effect) for i, effect in enumerate(effects) if effect.drop >= MATTERS][:2]
    if relying:
        keys = tuple(f"{item.key}.effects[{i}].{name}" for i, _ in relying for name in ("name", "drop"))
        (_, most), more = relying[0], relying[1:]
        values = {"name": shown_name(most.name), "points": points(most.drop)}
        if more:
            values |= {"other": shown_name(more[0][1].name), "fewer": points(more[0][1].drop)}
        yield said(words, "filters.shows_relied_two" if more else "filters.shows_relied", keys, **values)
    least = effects[-1]
    if not relying and least.drop > -MATTERS:  # what changes does so where the filter answers less than on average
        position, effect = max(enumerate(effects), key=lambda each: each[1].change)
        keys = tuple(f"{item.key}.effects[{position}].{name}" for name in ("name", "change"))
        yield said(words, "filters.shows_changed", keys, name=shown_name(effect.name), points=points(effect.change))
    if least.drop <= -MATTERS:
        keys = tuple(f"{item.key}.effects[{len(effects) - 1}].{name}" for name in ("name", "drop"))
        yield said(words, "filters.shows_opposed", keys, name=shown_name(least.name), points=points(least.drop))


def _degrees(orientation: float) -> int:
    """Whole degrees in [0, 180): 179.6 is as horizontal as 0."""
    return round(orientation) % 180


def _direction(orientation: float) -> str:
    """The nearest of four directions."""
    return DIRECTIONS[round(orientation / 45) % 4]


def tables(words: Words, items: Sequence[Studied]) -> Iterator[Table]:
    """What the filters answer to, and what needs them."""
    if not items:
        return
    header = tuple(words(f"filters.column_{column}") for column in MEASURES)
    yield Table("filters-table", 0, words("filters.table"), header, tuple(_row(words, item) for item in items), ALIGN)
    needed = [item for item in items if item.study.status == "ok" and item.study.effects]
    if needed:
        header = tuple(words(f"filters.column_{column}") for column in NEEDS)
        rows = tuple(_need(words, item) for item in needed)
        yield Table("filters-needs", 0, words("filters.table_needs"), header, rows, "lrrllll")


def _row(words: Words, item: Studied) -> tuple[str, ...]:
    study, facts, empty = item.study, item.study.measures, words("status.empty")
    start = (item.layer, str(study.filter))
    if study.status == "failed":
        return (*start, words("status.failed"), *[empty] * 6)
    if study.status != "ok":
        active = percent(facts["active"]) if "active" in facts else empty
        return (*start, number(facts["maximum"]), active, *[empty] * 4, words("status.dead"))
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
        words("filters.period_value", period=number(facts["period"])) if _has_period(facts) else empty,
        words(f"colour.{facts['colour']}") if "colour" in facts else empty,
        number(facts["ratio"]) if "ratio" in facts else empty,
    )


def _need(words: Words, item: Studied) -> tuple[str, ...]:
    study, empty = item.study, words("status.empty")
    relying = [_class(words, effect) for effect in study.effects if effect.drop >= MATTERS][:3]
    opposed = [_class(words, effect) for effect in study.effects[-1:] if effect.drop <= -MATTERS]
    logit = max(study.effects, key=lambda effect: effect.fall)
    falls = words("filters.class_falls", name=shown_name(logit.name), points=number(logit.fall))
    return (
        item.layer,
        str(study.filter),
        points(study.measures["matters"]),
        enumerated(words, relying) or empty,
        enumerated(words, opposed) or empty,
        falls if logit.fall > 0 else empty,
        str(study.measures.get("duplicate_of", empty)),
    )


def _class(words: Words, effect: ClassEffect) -> str:
    """A class and by how many points it changes while the filter is held: down is relying."""
    key = "filters.class_falls" if effect.drop > 0 else "filters.class_rises"
    return words(key, name=shown_name(effect.name), points=points(effect.drop))
