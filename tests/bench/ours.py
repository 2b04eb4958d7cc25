"""The same tasks as this program runs them, through its own tables."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from torch import nn

from bench.course import LAYER
from reportgen import neighbourhood
from reportgen.cases import answered
from reportgen.classifier import Classifier
from reportgen.contracts import Silent
from reportgen.explain import FILTER_METHODS, IMAGE_METHODS
from reportgen.loading import opened_classifier
from reportgen.options import BuildOptions
from reportgen.results import Case, Explanation, FilterStudy
from reportgen.selection import select_images


def course_options(images: Sequence[Path], device: str, **given: Any) -> BuildOptions:  # noqa: ANN401 - fields of BuildOptions
    """Settings for the course network. Its input is given, for random weights tell nothing of it."""
    fed = {"size": (128, 128), "channel_order": "rgb", "mean": (0.0,), "std": (1.0,)}
    asked = {"layers": (f"cnn.{LAYER}",), "filters": (0,)}
    return BuildOptions(model=Path("course"), images=tuple(images), device=device, **{**fed, **asked, **given})


@contextmanager
def opened(options: BuildOptions, network: nn.Module | None = None) -> Iterator[tuple[Classifier, tuple[Case, ...]]]:
    """The classifier of these options, warm, with its images and the classes to explain."""
    with opened_classifier(options, network, Silent()) as classifier:
        selection = select_images(options, classifier.facts, classifier.probabilities, 1, Silent())
        cases, failures = answered(classifier, selection.images)
        if failures or selection.failures:
            raise ValueError("an image of the benchmark cannot be explained")
        # A first pass allocates and chooses algorithms.
        classifier.answer(classifier.prepare(cases[0].image.pixels[None].repeat(classifier.batch.images, axis=0)))
        yield classifier, cases


def networks(classifier: Classifier) -> tuple[nn.Module, ...]:
    """The network, and the faster copy of it that answers perturbed images, where there is one."""
    faster = getattr(getattr(getattr(classifier, "fast", None), "ask", None), "module", None)
    if isinstance(faster, nn.Module) and faster is not classifier.module:
        return classifier.module, faster
    return (classifier.module,)


def explain(
    classifier: Classifier, cases: Sequence[Case], method: str, options: BuildOptions
) -> tuple[Explanation, ...]:
    """All explanations of a method. Raises ValueError where one did not come about, for its time would mean nothing."""
    made = [one for each in IMAGE_METHODS[method].explain(classifier, cases, options) for one in each]
    _check([f"{one.status} {one.reason}" for one in made])
    return tuple(made)


def study(classifier: Classifier, cases: Sequence[Case], options: BuildOptions) -> tuple[FilterStudy, ...]:
    """The studies of the filters named in the options; raises as `explain` does."""
    made = tuple(FILTER_METHODS["filters"].explain(classifier, cases, options))
    _check([f"{one.status} {one.reason}" for one in made])
    return made


@contextmanager
def whole_budget() -> Iterator[None]:
    """Sampling goes on to the last pass allowed, so that two networks can be compared at the same number of passes."""
    with patch.object(neighbourhood, "is_settled", lambda _model: False):
        yield


def _check(states: Sequence[str]) -> None:
    odd = sorted({state.strip() for state in states} - {"ok"})
    if odd or not states:
        raise ValueError(f"nothing to time: {', '.join(odd) or 'no result'}")


def way_of_asking(classifier: Classifier) -> str:
    """How perturbed images are answered, in words for a table; "" where it is the network as it is."""
    facts = getattr(getattr(classifier, "fast", None), "facts", None)
    return (
        ""
        if facts is None
        else f"Perturbed images are answered in {facts.precision}, {facts.layout}, batch-norms {facts.folding}."
    )
