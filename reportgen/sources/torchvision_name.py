"""A network of torchvision: `--arch torchvision:resnet18`. Nothing is downloaded."""

import difflib
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from reportgen.contracts import InputRecipe, Network, Weights
from reportgen.errors import ArchitectureError
from reportgen.excerpts import shortened
from reportgen.sources.metadata import numbers, sides
from reportgen.sources.zoo import imported, names_one, quietly, with_fitting_head

PREFIX: Final = "torchvision:"


def accepts(arch: str | None) -> bool:
    """Whether `--arch` names one."""
    return names_one(arch, PREFIX)


def build(
    weights: Weights,
    arch: str | None,
    announce: Callable[[str], None],  # noqa: ARG001 - as every source
) -> Network:
    """The network with random weights, and how its published weights are fed.

    Raises ArchitectureError where torchvision is missing or has no such network.
    """
    name = (arch or "").removeprefix(PREFIX)
    models = imported("torchvision", "torchvision").models
    known = models.list_models(module=models)  # of classifiers: others would fetch the weights of their backbones
    if name.lower() not in known:
        near = difflib.get_close_matches(name.lower(), known, n=1)
        fix = f"Did you mean torchvision:{near[0]}?" if near else "Check the name, and that it is an image classifier"
        why = "torchvision has no image classifier of that name"
        raise ArchitectureError("E-ARCH-NAME", f"--arch {shortened(arch or '')}", why, fix)
    module = with_fitting_head(partial(models.get_model, name, weights=None), weights, arch or "")
    return Network(module, f"torchvision {name}", (), recipe=_recipe(models, name))


def _recipe(models: Any, name: str) -> InputRecipe | None:  # noqa: ANN401 - torchvision's own kind
    """How the best known weights of that network are fed."""
    try:
        with quietly():
            told: Any = models.get_model_weights(name).DEFAULT.transforms()
            crop, whole = told.crop_size[0], told.resize_size[0]
            mean, std = numbers(list(told.mean)), numbers(list(told.std), least=1e-6)
    except (AttributeError, ValueError, KeyError, IndexError, TypeError):
        return None
    share = crop / whole if 0 < crop <= whole else 1.0
    return InputRecipe("config", sides([crop, crop]), "rgb", mean, std, "crop", share)
