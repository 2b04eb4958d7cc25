"""Every module of a network that runs: what it gives, and the part of the image that each of its units sees.

Source: araujo2019 for the terms.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reportgen.boxes import WITHIN, Extent, narrow
from reportgen.classifier import Classifier
from reportgen.extents import Tracer

Boxes = NDArray[np.int64]  # (4, h, w): top, bottom, left, right of each unit, bottom and right exclusive
# map: (N, C, h, w); single: a map of one position; tokens: (N, T, C); channels_last: (N, h, w, C); vector: (N, C).
Form = Literal["map", "single", "tokens", "channels_last", "vector", "other", "not_run"]
# Modules that take (N, C, h, w) and nothing else.
IMAGE_LAYERS = (
    nn.Conv2d, nn.BatchNorm2d, nn.InstanceNorm2d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
)  # fmt: skip
MOST_STRETCHED = 3  # times as high for its width as the image, or as wide, a map may be whose units all see all of it


@dataclass(frozen=True, eq=False)
class Fields:
    """The receptive fields of a layer's units, in pixels of what the network is fed.

    seen: the smallest box that holds every pixel a unit depends on. unbounded: the same as if the image and every map
    went on beyond their borders, so that units at the border have fields as large as all others.
    """

    image: tuple[int, int]
    seen: Boxes
    unbounded: Boxes

    @property
    def whole(self) -> bool:
        """Whether each unit sees the image from border to border."""
        height, width = self.image
        return bool((self.seen == np.array([0, height, 0, width])[:, None, None]).all())

    @property
    def size(self) -> tuple[int, int]:
        """Height and width; the largest where units differ, as those of an adaptive pool."""
        top, bottom, left, right = self.unbounded
        return int((bottom - top).max()), int((right - left).max())

    @property
    def stride(self) -> tuple[float, float]:
        """Pixels from the centre of one unit to that of the next, the mean where they differ; 0 where there is one."""
        (down, across), (height, width) = self._centres(), self.unbounded.shape[1:]
        return (
            float(down[-1, 0] - down[0, 0]) / max(1, height - 1),
            float(across[0, -1] - across[0, 0]) / max(1, width - 1),
        )

    @property
    def offset(self) -> tuple[float, float]:
        """The centre of the first unit's field, unbounded: 0 is the middle of the first pixel."""
        down, across = self._centres()
        return float(down[0, 0]), float(across[0, 0])

    def _centres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        top, bottom, left, right = self.unbounded
        return (top + bottom - 1) / 2, (left + right - 1) / 2


@dataclass(frozen=True, eq=False)
class Layer:
    """A module and what it gives.

    shape: without the batch; () where it gives no tensor, or does not run. fields: None where nothing of the image can
    be followed there, or the form has no places.
    """

    name: str
    kind: str
    form: Form
    shape: tuple[int, ...] = ()
    fields: Fields | None = None

    @property
    def channels(self) -> int:
        """Channels, or the length of a token or a vector; 0 where there is no tensor."""
        if not self.shape:
            return 0
        return self.shape[0 if self.form in ("map", "single", "vector") else -1]

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of a map; None for all else."""
        first = {"map": 1, "single": 1, "channels_last": 0}.get(self.form)
        return None if first is None else (self.shape[first], self.shape[first + 1])


def field(layer: Layer, y: int, x: int, *, clipped: bool = True) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of what unit (y, x) sees: `image[top:bottom, left:right]` is its crop.

    clipped: within the image, exactly what it depends on; else as if the image went on, so below 0 and past its border.
    Raises ValueError for a layer whose units have no fields, IndexError for a unit that it does not have.
    """
    if layer.fields is None:
        raise ValueError(f"{layer.name} has no receptive field that is known")
    boxes = layer.fields.seen if clipped else layer.fields.unbounded
    if not (0 <= y < boxes.shape[1] and 0 <= x < boxes.shape[2]):
        raise IndexError(f"{layer.name} has {boxes.shape[1]} x {boxes.shape[2]} units, and ({y}, {x}) is none of them")
    top, bottom, left, right = boxes[:, y, x].tolist()
    return top, bottom, left, right


def survey(classifier: Classifier) -> tuple[Layer, ...]:
    """Every module below the network itself: first those that run, in the order in which they end, then the others.

    A module that runs more than once counts as it first ran, as everywhere that hooks look.
    """
    size = classifier.facts.input.size
    image = torch.full((1, 3, *size), 0.5, device=classifier.device)
    lists = (nn.ModuleList, nn.ModuleDict)  # they hold layers and are none
    named = classifier.module.named_modules()
    modules = {name: module for name, module in named if name and not isinstance(module, lists)}
    gave: dict[str, _Given] = {}

    def keep(name: str, output: Any) -> None:  # noqa: ANN401 - whatever the layer gives
        if name not in gave:
            tensor = isinstance(output, Tensor)
            gave[name] = _Given(tuple(output.shape), tracer.known(output)) if tensor else _Given((), None)

    tracer = Tracer(image)
    with torch.no_grad(), _watched(modules, keep), tracer:
        classifier.forward(image)
    layers: list[Layer] = []
    before: Form = "map"
    for name, given in gave.items():
        form = _form(modules[name], given, before, size)
        before = form if form in ("map", "channels_last", "tokens") else before
        fields = _fields(given.extent, form, size)
        layers.append(Layer(name, type(modules[name]).__name__, form, given.shape[1:], fields))
    missed = {name: type(module).__name__ for name, module in modules.items() if name not in gave}
    return (*layers, *(Layer(name, kind, "not_run") for name, kind in missed.items()))


@dataclass(frozen=True, eq=False)
class _Given:
    """What a module gave: the shape of a tensor, () for all else, and its extent where the image is in it."""

    shape: tuple[int, ...]
    extent: Extent | None


@contextmanager
def _watched(modules: Mapping[str, nn.Module], keep: Callable[[str, Any], None]) -> Iterator[None]:
    """Call `keep` whenever one of the modules has run."""
    with ExitStack() as stack:
        for name, module in modules.items():
            hook = module.register_forward_hook(lambda _, __, output, name=name: keep(name, output))
            stack.callback(hook.remove)
        yield


def _fields(extent: Extent | None, form: Form, image: tuple[int, int]) -> Fields | None:
    if extent is None or form not in ("map", "single", "channels_last"):
        return None
    hull = extent.amax((1, 4) if form == "channels_last" else (1, 2)).cpu().numpy()  # (8, h, w)
    within, beyond = _boxes(hull[:WITHIN]), _boxes(hull[WITHIN:])
    return None if within is None or beyond is None else Fields(image, within, beyond)


def _boxes(planes: NDArray[np.float32]) -> Boxes | None:
    """From -top, bottom, -left, right, inclusive; units that see nothing get an empty box, None where all do."""
    blind = np.isneginf(planes).any(axis=0)
    if blind.all():
        return None
    finite = np.where(blind, 0, planes).astype(np.int64)
    boxes: Boxes = np.stack([-finite[0], finite[1] + 1, -finite[2], finite[3] + 1])
    boxes[:, blind] = 0
    return boxes


def _form(module: nn.Module, given: _Given, before: Form, image: tuple[int, int]) -> Form:
    """What a module gives, by its axes; where there are four, by which of them rows and columns of the image run.

    before: the form that stands where neither runs along any, as behind an attention: that of the layer before.
    """
    shape = given.shape
    if len(shape) in (2, 3):
        return "vector" if len(shape) == 2 else "tokens"
    if len(shape) != 4 or shape[0] != 1:
        return "other"
    rows, columns = (set(), set()) if given.extent is None else (_axes(given.extent[4:6]), _axes(given.extent[6:]))
    if rows & columns - {1}:  # one axis runs over both: places in a row, as in the weights of an attention
        return "tokens"
    if not rows and not columns and before != "map" and not isinstance(module, IMAGE_LAYERS):
        return before
    if 1 in rows and 2 in columns and 2 not in rows:
        return "channels_last"
    if not rows and not columns and _stretched(shape[2:], image):
        return "tokens"
    return "single" if shape[2] * shape[3] == 1 else "map"


def _stretched(size: tuple[int, ...], image: tuple[int, int]) -> bool:
    """Whether it cannot be a map of the image: MobileViT lays places within patches along one axis, patches along the
    other, and convolves that.
    """
    ratio = size[0] * image[1] / (size[1] * image[0])
    return min(size) > 1 and not 1 / MOST_STRETCHED <= ratio <= MOST_STRETCHED


def _axes(planes: Extent) -> set[int]:
    """Axes of the tensor along which the planes change."""
    least = narrow(planes)
    # Axis 0 of the planes is their kind, axis 1 the batch, which is axis 0 of the tensor.
    return {axis - 1 for axis in range(2, least.dim()) if bool((least != least.narrow(axis, 0, 1)).any())}
