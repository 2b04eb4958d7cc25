"""The story: options -> classifier + images -> explanations -> run -> report. Start reading here."""

import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path, PurePath

from torch import nn

from reportgen import __version__, publish
from reportgen.attempts import breakdown, ends_the_run, failures_of
from reportgen.cases import answered, asked_for, named
from reportgen.checking import Gate, check_run
from reportgen.checks import PICTURE_CHECKS, RUN_CHECKS
from reportgen.classifier import Classifier, device_name
from reportgen.compose import summarise
from reportgen.contracts import Evidence, Progress, RenderOptions, Silent
from reportgen.cues import answers_to_copies
from reportgen.deadline import Deadline
from reportgen.errors import OutputError, UsageError
from reportgen.excerpts import path_text
from reportgen.explain import FILTER_METHODS, IMAGE_METHODS
from reportgen.freed import give_back, reusing
from reportgen.judging import Judged, judge_pictures
from reportgen.loading import opened_classifier
from reportgen.notes import read_notes
from reportgen.options import CHECK_FORMATS, FORMATS, METHODS, TASKS, BuildOptions
from reportgen.planning import plan
from reportgen.recall import Recall, recalling
from reportgen.rendering import write_report
from reportgen.results import (
    Case,
    Cue,
    Explanation,
    Failure,
    FilterStudy,
    Provenance,
    Run,
    Scalar,
    Subject,
)
from reportgen.rules import Rulebook, judge, read_rules
from reportgen.selection import select_images
from reportgen.selftest import known_answers
from reportgen.shelf import Keep, in_memory, shelved
from reportgen.templating import check_own
from reportgen.timing import Timed

PACKAGES = (
    "torch",
    "numpy",
    "scikit-image",
    "scikit-learn",
    "scipy",
    "lime",
    "captum",
    "pillow",
    "matplotlib",
    "weasyprint",
)
# They change no number, or name places on this machine; the model and the images have entries of their own.
NOT_IN_REPORT = (
    "model", "arch", "out", "lang", "templates", "css", "font", "strict", "overwrite", "batch_size", "device",
    "formats", "images", "title", "author", "student_id", "rules", "preset", "notes", "require_notes", "budget",
    "max_pdf_mb", "pdf_timeout", "self_test", "pdf_images", "pdf_full", "paper", "accent", "logo", "dry_run",
    "max_seconds", "store", "store_mb", "max_failed",
)  # fmt: skip


@dataclass(frozen=True)
class Built:
    """What a build made; with --dry-run no paths, and the plan as its summary.

    gate: what the rules say, where they were asked for.
    exit_code: 0 where everything asked for is there and finite and no error rule fails, else 1.
    """

    paths: tuple[Path, ...]
    summary: Mapping[str, Scalar]
    exit_code: int
    gate: Gate | None = None


def build(options: BuildOptions, model: nn.Module | None = None, progress: Progress | None = None) -> Built:
    """Explain the checkpoint on the images and publish the report.

    model: a network from Python, explained in place of the file that the options name.
    Raises ReportgenError where there is no report; what fails on the way and costs only itself is in the report.
    """
    timed = Timed(progress or Silent())
    _check_apart(options)
    check_own(RenderOptions.of(options))
    if options.dry_run:
        publish.check_target(options.out, overwrite=options.overwrite)
        _rulebook(options)
        return Built((), plan(options, _method_names(options), model, timed), 0)
    with publish.occupied(options.out, overwrite=options.overwrite):  # before the work, not after it
        return _built(options, model, timed)


def _check_apart(options: BuildOptions) -> None:
    """The report does not go among the photographs that it explains."""
    with suppress(OSError, RuntimeError, ValueError):  # a path that cannot be followed is told of elsewhere
        if options.out.is_dir() and any(path.is_dir() and path.samefile(options.out) for path in options.images):
            raise UsageError("E-OUT-IMAGES", "--out", "it is the folder of the images", "Choose a folder of its own")


def _built(options: BuildOptions, model: nn.Module | None, progress: Timed) -> Built:
    book = _rulebook(options)
    with shelved(options.out) as keep:
        return _written(options, explain_model(options, model, progress, keep), book, progress)


def _written(options: BuildOptions, run: Run, book: Rulebook | None, progress: Timed) -> Built:
    if book:
        run = replace(run, rules=judge(run, book))
    formats = [name for name in options.formats if name in FORMATS]
    written = write_report(run, options.out, formats, RenderOptions.of(options), options.overwrite, progress)
    try:
        publish.add_files(options.out, {publish.LOG_FILE: progress.log()})
    except OutputError as err:  # the report is whole and in its place, and only the seconds are missing
        progress.warn(f"{publish.LOG_FILE}: {err.why}")
    extra = [name for name in options.formats if name in CHECK_FORMATS]
    gate = check_run(run, options.out, book, extra, progress, os.environ) if book else None
    too_many = failures_of(run, strict=options.strict) > options.max_failed
    failed = written.problems or too_many or (gate and gate.checked.fails)
    return Built((*written.paths, *(gate.paths if gate else ())), summarise(run), 1 if failed else 0, gate)


def _rulebook(options: BuildOptions) -> Rulebook | None:
    """The rules, where they were asked for, be it by a file that only a check writes."""
    asked = options.rules or options.preset or set(options.formats) & set(CHECK_FORMATS)
    return read_rules(options.rules, options.preset) if asked else None


def explain_model(options: BuildOptions, model: nn.Module | None, progress: Progress, keep: Keep = in_memory) -> Run:
    """Everything that the report is made from. keep: where the arrays of images and results wait."""
    notes = read_notes(options.notes, progress) if options.notes else ()  # before the work: it may be refused
    deadline = Deadline.after(options.max_seconds)
    progress.stage("model", 0)
    with reusing(), opened_classifier(options, model, progress) as classifier:
        target = asked_for(options.target, options.versus, classifier.facts.classes)
        ask = named(classifier.probabilities, classifier.facts)
        selection = select_images(options, classifier.facts, ask, classifier.batch.images, progress, keep)
        cases, unanswered = answered(classifier, selection.images, target)
        failures = (*selection.failures, *unanswered)
        # One line for all where none is answered: they have the same cause, and there may be thousands.
        for failure in failures if cases else selection.failures:
            progress.warn(f"{failure.what}: {failure.why}. {failure.fix}")
        if not cases:
            who = f"all {len(unanswered)} images" if len(unanswered) > 1 else unanswered[0].what
            progress.warn(f"{who}: {unanswered[0].why}. {unanswered[0].fix}")
        with recalling(classifier, options, progress) as recall:
            explained = _explained(recall, cases, progress, keep, deadline)
            judged = _judged(recall, cases, explained, progress, deadline)
        cues, lost = _cues(classifier, cases, options, progress, deadline)
        known, untold = known_answers(options, progress, deadline) if cases else ((), ())
        return Run(
            model=classifier.facts,
            subjects=_subjects(cases, judged.explanations, cues),
            filters=explained.filters,
            failures=failures + explained.failures + judged.failures + lost + untold,
            provenance=_provenance(options, classifier),
            profile=options.profile,
            selection=selection.notes,
            title=options.title,
            author=options.author,
            student_id=options.student_id,
            language=options.lang,
            notes=notes,
            method_checks=judged.method_checks,
            known_answers=known,
        )


@dataclass(frozen=True, eq=False)
class _Explained:
    explanations: tuple[tuple[Explanation, ...], ...]
    filters: tuple[FilterStudy, ...]
    failures: tuple[Failure, ...]


def _explained(recall: Recall, cases: Sequence[Case], progress: Progress, keep: Keep, deadline: Deadline) -> _Explained:
    """All tasks in their order; a method that breaks down, or has no time left, costs itself."""
    classifier, options = recall.classifier, recall.options
    of_images, of_filters = recall.methods(IMAGE_METHODS), recall.studies(FILTER_METHODS)
    by_case: list[list[Explanation]] = [[] for _ in cases]
    filters: list[FilterStudy] = []
    failures: list[Failure] = []
    for name in _method_names(options) if cases else ():
        try:
            if name in IMAGE_METHODS:
                progress.stage(name, len(cases), [case.image.name for case in cases])
                done = 0
                for each in deadline.until(of_images[name].explain(classifier, cases, options)):
                    by_case[done].extend(replace(one, result=keep(one.result)) for one in each)
                    done += 1
                    progress.advance()
                if missing := [case.image.name for case in cases[done:]]:
                    failures.append(_told(progress, deadline.left_out(name, missing)))
            else:
                progress.stage(name, 0)
                for study in deadline.until(of_filters[name].explain(classifier, cases, options, keep)):
                    filters.append(keep(study))
                    progress.advance()
                if deadline.over:
                    failures.append(_told(progress, deadline.left_out(name)))
        except Exception as err:  # whatever a user's own network raises
            if ends_the_run(err):
                raise
            failures.append(breakdown(name, err))
            progress.warn(f"{name}: {failures[-1].why}")
        give_back()
    return _Explained(tuple(map(tuple, by_case)), tuple(filters), tuple(failures))


def _told(progress: Progress, failure: Failure) -> Failure:
    progress.warn(f"{failure.what}: {failure.why}. {failure.fix}")
    return failure


def _judged(
    recall: Recall, cases: Sequence[Case], explained: _Explained, progress: Progress, deadline: Deadline
) -> Judged:
    """The explanations with their verdicts, where checks were asked for."""
    if recall.options.checks == "none" or not cases:
        return Judged(explained.explanations, (), ())
    if deadline.over:
        return Judged(explained.explanations, (), (_told(progress, deadline.left_out("checks")),))
    evidence = Evidence(recall.classifier, cases, explained.explanations, IMAGE_METHODS, recall.options)
    pictures, runs = recall.picture_checks(PICTURE_CHECKS), recall.run_checks(RUN_CHECKS)
    judged = judge_pictures(evidence, progress, pictures, runs, deadline)
    give_back()
    return judged


def _cues(
    classifier: Classifier, cases: Sequence[Case], options: BuildOptions, progress: Progress, deadline: Deadline
) -> tuple[Sequence[tuple[Cue, ...]], tuple[Failure, ...]]:
    """For each case what its answer lives on, where checks were asked for."""
    nothing: list[tuple[Cue, ...]] = [()] * len(cases)
    if options.checks == "none" or not cases:
        return nothing, ()
    progress.stage("cues", len(cases), [case.image.name for case in cases])
    found: list[tuple[Cue, ...]] = []
    try:
        for each in deadline.until(answers_to_copies(classifier, cases, options.seed)):
            found.append(each)
            progress.advance()
        missing = [case.image.name for case in cases[len(found) :]]
        lost = (_told(progress, deadline.left_out("cues", missing)),) if missing else ()
        return found + nothing[len(found) :], lost
    except Exception as err:  # whatever a user's own network raises
        if ends_the_run(err):
            raise
        failure = breakdown("cues", err)
        progress.warn(f"cues: {failure.why}")
        return nothing, (failure,)


def _subjects(
    cases: Sequence[Case], explanations: Sequence[tuple[Explanation, ...]], cues: Sequence[tuple[Cue, ...]]
) -> tuple[Subject, ...]:
    together = zip(cases, explanations, cues, strict=True)
    return tuple(Subject(case.image, case.prediction, each, copies) for case, each, copies in together)


def _method_names(options: BuildOptions) -> tuple[str, ...]:
    """The methods asked for; with profile hw5 each of its tasks is followed by the write-up's own."""
    written = TASKS if options.profile == "hw5" else ()
    names = ((name, f"{name}_hw5") if name in written else (name,) for name in METHODS if name in options.methods)
    return tuple(name for group in names for name in group)


def _provenance(options: BuildOptions, classifier: Classifier) -> Provenance:
    versions = {"reportgen": __version__, "python": platform.python_version()}
    versions |= {package: version(package) for package in PACKAGES}
    settings = options.model_dump(exclude=set(NOT_IN_REPORT))
    return Provenance(
        versions=versions,
        device=device_name(classifier.device),
        precision="float32",
        seed=options.seed,
        settings={key: _as_text(value) for key, value in settings.items()},
        forwards=classifier.fast.facts if classifier.fast else None,
    )


def _as_text(value: object) -> Scalar:
    """A setting as the appendix shows it. Of a path only its last part: a report tells nothing of a machine."""
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value)
    if isinstance(value, Path):
        return path_text(PurePath(value.name))
    return value if isinstance(value, bool | int | float | str) else ""
