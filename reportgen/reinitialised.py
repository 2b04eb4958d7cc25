"""A copy of a network with random weights in some of its layers, as they are before training.

The network itself is never written to. Source: adebayo2018.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from reportgen.classifier import Classifier
from reportgen.randomness import stream

NAME = "randomisation"


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


def _noting(order: dict[str, None], name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a hook
    def hook(_module: nn.Module, _inputs: object) -> None:
        order.setdefault(name)

    return hook


def upper_layers(module: nn.Module, order: Sequence[str]) -> tuple[str, ...]:
    """The layers from the last convolution on: it, what normalises it, and the linear layers that follow.

    The last layer of all counts as linear whatever its kind, for it gives the answers. Where the last convolution runs
    in the first half, as a transformer's embedding of patches does, the last quarter of the layers stands in.
    """
    convolutions = [n for n, name in enumerate(order[:-1]) if isinstance(module.get_submodule(name), CONVOLUTIONS)]
    start = convolutions[-1] if convolutions else 0
    if start < len(order) / 2:
        start = len(order) - max(1, len(order) // 4)
    return tuple(order[start:])


CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


@contextmanager
def reinitialised(classifier: Classifier, layers: Sequence[str], seed: int) -> Iterator[Classifier]:
    """The classifier with a copy of its network in which these layers are as before training; its memory is given back.

    Each layer draws its weights in its own way (`reset_parameters`), from a generator of its own, so that a layer gets
    the same weights whichever others are drawn; batch-norms forget their statistics, too (mean 0, variance 1), and
    weights without a way of their own are drawn from a normal distribution of their own spread.
    Raises whatever a module raises that cannot be copied.
    """
    copied = copy.deepcopy(classifier.module).cpu()
    for name in layers:
        _draw(copied.get_submodule(name), int(stream(seed, NAME, name).integers(2**63)))
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
        torch.default_generator.manual_seed(seed)
        reset = getattr(part, "reset_parameters", None) or getattr(part, "_reset_parameters", None)
        if callable(reset):
            reset()
            return
        for parameter in own:
            spread = float(parameter.std()) if parameter.numel() > 1 else 0.0
            parameter.normal_(float(parameter.mean()), spread)
