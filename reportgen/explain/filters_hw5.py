"""The write-up's filter visualisation: Adam on the pixels of a photograph, without bounds (profile hw5).

Source: the write-up of homework 5, function filter_explaination.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from reportgen.classifier import Classifier, to_numpy
from reportgen.contracts import FilterMethod
from reportgen.costs import Filters, Passes
from reportgen.hooks import captured, run_to
from reportgen.layers import check_filters, named_layers, write_up_layer
from reportgen.measures import filter_preferences
from reportgen.options import HW5_FILTER, BuildOptions
from reportgen.pool import Pixels
from reportgen.results import Case, FilterStudy, Scalar
from reportgen.shelf import Keep, Room, in_memory
from reportgen.studies import NO_MAPS

NAME = "filters_hw5"
STEPS = 100
RATE = 0.1


def explain(
    classifier: Classifier, cases: Sequence[Case], options: BuildOptions, keep: Keep = in_memory
) -> Iterator[FilterStudy]:
    """One study: filter 0 of layer index 15, or the first that the user named. keep: where its maps find room."""
    named = named_layers(classifier, options.layers[:1])
    layer, assumed = (named[0], False) if named else write_up_layer(classifier)
    number = options.filters[0] if options.filters else HW5_FILTER
    pixels = Pixels([case.image for case in cases])
    maps = _maps(classifier, pixels, (layer, number), keep)
    kind = type(classifier.module.get_submodule(layer)).__name__
    parameters: dict[str, Scalar] = {"steps": STEPS, "lr": RATE, "layer_assumed": assumed, "kind": kind}
    study = partial(FilterStudy, NAME, layer, number, parameters=parameters)
    if not all(np.isfinite(each).all() for each in maps):
        yield study("failed", NO_MAPS, None, "reason.not_finite")
        return
    measures = {"maximum": float(maps.max()), **filter_preferences(maps, pixels)}
    climbed = climb(classifier, cases[0].image.pixels, layer, number, STEPS)
    if climbed is None:
        yield study("degenerate", maps, None, "hw5.filters_dead", measures=measures)
        return
    if not np.isfinite(climbed).all():
        yield study("failed", maps, None, "reason.ascent_not_finite", measures=measures)
        return
    outside = float(((climbed < 0) | (climbed > 1)).mean())
    measures |= {"low": float(climbed.min()), "high": float(climbed.max()), "outside": outside}
    yield study("ok", maps, climbed, measures=measures)


def climb(
    classifier: Classifier, photograph: NDArray[np.float32], layer: str, number: int, steps: int = STEPS
) -> NDArray[np.float32] | None:
    """What the photograph (H, W, 3) becomes, unbounded; None where the filter gives no gradient at the start.

    The write-up climbs from all its photographs at once and prints the first. Adam treats each pixel on its own and
    images do not see each other in evaluation mode, so the first climbs alone here, to the same end but for rounding.
    """
    images = classifier.tensor(photograph[None]).requires_grad_()
    optimiser = torch.optim.Adam([images], lr=RATE)
    with torch.enable_grad():
        for step in range(steps):
            classifier.batch.passed += len(images)
            _, given = run_to(classifier.module, layer, classifier.units(images))
            (gradient,) = torch.autograd.grad(-given[:, number].sum(), images)
            if step == 0 and not gradient.any():
                return None
            images.grad = gradient
            optimiser.step()
    climbed: NDArray[np.float32] = to_numpy(images)[0].transpose(1, 2, 0)
    return climbed


def _maps(classifier: Classifier, pixels: Pixels, which: tuple[str, int], keep: Keep) -> NDArray[np.float32]:
    """Raw output of the filter on each image, (N, h, w). Raises InputRefused where there is no such filter."""
    layer, number = which
    rooms: list[Room] = []

    def run(part: slice) -> None:
        with torch.inference_mode(), captured(classifier.module, [layer]) as outputs:
            classifier.forward(classifier.tensor(pixels[part]))
            check_filters(layer, outputs[layer].shape[1], [number])
            maps = to_numpy(outputs[layer][:, number])
        if not rooms:
            rooms.append(keep.room((len(pixels), *maps.shape[1:]), np.float32))
        rooms[0].put(part.start, maps)

    classifier.in_batches(len(pixels), run)
    return rooms[0].array()


def passes(about: Filters) -> Passes:
    """Its maps on all images, and a gradient at each step of its one image."""
    return Passes(about.images, STEPS)


METHOD = FilterMethod(NAME, explain, ("hw5", "erhan2009"), passes)
