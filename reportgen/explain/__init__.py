"""The explanation methods: one file each, one line each in these tables."""

from reportgen.contracts import FilterMethod, ImageMethod
from reportgen.explain import (
    filters,
    filters_hw5,
    gradcam,
    guided_backprop,
    input_x_gradient,
    integrated_gradients,
    lime,
    lime_hw5,
    occlusion,
    saliency,
    saliency_hw5,
    smoothgrad,
)

IMAGE_METHODS: dict[str, ImageMethod] = {
    method.name: method
    for method in (
        saliency.METHOD,
        saliency_hw5.METHOD,
        smoothgrad.METHOD,
        input_x_gradient.METHOD,
        integrated_gradients.METHOD,
        gradcam.METHOD,
        guided_backprop.METHOD,
        occlusion.METHOD,
        lime.METHOD,
        lime_hw5.METHOD,
    )
}
FILTER_METHODS: dict[str, FilterMethod] = {method.name: method for method in (filters.METHOD, filters_hw5.METHOD)}

__all__ = ["FILTER_METHODS", "IMAGE_METHODS"]
