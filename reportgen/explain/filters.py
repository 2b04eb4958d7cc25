"""Filters: what excites them, in images made for it and in real crops, where they answer, and which classes need them.

Source: erhan2009, olah2017, borowski2021, molchanov2017.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from reportgen import ablation
from reportgen.ascent import Ascent, synthesise, window_of
from reportgen.attempts import ends_the_run
from reportgen.channels import GROUP, Channels, as_text, channel_answers
from reportgen.classifier import Classifier, Stack, to_numpy
from reportgen.contracts import FilterMethod
from reportgen.costs import Filters, Passes
from reportgen.crops import Dossier, Wanted, find_crops
from reportgen.hooks import captured
from reportgen.layers import Tokens, check_filters, is_activation, named_layers, one_per_stage, tokens_of
from reportgen.measures import answers, layer_preferences, object_shares
from reportgen.objects import all_objects
from reportgen.options import BuildOptions
from reportgen.palette import Palette, palette
from reportgen.pool import Pixels, pool_of
from reportgen.receptive import Layer, survey
from reportgen.results import Case, Facts, FilterStudy, Scalar
from reportgen.shelf import Keep, Room, in_memory
from reportgen.studies import NO_MAPS

NAME = "filters"
OFTENER = 1.5  # steps that see 9/16 of an image, in place of one that sees all; docs/filters.md has what was compared
REASONS = {form: f"reason.{form}" for form in ("single", "tokens", "channels_last", "not_run")}

Maps = NDArray[np.float32]  # (N, h, w), of one filter
Held = Mapping[int, NDArray[np.float64]]  # filter -> (N, K) probabilities with it held at its mean


@dataclass(frozen=True, eq=False)
class _Subject:
    """What the filters of one layer are judged by.

    intact: (N, K) probabilities of the network as it is.
    """

    layer: Layer
    stats: Channels
    intact: NDArray[np.float64]
    held: Held
    dossier: Dossier
    cases: Sequence[Case]
    colours: Palette
    classes: tuple[str, ...]
    parameters: Facts
    keep: Keep

    @property
    def pixels(self) -> Pixels:
        """Of the cases."""
        return Pixels([case.image for case in self.cases])


@dataclass(frozen=True, eq=False)
class _Made:
    """Images made for a filter, (V, H, W, 3), its answer to the first, and what it likes on the photographs."""

    images: NDArray[np.float32]
    reached: float
    liked: dict[str, float | str]


def explain(
    classifier: Classifier, cases: Sequence[Case], options: BuildOptions, keep: Keep = in_memory
) -> Iterator[FilterStudy]:
    """For each layer and filter one study, over all cases; one without a layer where none is named and none has maps.

    keep: where maps of all cases find room.
    Raises InputRefused for a layer or filter that the network does not have, ImagesError for --reference-images that
    name none.
    """
    named = named_layers(classifier, options.layers)
    surveyed = {layer.name: layer for layer in survey(classifier)}
    layers = named or one_per_stage(classifier, tuple(surveyed.values()))
    if not layers:
        yield FilterStudy(NAME, "", 0, "not_applicable", NO_MAPS, reason="reason.no_maps")
        return
    pixels = Pixels([case.image for case in cases])
    pool = pool_of(cases, options, classifier.facts.input)
    stats = channel_answers(classifier, pool, [name for name in layers if surveyed[name].form == "map"])
    for name, each in stats.items():
        check_filters(name, len(each.mean), options.filters)
    intact = classifier.probabilities(pixels)
    held = ablation.chosen_filters(classifier, pixels, intact, stats, options)
    wanted = [Wanted(surveyed[name], tuple(held[name]), stats[name]) for name in held]
    dossiers = find_crops(classifier, pool, wanted, options.seed)
    tokens, classes = tokens_of(classifier, tuple(surveyed.values())), classifier.facts.classes
    colours = palette(pixels)
    for layer in layers:
        parameters = _parameters(classifier, surveyed[layer], tokens, options)
        if layer not in stats:
            reason = REASONS.get(surveyed[layer].form, "reason.not_spatial")
            yield FilterStudy(NAME, layer, 0, "not_applicable", NO_MAPS, reason=reason, parameters=parameters)
            continue
        subject = _Subject(
            surveyed[layer],
            stats[layer],
            intact,
            held[layer],
            dossiers[layer],
            cases,
            colours,
            classes,
            parameters,
            keep,
        )
        yield from _studies(classifier, subject, options)


def filter_maps(
    classifier: Classifier, pixels: Stack, layer: str, filters: Sequence[int], keep: Keep = in_memory
) -> list[Maps]:
    """Raw output of the layer for each of the filters on each image, (N, h, w)."""
    rooms: list[Room] = []

    def run(part: slice) -> None:
        with torch.inference_mode(), captured(classifier.module, [layer]) as outputs:
            classifier.forward(classifier.tensor(pixels[part]))
            found = to_numpy(outputs[layer].index_select(1, torch.tensor(list(filters)).to(classifier.device)))
        if not rooms:
            rooms.extend(keep.room((len(pixels), *found.shape[2:]), np.float32) for _ in filters)
        for room, maps in zip(rooms, found.swapaxes(0, 1), strict=True):
            room.put(part.start, maps)

    classifier.in_batches(len(pixels), run, most=GROUP)
    return [room.array() for room in rooms]


def _studies(classifier: Classifier, subject: _Subject, options: BuildOptions) -> Iterator[FilterStudy]:
    layer, filters = subject.layer.name, list(subject.held)
    maps = filter_maps(classifier, subject.pixels, layer, filters, subject.keep)
    settings = _settings(classifier, subject.layer, options)
    climbed = settings.facts(classifier.facts.input.size, subject.colours)
    sized = {**subject.parameters, **climbed, "height": maps[0].shape[1], "width": maps[0].shape[2]}
    try:
        images = synthesise(classifier, layer, filters, settings, subject.colours, options.seed)  # (F, V, H, W, 3)
        reached = [float(each[i].max()) for i, each in enumerate(filter_maps(classifier, images[:, 0], layer, filters))]
    except Exception as err:  # whatever a user's own network raises
        if ends_the_run(err):
            raise
        detail = f"{type(err).__name__}: {err}"[:300]
        for i, number in enumerate(filters):
            yield FilterStudy(NAME, layer, number, "failed", maps[i], None, "reason.raised", detail, sized)
        return
    finite = [
        i
        for i, number in enumerate(filters)
        if number not in subject.stats.broken and all(np.isfinite(each).all() for each in maps[i])
    ]
    liked = dict(zip(finite, layer_preferences([maps[i] for i in finite], subject.pixels), strict=True))
    for i, number in enumerate(filters):
        study = partial(FilterStudy, NAME, layer, number, parameters=sized)
        if i not in liked:
            yield study("failed", NO_MAPS, None, "reason.not_finite")
        elif not (np.isfinite(images[i]).all() and np.isfinite(reached[i])):
            yield study("failed", maps[i], None, "reason.ascent_not_finite")
        else:
            yield _judged(study, subject, number, maps[i], _Made(images[i], reached[i], liked[i]))


def _settings(classifier: Classifier, layer: Layer, options: BuildOptions) -> Ascent:
    """How the images of a layer are made: a part of them at a time and more often, where a part is enough."""
    field = layer.fields
    window = window_of(classifier, layer.name, field.size) if field and not field.whole else None
    steps = math.ceil(OFTENER * options.filter_steps) if window else options.filter_steps
    return Ascent(steps, options.filter_images, window=window)


def _judged(
    study: Callable[..., FilterStudy],
    subject: _Subject,
    number: int,
    maps: Maps,
    made: _Made,
) -> FilterStudy:
    """The study of one filter. maps: on the images of the cases."""
    images, reached, stats = made.images, made.reached, subject.stats
    best = float(stats.highest[number])  # over all images, those that lend crops, too
    measures: dict[str, Scalar] = {**answers(maps), "reached": reached, **_layer_measures(stats)}
    if best <= 0 and reached <= 0:
        return study("degenerate", maps, None, "reason.dead_filter", measures=measures)
    held, mean = subject.held[number], float(stats.mean[number])
    answered = bool(np.isfinite(held).all() and np.isfinite(subject.intact).all())
    if answered:
        measures |= {"mean": mean, "matters": ablation.change_of_predicted(subject.intact, held)}
        measures["largest_change"] = float(np.abs(subject.intact - held).mean(axis=0).max())
    marked = (all_objects(case.image.objects) for case in subject.cases)
    measures |= made.liked | object_shares(maps, marked)
    measures |= _honest(subject, number)
    if best > 0:
        measures["ratio"] = reached / best
    means = maps.mean(axis=(1, 2), dtype=np.float64)
    above = means >= mean - 1e-6 * float(np.abs(means).max())
    return study(
        "ok",
        maps,
        images[0],
        measures=measures,
        image_measures=image_measures(maps),
        crops=subject.dossier.crops[number],
        effects=ablation.class_effects(subject.intact, held, above, subject.classes) if answered else (),
        variants=images[1:] if len(images) > 1 else None,
    )


def _layer_measures(stats: Channels) -> dict[str, Scalar]:
    """How many channels there are, which of them answer to no image, and which with NaN or infinity."""
    silent, broken = stats.silent, stats.broken
    found: dict[str, Scalar] = {"channels": len(stats.mean), "silent": len(silent), "pool": stats.images}
    found |= {"silent_filters": as_text(silent)} if silent else {}
    return found | ({"broken": len(broken), "broken_filters": as_text(broken)} if broken else {})


def _honest(subject: _Subject, number: int) -> dict[str, Scalar]:
    """Whether a filter is nearly constant, full, or the double of others."""
    stats = subject.stats
    found: dict[str, Scalar] = {"steady": stats.steady(number), "spread": float(stats.spread[number])}
    if stats.saturated.any():
        found["saturated"] = float(stats.saturated[number])
    if twins := subject.dossier.alike.twins(number):
        found |= {"duplicate_of": as_text([other for other, _ in twins]), "duplicate_r": twins[0][1]}
    return found


def image_measures(maps: Maps) -> tuple[Facts, ...]:
    """For each image the filter's maximum and mean, and the maximum as a share of that over all images."""
    top = float(maps.max())
    return tuple(
        {"maximum": float(each.max()), "mean": float(each.mean())}
        | ({"relative": float(each.max()) / top} if top > 0 else {})
        for each in maps
    )


def _parameters(classifier: Classifier, layer: Layer, tokens: Tokens, options: BuildOptions) -> Facts:
    choice = "named" if options.filters else "layers" if options.layers else "default"
    found: dict[str, Scalar] = {"choice": choice, "kind": layer.kind}
    if layer.fields is not None and layer.fields.whole:
        found["receptive_field"] = "whole image"
    elif layer.fields is not None:
        found["receptive_field_height"], found["receptive_field_width"] = layer.fields.size
    if tokens.layers:
        found |= {"token_layers": tokens.layers, "patches_only": tokens.patches_only}
    # One activation per stage is taken where there is one: here none is a module, so it runs as a function, or not.
    if not options.layers and not is_activation(classifier.module.get_submodule(layer.name)):
        found["no_activation"] = True
    return found


def passes(about: Filters) -> Passes:
    """The channels' answers, the crops and the maps of all layers; candidates held at their mean; the ascent."""
    options, images = about.options, about.images
    count = len(options.filters) or options.filters_top
    tried = count * (1 if options.filters else ablation.CANDIDATES)
    plain = images * (3 + about.layers * (1 + tried)) + about.layers * count
    graded = about.layers * count * options.filter_images * options.filter_steps
    return Passes(plain, graded + (0 if options.filters else images))


METHOD = FilterMethod(
    NAME, explain, ("erhan2009", "olah2017", "borowski2021", "bigun1987", "araujo2019", "molchanov2017"), passes
)
