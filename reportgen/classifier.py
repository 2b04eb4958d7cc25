"""The model behind plain questions: what does it answer, and what does its answer depend on?

Images come and numbers go as numpy arrays; the device, the batch size and the network's own units stay in here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reportgen.batching import Batched, BatchSize
from reportgen.errors import EnvironmentProblem, MethodError
from reportgen.forwards import ForwardFacts
from reportgen.heads import End, probabilities
from reportgen.results import ModelFacts

Pixels = NDArray[np.floating[Any]]  # (N, H, W, 3) RGB in [0, 1]


class Stack(Protocol):
    """(N, H, W, 3) RGB in [0, 1], of which parts can be had."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> Pixels: ...


Score = Callable[[Tensor], Tensor]  # (n, K) logits -> (n,), one number for each image


class NoGradient(MethodError):
    """The network's answer does not depend on its input in a way that can be differentiated."""


@dataclass(frozen=True, eq=False)
class FastPath:
    """Another way to the network's answers, for questions without gradient; `engine` makes and judges it.

    ask: (n, C, H, W) in the network's own units on the device -> what the network returns.
    """

    ask: Callable[[Tensor], Any]
    facts: ForwardFacts


@dataclass(frozen=True, eq=False)
class Classifier(Batched):
    """A network in evaluation mode on its device, with what is known about it.

    Everything asks the network itself in float32, but for `answer`, which takes the fast path where one was made.
    """

    module: nn.Module
    facts: ModelFacts
    device: torch.device
    batch: BatchSize = field(default_factory=lambda: BatchSize(64))
    fast: FastPath | None = None

    def tensor(self, pixels: Pixels) -> Tensor:
        """(N, H, W, 3) -> (N, 3, H, W) float32 on the device; never shares memory with the array."""
        return torch.tensor(np.asarray(pixels, np.float32)).permute(0, 3, 1, 2).contiguous().to(self.device)

    def units(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in [0, 1] -> the same in the network's own channel order and units."""
        spec = self.facts.input
        return normalised(in_order(images, spec.channel_order), spec.mean, spec.std)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in [0, 1] on the device -> (N, K) logits, with their graph where one is wanted."""
        self.batch.passed += len(images)
        return as_logits(self.module(self.units(images)), self.facts.head.ends)

    def prepare(self, pixels: Pixels) -> Tensor:
        """(N, H, W, 3) -> (N, C, H, W) in the network's own units on the device.

        Each pixel on its own, so that images may be mixed pixel by pixel after this as well as before.
        """
        with torch.inference_mode():
            return self.units(self.tensor(pixels))

    def answer(self, units: Tensor, *, exact: bool = False) -> NDArray[np.float32]:
        """(n, C, H, W) in the network's own units on the device, as `prepare` gives -> (n, K) logits, float32.

        By the fast path where there is one, unless they are to be exact; in batches. `units` stays as it is, whatever
        the network does.
        """
        ask = self.fast.ask if self.fast and not exact else self.module

        def run(part: slice) -> NDArray[np.float32]:
            own = units[part].clone()
            self.batch.passed += len(own)
            with torch.inference_mode():
                return to_numpy(as_logits(ask(own), self.facts.head.ends))

        return np.concatenate(self.in_batches(len(units), run))

    def logits(self, pixels: Stack) -> NDArray[np.float32]:
        """(N, H, W, 3) -> (N, K) float32."""

        def run(part: slice) -> NDArray[np.float32]:
            with torch.inference_mode():
                return to_numpy(self.forward(self.tensor(pixels[part])))

        return np.concatenate(self.in_batches(len(pixels), run))

    def probabilities(self, pixels: Stack) -> NDArray[np.float64]:
        """(N, H, W, 3) -> (N, K) float64 in [0, 1]; rows add up to 1 unless each class has a probability of its own."""
        return probabilities(self.logits(pixels), self.facts.head.kind)

    def input_gradients(self, pixels: Pixels, score: Callable[[slice], Score]) -> NDArray[np.float32]:
        """The gradient of each image's score with respect to its own pixels, (N, H, W, 3) float32 RGB.

        score: for a slice of the images, the function from their logits to one number each. Images do not see each
        other in evaluation mode, so the gradient of the sum holds that of each image.
        Raises NoGradient where the network cuts the graph, as under its own `no_grad`.
        """

        def run(part: slice) -> NDArray[np.float32]:
            with torch.enable_grad():
                images = self.tensor(pixels[part]).requires_grad_()
                total = score(part)(self.forward(images)).sum()
                if not total.requires_grad:
                    raise no_gradient(self.facts.file)
                (gradient,) = torch.autograd.grad(total, images, allow_unused=True)
            if gradient is None:
                raise no_gradient(self.facts.file)
            return to_numpy(gradient).transpose(0, 2, 3, 1)

        return np.concatenate(self.in_batches(len(pixels), run))


def in_order(images: Tensor, order: str) -> Tensor:
    """(N, 3, H, W) RGB -> the channels as they are fed; grey is one channel, the luminance of PIL's mode L.

    Never the tensor itself: a network that works in place would change what its caller holds.
    """
    if order == "grey":
        return (images * images.new_tensor((0.299, 0.587, 0.114)).view(1, -1, 1, 1)).sum(1, keepdim=True)
    return images.flip(1) if order == "bgr" else images.clone()


def normalised(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """(N, C, H, W) less the mean, divided by the standard deviation; one number of either for all channels, or C.

    An empty one changes nothing.
    """
    if mean:
        images = images - images.new_tensor(mean).view(1, -1, 1, 1)
    if std:
        images = images / images.new_tensor(std).view(1, -1, 1, 1)
    return images


def as_logits(answer: Any, ends: End = "logits") -> Tensor:  # noqa: ANN401 - whatever a network returns
    """The logits in what a network returns, (N, K). ends: what its numbers are; see `unsquashed`.

    One logit for each image is that of yes against no: each gets half of it, with opposite signs, which leaves the
    probabilities as they are. With 0 as the logit of no, an image answered with no would have no gradient.
    Raises ValueError where there are none.
    """
    found = unsquashed(answer_tensor(answer), ends)
    return torch.cat([-found / 2, found / 2], 1) if found.dim() == 2 and found.shape[1] == 1 else found


def unsquashed(numbers: Tensor, ends: End) -> Tensor:
    """The logits behind a softmax, up to a shift that no probability sees, or behind a sigmoid.

    Held off 0 and 1 by the least that float32 knows: the logit of a certain answer would be infinite.
    """
    least, most = torch.finfo(torch.float32).tiny, 1 - torch.finfo(torch.float32).eps / 2
    if ends == "softmax":
        return numbers.clamp_min(least).log()
    return numbers.clamp(least, most).logit() if ends == "sigmoid" else numbers


def answer_tensor(answer: Any) -> Tensor:  # noqa: ANN401 - whatever a network returns
    """The numbers in what a network returns; one for each image becomes a column.

    A tensor, the first tensor of a tuple or list, the entry `logits` of a mapping or of an object that has it (as
    those of transformers).
    Raises ValueError where there are none.
    """
    found = answer
    if isinstance(answer, Mapping):
        found = answer.get("logits")
    elif isinstance(answer, tuple | list):
        found = next((part for part in answer if isinstance(part, Tensor)), None)
    elif not isinstance(answer, Tensor):
        found = getattr(answer, "logits", None)
    if not isinstance(found, Tensor):
        raise ValueError(f"no logits in a {type(answer).__name__}")
    return found[:, None] if found.dim() == 1 else found


def no_gradient(what: str) -> NoGradient:
    """The error for a network whose answer carries no gradient."""
    why = "the network gives no gradient with respect to its input"
    return NoGradient("E-NO-GRADIENT", what, why, "Remove no_grad, detach or rounding from its forward")


def to_numpy(tensor: Tensor) -> NDArray[np.float32]:
    """A float32 copy on the CPU, without graph."""
    return np.array(tensor.detach().float().cpu().numpy())


def resolve_device(name: str) -> torch.device:
    """The device meant by "auto", "cpu", "cuda" or "cuda:N"; auto is the first GPU, else the CPU.

    Raises EnvironmentProblem where the GPU asked for is not there: nothing is moved to the CPU in silence.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cpu" or (name == "auto" and not count):
        return torch.device("cpu")
    device = torch.device("cuda:0" if name in ("auto", "cuda") else name)
    if (device.index or 0) >= count:
        there = f"torch {torch.__version__} sees {count} GPUs" if count else f"torch {torch.__version__} sees no GPU"
        raise EnvironmentProblem("E-DEVICE", f"--device {name}", there, "Use --device auto or --device cpu")
    return device


def device_name(device: torch.device) -> str:
    """The device as the report names it: "cpu" or "cuda:0 (NVIDIA H100)"."""
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


@contextmanager
def borrowed(module: nn.Module, device: torch.device) -> Iterator[nn.Module]:
    """The module on the device, in evaluation mode, its weights without gradient; given back as it was.

    Training flags and requires_grad come back for each submodule and tensor, and so does the device, however the block
    ends; a network that lay on several devices stays on this one.
    """
    with ExitStack() as stack:
        for part in module.modules():
            stack.callback(setattr, part, "training", part.training)
        for name, parameter in module.named_parameters():
            # By name, because moving to another device may put a new tensor in its place. Undone last, at home again.
            stack.callback(_set_requires_grad, module, name, parameter.requires_grad)
        home = {tensor.device for tensor in (*module.parameters(), *module.buffers())}
        if home and home != {device}:
            for origin in home if len(home) == 1 else ():
                stack.callback(module.to, origin)
            module.to(device)
        module.eval()
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        yield module


def _set_requires_grad(module: nn.Module, name: str, wanted: bool) -> None:
    module.get_parameter(name).requires_grad_(wanted)


@contextmanager
def reproducible() -> Iterator[None]:
    """Full float32 and the same algorithm every time, for as long as the block lasts."""
    backends: tuple[tuple[Any, str, bool], ...] = (
        (torch.backends.cudnn, "deterministic", True),
        (torch.backends.cudnn, "benchmark", False),
        (torch.backends.cudnn, "allow_tf32", False),
        (torch.backends.cuda.matmul, "allow_tf32", False),
    )
    with ExitStack() as stack:
        for owner, name, value in backends:
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        yield
