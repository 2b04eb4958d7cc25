"""Panels of the report: a result as its picture, or a hatched box that says why there is none.

All pictures of one image share one backdrop: the photograph squeezed to the shape that the network sees.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from reportgen import figures, measures
from reportgen.document import NoPicture, Panel, Picture, ScaleBar
from reportgen.language import Words
from reportgen.phrasing import (
    ALIKE,
    CONFIDENT,
    DENSER,
    FOLLOWS,
    WEAK_FIT,
    apart,
    as_it_came,
    coefficient,
    number,
    percent,
    place,
    reason,
    shown_name,
    signed,
    size_words,
)
from reportgen.results import (
    Explanation,
    FilterStudy,
    ImageInput,
    RegionWeights,
    Run,
    SaliencyMap,
    Scalar,
    Subject,
    Target,
)
from reportgen.verdicts import HELD

PERCENTILE = 99.0  # of a saliency map, drawn in full colour
COLUMNS = 4  # photographs side by side: 4 cm each on A4
MANY_COLUMNS = 6  # the same for small maps, where more than four images would fill page after page
EMPTY = Panel(NoPicture(""), "")
MAP_PIXELS, THUMBNAIL = 256, 112  # along the longer side of a map, and of a picture of the overview
# What pictures and sentences depend on besides the results, as report.json states it.
PRESENTATION: Mapping[str, Scalar] = HELD | {
    "saliency_percentile": PERCENTILE, "shown_regions": measures.SHOWN_REGIONS, "least_share": measures.LEAST_SHARE,
    "weak_fit": WEAK_FIT, "follows": FOLLOWS, "denser": DENSER, "alike": ALIKE, "confident": CONFIDENT,
}  # fmt: skip

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Found:
    """One explanation with the image it belongs to and its place in report.json."""

    subject: Subject
    explanation: Explanation
    key: str

    @property
    def name(self) -> str:
        """The image's name, fit to be shown."""
        return shown_name(self.subject.image.name)

    @property
    def target(self) -> str:
        """The explained class's name, fit to be shown; "a − b" where it is held against another."""
        target = self.explanation.target
        return " − ".join(shown_name(name) for name in (target.name, target.versus_name) if name)

    @property
    def ok(self) -> bool:
        """Whether there is a result."""
        return self.explanation.status == "ok"

    def keys(self, *names: str) -> tuple[str, ...]:
        """Where report.json holds these measures."""
        return tuple(f"{self.key}.measures.{name}" for name in names)

    def measure(self, name: str) -> float:
        """A measure that is a number. Raises KeyError where it was not measured."""
        return float(self.explanation.measures[name])


@dataclass(frozen=True, eq=False)
class Studied:
    """One filter study and its place in report.json."""

    study: FilterStudy
    key: str

    @property
    def layer(self) -> str:
        """The layer's name, fit to be shown."""
        return shown_name(self.study.layer)

    def keys(self, *names: str) -> tuple[str, ...]:
        """Where report.json holds the filter's number and these measures."""
        return (f"{self.key}.layer", f"{self.key}.filter", *(f"{self.key}.measures.{name}" for name in names))


def found(run: Run, method: str) -> tuple[Found, ...]:
    """All explanations of a method, image by image."""
    return tuple(
        Found(subject, explanation, f"images[{i}].explanations[{j}]")
        for i, subject in enumerate(run.subjects)
        for j, explanation in enumerate(subject.explanations)
        if explanation.method == method
    )


def studied(run: Run, method: str) -> tuple[Studied, ...]:
    """All filter studies of a method, layer by layer."""
    return tuple(Studied(study, f"filters[{i}]") for i, study in enumerate(run.filters) if study.method == method)


def in_rows(items: Sequence[Item], columns: int = COLUMNS) -> Iterator[Sequence[Item]]:
    """The items cut into groups that fit side by side, as equal in size as can be: 5 as 3 and 2, not as 4 and 1."""
    groups = math.ceil(len(items) / columns)
    ends = [len(items) * n // groups for n in range(groups, 0, -1)] if groups else []
    ends = [len(items) - end for end in ends] + [len(items)]
    return (items[start:end] for start, end in pairwise(ends))


def padded(panels: Iterable[Panel], columns: int = COLUMNS) -> tuple[Panel, ...]:
    """A row filled up with empty places, so that pictures are equally large in all figures."""
    row = tuple(panels)
    return row + (EMPTY,) * (columns - len(row))


def agreement(subject: Subject) -> dict[str, float]:
    """How far saliency and LIME agree on the predicted class; empty where one of them is missing.

    agreement: share of the saliency inside the outlined regions that speak for the class; agreement_area: their share
    of the image; agreement_density: the one by the other, 1 for two methods that know nothing of each other.
    """
    results = {each.method: each.result for each in subject.explanations if each.target.leads and each.result}
    saliency, lime = results.get("saliency"), results.get("lime")
    if not isinstance(saliency, SaliencyMap) or not isinstance(lime, RegionWeights):
        return {}
    share, area = measures.agreement(saliency.heat, lime.segments, lime.weights, shown_regions(lime))
    return {"agreement": share, "agreement_area": area, "agreement_density": share / area} if area else {}


def original_panel(words: Words, image: ImageInput, label: str = "") -> Panel:
    """The photograph in the shape that the network sees. label: instead of "Original", and then without its size."""
    alt = words("alt.original", name=shown_name(image.name), size=size_words(words, image))
    picture = figures.jpeg(figures.backdrop(image, MAP_PIXELS), alt, smooth=True)
    return Panel(picture, label) if label else Panel(picture, words("card.original"), as_it_came(words, image))


def saliency_panel(words: Words, item: Found, *, overlay: bool) -> Panel:
    """A saliency map, alone or over the photograph."""
    label = words("card.saliency_panel", target=item.target)
    result = item.explanation.result
    if not isinstance(result, SaliencyMap):
        return Panel(NoPicture(reason(words, item.explanation)), label)
    top = figures.percentile_scale(result.heat, PERCENTILE)
    if not top:
        return Panel(NoPicture(words("reason.flat_map")), label)
    facts = item.explanation.measures
    alt = words(
        "alt.saliency",
        name=item.name,
        target=item.target,
        area=percent(facts["half_area"]),
        place=place(words, facts["place"]),
        share=percent(facts["top_tenth"]),
    )
    if overlay:
        drawn = figures.saliency_overlay(figures.backdrop(item.subject.image), result.heat, top)
    else:
        drawn = figures.fit(figures.saliency_picture(result.heat, top), MAP_PIXELS)
    picture = figures.jpeg(drawn, alt, smooth=True)
    return Panel(picture, label, words("card.maximum", maximum=number(facts["maximum"])))


def lime_panel(words: Words, item: Found, *, numbered: bool) -> Panel:
    """The regions that LIME weighs, over the photograph."""
    label = words("card.lime_panel", target=item.target)
    result = item.explanation.result
    if not isinstance(result, RegionWeights):
        return Panel(NoPicture(reason(words, item.explanation)), label)
    shown = shown_regions(result)
    if not shown:
        return Panel(NoPicture(words("reason.no_region")), label)
    photo = figures.backdrop(item.subject.image)
    picture = figures.regions_overlay(photo, result.segments, result.weights, shown, result.unsettled(shown))
    if numbered:
        picture = figures.number_regions(picture, result.segments, shown)
    detail = words("card.r2", r2=coefficient(item.explanation.measures["r2"]), segments=len(result.weights))
    return Panel(figures.jpeg(picture, _regions_alt(words, item, len(shown))), label, detail)


def chart_panel(words: Words, item: Found) -> Panel:
    """The weights of the shown regions as bars, numbered as in the overlay."""
    result = item.explanation.result
    label = words("lime.panel_chart")
    if not isinstance(result, RegionWeights):
        return Panel(NoPicture(reason(words, item.explanation)), label)
    shown = shown_regions(result)
    if not shown:
        return Panel(NoPicture(words("reason.no_region")), label)
    weights = [float(result.weights[region]) for region in shown]
    margins = None if result.margins is None else [float(result.margins[region]) for region in shown]
    listed = apart(words, [f"{rank}: {signed(weight)}" for rank, weight in enumerate(weights, 1)])
    names = [str(rank) for rank in range(1, len(shown) + 1)]
    alt = words("alt.chart", target=item.target, weights=listed)
    return Panel(figures.weights_chart(names, weights, alt, margins), label)


def activation_panel(words: Words, study: FilterStudy, subject: Subject, position: int, *, overlay: bool) -> Panel:
    """One filter's activation on one image; full colour is the filter's maximum over all images."""
    label = words("card.activation_panel", layer=shown_name(study.layer), filter=study.filter)
    if study.status != "ok":
        return Panel(NoPicture(reason(words, study)), label)
    activation, top = study.activations[position], float(study.measures["maximum"])
    if top <= 0:
        return Panel(NoPicture(words("reason.below_zero")), label)
    facts = study.image_measures[position]
    alt = words(
        "alt.activation",
        layer=shown_name(study.layer),
        filter=study.filter,
        name=shown_name(subject.image.name),
        maximum=number(facts["maximum"]),
    )
    if overlay:
        picture = figures.jpeg(
            figures.activation_overlay(figures.backdrop(subject.image), activation, top), alt, smooth=True
        )
    else:
        picture = figures.png(figures.activation_picture(activation, top), alt, pixelated=True)
    return Panel(picture, label, words("filters.detail_maximum", maximum=number(facts["maximum"])))


def synthetic_panel(words: Words, study: FilterStudy) -> Panel:
    """The image made to excite a filter."""
    label = words("filters.panel_synthetic", filter=study.filter)
    if study.status != "ok" or study.visualisation is None:
        return Panel(NoPicture(reason(words, study) if study.reason else words("reason.not_computed")), label)
    layer, reached = shown_name(study.layer), number(study.measures["reached"])
    alt = words("alt.synthetic", layer=layer, filter=study.filter, reached=reached)
    picture = figures.jpeg(figures.fit(figures.filter_picture(study.visualisation), MAP_PIXELS), alt)
    return Panel(picture, label, words("filters.detail_reached", reached=reached))


def shown_regions(result: RegionWeights) -> tuple[int, ...]:
    """The regions that are outlined, heaviest first."""
    return measures.shown_regions(result.weights)


def stretched_panel(words: Words, values: NDArray[np.float32], label: str, alt: str) -> Panel:
    """The write-up's way: minimum to black, maximum to full; a flat map cannot be stretched."""
    stretched = figures.stretched_picture(values)
    if stretched is None:
        return Panel(NoPicture(words("reason.flat_map")), label)
    return Panel(figures.jpeg(figures.fit(stretched, MAP_PIXELS), alt), label)


def scale_bar(words: Words, kind: str, low: str, high: str, label: str) -> ScaleBar:
    """The colour scale of a figure; kind: "saliency", "activation" or "weights"."""
    return ScaleBar(figures.colour_bar(kind, words("alt.scale", low=low, high=high, label=label)), low, high, label)


def target_words(words: Words, target: Target) -> str:
    """The class, and whether the network or the label says it, or it was asked for."""
    if target.versus is not None:
        return words("target.versus", name=shown_name(target.name), versus=shown_name(target.versus_name))
    return words(f"target.{target.role}", name=shown_name(target.name))


def thumbnail(words: Words, image: ImageInput) -> Picture:
    """A small picture for the overview."""
    alt = words("alt.thumbnail", name=shown_name(image.name))
    return figures.jpeg(figures.backdrop(image, THUMBNAIL), alt, smooth=True)


def _regions_alt(words: Words, item: Found, shown: int) -> str:
    facts = item.explanation.measures
    return words(
        "alt.regions",
        name=item.name,
        target=item.target,
        shown=shown,
        segments=facts["segments"],
        place=place(words, facts["place"]),
        area=percent(facts["largest_area"]),
        weight=signed(facts["largest_weight"]),
    )
