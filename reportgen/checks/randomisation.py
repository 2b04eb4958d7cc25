"""Does a method's picture depend on what the network has learned?

The upper layers get random weights, and the method is asked again: a picture that stays the same shows the photograph.
Judged where the linear layers and the last convolution are random, by Spearman's correlation over all pixels of the
unsmoothed maps (over LIME's regions), in the median of at least 12 images. Whatever is asked again is asked by a
method's cheaper way, where it has one: Integrated Gradients by 8 steps, for it is the order of pixels that counts.
Measured on honest.pth and a network trained on ImageNet: docs/verdicts.md.
Source: adebayo2018.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

import numpy as np

from reportgen import images
from reportgen.attempts import ends_the_run
from reportgen.cases import answered
from reportgen.checks.asking import again, asked, in_short, sizes, too_costly
from reportgen.classifier import Classifier
from reportgen.contracts import Evidence, ImageMethod, RunCheck
from reportgen.costs import Judging, Passes
from reportgen.errors import MethodError
from reportgen.measures import rank_correlation
from reportgen.reinitialised import layers_as_run, reinitialised, upper_layers
from reportgen.resources import example_dir
from reportgen.results import Case, CheckResult, Explanation, MethodCheck, Result, Scalar
from reportgen.verdicts import RANDOMISATION, State, untested

THRESHOLD: Final = 0.65  # correlation above which the picture counts as the same
LEAST: Final = 12  # pictures that a median is taken over
MOST: Final = 24  # images that are tried for them
STAGES: Final = 8  # of the whole cascade

Pair = tuple[Case, Result]


@dataclass(frozen=True, eq=False)
class _Work:
    """The images to compare on, what the report shows of them, and the layers that become random.

    own: (method, sha256 of the image) -> its first picture; order: layers as they run; upper: how many of the last of
    them are random where the check judges.
    """

    evidence: Evidence
    cases: tuple[Case, ...]
    own: Mapping[tuple[str, str], Explanation]
    order: tuple[str, ...]
    upper: int

    @property
    def stages(self) -> tuple[int, ...]:
        """How many layers from the top are random, the last alone first; unless all is asked, only where it judges."""
        if self.evidence.options.checks != "full":
            return (self.upper,)
        spread = np.linspace(1, len(self.order), min(STAGES, len(self.order))).round().astype(int).tolist()
        return tuple(sorted({*spread, self.upper}))


Curve = Mapping[int, float | None]  # so many random layers -> correlation; None where too few pictures are left


def judge(evidence: Evidence) -> Iterator[MethodCheck]:
    """For each method that has said something how alike its pictures are with learned and with random weights."""
    methods = asked(evidence)
    if not methods:
        return
    chosen = [in_short(each) for each in methods if not too_costly(each.name, evidence.options)]
    work = _work(evidence)
    if not work.order:
        yield from (MethodCheck(each.name, untested(RANDOMISATION, "no_layers")) for each in methods)
        return
    try:
        curves = _curves(work, chosen)
    except MethodError:
        yield from (MethodCheck(each.name, untested(RANDOMISATION, "uncopied")) for each in methods)
        return
    for each in methods:
        curve = curves.get(each.name)
        yield MethodCheck(each.name, _result(work, curve) if curve else untested(RANDOMISATION, "only_full"))


def _curves(work: _Work, methods: Sequence[ImageMethod]) -> dict[str, Curve]:
    """For each method what stays of its pictures, stage by stage. Raises MethodError where the network has no copy."""
    learned = {each.name: _pictures(work, each) for each in methods}
    curves: dict[str, dict[int, float | None]] = {each.name: {} for each in methods}
    classifier, seed = work.evidence.classifier, work.evidence.options.seed
    for count in work.stages if methods else ():
        with reinitialised(classifier, work.order[len(work.order) - count :], seed) as other:
            for each in methods:
                curves[each.name][count] = _likeness(work, each, other, learned[each.name])
    return dict(curves)


def _work(evidence: Evidence) -> _Work:
    """The images of the run in the order of their fingerprints, then shipped ones, where pictures are few."""
    classifier = evidence.classifier
    cases = sorted({case.image.sha256: case for case in evidence.cases}.values(), key=lambda case: case.image.sha256)
    taken = [replace(case, targets=case.targets[:1]) for case in cases[:MOST]]
    taken += _shipped(classifier, MOST - len(taken), {case.image.sha256 for case in taken})
    own = {
        (each.method, case.image.sha256): each
        for case, group in zip(evidence.cases, evidence.explanations, strict=True)
        for each in reversed(group)  # so that the first of each method stays
    }
    order = layers_as_run(classifier, classifier.tensor(taken[0].image.pixels[None]))
    return _Work(evidence, tuple(taken), own, order, len(upper_layers(classifier.module, order)))


def _shipped(classifier: Classifier, count: int, known: set[str]) -> list[Case]:
    """So many of the photographs and scenes that ship with the program, that are not known yet."""
    folders = [example_dir() / name for name in ("photographs", "scenes")]
    found = [file for folder in folders for file in images.find_images((folder,))][: max(0, count)]
    decoded, _ = images.decode_all(found, (None,) * len(found), classifier.facts.input)
    return [case for case in answered(classifier, decoded)[0] if case.image.sha256 not in known] if decoded else []


def _pictures(work: _Work, method: ImageMethod) -> list[Pair]:
    """LEAST pictures with the learned weights, those of the report first; fewer where the images come to an end."""
    found: list[Pair] = []
    waiting = work.cases
    while waiting and len(found) < LEAST:
        part, waiting = waiting[: LEAST - len(found)], waiting[LEAST - len(found) :]
        fresh = [case for case in part if (method.name, case.image.sha256) not in work.own]
        said = again(method, work.evidence.classifier, fresh, work.evidence.options) if fresh else []
        known = dict(work.own) | {
            (method.name, case.image.sha256): group[0] for case, group in zip(fresh, said, strict=True)
        }
        pairs = ((case, known[method.name, case.image.sha256].result) for case in part)
        found += [(case, result) for case, result in pairs if result is not None]
    return found


def _likeness(work: _Work, method: ImageMethod, other: Classifier, learned: Sequence[Pair]) -> float | None:
    """The median correlation of the pictures with learned and with random weights; None with too few of them."""
    try:
        random = again(method, other, [case for case, _ in learned], work.evidence.options)
    except Exception as err:  # whatever a user's own network raises
        if ends_the_run(err):
            raise
        return None
    found = [_correlation(result, group[0]) for (_, result), group in zip(learned, random, strict=True)]
    known = [each for each in found if each is not None]
    return median(known) if len(known) >= LEAST else None


def _correlation(learned: Result, random: Explanation) -> float | None:
    """By its size: what is dark where it was bright shows the same edges. 0 where nothing is left to be shown.

    None where there is nothing to compare with.
    """
    if random.status in ("failed", "not_applicable"):
        return None
    if random.result is None:
        return 0.0
    one, other = sizes(learned), sizes(random.result)
    return abs(rank_correlation(one, other)) if one.shape == other.shape else None


def _result(work: _Work, curve: Curve) -> CheckResult:
    value = curve[work.upper]
    if value is None:
        return untested(RANDOMISATION, "few_maps")
    start = len(work.order)
    measures: dict[str, Scalar] = {"layers": work.upper, "from": work.order[start - work.upper]}
    if len(curve) > 1:
        for place, (count, correlation) in enumerate(sorted(curve.items()), 1):
            measures |= {f"stage_{place}_layers": count, f"stage_{place}_from": work.order[start - count]}
            measures |= {} if correlation is None else {f"stage_{place}": correlation}
    state: State = "fails" if value > THRESHOLD else "supported"
    return CheckResult(RANDOMISATION, state, value, THRESHOLD, above=False, measures=measures)


def passes(about: Judging) -> Passes:
    """What is not too costly asked again about as many images as a median is taken over, at each stage; and learned
    pictures where the run has too few.
    """
    again_ = (each for name, each in about.again.items() if not too_costly(name, about.options))
    stages = STAGES if about.options.checks == "full" else 1
    fresh = max(0, LEAST - about.images)
    return sum(again_, Passes()) * (LEAST * stages + fresh) + Passes(plain=1 + fresh)


CHECK = RunCheck(RANDOMISATION, judge, ("adebayo2018",), passes=passes)
