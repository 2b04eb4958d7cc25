"""Asking a network with grey images what it takes and gives, before any photograph is read."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from typing import Final

import torch
from torch import Tensor, nn

from reportgen.classifier import as_logits
from reportgen.contracts import Network
from reportgen.errors import ArchitectureError, EnvironmentProblem, ReportgenError
from reportgen.excerpts import listed

SIDES: Final = (128, 224, 256, 64, 32, 96, 299, 384, 48, 160, 192, 512)  # px, tried where nothing fixes the size
LONGEST: Final = 200  # characters of a user's own error
FIX: Final = "Check --arch, and --size: the network must take images of that size and return one logit for each class"


def channels_taken(module: nn.Module) -> int:
    """1 for a network of grey images, else 3: as the first convolution that names its input says."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            return 1 if layer.in_channels == 1 else 3
    return 3


def answer_to(network: Network, size: tuple[int, int], device: torch.device) -> int:
    """The number of classes that two grey images are answered with; 2 where there is a single logit.

    Raises ArchitectureError where the network fails, ends the program, or gives something else than (2, K) logits,
    EnvironmentProblem where the memory is too small.
    """
    answer = asked(network, torch.full((2, channels_taken(network.module), *size), 0.5, device=device))
    try:
        logits = as_logits(answer)
    except ValueError:
        logits = None
    if logits is None or logits.dim() != 2 or len(logits) != 2 or logits.shape[1] < 2:
        why, fix = _not_logits(answer)
        raise ArchitectureError("E-ARCH-OUTPUT", network.architecture, why, fix)
    return int(logits.shape[1])


def asked(network: Network, images: Tensor) -> object:
    """What the network returns for images (N, C, H, W) in its own units, whatever that is.

    Raises ArchitectureError where it fails or ends the program, EnvironmentProblem where the memory is too small.
    """
    height, width = images.shape[2:]
    try:
        # stdout carries the result's path and nothing else. Given a copy, for a network may work in place.
        with torch.inference_mode(), contextlib.redirect_stdout(sys.stderr):
            answer: object = network.module(images.clone())
    except KeyboardInterrupt:
        raise
    except torch.OutOfMemoryError as err:
        why = f"not even two images of {height} x {width} fit into the memory of {images.device}"
        raise EnvironmentProblem("E-MEMORY", "the network", why, "Use --device cpu, or a smaller --size") from err
    except BaseException as err:  # SystemExit too: a network that leaves must not look like success
        words = " ".join(f"{type(err).__name__}: {err}".split())[:LONGEST]
        why = f"it fails on images of {height} x {width}: {words}"
        raise ArchitectureError("E-ARCH-FORWARD", network.architecture, why, FIX) from err
    return answer


def _not_logits(answer: object) -> tuple[str, str]:
    """What the answer is instead of (2, K) logits, and the way out."""
    boxes, maps = _holds_boxes(answer), next((each for each in _tensors(answer) if each.dim() == 4), None)
    if boxes:
        why = "two images give boxes: it is a detector, and no class stands for a whole image"
        return why, "Give --arch file.py:Class, whose forward returns one logit for each class"
    if maps is not None:
        why = f"two images give a map of shape {tuple(maps.shape)}: it answers for each pixel, as for segmentation"
        return why, "Give --arch file.py:Class, whose forward returns the mean over the map: logits.mean((2, 3))"
    return f"two images give {_described(answer)}, and (2, number of classes) is needed", FIX


def _parts(answer: object) -> tuple[object, ...]:
    """What lies in a list, a tuple or a mapping; the objects of transformers are mappings."""
    if isinstance(answer, Mapping):
        return tuple(answer.values())
    return tuple(answer) if isinstance(answer, list | tuple) else ()


def _tensors(answer: object) -> Iterator[Tensor]:
    if isinstance(answer, Tensor):
        yield answer
    for part in _parts(answer):
        yield from _tensors(part)


def _holds_boxes(answer: object) -> bool:
    if isinstance(answer, Mapping) and any("boxes" in str(key) for key in answer):
        return True
    return any(_holds_boxes(part) for part in _parts(answer))


def _described(answer: object) -> str:
    if isinstance(answer, Tensor):
        return f"a tensor of shape {tuple(answer.shape)}"
    if isinstance(answer, Mapping):
        return f"a {type(answer).__name__} without logits, of {listed(sorted(map(str, answer)))}"
    return f"a {type(answer).__name__}"


def working_sides(network: Network, device: torch.device) -> Iterator[tuple[int, int]]:
    """Sides of square images that the network takes, with the number of classes; at least one.

    Raises ArchitectureError, the first of all, where none works.
    """
    first: ReportgenError | None = None
    found = False
    for side in SIDES:
        try:
            outputs = answer_to(network, (side, side), device)
        except ArchitectureError as err:
            first = first or err
        else:
            found = True
            yield side, outputs
    if not found:
        assert first is not None
        raise first
