"""Sampling the neighbourhood of one image: as many masked versions as it takes until the picture is settled.

Both ways give one linear model for each class from the same passes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.measures import settled
from reportgen.sampling import Masks, designed, lime_masks, order
from reportgen.surrogate import LinearModel, fit_design, fit_lime

Answers = NDArray[np.floating[Any]]  # (S, K), a score for each class explained
Ask = Callable[[Masks], Answers]
FLAT = 1e-9  # spread of a probability that counts as none: below float32's resolution near 1


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """What was learnt around one image.

    models: for each class a linear model, or the name of the reason why there is none; passes: images answered.
    """

    models: tuple[LinearModel | str, ...]
    passes: int


def by_design(ask: Ask, segments: int, most: int, rng: np.random.Generator) -> Neighbourhood:
    """Pairs of block and fold-over until all classes are settled or `most` passes are spent.

    Where no pair fits, one block.
    Raises ValueError where not even one block fits; see `fits_design`.
    """
    if not fits_design(segments, most):
        raise ValueError(f"{most} passes hold no block of {order(segments)}")
    blocks: list[Masks] = []
    answers: list[Answers] = []
    models: tuple[LinearModel | str, ...] = ()
    step = min(2, most // order(segments))
    for block in designed(segments, rng):
        blocks.append(block)
        answers.append(ask(block))
        if len(blocks) % step:
            continue
        models = tuple(_model(blocks, [each[:, k] for each in answers]) for k in range(answers[0].shape[1]))
        if all(isinstance(model, str) or is_settled(model) for model in models):
            break
        if (len(blocks) + step) * len(block) > most:
            break
    return Neighbourhood(models, sum(map(len, blocks)))


def at_random(ask: Ask, segments: int, samples: int, rng: np.random.RandomState) -> Neighbourhood:
    """As lime has it: so many random masks, the image itself first, and lime's fit."""
    masks = lime_masks(samples, segments, rng)
    answers = ask(masks.astype(bool))
    models = (_trouble(scores) or fit_lime(masks, scores.astype(np.float64), rng) for scores in answers.T)
    return Neighbourhood(tuple(models), samples)


def one_block(ask: Ask, segments: int, rng: np.random.Generator) -> Neighbourhood:
    """A single block, for a check on weights that are known."""
    return by_design(ask, segments, order(segments), rng)


def fits_design(segments: int, most: int) -> bool:
    """Whether so many passes hold a block."""
    return order(segments) <= most


def is_settled(model: LinearModel) -> bool:
    """Whether more passes would change nothing that is shown."""
    return settled(model.weights, model.margins)


def _model(blocks: Sequence[Masks], scores: Sequence[NDArray[Any]]) -> LinearModel | str:
    return _trouble(np.concatenate(scores)) or fit_design(blocks, scores)


def _trouble(scores: NDArray[Any]) -> str:
    """Why answers say nothing: they are not finite, or always the same; "" where they do."""
    if not np.isfinite(scores).all():
        return "not_finite"
    # lime itself reports R2 = 1 with all weights 0 here.
    return "constant_output" if np.ptp(scores) <= FLAT else ""
