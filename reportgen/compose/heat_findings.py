"""What maps of pixels show, in sentences: on one card, and over all images."""

from collections.abc import Iterator, Sequence

from reportgen.attribution_panels import SIGNED, method_name
from reportgen.document import Sentence
from reportgen.language import Words
from reportgen.panels import Found
from reportgen.phrasing import (
    DENSER,
    apart,
    counted,
    listing,
    number,
    percent,
    place,
    placed,
    said,
    same_place,
    shown_name,
)

IMPRECISE = 0.1  # of the gain in score, from which what Integrated Gradients misses is told on the card


def card(words: Words, items: Sequence[Found]) -> Iterator[Sentence]:
    """On one image. items: the maps of one class."""
    if not items:
        return
    keys = tuple(key for item in items for key in item.keys("half_area", "place"))
    if len(items) == 1:
        yield said(words, "card.maps_one", keys, target=items[0].target, **_where(words, items[0]))
    else:
        parts = apart(words, [words("card.map", **_where(words, item)) for item in items])
        yield said(words, "card.maps", keys, target=items[0].target, parts=parts)
    yield from _on_the_rim(words, [each for each in items if crowds_the_rim(each)])
    for item in items:
        if float(item.explanation.measures.get("completeness_relative", 0.0)) > IMPRECISE:
            missed = _missed(words, item.measure("completeness_relative"))
            method = method_name(words, item.explanation.method)
            keys = item.keys("completeness_relative")
            yield said(words, "attribution.card_missed", keys, method=method, share=missed)


def crowds_the_rim(item: Found) -> bool:
    """Whether the map is much denser along the edges of the photograph than on the whole of it."""
    return item.measure("border") >= DENSER * item.measure("border_area")


def _where(words: Words, item: Found) -> dict[str, str]:
    facts = item.explanation.measures
    shape = {"area": percent(facts["half_area"]), "place": place(words, facts["place"])}
    return {"method": words(f"method.{item.explanation.method}"), **shape}


def _on_the_rim(words: Words, items: Sequence[Found]) -> Iterator[Sentence]:
    if items:
        shares = [
            words(
                "trust.object_share",
                share=percent(item.measure("border")),
                picture=words(f"method.{item.explanation.method}"),
            )
            for item in items
        ]
        keys = tuple(key for item in items for key in item.keys("border", "border_area"))
        area = percent(items[0].measure("border_area"))
        yield said(words, "card.border", keys, shares=listing(words, shares), area=area)


def shows(words: Words, items: Sequence[Found]) -> Iterator[Sentence]:
    """Over all images."""
    drawn = [item for item in items if item.ok]
    if not drawn:
        yield said(words, "shows.nothing")
        return
    yield from _range(words, "area", "half_area", drawn)
    if drawn[0].explanation.method in SIGNED:
        yield from _range(words, "positive", "positive", drawn)
    yield from places(words, drawn, "attribution.shows_place")
    yield from _completeness(words, [item for item in drawn if "completeness_relative" in item.explanation.measures])
    if missing := len(items) - len(drawn):
        yield counted(words, "shows.missing", missing, total=len(items))


def places(words: Words, drawn: Sequence[Found], key: str) -> Iterator[Sentence]:
    """Where maps lie: in a place that too many images share for chance, and along the edges. key: of the former."""
    leading = [item for item in drawn if item.explanation.target.leads]
    if common := same_place(item.explanation.measures["place"] for item in leading):
        keys = tuple(measure for item in leading for measure in item.keys("place"))
        yield placed(words, key, common, len(leading), keys)
    rims = [item for item in drawn if item.measure("border") >= DENSER * item.measure("border_area")]
    if rims:
        most = max(rims, key=lambda item: item.measure("border"))
        shares = {"share": percent(most.measure("border")), "area": percent(most.measure("border_area"))}
        keys = tuple(measure for item in drawn for measure in item.keys("border", "border_area"))
        yield counted(words, "saliency.shows_border", len(rims), keys, total=len(drawn), name=most.name, **shares)


def versus_sentences(words: Words, items: Sequence[Found]) -> Iterator[Sentence]:
    """That one class is held against another, where it is."""
    for item in [item for item in items if item.explanation.target.versus is not None][:1]:
        target = item.explanation.target
        names = {"target": shown_name(target.name), "versus": shown_name(target.versus_name)}
        yield said(words, "attribution.how_versus", (f"{item.key}.target.versus",), **names)


def _range(words: Words, what: str, measure: str, drawn: Sequence[Found]) -> Iterator[Sentence]:
    """The lowest and the highest share, each with its image."""
    ordered = sorted(drawn, key=lambda item: item.measure(measure))
    first, last = ordered[0], ordered[-1]
    low, high = percent(first.measure(measure)), percent(last.measure(measure))
    if low == high:
        yield said(words, f"attribution.shows_{what}_same", first.keys(measure), share=low)
        return
    names = {"first": first.name, "first_class": first.target, "last": last.name, "last_class": last.target}
    keys = (*first.keys(measure), *last.keys(measure))
    yield said(words, f"attribution.shows_{what}", keys, low=low, high=high, **names)


def _completeness(words: Words, items: Sequence[Found]) -> Iterator[Sentence]:
    """By how much the values of all pixels miss what the score gained."""
    if not items:
        return
    worst = max(items, key=lambda item: item.measure("completeness_relative"))
    share = _missed(words, worst.measure("completeness_relative"))
    if len(items) == 1:
        yield said(words, "attribution.shows_complete_one", worst.keys("completeness_relative"), share=share)
        return
    middle = sorted(items, key=lambda item: item.measure("completeness_relative"))[(len(items) - 1) // 2]
    keys = (*worst.keys("completeness_relative"), *middle.keys("completeness_relative"))
    shares = {"share": share, "middle": _missed(words, middle.measure("completeness_relative"))}
    yield said(words, "attribution.shows_complete", keys, name=worst.name, **shares)


def _missed(words: Words, relative: float) -> str:
    """A share of the gain, which it may exceed."""
    if relative > 1:
        return words("attribution.times_the_gain", times=number(relative))
    return words("attribution.of_the_gain", share=percent(relative))
