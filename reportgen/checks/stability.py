"""Does the picture stay when the same is asked again, a little differently?

A map is asked for again with noise on the image that is too small to change the answer, and with another seed: what
stays of the order of its pixels, smoothed, in the worst case. Where a method has a cheaper way (Integrated Gradients by
8 steps), that is asked about the image as it is, and again with noise. LIME has asked again itself, with a second fill
and a second segmentation: what stays of the correlation of its weights that chance allows. Measured on honest.pth:
docs/verdicts.md.
Source: yeh2019.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

import numpy as np

from reportgen.checks.asking import Question, again, asked, in_short, question, sizes, too_costly, with_pixels
from reportgen.contracts import Evidence, ImageMethod, PictureCheck
from reportgen.costs import Judging, Passes
from reportgen.measures import rank_correlation, relative_change, smoothed
from reportgen.options import BuildOptions
from reportgen.randomness import stream
from reportgen.results import Case, CheckResult, Explanation, RegionWeights, Scalar
from reportgen.verdicts import STABILITY, State, untested

# Rank correlation of smoothed maps from which the picture is the same, and below which it is another one. On honest.pth
# nine maps in ten keep more than 0.9.
STABLE, OTHER = 0.8, 0.5
# The same of LIME's weights, of the correlation that chance allows: of 50 regions that have nothing to do with each
# other 5 % correlate by more than 0.28.
STABLE_REGIONS, OTHER_REGIONS = 0.3, 0.0
RADIUS: Final = 0.01  # of the noise, for pixels in [0, 1]: 2.6 of 255 steps at most
TIMES: Final = {"quick": 1, "full": 6}  # asked again, each time with other noise and another seed
GROUP: Final = 32  # images asked about together: what is lost where there is no time for them
TELLING: Final = 0.5  # highest correlation that chance allows, below which LIME's comparisons tell nothing
SECONDS: Final = ("fill", "segmentation")

Groups = Sequence[tuple[Explanation, ...]]


def judge(evidence: Evidence) -> Iterator[tuple[CheckResult, ...]]:
    """For each picture the lowest of what stays of it."""
    for start in range(0, len(evidence.cases), GROUP):
        part = slice(start, start + GROUP)
        some = replace(evidence, cases=evidence.cases[part], explanations=evidence.explanations[part])
        plain = _plain(some)
        rounds = [_round(some, number) for number in range(TIMES[evidence.options.checks])]
        for n, group in enumerate(some.explanations):
            heard = _Heard(plain[n], [one[n] for one in rounds])
            yield tuple(_judged(each, evidence.options, heard) for each in group)


Again = Mapping[tuple[str, Question], Explanation]  # what was said by each method on each question


@dataclass(frozen=True, eq=False)
class _Heard:
    """What was said about one image: by the cheaper ways about itself; each time with noise, None if it changed."""

    plain: Again
    rounds: Sequence[Again | None]


def _plain(evidence: Evidence) -> list[Again]:
    """What methods that have a cheaper way say by it about the images as they are."""
    rough = [method for method in _methods(evidence) if method.rough]
    return _said(evidence, evidence.cases, rough, evidence.options)


def _round(evidence: Evidence, number: int) -> list[Again | None]:
    """What every method that is not too costly says when asked once more; None for images whose answer changed."""
    noisy = [_with_noise(case, evidence.options.seed, number) for case in evidence.cases]
    logits = evidence.classifier.logits(np.stack([case.image.pixels for case in noisy]))
    kept = [int(row.argmax()) == case.prediction.first.index for row, case in zip(logits, evidence.cases, strict=True)]
    reseeded = evidence.options.model_copy(update={"seed": _seed(evidence.options.seed, number)})
    said = _said(evidence, noisy, _methods(evidence), reseeded)
    return [each if stays else None for each, stays in zip(said, kept, strict=True)]


def _said(
    evidence: Evidence, cases: Sequence[Case], methods: Sequence[ImageMethod], options: BuildOptions
) -> list[Again]:
    said: list[dict[tuple[str, Question], Explanation]] = [{} for _ in cases]
    for method in methods:
        for mine, group in zip(said, again(in_short(method), evidence.classifier, cases, options), strict=True):
            mine.update({(each.method, question(each)): each for each in group})
    return [*said]


def _methods(evidence: Evidence) -> list[ImageMethod]:
    """Those that are asked again."""
    return [
        method
        for method in asked(evidence)
        if not too_costly(method.name, evidence.options) and not _regions(evidence.explanations, method)
    ]


def _regions(explanations: Groups, method: ImageMethod) -> bool:
    """Whether the method weighs regions, and has asked again itself."""
    results = (each.result for group in explanations for each in group if each.method == method.name)
    return any(isinstance(result, RegionWeights) for result in results)


def _with_noise(case: Case, seed: int, number: int) -> Case:
    rng = stream(seed, STABILITY, str(number), case.image.sha256)
    noise = rng.uniform(-RADIUS, RADIUS, case.image.pixels.shape)
    return with_pixels(case, np.clip(case.image.pixels + noise, 0, 1).astype(np.float32))


def _seed(seed: int, number: int) -> int:
    return int(stream(seed, STABILITY, str(number)).integers(2**32))


def _judged(explanation: Explanation, options: BuildOptions, heard: _Heard) -> CheckResult:
    if explanation.result is None:
        return CheckResult(STABILITY, "degenerate", reason="reason.no_picture")
    if isinstance(explanation.result, RegionWeights):
        return _of_regions(explanation)
    if too_costly(explanation.method, options):
        return untested(STABILITY, "only_full")
    steady = [each for each in heard.rounds if each is not None]
    if not steady:
        return untested(STABILITY, "answer_changes")
    key = (explanation.method, question(explanation))
    found = [each.get(key) for each in steady]
    maps = [each.result for each in found if each is not None and each.result is not None]
    if len(maps) < len(found):  # a picture that vanishes does not stay
        return _result(0.0, (STABLE, OTHER), {"times": len(found)})
    first = sizes(heard.plain.get(key, explanation).result or explanation.result)
    others = [sizes(each) for each in maps]
    ranks = [rank_correlation(smoothed(first), smoothed(each)) for each in others]
    changes = [relative_change(first, each) for each in others]
    return _result(
        min(ranks), (STABLE, OTHER), {"times": len(found), "sensitivity": max(changes), "median": median(ranks)}
    )


def _of_regions(explanation: Explanation) -> CheckResult:
    facts = explanation.measures
    if not any(f"{name}_agreement" in facts for name in SECONDS):
        return untested(STABILITY, "asked_once")
    telling = [name for name in SECONDS if float(facts.get(f"{name}_ceiling", 0)) >= TELLING]
    if not telling:
        return untested(STABILITY, "chance")
    kept = {name: min(1.0, float(facts[f"{name}_agreement"]) / float(facts[f"{name}_ceiling"])) for name in telling}
    return _result(
        min(kept.values()), (STABLE_REGIONS, OTHER_REGIONS), {f"{name}_kept": value for name, value in kept.items()}
    )


def _result(value: float, thresholds: tuple[float, float], measures: Mapping[str, Scalar]) -> CheckResult:
    stable, other = thresholds
    state: State = "supported" if value >= stable else "weak" if value >= other else "fails"
    return CheckResult(STABILITY, state, value, stable, measures=measures)


def passes(about: Judging) -> Passes:
    """Each image with noise, and what is not too costly asked about it again."""
    again_ = (each for name, each in about.again.items() if not too_costly(name, about.options))
    once = sum(again_, Passes(plain=1))
    return (once * TIMES[about.options.checks] + sum(about.rough.values(), Passes())) * about.images


CHECK = PictureCheck(STABILITY, judge, ("yeh2019",), passes=passes)
