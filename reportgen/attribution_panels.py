"""Panels of the methods that give each pixel a number: signed in two colours, unsigned as light."""

import numpy as np

from reportgen import figures
from reportgen.document import NoPicture, Panel, ScaleBar
from reportgen.language import Words
from reportgen.panels import MAP_PIXELS, PERCENTILE, Found, scale_bar
from reportgen.phrasing import capital, number, percent, place, reason
from reportgen.results import AttributionMap, SaliencyMap

METHODS = ("smoothgrad", "input_x_gradient", "integrated_gradients", "gradcam", "guided_backprop", "occlusion")
SIGNED = frozenset({"input_x_gradient", "integrated_gradients", "occlusion"})


def method_name(words: Words, name: str) -> str:
    """The method's name as a label or a sentence begins with it."""
    return capital(words(f"method.{name}"))


def attribution_panel(words: Words, item: Found, *, overlay: bool, label: str = "") -> Panel:
    """The map of one explanation, alone or over the photograph. label: instead of method and class."""
    label = label or words("attribution.panel", method=method_name(words, item.explanation.method), target=item.target)
    result = item.explanation.result
    if not isinstance(result, AttributionMap | SaliencyMap):
        return Panel(NoPicture(reason(words, item.explanation)), label)
    top = figures.percentile_scale(np.abs(result.heat), PERCENTILE)
    if not top:
        return Panel(NoPicture(words("reason.flat_map")), label)
    facts = item.explanation.measures
    shape = {"area": percent(facts["half_area"]), "place": place(words, facts["place"])}
    named = {"method": method_name(words, item.explanation.method), "name": item.name, "target": item.target}
    signed = isinstance(result, AttributionMap)
    if overlay:
        draw = figures.attribution_overlay if signed else figures.saliency_overlay
        drawn = draw(figures.backdrop(item.subject.image), result.heat, top)
    else:
        plain = figures.attribution_picture if signed else figures.saliency_picture
        drawn = figures.fit(plain(result.heat, top), MAP_PIXELS)
    if signed:
        alt = words("alt.attribution_signed", positive=percent(facts["positive"]), **named, **shape)
        detail = words("attribution.detail", share=percent(facts["positive"]))
    else:
        alt = words("alt.attribution", share=percent(facts["top_tenth"]), **named, **shape)
        detail = words("card.maximum", maximum=number(facts["maximum"]))
    return Panel(figures.jpeg(drawn, alt, smooth=True), label, detail)


def attribution_scale(words: Words, name: str) -> ScaleBar:
    """The colours of a method's maps."""
    label = words("attribution.scale", percentile=f"{PERCENTILE:g}")
    if name in SIGNED:
        return scale_bar(words, "weights", "−1", "+1", words("attribution.scale_signed", percentile=f"{PERCENTILE:g}"))
    return scale_bar(words, "saliency", "0", "1", label)
