"""A copy of a network with random weights in some of its layers, as they are before training.

The network itself is never written to. Source: adebayo2018.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from reportgen.classifier import Classifier
from reportgen.errors import MethodError
from reportgen.randomness import stream

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def layers_as_run(classifier: Classifier, pixels: Tensor) -> tuple[str, ...]:
    """Every layer that holds weights of its own, in the order in which they first run; what does not run is left out.

    pixels: (N, 3, H, W) RGB in [0, 1] on the device.
    """
    order: dict[str, None] = {}
    with ExitStack() as stack, torch.inference_mode():
        for name, part in classifier.module.named_modules():
            if next(part.parameters(recurse=False), None) is not None:
                stack.callback(part.register_forward_pre_hook(_noting(order, name)).remove)
        classifier.forward(pixels)
    return tuple(order)


def _noting(order: dict[str, None], name: str) -> Callable[[nn.Module, Any], None]:
    def hook(_module: nn.Module, _inputs: Any) -> None:  # noqa: ANN401 - whatever it takes
        order.setdefault(name)

    return hook


def upper_layers(module: nn.Module, order: Sequence[str]) -> tuple[str, ...]:
    """The layers from the last convolution on: it, what normalises it, and the linear layers that follow.

    The last layer of all counts as linear whatever its kind, for it gives the answers. Where the last convolution is
    among the first eighth, as a transformer's embedding of patches is, the last quarter of the layers stands in.
    """
    convolutions = [n for n, name in enumerate(order[:-1]) if isinstance(module.get_submodule(name), CONVOLUTIONS)]
    start = convolutions[-1] if convolutions else 0
    if start < len(order) / 8:
        start = len(order) - max(1, len(order) // 4)
    return tuple(order[start:])


@contextmanager
def reinitialised(classifier: Classifier, layers: Sequence[str], seed: int) -> Iterator[Classifier]:
    """The classifier with a copy of its network in which these layers are as before training; its memory is given back.

    Each layer draws its weights in its own way (`reset_parameters`), from a generator of its own, so that a layer gets
    the same weights whichever others are drawn; batch-norms forget their statistics, too (mean 0, variance 1), and
    weights without a way of their own are drawn from a normal distribution of their own spread.
    Raises MethodError where the network cannot be copied.
    """
    try:
        copied = copy.deepcopy(classifier.module).cpu()
    except Exception as err:  # whatever a user's own module holds: locks, generators, weights that are computed
        why = f"it cannot be copied ({type(err).__name__})"
        raise MethodError(
            "E-UNCOPIED", classifier.facts.file, why, "Make its modules such as copy.deepcopy takes"
        ) from err
    for name in layers:
        _draw(copied.get_submodule(name), int(stream(seed, "random weights", name).integers(2**63)))
    other = replace(classifier, module=copied.to(classifier.device).eval(), fast=None)
    del copied
    try:
        yield other
    finally:
        # The caller may still hold the classifier; its network must not stay.
        object.__setattr__(other, "module", nn.Identity())
        if classifier.device.type == "cuda":
            torch.cuda.empty_cache()


def _draw(part: nn.Module, seed: int) -> None:
    """Fresh weights; torch's own generator stays as it is."""
    own = list(part.parameters(recurse=False))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        reset = getattr(part, "reset_parameters", None) or getattr(part, "_reset_parameters", None)
        if callable(reset):
            reset()
            return
        for parameter in own:
            spread = float(parameter.std()) if parameter.numel() > 1 else 0.0
            parameter.normal_(float(parameter.mean()), spread)
