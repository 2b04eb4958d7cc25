"""Results to pictures: scaling for the eye, overlays, charts, encoding. Free of torch."""

from reportgen.figures.attribution import attribution_overlay, attribution_picture
from reportgen.figures.charts import colour_bar, diverging, weights_chart
from reportgen.figures.encode import backdrop, filter_picture, fit, jpeg, png
from reportgen.figures.filters import activation_outlined, crop_picture
from reportgen.figures.heat import (
    activation_overlay,
    activation_picture,
    percentile_scale,
    saliency_overlay,
    saliency_picture,
    sequential,
    to_unit,
)
from reportgen.figures.regions import number_regions, regions_overlay
from reportgen.figures.smaller import HALF, smaller
from reportgen.figures.writeup import lime_paint, stretched_picture

__all__ = [
    "HALF", "activation_outlined", "activation_overlay", "activation_picture", "attribution_overlay",
    "attribution_picture", "backdrop", "colour_bar", "crop_picture", "diverging", "filter_picture", "fit", "jpeg",
    "lime_paint", "number_regions", "percentile_scale", "png", "regions_overlay", "saliency_overlay",
    "saliency_picture", "sequential", "smaller", "stretched_picture", "to_unit", "weights_chart",
]  # fmt: skip
