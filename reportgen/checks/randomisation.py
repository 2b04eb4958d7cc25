"""Does a method's picture depend on what the network has learned?

The upper layers get random weights, and the method is asked again: a picture that stays the same shows the photograph.
Judged where the linear layers and the last convolution are random, by Spearman's correlation over all pixels of the
unsmoothed maps (over LIME's regions), in the median of at least 12 images. Measured on honest.pth and a network trained
on ImageNet: docs/verdicts.md.
Source: adebayo2018.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np

from reportgen import images
from reportgen.attempts import ends_the_run
from reportgen.cases import answered
from reportgen.checks.asking import again, asked, sizes, too_costly
from reportgen.classifier import Classifier
from reportgen.contracts import Evidence, ImageMethod, RunCheck
from reportgen.measures import rank_correlation
from reportgen.reinitialised import NAME, layers_as_run, reinitialised, upper_layers
from reportgen.resources import example_dir
from reportgen.results import Case, CheckResult, Explanation, MethodCheck, Scalar
from reportgen.verdicts import untested

THRESHOLD: Final = 0.7  # correlation above which the picture counts as the same
LEAST: Final = 12  # images that a median is taken over
STAGES: Final = 8  # of the whole cascade
Pairs = Sequence[Explanation]


@dataclass(frozen=True, eq=False)
class _Asked:
    """The images to compare on, and what the methods say of the first target of each with the learned weights."""

    cases: tuple[Case, ...]
    own: Mapping[tuple[str, str], Explanation]  # (method, sha256 of the image) -> what the report shows


def judge(evidence: Evidence) -> Iterator[MethodCheck]:
    """For each method that has said something how alike its pictures are with learned and with random weights."""
    methods = asked(evidence)
    if not methods:
        return
    work = _work(evidence)
    order = layers_as_run(evidence.classifier, evidence.classifier.tensor(work.cases[0].image.pixels[None]))
    upper = upper_layers(evidence.classifier.module, order)
    learned = {
        each.name: _first(evidence, each, work) for each in methods if not too_costly(each.name, evidence.options)
    }
    stages = _stages(order, len(upper)) if evidence.options.checks == "full" else (len(upper),)
    curves: dict[str, dict[int, float | None]] = {name: {} for name in learned}
    for count in stages:
        with reinitialised(evidence.classifier, order[len(order) - count :], evidence.options.seed) as other:
            for method in methods:
                if method.name in learned:
                    curves[method.name][count] = _likeness(evidence, method, other, work.cases, learned[method.name])
    for method in methods:
        if method.name not in learned:
            yield MethodCheck(method.name, untested(NAME, "only_full"))
        else:
            yield MethodCheck(method.name, _result(curves[method.name], len(upper), order, learned[method.name]))


def _work(evidence: Evidence) -> _Asked:
    """At least LEAST images: those of the run, the first by their fingerprints; else shipped ones stand in."""
    cases = sorted({case.image.sha256: case for case in evidence.cases}.values(), key=lambda case: case.image.sha256)
    own = {
        (each.method, case.image.sha256): each
        for case, group in zip(evidence.cases, evidence.explanations, strict=True)
        for each in reversed(group)  # the first target's last, to stay
    }
    taken = cases[: max(LEAST, 0)]
    if len(taken) < LEAST:
        taken += _shipped(evidence.classifier, LEAST - len(taken), {case.image.sha256 for case in taken})
    return _Asked(tuple(taken), own)


def _shipped(classifier: Classifier, count: int, known: set[str]) -> list[Case]:
    """So many of the photographs and scenes that ship with the program, that are not known yet."""
    found = images.find_images((example_dir() / "photographs",)) + images.find_images((example_dir() / "scenes",))
    taken: list[Case] = []
    for each in found:
        decoded, _ = images.decode_all((each,), (None,), classifier.facts.input)
        taken += [case for case in answered(classifier, decoded)[0] if case.image.sha256 not in known]
        if len(taken) >= count:
            break
    return taken[:count]


def _first(evidence: Evidence, method: ImageMethod, work: _Asked) -> list[Explanation | None]:
    """What the method says with the learned weights, of the first target that it explains on each image."""
    missing = [case for case in work.cases if (method.name, case.image.sha256) not in work.own]
    asked_now = again(method, evidence.classifier, missing, evidence.options) if missing else []
    fresh = {case.image.sha256: group[0] for case, group in zip(missing, asked_now, strict=True) if group}
    return [work.own.get((method.name, case.image.sha256), fresh.get(case.image.sha256)) for case in work.cases]


def _likeness(
    evidence: Evidence,
    method: ImageMethod,
    other: Classifier,
    cases: Sequence[Case],
    learned: Sequence[Explanation | None],
) -> float | None:
    """The median correlation of the pictures with learned and with random weights; None with too few pictures."""
    try:
        random = again(method, other, cases, evidence.options)
    except Exception as err:  # whatever a user's own network raises
        if ends_the_run(err):
            raise
        return None
    found = [_correlation(first, group[0]) for first, group in zip(learned, random, strict=True) if first and group]
    known = [each for each in found if each is not None]
    return median(known) if len(known) >= LEAST else None


def _correlation(learned: Explanation, random: Explanation) -> float | None:
    """0 where the second map is flat, for what vanishes does not stay the same; None where there is nothing to compare.

    A correlation below 0 counts by its size where maps have no sign: dark where it was bright shows the same edges.
    """
    if learned.result is None or random.status == "failed":
        return None
    if random.result is None:
        return 0.0
    one, other = sizes(learned.result), sizes(random.result)
    return abs(rank_correlation(one, other)) if one.shape == other.shape else None


def _stages(order: Sequence[str], judged: int) -> tuple[int, ...]:
    """How many layers from the top are random in each stage of the cascade, the last layer first, all of them last."""
    spread = np.linspace(1, len(order), min(STAGES, len(order))).round().astype(int).tolist()
    return tuple(sorted({*spread, judged}))


def _result(
    curve: Mapping[int, float | None], judged: int, order: Sequence[str], learned: Sequence[Explanation | None]
) -> CheckResult:
    value = curve[judged]
    pictures = sum(each is not None and each.result is not None for each in learned)
    if value is None:
        return untested(NAME, "few_maps", images=pictures)
    measures: dict[str, Scalar] = {"images": pictures, "layers": judged, "from": order[len(order) - judged]}
    if len(curve) > 1:
        for place, (count, correlation) in enumerate(sorted(curve.items()), 1):
            measures |= {f"stage_{place}_from": order[len(order) - count], f"stage_{place}_layers": count}
            measures |= {} if correlation is None else {f"stage_{place}": correlation}
    return CheckResult(
        NAME, "fails" if value > THRESHOLD else "supported", value, THRESHOLD, above=False, measures=measures
    )


CHECK = RunCheck(NAME, judge, ("adebayo2018",))
