"""Filters: what excites them most, and where they answer on the images.

Source: erhan2009, olah2017.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from reportgen.ascent import RATE, Ascent, synthesise
from reportgen.attempts import ends_the_run
from reportgen.classifier import Classifier, to_numpy
from reportgen.contracts import FilterMethod
from reportgen.hooks import captured
from reportgen.layers import Tokens, check_filters, is_map, named_layers, one_per_stage, tokens_of
from reportgen.measures import answers, filter_preferences
from reportgen.options import BuildOptions
from reportgen.palette import palette
from reportgen.receptive import Layer, survey
from reportgen.results import Case, Facts, FilterStudy, Scalar

NAME = "filters"
GROUP = 8  # images whose maps of all layers are held at once
REASONS = {form: f"reason.{form}" for form in ("single", "tokens", "channels_last", "not_run")}
NO_MAPS: NDArray[np.float32] = np.zeros((0, 0, 0), np.float32)

Maps = NDArray[np.float32]  # (N, F, h, w)


def explain(classifier: Classifier, cases: Sequence[Case], options: BuildOptions) -> Iterator[FilterStudy]:
    """For each layer and filter one study, over all cases; one without a layer where none is named and none has maps.

    Raises InputRefused for a layer or filter that the network does not have.
    """
    named = named_layers(classifier, options.layers)
    surveyed = {layer.name: layer for layer in survey(classifier)}
    layers = named or one_per_stage(classifier, tuple(surveyed.values()))
    if not layers:
        yield FilterStudy(NAME, "", 0, "not_applicable", NO_MAPS, reason="reason.no_maps")
        return
    pixels = np.stack([case.image.pixels for case in cases])
    answered = channel_answers(classifier, pixels, [name for name in layers if surveyed[name].form == "map"])
    tokens = tokens_of(classifier, tuple(surveyed.values()))
    for layer in layers:
        parameters = _parameters(surveyed[layer], tokens, options)
        if layer not in answered:
            reason = REASONS.get(surveyed[layer].form, "reason.not_spatial")
            yield FilterStudy(NAME, layer, 0, "not_applicable", NO_MAPS, reason=reason, parameters=parameters)
            continue
        check_filters(layer, answered[layer].shape[1], options.filters)
        filters = options.filters or most_excited(answered[layer], options.filters_top)
        yield from _studies(classifier, pixels, layer, filters, parameters, options)


def channel_answers(
    classifier: Classifier, pixels: NDArray[np.float32], layers: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    """For each layer that gives maps the largest and the mean answer of each channel over all images, (2, C)."""

    def run(part: slice) -> dict[str, NDArray[np.float32]]:
        with torch.inference_mode(), captured(classifier.module, layers) as outputs:
            classifier.forward(classifier.tensor(pixels[part]))
            maps = {name: output for name, output in outputs.items() if is_map(output)}
            return {
                name: to_numpy(torch.stack([output.amax(dim=(0, 2, 3)), output.mean(dim=(2, 3)).sum(dim=0)]))
                for name, output in maps.items()
            }

    parts = classifier.in_batches(len(pixels), run, most=GROUP)
    found = {}
    for name in parts[0]:
        largest, sums = np.stack([part[name] for part in parts], axis=1)
        found[name] = np.stack([largest.max(axis=0), sums.sum(axis=0) / np.float32(len(pixels))])
    return found


def most_excited(answered: NDArray[np.float32], count: int) -> tuple[int, ...]:
    """The channels with the largest answers, strongest first; among equals, as where ReLU6 is full, the larger mean.

    answered: (2, C), the largest and the mean answer of each channel. Full equals come in the order of their numbers.
    """
    largest, mean = answered
    return tuple(int(channel) for channel in np.lexsort((-mean, -largest))[:count])


def filter_maps(classifier: Classifier, pixels: NDArray[np.float32], layer: str, filters: Sequence[int]) -> Maps:
    """Raw output of the layer for the filters on each image, (N, F, h, w)."""

    def run(part: slice) -> Maps:
        with torch.inference_mode(), captured(classifier.module, [layer]) as outputs:
            classifier.forward(classifier.tensor(pixels[part]))
            return to_numpy(outputs[layer].index_select(1, torch.tensor(list(filters)).to(classifier.device)))

    return np.concatenate(classifier.in_batches(len(pixels), run, most=GROUP))


def _studies(
    classifier: Classifier,
    pixels: NDArray[np.float32],
    layer: str,
    filters: Sequence[int],
    parameters: Facts,
    options: BuildOptions,
) -> Iterator[FilterStudy]:
    maps = filter_maps(classifier, pixels, layer, filters)
    sized = {**parameters, "height": maps.shape[2], "width": maps.shape[3]}
    try:
        settings = Ascent(options.filter_steps, variants=1)  # one is shown, and it does not depend on later ones
        images = synthesise(classifier, layer, filters, settings, palette(pixels), options.seed)[:, 0]
        reached = filter_maps(classifier, images, layer, filters)
    except Exception as err:  # whatever a user's own network raises
        if ends_the_run(err):
            raise
        detail = f"{type(err).__name__}: {err}"[:300]
        for i, number in enumerate(filters):
            yield FilterStudy(NAME, layer, number, "failed", maps[:, i], None, "reason.raised", detail, sized)
        return
    for i, number in enumerate(filters):
        study = partial(FilterStudy, NAME, layer, number, parameters=sized)
        yield _judged(study, maps[:, i], pixels, images[i], float(reached[i, i].max()))


def _judged(
    study: Callable[..., FilterStudy],
    maps: Maps,
    pixels: NDArray[np.float32],
    image: NDArray[np.float32],
    reached: float,
) -> FilterStudy:
    """The study of one filter. maps: (N, h, w) on the images; image: made to excite it; reached: its answer there."""
    if not (np.isfinite(maps).all() and np.isfinite(reached)):
        return study("failed", NO_MAPS, None, "reason.not_finite")
    top = float(maps.max())
    measures: dict[str, Scalar] = {**answers(maps), "reached": reached}
    if top <= 0 and reached <= 0:
        return study("degenerate", maps, None, "reason.dead_filter", measures=measures)
    measures |= filter_preferences(maps, pixels)
    if top > 0:
        measures["ratio"] = reached / top
    return study("ok", maps, image, measures=measures, image_measures=image_measures(maps))


def image_measures(maps: Maps) -> tuple[Facts, ...]:
    """For each image the filter's maximum and mean, and the maximum as a share of that over all images."""
    top = float(maps.max())
    return tuple(
        {"maximum": float(each.max()), "mean": float(each.mean())}
        | ({"relative": float(each.max()) / top} if top > 0 else {})
        for each in maps
    )


def _parameters(layer: Layer, tokens: Tokens, options: BuildOptions) -> Facts:
    choice = "named" if options.filters else "layers" if options.layers else "default"
    found: dict[str, Scalar] = {"steps": options.filter_steps, "lr": RATE, "choice": choice, "kind": layer.kind}
    if layer.fields is not None and layer.fields.whole:
        found["receptive_field"] = "whole image"
    elif layer.fields is not None:
        found["receptive_field_height"], found["receptive_field_width"] = layer.fields.size
    if tokens.layers:
        found |= {"token_layers": tokens.layers, "patches_only": tokens.patches_only}
    return found


METHOD = FilterMethod(NAME, explain, ("erhan2009", "olah2017", "borowski2021", "bigun1987", "araujo2019"))
