"""Panels of the report: a result as its picture, or a hatched box that says why there is none.

All pictures of one image share one backdrop: the photograph squeezed to the shape that the network sees.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen import checks, figures
from reportgen.document import NoPicture, Panel, Picture, ScaleBar
from reportgen.language import Words
from reportgen.phrasing import number, percent, place, reason, shown_name, signed
from reportgen.results import (
    ColourSaliency,
    Explanation,
    FilterStudy,
    ImageInput,
    RegionWeights,
    Run,
    SaliencyMap,
    Subject,
    Target,
)

PERCENTILE = 99.0
SHOWN_REGIONS = 10
LEAST_SHARE = 0.01
MAP_PIXELS = 256


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
        """The explained class's name, fit to be shown."""
        return shown_name(self.explanation.target.name)


def found(run: Run, method: str) -> tuple[Found, ...]:
    """All explanations of a method, image by image."""
    return tuple(
        Found(subject, explanation, f"images[{i}].explanations[{j}]")
        for i, subject in enumerate(run.subjects)
        for j, explanation in enumerate(subject.explanations)
        if explanation.method == method
    )


def in_rows(panels: list[Panel], columns: int) -> Iterator[list[Panel]]:
    """The panels cut into rows of equal length."""
    return (panels[start : start + columns] for start in range(0, len(panels), columns))


def original_panel(words: Words, image: ImageInput, label: str = "", longest: int = MAP_PIXELS) -> Panel:
    """The photograph as the network sees its shape."""
    height, width = image.original_size
    size = words("card.size", height=height, width=width)
    conversions = ", ".join(words(f"conversion.{key}") for key in image.conversions)
    detail = words("card.converted", size=size, conversions=conversions) if conversions else size
    alt = words("alt.original", name=shown_name(image.name), size=size)
    picture = figures.jpeg(figures.backdrop(image, longest), alt)
    return Panel(picture, label or words("card.original"), detail)


def saliency_panel(words: Words, item: Found, *, overlay: bool) -> Panel:
    """A saliency map, alone or over the photograph."""
    label = words("card.saliency_panel", target=item.target)
    result = item.explanation.result
    if not isinstance(result, SaliencyMap):
        return Panel(NoPicture(reason(words, item.explanation)), label)
    top = figures.percentile_scale(result.heat, PERCENTILE)
    measures = item.explanation.measures
    alt = words(
        "alt.saliency",
        name=item.name,
        target=item.target,
        area=percent(measures["half_area"]),
        place=place(words, measures["place"]),
        share=percent(measures["top_tenth"]),
    )
    if overlay:
        picture = figures.jpeg(figures.saliency_overlay(figures.backdrop(item.subject.image), result.heat, top), alt)
    else:
        picture = figures.jpeg(figures.fit(figures.saliency_picture(result.heat, top), MAP_PIXELS), alt)
    return Panel(picture, label, words("card.maximum", maximum=number(measures["maximum"])))


def lime_panel(words: Words, item: Found, *, numbered: bool) -> Panel:
    """The regions that LIME weighs, over the photograph."""
    label = words("card.lime_panel", target=item.target)
    result = item.explanation.result
    if not isinstance(result, RegionWeights):
        return Panel(NoPicture(reason(words, item.explanation)), label)
    shown = shown_regions(result)
    photo = figures.backdrop(item.subject.image)
    picture = figures.regions_overlay(photo, result.segments, result.weights, shown)
    if numbered:
        picture = figures.number_regions(picture, result.segments, shown)
    detail = words("card.r2", r2=number(item.explanation.measures["r2"]), segments=len(result.weights))
    return Panel(figures.jpeg(picture, _regions_alt(words, item, len(shown))), label, detail)


def chart_panel(words: Words, item: Found) -> Panel:
    """The weights of the shown regions as bars, numbered as in the overlay."""
    result = item.explanation.result
    label = words("lime.panel_chart")
    if not isinstance(result, RegionWeights):
        return Panel(NoPicture(reason(words, item.explanation)), label)
    shown = shown_regions(result)
    weights = [float(result.weights[region]) for region in shown]
    listed = "; ".join(f"{rank}: {signed(weight)}" for rank, weight in enumerate(weights, 1))
    names = [str(rank) for rank in range(1, len(shown) + 1)]
    alt = words("alt.chart", target=item.target, weights=listed)
    return Panel(figures.weights_chart(names, weights, alt), label)


def activation_panel(words: Words, study: FilterStudy, subject: Subject, position: int, *, overlay: bool) -> Panel:
    """One filter's activation on one image; full colour is the filter's maximum over all images."""
    label = words("card.activation_panel", layer=study.layer, filter=study.filter)
    if study.status != "ok":
        return Panel(NoPicture(words(study.reason)), label)
    activation = study.activations[position]
    top = float(study.activations.max())
    facts = study.image_measures[position]
    alt = words(
        "alt.activation",
        layer=study.layer,
        filter=study.filter,
        name=shown_name(subject.image.name),
        maximum=number(facts["maximum"]),
    )
    if overlay:
        picture = figures.jpeg(figures.activation_overlay(figures.backdrop(subject.image), activation, top), alt)
    else:
        picture = figures.png(figures.activation_picture(activation, top), alt, pixelated=True)
    return Panel(picture, label, words("filters.detail_maximum", maximum=number(facts["maximum"])))


def synthetic_panel(words: Words, study: FilterStudy) -> Panel:
    """The image made to excite a filter."""
    label = words("filters.panel_synthetic", filter=study.filter)
    if study.status != "ok" or study.visualisation is None:
        return Panel(NoPicture(words(study.reason) if study.reason else words("reason.not_computed")), label)
    alt = words("alt.synthetic", layer=study.layer, filter=study.filter, reached=number(study.measures["reached"]))
    picture = figures.jpeg(figures.fit(figures.filter_picture(study.visualisation), MAP_PIXELS), alt)
    return Panel(picture, label, words("filters.detail_reached", reached=number(study.measures["reached"])))


def shown_regions(result: RegionWeights) -> tuple[int, ...]:
    """The regions that are outlined, heaviest first."""
    return checks.shown_regions(result.weights, SHOWN_REGIONS, LEAST_SHARE)


def stretched_panel(words: Words, values: NDArray[np.float32], label: str, alt: str) -> Panel:
    """The write-up's way: minimum to black, maximum to full; a flat map cannot be stretched."""
    stretched = figures.stretched_picture(values)
    if stretched is None:
        return Panel(NoPicture(words("reason.flat_gradient")), label)
    return Panel(figures.jpeg(figures.fit(stretched, MAP_PIXELS), alt), label)


def scale_bar(words: Words, kind: str, low: str, high: str, label: str) -> ScaleBar:
    """The colour scale of a figure; kind: "saliency", "activation" or "weights"."""
    return ScaleBar(figures.colour_bar(kind, words("alt.scale", low=low, high=high, label=label)), low, high, label)


def colour_saliency(result: object) -> NDArray[np.float32] | None:
    """The write-up's map, where there is one."""
    return result.heat if isinstance(result, ColourSaliency) else None


def target_words(words: Words, target: Target) -> str:
    """The class, and whether the network or the label says it."""
    return words(f"target.{target.role}", name=shown_name(target.name))


def thumbnail(words: Words, image: ImageInput) -> Picture:
    """A small picture for the overview."""
    return figures.jpeg(figures.backdrop(image, 112), words("alt.thumbnail", name=shown_name(image.name)))


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
