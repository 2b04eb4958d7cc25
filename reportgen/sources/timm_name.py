"""A network of timm: `--arch timm:resnet18`. Nothing is downloaded."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from reportgen.contracts import InputRecipe, Network, Weights
from reportgen.sources.metadata import crop_share, numbers, sides
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
    library = imported("timm", "timm")
    module = with_fitting_head(partial(library.create_model, name, pretrained=False), weights, arch or "")
    told = getattr(module, "pretrained_cfg", None)
    recipe = _recipe(told) if isinstance(told, Mapping) else None
    return Network(module, f"timm {name}", (), recipe=recipe)


def _recipe(told: Mapping[str, Any]) -> InputRecipe:
    """How timm feeds it; only values that make sense are taken."""
    size, squashed = told.get("input_size"), told.get("crop_mode") == "squash"
    return InputRecipe(
        "config",
        sides(list(size)[1:]) if isinstance(size, list | tuple) else None,
        "rgb",
        numbers(told.get("mean")),
        numbers(told.get("std"), least=1e-6),
        "squash" if squashed else "crop",
        crop_share(told.get("crop_pct")),
    )
