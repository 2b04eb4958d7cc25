"""A method that cannot explain an image says so in a value; everything else of the run stands."""

from reportgen.errors import MethodError, ReportgenError
from reportgen.results import NO_FACTS, WARNINGS, Explanation, Facts, Failure, Run, Status, Target
from reportgen.shortages import shortage


def ends_the_run(err: Exception) -> bool:
    """Whether an error is more than one method's own: no memory, no handle, an input that cannot be used at all."""
    own = isinstance(err, ReportgenError) and not isinstance(err, MethodError)
    return own or isinstance(err, MemoryError) or shortage(err, "") is not None


def failed(method: str, target: Target, err: Exception, parameters: Facts = NO_FACTS) -> Explanation:
    """The explanation that stands where a method raised; the error's own words are kept.

    Raises the error itself where it ends the run.
    """
    if ends_the_run(err):
        raise err
    detail = err.why if isinstance(err, ReportgenError) else f"{type(err).__name__}: {err}"
    return Explanation(method, target, "failed", None, "reason.raised", detail[:300], parameters)


def breakdown(name: str, err: Exception) -> Failure:
    """What is told of a method, or of a check, that broke down as a whole."""
    why = " ".join(f"{type(err).__name__}: {err}".split())[:300]
    return Failure(name, "E-METHOD", why, "Check the network's forward pass; the other methods stand")


def without_picture(
    method: str, target: Target, reason: str, parameters: Facts = NO_FACTS, measures: Facts = NO_FACTS
) -> Explanation:
    """An explanation without a picture, for a reason known by name.

    Not finite numbers and missing gradients count as failed; what is defined, but shows nothing, as degenerate.
    """
    status: Status = "failed" if reason in ("not_finite", "no_gradient") else "degenerate"
    return Explanation(method, target, status, None, f"reason.{reason}", "", parameters, measures)


def not_applicable(method: str, target: Target, reason: str, parameters: Facts = NO_FACTS) -> Explanation:
    """An explanation that a network of this kind cannot have, for a reason known by name."""
    return Explanation(method, target, "not_applicable", None, f"reason.{reason}", "", parameters)


def failures_of(run: Run, *, strict: bool = False) -> int:
    """How many images, explanations and filters failed; a layer that was named and has no maps counts, too.

    A network without any layer to show is no failure where none was named, nor is what is degenerate. strict: that
    counts, and so do warnings on the model, and known answers that this installation does not give.
    """
    results = [one.status for subject in run.subjects for one in subject.explanations]
    results += [study.status for study in run.filters]
    named = sum(study.status == "not_applicable" and bool(study.layer) for study in run.filters)
    failed = len(run.failures) + results.count("failed") + named
    if strict:
        failed += results.count("degenerate") + sum(key in WARNINGS for key, _ in run.model.notes)
        failed += sum(not known.holds for known in run.known_answers)
    return failed
