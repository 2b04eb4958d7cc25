"""The numbers over all images, flat, as `summary` in report.json; what is undefined is absent."""

from collections.abc import Sequence
from statistics import median

from reportgen.compose import patterns, trust
from reportgen.panels import Found, agreement, found, studied
from reportgen.phrasing import CONFIDENT, is_weak
from reportgen.results import Run, Scalar, Subject

Numbers = dict[str, Scalar]


def summarise(run: Run) -> Numbers:
    """Counts, shares and medians over all images; explanations count where the predicted class is explained."""
    return {
        **_answers(run),
        **_spread("saliency_half_area", [item.measure("half_area") for item in _predicted(run, "saliency")]),
        **_lime(_predicted(run, "lime")),
        **_agreement(run),
        **_filters(run),
        **patterns.numbers(run),
        **trust.numbers(run),
        **_parts(run),
    }


def _predicted(run: Run, method: str) -> tuple[Found, ...]:
    return tuple(item for item in found(run, method) if item.ok and item.explanation.target.leads)


def _spread(name: str, values: Sequence[float]) -> Numbers:
    """The lowest, the median and the highest."""
    if not values:
        return {}
    return {f"{name}_low": min(values), f"{name}_median": median(values), f"{name}_high": max(values)}


def _answers(run: Run) -> Numbers:
    verdicts = [subject.prediction.right for subject in run.subjects if subject.prediction.right is not None]
    counts: Numbers = {"images": len(run.subjects), "labelled": len(verdicts)}
    if verdicts:
        right = sum(verdicts)
        counts |= {"right": right, "wrong": len(verdicts) - right, "accuracy": right / len(verdicts)}
        confident = (each.prediction.first.probability >= CONFIDENT for each in run.subjects if _is_wrong(each))
        counts |= {"confident_wrong": sum(confident)}
    return counts | _spread("confidence", [subject.prediction.first.probability for subject in run.subjects])


def _is_wrong(subject: Subject) -> bool:
    return subject.prediction.right is False


def _lime(items: Sequence[Found]) -> Numbers:
    if not items:
        return {}
    numbers: Numbers = {
        "lime_explained": len(items),
        "lime_weak": sum(is_weak(item.measure("r2")) for item in items),
        "lime_largest_area_median": median(item.measure("largest_area") for item in items),
        "lime_largest_share_median": median(item.measure("largest_share") for item in items),
    }
    return numbers | _spread("lime_r2", [item.measure("r2") for item in items])


def _agreement(run: Run) -> Numbers:
    densities = [measured["agreement_density"] for subject in run.subjects if (measured := agreement(subject))]
    if not densities:
        return {}
    return {"agreement_images": len(densities), "agreement_density_median": median(densities)}


def _filters(run: Run) -> Numbers:
    studies = [item.study for item in studied(run, "filters") if item.study.status in ("ok", "degenerate")]
    if not studies:
        return {}
    return {"filters": len(studies), "filters_dead": sum(study.status == "degenerate" for study in studies)}


def _parts(run: Run) -> Numbers:
    """How many images, explanations and filters there are, and how many of them failed or have nothing to show."""
    statuses = [each.status for subject in run.subjects for each in subject.explanations]
    statuses += [study.status for study in run.filters]
    empty = sum(status in ("degenerate", "not_applicable") for status in statuses)
    failed = len(run.failures) + statuses.count("failed")
    parts = len(run.subjects) + len(run.failures) + len(statuses)
    return {"parts": parts, "failed": failed, "results": len(statuses), "empty": empty}
