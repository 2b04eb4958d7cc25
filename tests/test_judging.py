"""Checks run one after another, and each that breaks down costs itself only."""

from collections.abc import Iterator

import pytest
from fake_run import fake_run

from reportgen.classifier import Classifier
from reportgen.contracts import Evidence, PictureCheck, RunCheck, Silent
from reportgen.errors import EnvironmentProblem
from reportgen.judging import judge_pictures
from reportgen.options import BuildOptions
from reportgen.results import Case, CheckResult, Explanation, MethodCheck, Verdict


def evidence() -> Evidence:
    run = fake_run(images=2, profile="default", trouble=False)
    cases = [Case(each.image, each.prediction, ()) for each in run.subjects]
    groups = [each.explanations for each in run.subjects]
    nobody: Classifier = None  # type: ignore[assignment]  # these checks ask no network
    return Evidence(nobody, cases, groups, {}, BuildOptions(model="a.pth"))  # type: ignore[arg-type]


def numbered(given: Evidence) -> Iterator[tuple[CheckResult, ...]]:
    """Each picture's place as its value."""
    for n, group in enumerate(given.explanations):
        yield tuple(CheckResult("faithfulness", "supported", 10.0 * n + m, 0.0) for m, _ in enumerate(group))


def against_lime(_: Evidence) -> Iterator[MethodCheck]:
    yield MethodCheck("lime", CheckResult("randomisation", "fails", 0.9, 0.7, above=False))


def broken(given: Evidence) -> Iterator[tuple[CheckResult, ...]]:
    """Breaks down after the first image."""
    yield tuple(CheckResult("stability", "weak", 0.0, 1.0) for _ in given.explanations[0])
    raise RuntimeError("no\nsuch thing")


def test_each_picture_gets_its_own_results_and_those_of_its_method() -> None:
    given = evidence()
    pictures = {"faithfulness": PictureCheck("faithfulness", numbered, ())}
    judged = judge_pictures(given, Silent(), pictures, {"randomisation": RunCheck("randomisation", against_lime, ())})
    assert [each.method for each in judged.method_checks] == ["lime"]
    assert judged.failures == ()
    for n, group in enumerate(judged.explanations):
        assert [each.method for each in group] == [each.method for each in given.explanations[n]]
        for m, explanation in enumerate(group):
            found = verdict_of(explanation)
            own = found.check("faithfulness")
            assert own
            assert own.value == 10.0 * n + m
            assert found.state == ("fails" if explanation.method == "lime" else "supported")


def test_a_check_that_breaks_down_costs_itself() -> None:
    progress = Silent()
    pictures = {
        "stability": PictureCheck("stability", broken, ()),
        "faithfulness": PictureCheck("faithfulness", numbered, ()),
    }
    judged = judge_pictures(evidence(), progress, pictures, {})
    assert [(each.what, each.why) for each in judged.failures] == [("stability", "RuntimeError: no such thing")]
    assert progress.lines == ["stability: RuntimeError: no such thing"]
    assert verdict_of(judged.explanations[1][1]).state == "supported"


def test_memory_that_runs_out_ends_the_run() -> None:
    def starved(given: Evidence) -> Iterator[tuple[CheckResult, ...]]:
        yield next(numbered(given))
        raise EnvironmentProblem("E-MEMORY", "the network", "no memory", "Use --device cpu")

    with pytest.raises(EnvironmentProblem):
        judge_pictures(evidence(), Silent(), {"faithfulness": PictureCheck("faithfulness", starved, ())}, {})


def test_without_checks_nothing_is_judged() -> None:
    judged = judge_pictures(evidence(), Silent(), {}, {})
    assert {explanation.verdict for group in judged.explanations for explanation in group} == {None}


def verdict_of(explanation: Explanation) -> Verdict:
    assert explanation.verdict
    return explanation.verdict
