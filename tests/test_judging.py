"""Checks run one after another, and each that breaks down costs itself only."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from fake_run import fake_run

from reportgen.classifier import Classifier
from reportgen.contracts import Evidence, ImageMethod, PictureCheck, RunCheck, Silent
from reportgen.costs import Passes
from reportgen.deadline import Deadline
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


class Ending(Deadline):
    """Time for so many looks at the clock."""

    looks: Iterator[bool]

    @property
    def over(self) -> bool:
        return next(self.looks)


def ending(after: int) -> Ending:
    made = Ending(5.0, 0.0)
    object.__setattr__(made, "looks", itertools.chain([False] * after, itertools.repeat(True)))
    return made


def some(_: object) -> Passes:
    return Passes(1)


class TestTheEndOfTime:
    def test_keeps_what_a_check_said_of_the_images_before(self) -> None:
        progress = Silent()
        pictures = {"faithfulness": PictureCheck("faithfulness", numbered, (), passes=some)}
        judged = judge_pictures(evidence(), progress, pictures, {}, ending(1))
        first, second = judged.explanations
        assert all(verdict_of(each).check("faithfulness") for each in first)
        assert [each.verdict for each in second] == [None] * len(second)
        (failure,) = judged.failures
        assert failure.what == "faithfulness"
        assert (
            failure.why
            == f"not computed for {evidence().cases[1].image.name}: the 5 seconds of --max-seconds were over"
        )
        assert [line for line in progress.lines if "--max-seconds" in line] == [
            f"faithfulness: {failure.why}. {failure.fix}"
        ]

    def test_costs_nothing_where_all_was_done_before(self) -> None:
        pictures = {"faithfulness": PictureCheck("faithfulness", numbered, (), passes=some)}
        assert judge_pictures(evidence(), Silent(), pictures, {}, ending(2)).failures == ()

    def test_ends_no_check_that_asks_the_network_nothing(self) -> None:
        pictures = {"faithfulness": PictureCheck("faithfulness", numbered, ())}
        judged = judge_pictures(evidence(), Silent(), pictures, {}, ending(0))
        assert judged.failures == ()
        assert all(verdict_of(each).check("faithfulness") for group in judged.explanations for each in group)

    @pytest.mark.parametrize("rough", [False, True])
    @pytest.mark.parametrize(("looks", "asked"), [(0, 0), (1, 1), (3, 2)])
    def test_is_kept_between_images_that_a_method_is_asked_again_about(
        self, looks: int, asked: int, rough: bool
    ) -> None:
        closed: list[int] = []

        def explain(_c: Classifier, cases: Sequence[Case], _o: BuildOptions) -> Iterator[tuple[Explanation, ...]]:
            done = 0
            try:
                for _ in cases:
                    done += 1
                    yield ()
            finally:
                closed.append(done)

        def judge(given: Evidence) -> Iterator[MethodCheck]:
            method = given.methods["saliency"]
            list(((method.rough if rough else None) or method).explain(given.classifier, given.cases, given.options))
            yield MethodCheck("saliency", CheckResult("randomisation", "supported", 0.1, 0.7))

        method = ImageMethod("saliency", explain, ())
        given = replace(evidence(), methods={"saliency": replace(method, rough=method)})
        judged = judge_pictures(
            given, Silent(), {}, {"randomisation": RunCheck("randomisation", judge, ())}, ending(looks)
        )
        assert [each.what for each in judged.failures] == ([] if looks == 3 else ["randomisation"])
        assert len(judged.method_checks) == (1 if looks == 3 else 0)
        assert closed == ([] if looks == 0 else [asked])  # a generator that never began has nothing to give back
