"""Every picture with its verdict: runs the checks, and puts together what follows from them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from reportgen.attempts import breakdown, ends_the_run
from reportgen.checks import PICTURE_CHECKS, RUN_CHECKS
from reportgen.contracts import Evidence, PictureCheck, Progress, RunCheck
from reportgen.results import CheckResult, Explanation, Failure, MethodCheck
from reportgen.verdicts import verdict

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Judged:
    """Explanations with their verdicts, what was said of whole methods, and the checks that broke down."""

    explanations: tuple[tuple[Explanation, ...], ...]
    method_checks: tuple[MethodCheck, ...]
    failures: tuple[Failure, ...]


def judge_pictures(
    evidence: Evidence,
    progress: Progress,
    pictures: Mapping[str, PictureCheck] = PICTURE_CHECKS,
    runs: Mapping[str, RunCheck] = RUN_CHECKS,
) -> Judged:
    """All explanations, each with its verdict. A check that breaks down costs itself."""
    work = _Work(evidence, progress)
    of_methods = [each for check in runs.values() for each in work.made(check.name, check.judge, 0)]
    work = replace(work, evidence=replace(evidence, method_checks=tuple(of_methods)))
    asked = [check for check in pictures.values() if evidence.options.checks == "full" or not check.slow]
    tables = [work.made(check.name, check.judge, len(evidence.cases)) for check in asked]
    explanations = tuple(
        tuple(
            _judged(explanation, [rows[n][m] for rows in tables if rows], of_methods)
            for m, explanation in enumerate(group)
        )
        for n, group in enumerate(evidence.explanations)
    )
    return Judged(explanations, tuple(of_methods), tuple(work.failures))


def _judged(explanation: Explanation, checks: list[CheckResult], methods: list[MethodCheck]) -> Explanation:
    of_method = [each.result for each in methods if each.method == explanation.method]
    return replace(explanation, verdict=verdict(checks, of_method))


@dataclass(frozen=True, eq=False)
class _Work:
    evidence: Evidence
    progress: Progress
    failures: list[Failure] = field(default_factory=list)

    def made(self, name: str, judge: Callable[[Evidence], Iterator[T]], steps: int) -> list[T]:
        """All that a check says; nothing where it breaks down. steps: 0 where their number is not known."""
        self.progress.stage(name, steps)
        said: list[T] = []
        try:
            for each in judge(self.evidence):
                said.append(each)
                self.progress.advance()
        except Exception as err:  # whatever a user's own network raises
            if ends_the_run(err):
                raise
            self.failures.append(breakdown(name, err))
            self.progress.warn(f"{name}: {self.failures[-1].why}")
            return []
        return said
