"""What a network is fed: by option, by its own configuration or checkpoint, as its batch-norms say, or by convention.

In this order for each of size, channel order and normalisation; the page says which it was.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
import torch
from torch import Tensor

from reportgen.contracts import InputRecipe, Network
from reportgen.errors import ArchitectureError
from reportgen.options import BuildOptions
from reportgen.preprocessing import FARTHEST, IMAGENET, OPPOSED, in_units, judge, stacked
from reportgen.probing import answer_to, channels_taken, working_sides
from reportgen.reference import Photograph, sized
from reportgen.results import Facts, Finding, InputCandidate, InputEvidence, InputSpec, Order
from reportgen.settling import Settled, fitted_side, settle, undecided

Notes = tuple[tuple[str, Facts], ...]
Size = tuple[int, int]

USUAL: Final = 128  # px, the course's
IMAGENET_SIDE, IMAGENET_CROP = 224, 0.875  # the pair of sizes that goes with ImageNet's numbers: 256, of it 224
PROBED: Final = (64, 96, 128, 224, 256, 32)  # px, where one side works: smaller ones are cheaper to try
FIT_SIDES: Final = (128, 256, 64, 32, 224, 96, 160)  # the more usual first
SMALL_SIDES: Final = (32, 64, 96)  # what ImageNet's numbers are used with besides its own size
FIT_PHOTOGRAPHS: Final = 16  # the whole network runs on them
# Times as far as the best size the usual one must be to be left. Zoomed crops in training make objects larger than
# photographs show them, and the fit then prefers a smaller size: with ImageNet's numbers only a gross misfit counts.
CLEARLY, GROSSLY = 1.25, 5.0


@dataclass(frozen=True, eq=False)
class Fed:
    """The input, the network as it was read for good, the number of classes, and what to tell of all that."""

    spec: InputSpec
    network: Network
    outputs: int
    notes: Notes = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, eq=False)
class Setting:
    """What the decision rests on. photographs: a sample, none where no batch-norm could speak."""

    options: BuildOptions
    network: Network
    recipes: tuple[InputRecipe, ...]
    photographs: Sequence[Photograph]
    device: torch.device

    @property
    def normalisation(self) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """Mean and standard deviation by option; None where the user said nothing of them."""
        options = self.options
        return (options.mean, options.std) if options.mean or options.std else None

    @property
    def orders(self) -> tuple[Order, ...]:
        """The channel orders that come into question."""
        return ("grey",) if channels_taken(self.network.module) == 1 else ("rgb", "bgr")

    def pictures(self, size: Size, most: int | None = None) -> Tensor:
        """(N, 3, H, W) RGB in [0, 1] on the device; at most so many of them, evenly from all."""
        count = len(self.photographs)
        places = np.linspace(0, count - 1, min(most or count, count)).round().astype(int)
        return stacked(list(sized([self.photographs[n] for n in places], size, "squash", 1.0)), self.device)


def feed(setting: Setting) -> Fed:
    """Decide on the input, settling on the way what the weights leave open.

    Raises ArchitectureError where no size works, or --size is none that the network takes.
    """
    size, origin, outputs = _size(setting)
    evidence = asked = None
    if setting.photographs:
        seed, pictures, orders = setting.options.seed, setting.pictures(size), setting.orders
        evidence = judge(setting.network.module, pictures, orders, None, seed)
        if setting.normalisation or setting.options.channel_order:
            order = setting.options.channel_order
            given = (order,) if order and "grey" not in orders else orders
            asked = judge(setting.network.module, pictures, given, setting.normalisation, seed)
    spec = _units(setting, size, asked or evidence)
    spec = replace(spec, evidence=evidence, chosen_by={**spec.chosen_by, "size": origin})
    notes = _notes(spec, evidence, asked) or _told_otherwise(setting, spec)
    if evidence is None and setting.network.strict:
        raise undecided(setting.network.architecture)
    settled = Settled(setting.network)
    if evidence:
        settled = settle(setting.network, _shown(setting, spec), setting.device, setting.options.seed)
    network = settled.network
    if network.size and origin == "network":  # another padding fits another size
        spec = replace(spec, size=network.size)
    spec = _framed(replace(setting, network=network), spec)
    if spec.resize == "crop" or spec.crop < 1:
        key = "note.cropped" if spec.resize == "crop" else "note.cut_squashed"
        notes = (*notes, (key, {"share": f"{spec.crop:.0%}"}))
    return Fed(spec, network, outputs, notes, settled.findings)


def as_candidate(spec: InputSpec) -> InputCandidate:
    """The units of an input, as one of the candidates."""
    return InputCandidate(spec.channel_order, "chosen", spec.mean, spec.std)


def _size(setting: Setting) -> tuple[Size, str, int]:
    """Height and width, who chose them, and the number of classes; a default may be changed by what is seen later."""
    options, network, device = setting.options, setting.network, setting.device
    if options.size and network.size and options.size != network.size:
        (height, width), (own_height, own_width) = options.size, network.size
        why = f"{network.architecture} takes {own_height} x {own_width} pixels, fixed by its first linear layer"
        raise ArchitectureError("E-SIZE", f"--size {height}x{width}", why, "Drop --size, or give the right --arch")
    told = [(recipe.size, recipe.origin) for recipe in setting.recipes if recipe.size]
    for size, origin in ((options.size, "option"), (network.size, "network"), *told):
        if size is not None:
            return size, origin, answer_to(network, size, device)
    side, outputs = next(working_sides(network, device))
    several = any(_takes(setting, other) for other in PROBED if other != side)  # then the network does not fix it
    return (side, side), "default" if several else "network", outputs


def _units(setting: Setting, size: Size, evidence: InputEvidence | None) -> InputSpec:
    """Channel order and normalisation, each with who chose it."""
    order: Order = "grey" if setting.orders == ("grey",) else "rgb"
    by = {"channel_order": "network" if order == "grey" else "default", "normalisation": "default"}
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    if evidence and evidence.order == "clear" and order != "grey":
        order, by["channel_order"] = evidence.chosen.channel_order, "batch-norm"
    if evidence and evidence.normalisation == "clear":
        mean, std, by["normalisation"] = evidence.chosen.mean, evidence.chosen.std, "batch-norm"
    for recipe in reversed(setting.recipes):
        if recipe.channel_order and order != "grey":
            order, by["channel_order"] = recipe.channel_order, recipe.origin
        if recipe.mean is not None or recipe.std is not None:
            mean, std, by["normalisation"] = recipe.mean or (), recipe.std or (), recipe.origin
    if setting.options.channel_order and order != "grey":
        order, by["channel_order"] = setting.options.channel_order, "option"
    if setting.normalisation:
        (mean, std), by["normalisation"] = setting.normalisation, "option"
    return InputSpec(size, order, mean, std, by)


def _framed(setting: Setting, spec: InputSpec) -> InputSpec:
    """The size where it was left open, and whether the photograph is squashed to it or cropped."""
    size, by = spec.size, dict(spec.chosen_by)
    if by["size"] == "default" and (setting.photographs or _imagenets(spec)):
        side, by["size"] = _open_side(setting, spec)
        size = (side, side)
    told = next((recipe for recipe in setting.recipes if recipe.resize), None)
    crop, resize, by["resize"] = 1.0, setting.options.resize or "squash", "default"
    if setting.options.resize:
        crop, by["resize"] = IMAGENET_CROP if resize == "crop" else 1.0, "option"
    elif told and told.resize:
        resize, crop, by["resize"] = told.resize, told.crop, told.origin
    elif _imagenets(spec) and size == (IMAGENET_SIDE, IMAGENET_SIDE) and by["size"] == "default":
        resize, crop = "crop", IMAGENET_CROP
    return replace(spec, size=size, resize=resize, crop=crop, chosen_by=by)


def _shown(setting: Setting, spec: InputSpec) -> Callable[[Size], Tensor]:
    """How the photographs are fed at any size."""

    @cache  # the same few sizes are asked for again and again
    def at(size: Size) -> Tensor:
        return in_units(setting.pictures(size, FIT_PHOTOGRAPHS), as_candidate(spec))

    return at


def _imagenets(spec: InputSpec) -> bool:
    """Whether photographs are fed with ImageNet's numbers, in either order of the channels."""
    return (spec.mean, spec.std) in (IMAGENET, (IMAGENET[0][::-1], IMAGENET[1][::-1]))


def _open_side(setting: Setting, spec: InputSpec) -> tuple[int, str]:
    """The side in px where the network takes several, and who chose it: "batch-norm" or "default"."""
    imagenets = _imagenets(spec)
    usual, factor, tried = (IMAGENET_SIDE, GROSSLY, SMALL_SIDES) if imagenets else (USUAL, CLEARLY, FIT_SIDES)
    usual = usual if _takes(setting, usual) else spec.size[0]
    if not setting.photographs or spec.evidence is None:
        return usual, "default"
    sides = [usual, *(side for side in tried if side != usual and _takes(setting, side))]
    side = fitted_side(setting.network.module, _shown(setting, spec), sides, factor)
    return side, "batch-norm" if side != usual else "default"


def _takes(setting: Setting, side: int) -> bool:
    try:
        return answer_to(setting.network, (side, side), setting.device) > 0
    except ArchitectureError:
        return False


def _notes(spec: InputSpec, evidence: InputEvidence | None, asked: InputEvidence | None) -> Notes:
    """What to say of how the input was found; a warning where it was not, or where an option speaks against it."""
    if evidence is None:
        return (("note.fed_unknown", {}),) if "default" in _deciders(spec) else ()
    best, facts = evidence.chosen, _facts(evidence)
    clear = evidence.order == evidence.normalisation == "clear"
    if asked and clear and asked.chosen.divergence > OPPOSED * best.divergence:
        return (("note.fed_opposed", {**facts, "other": f"{asked.chosen.divergence:.2g}"}),)
    if "default" in _deciders(spec):
        key = "note.fed_none" if best.divergence > FARTHEST else _unclear(spec)
        return ((key, facts),)
    return (("note.fed_found", facts),) if "batch-norm" in _deciders(spec) else ()


def _told_otherwise(setting: Setting, spec: InputSpec) -> Notes:
    """Where the configuration's mean and deviation are grossly not what the first batch-norm was trained with.

    Such a file is often left as it was when the network is trained anew.
    """
    evidence = spec.evidence
    if evidence is None or evidence.normalisation != "clear" or _deciders(spec)[1] not in ("config", "checkpoint"):
        return ()
    pictures = setting.pictures(spec.size)
    units = (spec.mean, spec.std)
    told = judge(setting.network.module, pictures, (spec.channel_order,), units, setting.options.seed)
    if told is None or told.chosen.divergence <= GROSSLY * evidence.chosen.divergence:
        return ()
    return (("note.fed_opposed_config", {**_facts(evidence), "other": f"{told.chosen.divergence:.2g}"}),)


def _deciders(spec: InputSpec) -> tuple[str, str]:
    return str(spec.chosen_by["channel_order"]), str(spec.chosen_by["normalisation"])


def _facts(evidence: InputEvidence) -> Facts:
    """What is said of the evidence."""
    best = evidence.chosen
    return {
        "order": best.channel_order.upper(),
        "mean": _numbers(best.mean, "0"),
        "std": _numbers(best.std, "1"),
        "divergence": f"{best.divergence:.2g}",
        "images": evidence.images,
        "order_share": f"{evidence.order_share:.0%}",
        "share": f"{evidence.normalisation_share:.0%}",
    }


def _unclear(spec: InputSpec) -> str:
    """The note on what convention decides, for want of a clear answer."""
    order, normalisation = _deciders(spec)
    if order == normalisation == "default":
        return "note.fed_weak"
    return "note.fed_weak_order" if order == "default" else "note.fed_weak_normalisation"


def _numbers(values: tuple[float, ...], nothing: str) -> str:
    return ", ".join(f"{value:.3g}" for value in values) or nothing
