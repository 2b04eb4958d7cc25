"""A network of timm: `--arch timm:resnet18`. Nothing is downloaded."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from math import isqrt
from typing import Any, Final

from torch import Tensor, nn

from reportgen.contracts import InputRecipe, Network, Weights
from reportgen.errors import ArchitectureError
from reportgen.excerpts import shortened
from reportgen.sources.metadata import crop_share, numbers, sides
from reportgen.sources.zoo import imported, names_one, with_fitting_head

PREFIX: Final = "timm:"
POSITIONS: Final = "pos_embed"  # (1, tokens, C), as timm's transformers name them


def accepts(arch: str | None) -> bool:
    """Whether `--arch` names one."""
    return names_one(arch, PREFIX)


def build(
    weights: Weights,
    arch: str | None,
    announce: Callable[[str], None],  # noqa: ARG001 - as every source
) -> Network:
    """The network with random weights, and how its configuration says it is fed.

    Raises ArchitectureError where timm is missing or has no such network.
    """
    name = (arch or "").removeprefix(PREFIX)
    if ":" in name or "/" in name:
        why = "timm would fetch that from a hub, and nothing is downloaded here"
        fix = "Give timm's own name of the network, such as timm:resnet18, or the folder as --model, without --arch"
        raise ArchitectureError("E-ARCH-NAME", f"--arch {shortened(arch or '')}", why, fix)
    library = imported("timm", "timm")
    make = partial(library.create_model, name, pretrained=False)
    module = with_fitting_head(make, weights, arch or "")
    told = getattr(module, "pretrained_cfg", None)
    recipe = recipe_of(told) if isinstance(told, Mapping) else None
    if recipe and recipe.size and (side := _trained_side(module, weights.tensors, recipe.size[0])):
        module = with_fitting_head(partial(make, img_size=side), weights, arch or "")
        recipe = replace(recipe, size=(side, side))
    return Network(module, f"timm {name}", (), recipe=recipe)


def _trained_side(module: nn.Module, given: Mapping[str, Tensor], usual: int) -> int | None:
    """Px of the side that a transformer's positions were trained for; None where that is the usual side, or not told.

    Where the patches stay as large, there are as many positions as patches of that side, and those of extra tokens.
    """
    own, other = module.state_dict().get(POSITIONS), given.get(POSITIONS)
    if own is None or other is None or own.dim() != 3 or other.dim() != 3 or own.shape == other.shape:
        return None
    before = isqrt(own.shape[1])
    now = isqrt(max(0, other.shape[1] - (own.shape[1] - before**2)))
    fits = now > 0 and other.shape[1] - now**2 == own.shape[1] - before**2 and usual % before == 0
    return usual // before * now if fits else None


def recipe_of(told: Mapping[str, Any]) -> InputRecipe:
    """How timm feeds a network, by its `pretrained_cfg`; only values that make sense are taken."""
    size, squashed = told.get("input_size"), told.get("crop_mode") == "squash"
    return InputRecipe(
        "config",
        sides(list(size)[1:]) if isinstance(size, list | tuple) else None,
        "rgb",
        numbers(told.get("mean")),
        numbers(told.get("std"), least=1e-6),
        "squash" if squashed else "crop",
        crop_share(told.get("crop_pct")) or 1.0,
    )
