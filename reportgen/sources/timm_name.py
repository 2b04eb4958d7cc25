"""A network of timm: `--arch timm:resnet18`. Nothing is downloaded."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from reportgen.contracts import InputRecipe, Network, Weights
from reportgen.errors import ArchitectureError
from reportgen.excerpts import shortened
from reportgen.sources.metadata import numbers, sides
from reportgen.sources.zoo import imported, names_one, with_fitting_head

PREFIX: Final = "timm:"


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
    module = with_fitting_head(partial(library.create_model, name, pretrained=False), weights, arch or "")
    told = getattr(module, "pretrained_cfg", None)
    recipe = recipe_of(told) if isinstance(told, Mapping) else None
    return Network(module, f"timm {name}", (), recipe=recipe)


def recipe_of(told: Mapping[str, Any]) -> InputRecipe:
    """How timm feeds a network, by its `pretrained_cfg`; only values that make sense are taken."""
    size, share = told.get("input_size"), told.get("crop_pct")
    known = isinstance(share, int | float) and 0 < share <= 1
    squashed = told.get("crop_mode") == "squash"
    return InputRecipe(
        "config",
        sides(list(size)[1:]) if isinstance(size, list | tuple) else None,
        "rgb",
        numbers(told.get("mean")),
        numbers(told.get("std"), least=1e-6),
        "squash" if squashed else "crop",
        float(share) if known and isinstance(share, int | float) else 1.0,
    )
