"""Every picture with its verdict: runs the checks, and puts together what follows from them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from reportgen.attempts import breakdown, ends_the_run
from reportgen.checks import PICTURE_CHECKS, RUN_CHECKS
from reportgen.contracts import Evidence, ImageMethod, PictureCheck, Progress, RunCheck
from reportgen.costs import nothing
from reportgen.deadline import NO_END, Deadline, OutOfTime
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
    deadline: Deadline = NO_END,
) -> Judged:
    """All explanations, each with its verdict. A check that breaks down, or has no time left, costs itself.

    What asks the network nothing is done in any case.
    """
    evidence = replace(evidence, methods={name: _timed(each, deadline) for name, each in evidence.methods.items()})
    work = _Work(evidence, progress, deadline)
    of_methods = [each for check in runs.values() for each in work.of_methods(check)]
    work = replace(work, evidence=replace(evidence, method_checks=tuple(of_methods)))
    asked = [check for check in pictures.values() if evidence.options.checks == "full" or not check.slow]
    tables = [work.of_pictures(check) for check in asked]
    explanations = tuple(
        tuple(
            _judged(explanation, [rows[n][m] for rows in tables if n < len(rows)], of_methods)
            for m, explanation in enumerate(group)
        )
        for n, group in enumerate(evidence.explanations)
    )
    return Judged(explanations, tuple(of_methods), tuple(work.failures))


def _judged(explanation: Explanation, checks: list[CheckResult], methods: list[MethodCheck]) -> Explanation:
    of_method = [each.result for each in methods if each.method == explanation.method]
    return replace(explanation, verdict=verdict(checks, of_method))


def _timed(method: ImageMethod, deadline: Deadline) -> ImageMethod:
    """The method as checks ask it again: between two images it looks at the clock."""
    rough = method.rough and _timed(method.rough, deadline)
    return replace(method, explain=lambda *about: deadline.checked(method.explain(*about)), rough=rough)


@dataclass(frozen=True, eq=False)
class _Work:
    evidence: Evidence
    progress: Progress
    deadline: Deadline
    failures: list[Failure] = field(default_factory=list)

    def of_methods(self, check: RunCheck) -> list[MethodCheck]:
        """What the check says of each method."""
        self.progress.stage(check.name, 0)
        return self._made(check.name, check.judge(self.evidence), ())

    def of_pictures(self, check: PictureCheck) -> list[tuple[CheckResult, ...]]:
        """What the check says of the pictures of each image, or of the first ones that there was time for."""
        names = [case.image.name for case in self.evidence.cases]
        self.progress.stage(check.name, len(names), names)
        work = check.judge(self.evidence)
        return self._made(check.name, work if check.passes is nothing else self.deadline.checked(work), names)

    def _made(self, name: str, work: Iterator[T], about: Sequence[str]) -> list[T]:
        """All that the work yields; nothing where it breaks down."""
        said: list[T] = []
        try:
            for each in work:
                said.append(each)
                self.progress.advance()
        except OutOfTime:
            missing = about[len(said) :]
            if missing or not about:
                self.failures.append(self.deadline.left_out(name, missing))
                self.progress.warn(f"{name}: {self.failures[-1].why}. {self.failures[-1].fix}")
        except Exception as err:  # whatever a user's own network raises
            if ends_the_run(err):
                raise
            self.failures.append(breakdown(name, err))
            self.progress.warn(f"{name}: {self.failures[-1].why}")
            return []
        return said
