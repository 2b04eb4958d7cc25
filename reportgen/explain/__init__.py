"""The explanation methods: one file each, one line each in these tables."""

from reportgen.contracts import FilterMethod, ImageMethod
from reportgen.explain import (
    filters,
    filters_hw5,
    gradcam,
    integrated_gradients,
    lime,
    lime_hw5,
    saliency,
    saliency_hw5,
    smoothgrad,
)

IMAGE_METHODS: dict[str, ImageMethod] = {
    method.name: method
    for method in (
        saliency.METHOD,
        saliency_hw5.METHOD,
        integrated_gradients.METHOD,
        gradcam.METHOD,
        smoothgrad.METHOD,
        lime.METHOD,
        lime_hw5.METHOD,
    )
}
FILTER_METHODS: dict[str, FilterMethod] = {method.name: method for method in (filters.METHOD, filters_hw5.METHOD)}

__all__ = ["FILTER_METHODS", "IMAGE_METHODS"]
