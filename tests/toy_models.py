"""Networks so small that the right explanation is known on paper, and what the methods need around them."""

import hashlib
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import relu

from reportgen.batching import BatchSize
from reportgen.classifier import Classifier, as_logits
from reportgen.explain import lime_hw5
from reportgen.heads import Head, softmax
from reportgen.options import BuildOptions
from reportgen.results import Case, ImageInput, InputSpec, ModelFacts, Prediction, RankedClass, Target
from reportgen.segmentation import Cut

Pixels = NDArray[np.float32]  # (H, W, 3) or (N, H, W, 3)
LOGITS = Head()
SIZE = (16, 20)  # not square, so that a swap of axes shows


class Linear(nn.Module):
    """logit k = sum of weights[k] * x + k; weights: (K, 3, H, W), in the channel order and units fed."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, images: Tensor) -> Tensor:
        classes = torch.arange(len(self.weights), device=images.device)
        return images.flatten(1) @ self.weights.flatten(1).T + classes


class Separable(nn.Module):
    """logit k = (k + 1) * sum of sin(3 x): its gradient at x is 3 (k + 1) cos(3 x), pixel by pixel."""

    def forward(self, images: Tensor) -> Tensor:
        total = torch.sin(3 * images).sum(dim=(1, 2, 3))
        return torch.stack([total, 2 * total], dim=1)


class Additive(nn.Module):
    """score = base + sum over segments of terms[s] * mean of x in s; classes (score, 1 - score).

    scale "logit": the logits are the scores; "probability": the probabilities are, so scores must lie in (0, 1).
    """

    def __init__(self, segments: NDArray[np.int32], terms: NDArray[np.floating[Any]], base: float, scale: str) -> None:
        super().__init__()
        inside = torch.tensor(segments)[None] == torch.arange(len(terms))[:, None, None]
        share = inside / inside.sum(dim=(1, 2), keepdim=True) / 3
        self.register_buffer("plane", (torch.tensor(terms, dtype=torch.float32)[:, None, None] * share).sum(0))
        self.base, self.scale = base, scale

    def forward(self, images: Tensor) -> Tensor:
        score = self.base + (images * self.get_buffer("plane")).sum(dim=(1, 2, 3))
        both = torch.stack([score, 1 - score], dim=1)
        return both if self.scale == "logit" else both.log()


class Blob(nn.Module):
    """Class 1 answers to the brightness of one rectangle, class 0 to nothing."""

    def __init__(self, rows: slice, columns: slice) -> None:
        super().__init__()
        self.rows, self.columns = rows, columns

    def forward(self, images: Tensor) -> Tensor:
        seen = images[:, :, self.rows, self.columns].mean(dim=(1, 2, 3))
        return torch.stack([0 * seen, 4 * seen - 1], dim=1)


class Constant(nn.Module):
    """The same answer to everything, with a graph: its gradient is 0."""

    def __init__(self, answer: Sequence[float] = (0.0, 1.0)) -> None:
        super().__init__()
        self.answer = tuple(answer)

    def forward(self, images: Tensor) -> Tensor:
        return 0 * images.sum(dim=(1, 2, 3))[:, None] + images.new_tensor(self.answer)


class NoGradient(nn.Module):
    """Answers, and cuts the graph."""

    def forward(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            return images.sum(dim=(2, 3))


class Switch(nn.Module):
    """Hands its input on until `error` is set, and raises that from then on, in every copy of its network too."""

    def __init__(self) -> None:
        super().__init__()
        self.error: BaseException | None = None

    def __deepcopy__(self, _memo: object) -> "Switch":
        return self

    def forward(self, images: Tensor) -> Tensor:
        if self.error is not None:
            raise self.error
        return images


class Small(nn.Module):
    """A course-shaped network with everything that a careless method disturbs: batch-norm, dropout, in-place ReLU.

    `switch` stands behind the convolutions and raises when told to.
    """

    def __init__(self, classes: int = 4, inplace: bool = True) -> None:
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace), nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace), nn.MaxPool2d(2),
        )  # fmt: skip
        self.switch = Switch()
        self.fc = nn.Sequential(nn.LazyLinear(12), nn.ReLU(inplace), nn.Dropout(0.5), nn.Linear(12, classes))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.switch(self.cnn(images)).flatten(1))
        return logits


class ViewFlatten(nn.Module):
    """Flattens by view(), which takes contiguous memory only."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(4 * SIZE[0] * SIZE[1], 3)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.conv(images).view(len(images), -1))
        return logits


class FunctionalReLU(nn.Module):
    """No activation is a module; the mean over the map makes it take any size."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 5, 3, padding=1)
        self.second = nn.Conv2d(5, 4, 3, padding=1, stride=2)

    def forward(self, images: Tensor) -> Tensor:
        return relu(self.second(relu(self.first(images)))).mean(dim=(2, 3))


class Filters(nn.Module):
    """One convolution with the given kernels (F, 3, k, k) and biases, ReLU, and the mean of each map."""

    def __init__(self, kernels: NDArray[np.floating[Any]], biases: Sequence[float] = (), inplace: bool = False) -> None:
        super().__init__()
        count, _, side, _ = kernels.shape
        # Padded with zeros, grey would have edges all around.
        self.conv = nn.Conv2d(3, count, side, padding=side // 2, padding_mode="replicate")
        self.act: nn.Module = nn.ReLU(inplace)
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor(kernels))
            self.conv.bias = nn.Parameter(torch.tensor(list(biases) or [0.0] * count))

    def forward(self, images: Tensor) -> Tensor:
        pooled: Tensor = self.act(self.conv(images)).mean(dim=(2, 3))
        return pooled


def stripes(degrees: float, size: tuple[int, int], period: float = 6.0, phase: float = 0.0) -> NDArray[np.float64]:
    """(H, W) in [0, 1]: lines that run at the angle, counted counter-clockwise from horizontal, rows downwards."""
    rows, columns = np.indices(size)
    angle = np.radians(degrees)
    # The normal of a line that climbs at the angle: (right, up) = (-sin, cos), and up is -row.
    across = -np.sin(angle) * columns - np.cos(angle) * rows
    return np.asarray(0.5 + 0.5 * np.sin(2 * np.pi * across / period + phase))


def gabor(degrees: float, side: int = 7, period: float = 6.0) -> NDArray[np.float64]:
    """(3, k, k): answers most to lines at the angle, as `stripes` counts it; not to flat grey."""
    middle = (side - 1) / 2
    rows, columns = np.indices((side, side)) - middle
    phase = 2 * np.pi * (-np.sin(np.radians(degrees)) * columns - np.cos(np.radians(degrees)) * rows) / period
    wave = np.cos(phase) * np.exp(-(rows**2 + columns**2) / (2 * (side / 3) ** 2))
    return np.asarray(np.stack([wave - wave.mean()] * 3) / 3)


def settled(module: nn.Module, seed: int = 5, size: tuple[int, int] = SIZE) -> nn.Module:
    """The module in evaluation mode, its weights and statistics drawn from a generator of their own."""
    generator = torch.Generator().manual_seed(seed)
    module.eval()
    with torch.no_grad():
        module(torch.zeros(1, 3, *size))  # gives lazy layers their shape
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                noise = torch.randn(tensor.shape, generator=generator)
                fan = max(1, tensor[0].numel()) if tensor.dim() > 1 else 4
                tensor.copy_(1 + 0.2 * noise.abs() if name.endswith("running_var") else noise / fan**0.5)
    return module


def photographs(count: int, size: tuple[int, int] = SIZE, seed: int = 1) -> Pixels:
    """(N, H, W, 3) in [0, 1]: smooth waves and noise, each image its own."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(size)
    waves = [
        [0.5 + 0.3 * np.sin(rng.uniform(0.1, 0.6) * rows + rng.uniform(0.1, 0.6) * columns + rng.uniform(0, 6))] * 3
        for _ in range(count)
    ]
    noisy = np.moveaxis(np.array(waves), 1, -1) + rng.normal(0, 0.1, (count, *size, 3))
    return np.asarray(np.clip(noisy, 0, 1), np.float32)


def wrapped(
    module: nn.Module,
    size: tuple[int, int] = SIZE,
    classes: int = 0,
    batch: int = 64,
    head: Head = LOGITS,
    **spec: Any,  # noqa: ANN401 - fields of InputSpec
) -> Classifier:
    """The module as a classifier on the CPU. classes: 0 for as many as it answers with; spec: fields of InputSpec."""
    if not classes:
        with torch.no_grad():
            classes = as_logits(module(torch.zeros(1, 3, *size))).shape[1]
    names = tuple(f"class {index}" for index in range(classes))
    facts = ModelFacts("toy.pth", "ab" * 32, "toy", names, "index", (), InputSpec(size, **spec), head=head)
    return Classifier(module, facts, torch.device("cpu"), BatchSize(batch))


def image(pixels: Pixels, label: int | None = None) -> ImageInput:
    """An image that is shown as it is fed, named by its content."""
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    return ImageInput(f"{digest[:6]}.png", digest, np.round(pixels * 255), pixels, label)


def case(classifier: Classifier, pixels: Pixels, label: int | None = None) -> Case:
    """The image with the network's answer to it alone; predicted class first, then the label's where it differs."""
    (logits,) = classifier.logits(pixels[None])
    return known(pixels, logits, label)


def known(pixels: Pixels, logits: Sequence[float] | NDArray[np.float32], label: int | None = None) -> Case:
    """The same for an answer that is known without asking."""
    answer = np.asarray(logits, np.float32)
    order = np.argsort(-answer, kind="stable")
    ranked = [RankedClass(int(k), f"class {k}", float(softmax(answer[None])[0, k])) for k in range(len(answer))]
    truth = None if label is None else ranked[label]
    prediction = Prediction(tuple(ranked[k] for k in order[:5]), answer, truth)
    targets = [Target(int(order[0]), ranked[order[0]].name, "predicted")]
    if truth is not None and truth.index != order[0]:
        targets.append(Target(truth.index, truth.name, "label"))
    return Case(image(pixels, label), prediction, tuple(targets))


def options(**given: Any) -> BuildOptions:  # noqa: ANN401 - fields of BuildOptions
    """Options for small work: few samples and steps."""
    small: dict[str, Any] = {"lime_samples": 60, "lime_segments": 12, "filter_steps": 8}
    return BuildOptions(model=Path("toy.pth"), **small | given)


def few_samples(monkeypatch: pytest.MonkeyPatch, samples: int) -> None:
    """The write-up's LIME with so many samples, on about as many superpixels as `options` asks for."""
    monkeypatch.setattr(lime_hw5, "SAMPLES", samples)
    monkeypatch.setattr(lime_hw5, "CUT", Cut("slic", 12, 20.0, stand_in=False))


def fingerprint(module: nn.Module) -> Mapping[str, object]:
    """Everything about a module, and around it, that a method must leave as it was."""
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    parts = dict(module.named_modules())
    numpy_state: Any = np.random.get_state()
    return {
        "hooks": {name: [len(getattr(part, kind)) for kind in hooks] for name, part in parts.items()},
        "training": {name: part.training for name, part in parts.items()},
        "tensors": {name: _facts(tensor) for name, tensor in module.state_dict(keep_vars=True).items()},
        "identity": [id(parameter) for parameter in module.parameters()],
        "gradients": {
            name: None if parameter.grad is None else _facts(parameter.grad)
            for name, parameter in module.named_parameters()
        },
        "chance": (random.getstate(), torch.get_rng_state().tolist(), numpy_state[1].tolist(), numpy_state[2]),
        "modes": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_dtype()),
        "backends": (
            torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32,
            torch.backends.cuda.matmul.allow_tf32,
        ),
    }  # fmt: skip


def _facts(tensor: Tensor) -> tuple[object, ...]:
    data = tensor.detach().cpu().contiguous()
    digest = hashlib.sha256(data.reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()
    return tensor.requires_grad, str(tensor.dtype), str(tensor.device), tuple(tensor.shape), digest
