"""What lies beside the weights and is worth knowing: class names, and how the network is fed."""

import math
from collections.abc import Mapping
from typing import Any, Final

from reportgen.contracts import InputRecipe

CLASS_KEYS: Final = ("classes", "class_names")
INPUT_KEY: Final = "input"
MOST_CLASSES: Final = 100_000
LONGEST_NAME: Final = 200  # characters


def classes_of(content: object) -> tuple[str, ...]:
    """Class names that lie beside the weights, where they look like class names."""
    for key in CLASS_KEYS:
        names = content.get(key) if isinstance(content, Mapping) else None
        if not isinstance(names, list | tuple) or not 1 < len(names) <= MOST_CLASSES:
            continue
        if all(isinstance(name, str) and 0 < len(name.strip()) <= LONGEST_NAME for name in names):
            return tuple(name.strip() for name in names)
    return ()


def recipe_of(content: object) -> InputRecipe | None:
    """How the network is fed, where `input` says it: size, channel_order, mean and std, as `--help` names them.

    Only values that make sense are taken: a checkpoint says what it likes.
    """
    told = content.get(INPUT_KEY) if isinstance(content, Mapping) else None
    if not isinstance(told, Mapping):
        return None
    size, order = told.get("size"), told.get("channel_order")
    recipe = InputRecipe(
        "checkpoint",
        size=sides(size),
        channel_order=order if order in ("rgb", "bgr") else None,
        mean=numbers(told.get("mean")),
        std=numbers(told.get("std"), least=1e-6),
    )
    return None if recipe == InputRecipe("checkpoint") else recipe


def sides(value: Any) -> tuple[int, int] | None:  # noqa: ANN401 - whatever was saved
    """Height and width, each from 8 to 2048; None for anything else."""
    if isinstance(value, list | tuple) and len(value) == 2 and all(type(side) is int for side in value):
        height, width = value
        return (height, width) if min(height, width) >= 8 and max(height, width) <= 2048 else None
    return None


def crop_share(value: Any) -> float | None:  # noqa: ANN401 - whatever was saved
    """The share of the resized photograph that is cut out, above 0 and at most 1; None for anything else."""
    return float(value) if isinstance(value, int | float) and 0 < value <= 1 else None


def numbers(value: Any, least: float = -1e6) -> tuple[float, ...] | None:  # noqa: ANN401 - whatever was saved
    """One or three finite numbers, none below `least`; None for anything else."""
    if not isinstance(value, list | tuple) or len(value) not in (1, 3):
        return None
    if not all(isinstance(each, int | float) and math.isfinite(each) and least <= each <= 1e6 for each in value):
        return None
    return tuple(float(each) for each in value)
