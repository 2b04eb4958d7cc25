"""The gate's story: a finished report -> what each rule says -> the files and lines that a CI job reads."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reportgen import publish
from reportgen.compose.facts import rule_report
from reportgen.contracts import Progress
from reportgen.errors import UsageError
from reportgen.excerpts import path_text
from reportgen.language import Words, load_words
from reportgen.options import CHECK_FORMATS
from reportgen.outputs import CHECK_OUTPUTS
from reportgen.results import Run
from reportgen.rule_words import asked_words, sentence, value_words
from reportgen.rules import BUILD, Rulebook, judge
from reportgen.ruling import Checked, RuleResult
from reportgen.store import load_run
from reportgen.timing import read_seconds

SIZED = ("report.html", "report.pdf")
SUMMARY_LIMIT = 1024 * 1024  # bytes, above which GitHub drops the summary of a step


@dataclass(frozen=True)
class Gate:
    """A check that is done. paths: files written; lines: one for each rule; notes: for GitHub's runner, or empty."""

    checked: Checked
    paths: tuple[Path, ...]
    lines: tuple[str, ...]
    notes: str = ""

    def as_json(self) -> dict[str, Any]:
        """The outcome as it is printed with --json: whether it fails, and each rule as in report.json."""
        rules = [rule_report(result).model_dump(mode="json") for result in self.checked.results]
        return {"fails": self.checked.fails, "rules": rules}


def check(
    out: Path,
    book: Rulebook,
    formats: Sequence[str],
    progress: Progress,
    environ: Mapping[str, str] = os.environ,
    *,
    language: str | None = None,
) -> Gate:
    """Judge a finished report by its run/ folder and write what was asked for and what the CI service reads.

    language: of what is written, where it is not the report's own.
    Raises UsageError for an unknown format, InputRefused where run/ is missing or damaged, and OutputError where a file
    cannot be written.
    """
    unknown = [name for name in formats if name not in CHECK_FORMATS]
    if unknown:
        known = ", ".join(CHECK_FORMATS)
        raise UsageError("E-FORMAT", "--format", f"a check has no format {', '.join(unknown)!r}", f"Of: {known}")
    run = load_run(out / "run")
    run = replace(run, language=language) if language else run
    return check_run(run, out, book, formats, progress, environ)


def check_run(
    run: Run, out: Path, book: Rulebook, formats: Sequence[str], progress: Progress, environ: Mapping[str, str]
) -> Gate:
    """The same for a run that is at hand, its report's files lying in `out`."""
    costs: dict[str, float] = {name: (out / name).stat().st_size for name in SIZED if (out / name).is_file()}
    seconds = read_seconds(out)
    costs |= {} if seconds is None else {BUILD: seconds}
    folder = path_text(Path(out.resolve().name))
    results = judge(run, book, costs)
    checked = Checked(run.model.file, run.model.sha256, folder, len(run.subjects), results)
    return told(checked, out, formats, load_words(run.language), progress, environ)


def told(
    checked: Checked, out: Path, formats: Sequence[str], words: Words, progress: Progress, environ: Mapping[str, str]
) -> Gate:
    """What rules say, as lines for a person, and as files in `out` for what was asked for and for the CI service."""
    asked = dict.fromkeys([*formats, *(["junit"] if environ.get("GITLAB_CI") else [])])
    files = {CHECK_OUTPUTS[name].filename: CHECK_OUTPUTS[name].render(checked, words) for name in asked}
    publish.add_files(out, files)
    notes = _for_github(checked, words, environ, progress) if environ.get("GITHUB_ACTIONS") == "true" else ""
    return Gate(
        checked, tuple(out / name for name in files), tuple(_line(words, each) for each in checked.results), notes
    )


def _line(words: Words, result: RuleResult) -> str:
    """One rule on stdout. No name of an image or class stands there: a runner obeys some lines."""
    why = sentence(words, result)
    value = f"{value_words(words, result)} ({asked_words(words, result)})"
    return f"{result.outcome:<10}  {result.level:<5}  {result.name:<19}  {value}{': ' if why else ''}{why}"


def _for_github(checked: Checked, words: Words, environ: Mapping[str, str], progress: Progress) -> str:
    """Append to the step's summary, and return the annotations. A summary that cannot be written costs only itself."""
    if place := environ.get("GITHUB_STEP_SUMMARY"):
        data = CHECK_OUTPUTS["markdown"].render(checked, words)
        try:
            with Path(place).open("ab") as file:
                if file.tell() + len(data) < SUMMARY_LIMIT:
                    file.write(data)
                else:
                    progress.warn("the step's summary: it is full, so the rules are not in it")
        except OSError as err:
            progress.warn(f"the step's summary: it cannot be written ({err.strerror or err})")
    return CHECK_OUTPUTS["annotations"].render(checked, words).decode()
