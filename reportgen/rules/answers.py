"""Rules on the answers: are they right, and could every image be answered and explained?"""

from reportgen.results import Run
from reportgen.rules.rule import FLAG, Evidence, Measured, NotTested, Rule, Seen, share

CHOSEN = ("wrong", "unsure")  # by --pick: images chosen by their answers say nothing of how many are right
METHOD = "E-METHOD"  # a failure that is no image's
MASK = "E-MASK"  # nor this: the image itself was read


def accuracy(evidence: Evidence) -> Measured | NotTested:
    """Share of the labelled images that are answered as labelled."""
    run = evidence.run
    if run.provenance.settings.get("pick") in CHOSEN:
        return NotTested("untested.picked")
    images = tuple(
        Seen(subject.image.name, float(subject.prediction.right), f"images[{i}].prediction.index")
        for i, subject in enumerate(run.subjects)
        if subject.prediction.right is not None
    )
    keys = ("summary.accuracy", "summary.labelled")
    return Measured(share(images), keys, images, FLAG) if images else NotTested("untested.labels")


def images_failed(evidence: Evidence) -> Measured | NotTested:
    """Share of the images that could not be read or answered."""
    run = evidence.run
    failed = [(i, each) for i, each in enumerate(run.failures) if each.code not in (METHOD, MASK)]
    images = tuple(Seen(each.what, 1.0, f"failures[{i}]") for i, each in failed)
    images += tuple(Seen(each.image.name, 0.0, f"images[{i}]") for i, each in enumerate(run.subjects))
    return Measured(share(images), ("failures", "images"), images, FLAG) if images else NotTested("untested.images")


def methods_failed(evidence: Evidence) -> Measured | NotTested:
    """Share of the explanations and filters that failed; a method that broke down counts as one."""
    run = evidence.run
    broken = sum(each.code == METHOD for each in run.failures)
    statuses = [each.status for subject in run.subjects for each in subject.explanations]
    statuses += [study.status for study in run.filters]
    total = len(statuses) + broken
    if not total:
        return NotTested("untested.explanations")
    keys = ("failures", "images", "filters")
    return Measured((statuses.count("failed") + broken) / total, keys, _with_status(run, "failed"), FLAG)


def degenerate(evidence: Evidence) -> Measured | NotTested:
    """Share of the explanations that have nothing to show, such as a gradient that is zero everywhere."""
    statuses = [each.status for subject in evidence.run.subjects for each in subject.explanations]
    if not statuses:
        return NotTested("untested.explanations")
    value = statuses.count("degenerate") / len(statuses)
    return Measured(value, ("images",), _with_status(evidence.run, "degenerate"), FLAG)


def _with_status(run: Run, status: str) -> tuple[Seen, ...]:
    """Each explained image, and whether one of its explanations has the status."""
    return tuple(
        Seen(
            subject.image.name,
            float(any(each.status == status for each in subject.explanations)),
            f"images[{i}].explanations",
        )
        for i, subject in enumerate(run.subjects)
        if subject.explanations
    )


RULES = (
    Rule("accuracy", "answers", "at_least", "share", accuracy),
    Rule("images_failed", "failures", "at_most", "share", images_failed),
    Rule("methods_failed", "failures", "at_most", "share", methods_failed),
    Rule("degenerate", "failures", "at_most", "share", degenerate),
)
