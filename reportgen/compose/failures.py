"""What failed, why, and what to do: images, explanations, filters."""

from collections.abc import Iterator

from reportgen.document import Section, Table
from reportgen.language import Words
from reportgen.phrasing import reason, shown_name, told_failure
from reportgen.results import Explanation, FilterStudy, Run

Row = tuple[str, str, str]


def section(run: Run, words: Words) -> Section | None:
    """The table of failures; None where nothing failed."""
    rows = (*_images(run, words), *_explanations(run, words), *_filters(run, words))
    if not rows:
        return None
    header = tuple(words(f"failures.column_{column}") for column in ("what", "why", "fix"))
    table = Table("table-failures", 0, words("failures.table"), header, rows, "lll")
    return Section("failures", words("section.failures"), (table,))


def _images(run: Run, words: Words) -> Iterator[Row]:
    """Images that could not be used, and methods that broke down as a whole."""
    for failure in run.failures:
        method = f"method.{failure.what}"
        named = words(method) if failure.code == "E-METHOD" and words.has(method) else shown_name(failure.what)
        yield named, *told_failure(words, failure)


def _explanations(run: Run, words: Words) -> Iterator[Row]:
    for subject in run.subjects:
        for each in subject.explanations:
            if each.status == "failed":
                what = words(
                    "failures.explanation",
                    name=shown_name(subject.image.name),
                    method=_method(words, each.method),
                    target=shown_name(each.target.name),
                )
                yield what, reason(words, each), _fix(words, each)


def _filters(run: Run, words: Words) -> Iterator[Row]:
    for study in run.filters:
        if study.status == "failed":
            what = words("failures.filter", layer=shown_name(study.layer), filter=study.filter)
            yield what, reason(words, study), _fix(words, study)


def _method(words: Words, method: str) -> str:
    task = words(f"task.{method.removesuffix('_hw5')}")
    return words("failures.as_written", method=task) if method.endswith("_hw5") else task


def _fix(words: Words, result: Explanation | FilterStudy) -> str:
    """What to do, by the reason; a reason without advice of its own gets the general one."""
    key = f"failures.fix_{result.reason.removeprefix('reason.')}"
    return words(key) if words.has(key) else words("failures.fix_raised")
