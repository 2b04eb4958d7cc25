"""Rules on how far the pictures can be believed."""

from statistics import median

from reportgen.compose import pointing
from reportgen.compose.trust import judged, verdict_of
from reportgen.rules.rule import FLAG, Evidence, Measured, NotTested, Rule, Seen
from reportgen.verdicts import SILENT


def supported(evidence: Evidence) -> Measured | NotTested:
    """Share of the pictures of the class explained that are supported, of those that were tested."""
    items = [item for item in judged(evidence.run) if item.explanation.target.leads]
    tested = [item for item in items if verdict_of(item).state not in SILENT]
    if not tested:
        return NotTested("untested.verdicts")
    images = tuple(
        Seen(item.subject.image.name, float(verdict_of(item).state == "supported"), f"{item.key}.verdict.state")
        for item in tested
    )
    keys = ("summary.supported_share", "summary.verdicts_tested")
    return Measured(float(evidence.summary["supported_share"]), keys, images, FLAG)


def weights_matter(evidence: Evidence) -> Measured | NotTested:
    """Share of the methods whose pictures stay as they are when the learned weights are replaced by random ones."""
    tested = [(n, each) for n, each in enumerate(evidence.run.method_checks) if each.result.state not in SILENT]
    if not tested:
        return NotTested("untested.randomised")
    keys = tuple(f"method_checks[{n}].result.value" for n, _ in tested)
    against = sum(each.result.state == "fails" for _, each in tested)
    return Measured(against / len(tested), keys, facts={"n": against, "total": len(tested)})


def on_object(evidence: Evidence) -> Measured | NotTested:
    """How dense the evidence of the class explained is on the marked objects, times its average; the median picture."""
    items = [item for item in judged(evidence.run) if item.explanation.target.leads]
    images = []
    for item in items:
        names = [check.check for check in verdict_of(item).checks]
        if (result := pointing.on_object(item)) and result.value is not None:
            key = f"{item.key}.verdict.checks[{names.index(result.check)}].value"
            images.append(Seen(item.subject.image.name, result.value, key))
    if not images:
        return NotTested("untested.masks")
    return Measured(median(seen.value for seen in images), tuple(seen.key for seen in images), tuple(images))


RULES = (
    Rule("supported", "verdicts", "at_least", "share", supported),
    Rule("on_object", "verdicts", "at_least", "number", on_object),
    Rule("weights_matter", "verdicts", "at_most", "share", weights_matter),
)
