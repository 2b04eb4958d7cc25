"""A sample of a report's numbers, computed again by the pipeline itself with the settings of the run."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from reportgen.attempts import ends_the_run
from reportgen.cases import answered
from reportgen.classifier import Classifier
from reportgen.explain import IMAGE_METHODS
from reportgen.images import evenly
from reportgen.options import BuildOptions
from reportgen.results import Case, Explanation, RegionWeights, Run, Subject
from reportgen.settings import validated
from reportgen.witness import Claim

TOLERANCE: Final = 1e-3  # of the largest number: beyond what another device or batch does to float32
# Paths, of which a run holds only the names; and what is taken from how the run itself was fed.
NOT_AGAIN: Final = frozenset(
    {"classes", "labels", "reference_images", "lime_fill_image", "size", "mean", "std", "channel_order", "resize"}
)


def options_of(run: Run, given: Mapping[str, Any]) -> BuildOptions:
    """The options that the run was made with, as far as a report tells them, under those given now.

    The network is fed as it was, whatever photographs there are to tell. Raises UsageError where they do not fit.
    """
    said: dict[str, Any] = {
        name: value
        for name, value in run.provenance.settings.items()
        if name in BuildOptions.model_fields and name not in NOT_AGAIN and value != ""
    }
    spec = run.model.input
    said |= {"size": spec.size, "mean": spec.mean, "std": spec.std, "resize": spec.resize}
    said |= {"channel_order": spec.channel_order} if spec.channel_order in ("rgb", "bgr") else {}
    return validated(said | {"checks": "none", "self_test": False} | {k: v for k, v in given.items() if v})


def recomputed(classifier: Classifier, run: Run, options: BuildOptions, sample: int) -> Iterator[Claim]:
    """The answers and explanations of some images, and by how much they differ from the report's.

    sample: images, evenly from the whole list.
    """
    if classifier.facts.layers != run.model.layers or classifier.facts.head != run.model.head:
        fix = "give --arch and --images as in the build"
        yield Claim("differs", "network", f"the checkpoint is read as another network than in the report ({fix})")
        return
    subjects = evenly(run.subjects, sample)
    cases, failures = answered(classifier, [subject.image for subject in subjects])
    for failure in failures:
        yield Claim("differs", f"answer to {failure.what}", failure.why)
    by_name = {id(case.image): case for case in cases}
    told = [(subject, by_name[id(subject.image)]) for subject in subjects if id(subject.image) in by_name]
    for subject, case in told:
        name = subject.image.name
        yield _claim(f"answer to {name}", subject.prediction.logits, case.prediction.logits)
    yield from _explanations(classifier, told, options)


def _explanations(
    classifier: Classifier, told: Sequence[tuple[Subject, Case]], options: BuildOptions
) -> Iterator[Claim]:
    methods = dict.fromkeys(each.method for subject, _ in told for each in subject.explanations)
    for name in (method for method in methods if method in IMAGE_METHODS):
        if name == "lime" and any(each.parameters.get("fill") == "image" for each in _of(told, name)):
            yield Claim("not_checked", name, "hidden regions showed an image that the report does not hold")
            continue
        # The targets of the report, for a label that decided on one is no part of what is recomputed.
        cases = [
            Case(s.image, case.prediction, tuple(e.target for e in s.explanations if e.method == name))
            for s, case in told
        ]
        try:
            again = list(IMAGE_METHODS[name].explain(classifier, cases, options))
        except Exception as err:  # whatever a user's own network raises
            if ends_the_run(err):
                raise
            yield Claim("differs", name, f"it fails now: {type(err).__name__}: {err}")
            continue
        for (subject, _), group in zip(told, again, strict=True):
            ours = [each for each in subject.explanations if each.method == name]
            yield from (_explained(subject, *pair) for pair in zip(ours, group, strict=False))


def _of(told: Sequence[tuple[Subject, Case]], method: str) -> Iterator[Explanation]:
    return (each for subject, _ in told for each in subject.explanations if each.method == method)


def _explained(subject: Subject, was: Explanation, now: Explanation) -> Claim:
    what = f"{was.method} of {subject.image.name} for {was.target.name}"
    if was.status != now.status:
        return Claim("differs", what, f"it was {was.status} and is {now.status}")
    if was.result is None or now.result is None:
        return Claim("holds", what, f"it is {now.status}, as before")
    return _claim(what, *(_numbers(each) for each in (was, now)))


def _numbers(explanation: Explanation) -> NDArray[Any]:
    result = explanation.result
    assert result is not None
    return result.weights if isinstance(result, RegionWeights) else result.heat


def _claim(what: str, was: NDArray[Any], now: NDArray[Any]) -> Claim:
    """Whether the numbers are those of the report, by the largest difference as a share of the largest number."""
    if was.shape != now.shape:
        return Claim("differs", what, f"{was.size} numbers became {now.size}")
    largest = float(np.abs(was).max())
    off = np.abs(was.astype(np.float64) - now)
    share = float(off.max()) / largest if largest else float(off.max())
    if share > TOLERANCE:
        place = np.unravel_index(int(off.argmax()), off.shape)
        where = ", ".join(str(int(position)) for position in place)
        values = f"was {float(was[place]):.6g} and is {float(now[place]):.6g}"
        detail = f"number {where} {values}, {share:.1e} of the largest apart"
        return Claim("differs", what, detail)
    how = f"to 1e-{math.floor(-math.log10(share))}" if share else "exactly"
    return Claim("holds", what, f"{was.size:,} numbers reproduced {how}")
