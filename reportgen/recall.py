"""Results that were made before are not made again: methods and checks that look first, and keep what they make."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter

from reportgen.classifier import Classifier
from reportgen.contracts import Evidence, FilterMethod, ImageMethod, PictureCheck, Progress, RunCheck
from reportgen.fingerprint import fingerprint
from reportgen.keys import Keys, network_fingerprint, picture
from reportgen.ledger import Damaged, Ledger, Packing, trim
from reportgen.options import BuildOptions
from reportgen.resources import results_folder
from reportgen.results import Case, CheckResult, Explanation, FilterStudy, MethodCheck
from reportgen.shelf import Keep, in_memory
from reportgen.studied import recalled

T = TypeVar("T")

FOLDER_DIGITS: Final = 16
EXPLANATIONS: Final = Packing(TypeAdapter(tuple[Explanation, ...]))
CHECKED: Final = Packing(TypeAdapter(tuple[CheckResult, ...]))
METHODS_CHECKED: Final = Packing(TypeAdapter(tuple[MethodCheck, ...]))


@dataclass(frozen=True, eq=False)
class Recall:
    """What looks up and keeps the results of one network. ledger: None where nothing is kept.

    Whatever is made is packed and unpacked, kept or not, so that a result is the same to the bit either way.
    """

    classifier: Classifier
    options: BuildOptions
    ledger: Ledger | None
    keys: Keys

    def methods(self, table: Mapping[str, ImageMethod]) -> dict[str, ImageMethod]:
        """The table, its methods recalling image by image."""

        def remembering(method: ImageMethod) -> ImageMethod:
            def explain(
                classifier: Classifier, cases: Sequence[Case], options: BuildOptions
            ) -> Iterator[tuple[Explanation, ...]]:
                keys = [self.keys.of("method", method.name, picture(case)) for case in cases]
                return self._each(
                    keys, lambda wanted: method.explain(classifier, [cases[n] for n in wanted], options), EXPLANATIONS
                )

            return replace(method, explain=explain)

        return {name: remembering(method) for name, method in table.items()}

    def studies(self, table: Mapping[str, FilterMethod]) -> dict[str, FilterMethod]:
        """The same for filters, whose studies speak of all images together."""

        def remembering(method: FilterMethod) -> FilterMethod:
            def explain(
                classifier: Classifier, cases: Sequence[Case], options: BuildOptions, keep: Keep = in_memory
            ) -> Iterator[FilterStudy]:
                shown = [(case.image.name, fingerprint(picture(case))) for case in cases]  # not all in memory
                key = self.keys.of("method", method.name, shown, classifier.facts.classes)
                return recalled(self.ledger, key, lambda: method.explain(classifier, cases, options, keep), keep)

            return replace(method, explain=explain)

        return {name: remembering(method) for name, method in table.items()}

    def picture_checks(self, table: Mapping[str, PictureCheck]) -> dict[str, PictureCheck]:
        """The same for checks of single pictures."""

        def remembering(check: PictureCheck) -> PictureCheck:
            def judge(evidence: Evidence) -> Iterator[tuple[CheckResult, ...]]:
                both = list(zip(evidence.cases, evidence.explanations, strict=True))
                # Methods that failed as a whole have no vote where pictures are compared.
                failed = sorted(each.method for each in evidence.method_checks if each.result.state == "fails")
                keys = [self.keys.of("check", check.name, picture(case), said, failed) for case, said in both]
                return self._each(keys, lambda wanted: check.judge(_part(evidence, wanted)), CHECKED)

            return replace(check, judge=judge)

        return {name: remembering(check) for name, check in table.items()}

    def run_checks(self, table: Mapping[str, RunCheck]) -> dict[str, RunCheck]:
        """The same for checks of methods over all images."""

        def remembering(check: RunCheck) -> RunCheck:
            def judge(evidence: Evidence) -> Iterator[MethodCheck]:
                shown = [fingerprint(picture(case)) for case in evidence.cases]
                key = self.keys.of("check", check.name, shown, evidence.explanations)
                yield from self._all(key, lambda: check.judge(evidence), METHODS_CHECKED)

            return replace(check, judge=judge)

        return {name: remembering(check) for name, check in table.items()}

    def _each(
        self, keys: Sequence[str], make: Callable[[Sequence[int]], Iterator[T]], packing: Packing[T]
    ) -> Iterator[T]:
        """One result for each key, in their order; those that are not kept are made together, in their order.

        Where the making ends early, as that of a check that has nothing to say, so does this.
        """
        missing = [n for n, key in enumerate(keys) if not self.ledger or not self.ledger.holds(key)]
        made = make(missing) if missing else iter(())
        for n, key in enumerate(keys):
            found = None if n in missing else self._found(key, packing)
            if found is not None:
                yield found
                continue
            fresh = next(made if n in missing else make([n]), None)  # else damaged, or removed a moment ago
            if fresh is None:
                return
            yield self._kept(key, fresh, packing)

    def _all(self, key: str, make: Callable[[], Iterator[T]], packing: "Packing[tuple[T, ...]]") -> tuple[T, ...]:
        found = self._found(key, packing)
        return self._kept(key, tuple(make()), packing) if found is None else found

    def _found(self, key: str, packing: Packing[T]) -> T | None:
        data = self.ledger.get(key) if self.ledger else None
        if self.ledger is None or data is None:
            return None
        try:
            found = packing.unpack(data)
        except Damaged:
            self.ledger.damaged += 1
            return None
        self.ledger.recalled += 1
        return found

    def _kept(self, key: str, value: T, packing: Packing[T]) -> T:
        data = packing.pack(value)
        if self.ledger and not _failed(value):
            self.ledger.put(key, data)
        return packing.unpack(data)


@contextmanager
def recalling(classifier: Classifier, options: BuildOptions, progress: Progress) -> Iterator[Recall]:
    """Looks up and keeps results for as long as the block lasts; told in lines what came of it."""
    steady = all(key != "note.unsteady" for key, _ in classifier.facts.notes)  # else what it said holds no second time
    root = results_folder() if options.store and steady else None
    if root is None:
        if options.store and steady:
            progress.warn("results are not stored: there is no home folder. Set XDG_CACHE_HOME, or say --no-store")
        yield Recall(classifier, options, None, Keys(classifier, options, ""))
        return
    network = network_fingerprint(classifier)
    ledger = Ledger(root / network[:FOLDER_DIGITS])
    ledger.describe(f"{classifier.facts.file} ({classifier.facts.architecture})")
    try:
        yield Recall(classifier, options, ledger, Keys(classifier, options, network))
    finally:
        trim(root, int(options.store_mb * 1e6))
        if ledger.recalled:
            progress.say(f"{ledger.recalled} results were stored before, {ledger.made} were made")
        if ledger.damaged:
            progress.warn(f"{ledger.damaged} stored results were damaged, and were made again")
        if ledger.off:
            progress.warn(f"results are not stored: {root}: {ledger.off}. Set XDG_CACHE_HOME, or say --no-store")


def _failed(value: Any) -> bool:  # noqa: ANN401 - a tuple of results of any kind
    """What failed may go well the next time, so it is not kept."""
    return any(getattr(each, "status", "") == "failed" for each in value)


def _part(evidence: Evidence, wanted: Sequence[int]) -> Evidence:
    cases = [evidence.cases[n] for n in wanted]
    return replace(evidence, cases=cases, explanations=[evidence.explanations[n] for n in wanted])
