"""What `reportgen layers` tells: every layer of a checkpoint's network, what it sees, and whether it can be shown."""

import contextlib
import sys
from dataclasses import dataclass

from torch import nn

from reportgen.contracts import Progress
from reportgen.errors import printable
from reportgen.language import load_words
from reportgen.layers import one_per_stage, tokens_of
from reportgen.loading import opened_classifier
from reportgen.options import BuildOptions
from reportgen.receptive import Layer, survey


@dataclass(frozen=True)
class LayerRow:
    """One layer; the fields are the keys of `reportgen layers --json`.

    form: as in `receptive.Form`; size: (height, width) of a map; receptive_field: (height, width) in pixels of what the
    network is fed, or "whole image"; stride: pixels from one unit to the next; offset: the middle of the first unit's
    field, 0 being the middle of the first pixel; default: whether `build` shows it where none is named; reason: why
    it cannot be shown, else "".
    """

    name: str
    kind: str
    form: str
    channels: int | None
    size: tuple[int, int] | None
    receptive_field: tuple[int, int] | str | None
    stride: tuple[float, float] | None
    offset: tuple[float, float] | None
    visualisable: bool
    default: bool
    reason: str


def inspect_layers(options: BuildOptions, progress: Progress, model: nn.Module | None = None) -> tuple[LayerRow, ...]:
    """The layers in the order in which they end; those that do not run come last.

    Raises what loading the model for a build raises.
    """
    progress.stage("model", 0)
    with opened_classifier(options, model, progress) as classifier:
        progress.stage("layers", 0)
        with contextlib.redirect_stdout(sys.stderr):  # a network that prints must not spoil the table
            surveyed = survey(classifier)
        chosen = one_per_stage(classifier, surveyed)
        tokens = tokens_of(classifier, surveyed)
    words = load_words()
    if tokens.layers and tokens.patches_only:
        progress.say(words("layers.tokens_only"))
    if not chosen:
        progress.say(words("reason.no_maps"))
    return tuple(_row(layer, layer.name in chosen) for layer in surveyed)


def _row(layer: Layer, chosen: bool) -> LayerRow:
    fields, shown = layer.fields, layer.form == "map"
    return LayerRow(
        name=printable(layer.name),
        kind=printable(layer.kind),
        form=layer.form,
        channels=layer.channels or None,
        size=layer.size,
        receptive_field=None if fields is None else ("whole image" if fields.whole else fields.size),
        stride=None if fields is None or fields.whole else fields.stride,
        offset=None if fields is None or fields.whole else fields.offset,
        visualisable=shown,
        default=chosen,
        reason="" if shown else load_words()(f"layers.{layer.form}"),
    )
