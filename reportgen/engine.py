"""A fast way to ask a network the same thing: a copy with folded batch-norms, in another layout and precision.

For questions that need no gradient and many images, as LIME's. Each step is kept only if the copy still answers a few
probe images as the network itself does. The probes ship with the program: what is kept then depends on the network and
the machine alone, and another image in a report changes no number of its neighbours.
"""

import contextlib
import copy
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reportgen.classifier import Classifier, FastPath, softmax
from reportgen.errors import EnvironmentProblem
from reportgen.folding import batch_norms, folded
from reportgen.forwards import Folding, ForwardFacts, Layout, Precision
from reportgen.precision import running_in, to_try

Logits = NDArray[np.float32]  # (N, K)

SAME: Final = 1e-4  # of the range of the logits: float32's own rounding through a deep network stays below it
# Largest difference of a class probability on the probes up to which a lower precision is taken. Measured with bfloat16
# on seven trained networks, LIME's weights against those in float32 on the same masks: at distances of 0.007 and 0.007
# they correlate by 0.9999 and more, at 0.016 by 0.9995, at 0.03 by 0.9987 to 0.9998 (three networks), at 0.05 by 0.994.
# The draw of 1000 random masks alone leaves 0.995 to 0.999, so that up to here it is the larger error by far.
NEAR: Final = 0.02
BLOCKS: Final = 4  # per side, every other one hidden


@dataclass(frozen=True)
class Passes:
    """Asks a module in one layout and precision; takes and gives what the module does, and keeps its argument."""

    module: nn.Module
    device: torch.device
    layout: Layout = "contiguous"
    precision: Precision = "float32"

    def __call__(self, units: Tensor) -> Any:  # noqa: ANN401 - whatever a network returns
        """units: (n, C, H, W) in the network's own units on the device."""
        layout = torch.channels_last if self.layout == "channels_last" else torch.contiguous_format
        with running_in(self.precision, self.device):
            return self.module(units.contiguous(memory_format=layout))


@dataclass(frozen=True, eq=False)
class _Judge:
    """The probes, what the network itself answers to them, and what each way of asking did."""

    classifier: Classifier
    probes: Tensor
    truth: Logits
    heard: dict[Passes, Logits | None] = field(default_factory=dict)

    def answers(self, passes: Passes) -> Logits | None:
        """What this way of asking gives; None where it fails, or gives anything else than finite logits."""
        if passes not in self.heard:
            self.heard[passes] = _asked(self.classifier, passes, self.probes)
        found = self.heard[passes]
        return found if found is not None and found.shape == self.truth.shape else None

    def same(self, passes: Passes) -> bool:
        """Whether it gives the network's own logits, but for the rounding."""
        found = self.answers(passes)
        return found is not None and bool(np.abs(found - self.truth).max() <= SAME * np.ptp(self.truth))

    def distance(self, passes: Passes) -> float | None:
        """The largest absolute difference of a class probability; None where there is no finite answer."""
        found = self.answers(passes)
        return None if found is None else float(np.abs(softmax(found) - softmax(self.truth)).max())


def fast_path(classifier: Classifier, photographs: NDArray[np.floating[Any]], asked: str) -> FastPath:
    """The fastest way to ask the classifier's network that still gives its answers; the network stays as it is.

    photographs: (N, H, W, 3) RGB in [0, 1], probed whole and half hidden; asked: "auto", "fp32", "bf16" or "tf32".
    Costs the memory of a second set of weights, and a pass over the probes for each step.
    Raises EnvironmentProblem where the precision asked for is none that the device and the network can give.
    """
    module, device = classifier.module, classifier.device
    wanted = to_try(asked, device)
    probes = classifier.prepare(half_hidden(photographs))
    truth = _asked(classifier, Passes(module, device), probes)
    if truth is None:  # the methods will say what is wrong with it
        return FastPath(Passes(module, device), ForwardFacts())
    judge = _Judge(classifier, probes, truth)
    passes, facts = _restructured(judge, Passes(module, device))
    facts = replace(facts, probes=len(probes), limit=NEAR, asked=asked != "auto")
    return _lowered(judge, passes, facts, wanted)


def half_hidden(photographs: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """(N, H, W, 3) -> (2 N, H, W, 3): the photographs, and each with every other block replaced by its mean."""
    height, width = photographs.shape[1:3]
    rows, columns = np.arange(height) * BLOCKS // height, np.arange(width) * BLOCKS // width
    hidden = ((rows[:, None] + columns) % 2 == 1)[..., None]
    means = photographs.mean(axis=(1, 2), keepdims=True)
    return np.concatenate([photographs, np.where(hidden, means, photographs)]).astype(np.float32)


def _restructured(judge: _Judge, original: Passes) -> tuple[Passes, ForwardFacts]:
    """A copy with its batch-norms folded and its channels last, as far as both change no answer."""
    copied = _copied(original.module)
    if copied is None:
        return original, ForwardFacts()
    norms = batch_norms(copied)
    passes, folding = _folded(judge, replace(original, module=copied))
    facts = ForwardFacts(True, folding, norms - batch_norms(passes.module), norms)
    # In place, for it is the copy: the weights take no room a second time.
    last = replace(passes, layout="channels_last")
    with contextlib.suppress(RuntimeError):  # five-dimensional weights know no channels_last
        last.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if judge.same(last):  # not where the network flattens by view()
            return last, replace(facts, layout="channels_last")
    passes.module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return passes, facts


def _lowered(judge: _Judge, passes: Passes, facts: ForwardFacts, wanted: tuple[Precision, ...]) -> FastPath:
    """The first of the precisions that is near enough; one that was asked for is only to be finite."""
    for precision in wanted:
        tried = replace(passes, precision=precision)
        distance = judge.distance(tried)
        if distance is None and facts.asked:
            why = f"the network gives no finite answers in {precision}"
            raise EnvironmentProblem("E-PRECISION", "--precision", why, "Use --precision auto or fp32")
        if distance is not None and (distance <= NEAR or facts.asked or precision == "float32"):
            return FastPath(tried, replace(facts, precision=precision, distance=distance))
        facts = replace(facts, rejected=precision, rejected_distance=distance)
    return FastPath(passes, facts)


def _folded(judge: _Judge, passes: Passes) -> tuple[Passes, Folding]:
    """Each batch-norm in evaluation mode folded into the layer before it, where torch.fx can follow the network."""
    norms = batch_norms(passes.module)
    if not norms:
        return passes, "none"
    if any(_hooked(part) for part in passes.module.modules()):
        return passes, "hooks"  # those of the network itself are not traced, and the others would meet the tracer
    try:
        with _unheard():
            module = folded(passes.module)
    except (Exception, SystemExit):  # whatever the user's forward does with a tracer's stand-ins
        return passes, "untraceable"
    if batch_norms(module) == norms:
        return passes, "unpaired"
    without = replace(passes, module=module)
    return (without, "folded") if judge.same(without) else (passes, "differs")


def _copied(module: nn.Module) -> nn.Module | None:
    """A copy with weights of its own; None where the module or the memory does not allow one."""
    try:
        return copy.deepcopy(module)
    except Exception:  # whatever a user's own module holds: locks, generators, weights that are computed
        return None


def _asked(classifier: Classifier, passes: Passes, units: Tensor) -> Logits | None:
    """The answers; None where there are none, or not all are finite."""
    try:
        with _unheard():
            found = replace(classifier, fast=FastPath(passes, ForwardFacts())).answer(units)
    except (Exception, SystemExit):  # whatever a user's own network raises
        return None
    return found if np.isfinite(found).all() else None


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """For stdout carries the result's path and nothing else."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def _hooked(part: nn.Module) -> bool:
    return bool(part._forward_hooks or part._forward_pre_hooks)
