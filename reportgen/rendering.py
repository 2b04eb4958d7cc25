"""From a run to the report's files: composed once, written in each format, published together."""

import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from reportgen import outputs, publish
from reportgen.attempts import ends_the_run
from reportgen.compose import QUESTIONS, abridged, compose, with_fewer_figures
from reportgen.contracts import Progress, RenderOptions
from reportgen.document import ReportDocument
from reportgen.errors import Incomplete, OutputError, ReportgenError, UsageError
from reportgen.fitting import Fitted, Forms, fitted
from reportgen.language import load_words
from reportgen.manifest import write_manifest
from reportgen.options import FORMATS
from reportgen.results import NO_FACTS, Facts, Run
from reportgen.shelf import Keep, in_memory, shelved
from reportgen.store import load_run, save_run

WORST: Final = 24  # images in the figures of the methods, on a page that could not hold all of them


@dataclass(frozen=True)
class Written:
    """paths: the report's files, the first format asked for first; problems: formats that could not be made.

    summary: the numbers over all images, as in report.json.
    """

    paths: tuple[Path, ...]
    problems: tuple[ReportgenError, ...] = ()
    summary: Facts = field(default_factory=lambda: NO_FACTS)


def write_report(
    run: Run, out: Path, formats: Sequence[str], render: RenderOptions, overwrite: bool, progress: Progress
) -> Written:
    """Compose and write everything: run/ and a file per format. What of the last report is not made again is removed.

    A format that cannot be made, such as the PDF without Pango, is a problem; the others stand, and so does run/, from
    which it can be rendered later. Raises OutputError where the folder cannot be written, the first problem where no
    format could be made, and OSError or MemoryError where the machine lacks something; then an old report stands.
    """
    broken: Exception | None = None
    written = Written(())
    with publish.publishing(out, overwrite=overwrite) as folder:
        with publish.writing(out):
            save_run(run, folder / "run")
        try:
            written = _write_formats(run, folder, out, formats, render, progress)
        except OutputError:
            raise
        except Exception as err:
            if ends_the_run(err) and not isinstance(err, ReportgenError):
                raise  # the machine's, not the report's: an old one stands
            broken = err  # a bug of ours; what was calculated is published all the same
        with publish.writing(out):
            write_manifest(run, folder)
    if broken:
        raise broken
    return _something(written)


def render_again(
    out: Path,
    formats: Sequence[str],
    render: RenderOptions,
    progress: Progress,
    into: Path | None = None,
    *,
    overwrite: bool = False,
) -> Written:
    """Write formats of a finished report again from its run/ folder: no model, no torch. Other files stay.

    into: another folder, which becomes a report of its own; overwrite: even where it holds other files.
    Raises UsageError for an unknown format, InputRefused where run/ is missing or damaged, and the first problem where
    no format could be made.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise UsageError("E-FORMAT", "--format", f"no format {', '.join(unknown)!r}", f"Of: {', '.join(FORMATS)}")
    if into and into.resolve() != out.resolve():
        with publish.occupied(into, overwrite=overwrite), shelved(into) as keep:
            return write_report(_loaded(out, render, keep), into, formats, render, overwrite, progress)
    with publish.occupied(out, overwrite=True), shelved(out) as keep:
        return _render_in_place(_loaded(out, render, keep), out, formats, render, progress)


def _loaded(out: Path, render: RenderOptions, keep: Keep) -> Run:
    """The run of a finished report, with the notes and the language that are given now."""
    run = load_run(out / "run", keep)
    run = run if render.notes is None else replace(run, notes=render.notes)
    return run if render.language is None else replace(run, language=render.language)


def _render_in_place(run: Run, out: Path, formats: Sequence[str], render: RenderOptions, progress: Progress) -> Written:
    with publish.publishing(out, overwrite=True) as folder:
        with publish.writing(out):
            publish.carry_over(out, folder)
            if render.notes is not None or render.language is not None:  # so that the next one has them too
                shutil.rmtree(folder / "run")
                save_run(run, folder / "run")
        written = _write_formats(run, folder, out, formats, render, progress)
        with publish.writing(out):
            write_manifest(run, folder)
    return _something(written)


def _something(written: Written) -> Written:
    if not written.paths:
        raise written.problems[0]
    return written


def _write_formats(
    run: Run, folder: Path, out: Path, formats: Sequence[str], render: RenderOptions, progress: Progress
) -> Written:
    words = load_words(run.language)
    with shelved(folder) as keep, _temporary_files_in(folder):
        progress.stage("compose", 0)
        document = compose(run, words, keep)
        for_paper = abridged(document, run, words, render.pdf_images, render.pdf_full)
        if "pdf" in formats:
            _tell_abridged(len(run.subjects), render, progress)
        forms = {name: Forms(for_paper if name == "pdf" else document) for name in formats}
        if "html" in forms and len(run.subjects) > WORST:
            forms["html"] = Forms(document, partial(with_fewer_figures, document, run, words, WORST))
        written = write_documents(forms, folder, out, render, progress, keep)
    unanswered = _unanswered(document, render)
    for problem in unanswered:
        progress.warn(problem.line())
    return replace(written, problems=(*written.problems, *unanswered))


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Temporary files lie where they are swept, also those that a process was killed beside."""
    before = tempfile.tempdir
    tempfile.tempdir = str(folder.absolute())
    try:
        yield
    finally:
        tempfile.tempdir = before


def _tell_abridged(total: int, render: RenderOptions, progress: Progress) -> None:
    if total > render.pdf_images:
        progress.warn(f"report.pdf: the worst {render.pdf_images} of {total} images (--pdf-images)")
    if min(total, render.pdf_images) > render.pdf_full:
        progress.say(f"report.pdf: images beyond the worst {render.pdf_full} in brief (--pdf-full)")


def write_documents(
    documents: Mapping[str, Forms],
    folder: Path,
    out: Path,
    render: RenderOptions,
    progress: Progress,
    keep: Keep = in_memory,
) -> Written:
    """Write documents into a folder; out: where the files are moved to later.

    documents: for each format its own, which differ in how much they show; keep: where smaller pictures wait. A format
    that cannot be made is a problem; the others stand. Raises OutputError where a file cannot be written.
    """
    whole = next(iter(documents.values())).whole
    remarks = list(whole.remarks)
    for remark in remarks:
        progress.warn(remark)
    progress.stage("write", len(documents))
    paths: list[Path] = []
    problems: list[ReportgenError] = []
    for name, forms in documents.items():
        filename = f"{forms.whole.stem}{Path(outputs.OUTPUTS[name].filename).suffix}"
        try:
            with _remarks_told(progress, remarks):
                made = _rendered(name, forms, render, keep)
        except ReportgenError as err:
            problems.append(err)
        else:
            with publish.writing(out):
                (folder / filename).write_bytes(made.data)
            paths.append(out / filename)
            problems += [made.problem] if made.problem else []
            _tell_fitted(filename, made, progress)
        progress.advance()
    problems += _warned(remarks) if render.strict else []
    for problem in problems:
        progress.warn(problem.line())
    return Written(tuple(paths), tuple(problems), whole.facts["summary"])


def _tell_fitted(filename: str, made: Fitted, progress: Progress) -> None:
    if made.shorter:
        progress.warn(f"{filename}: the figures of the methods show the worst {WORST} images only, to fit")
    if made.step:
        quality, scale = made.step
        progress.warn(f"{filename}: its pictures were made smaller to fit ({scale:.0%}, JPEG quality {quality})")


def _rendered(name: str, forms: Forms, render: RenderOptions, keep: Keep) -> Fitted:
    """The file, within its budget where it has one."""
    write = partial(_written, name, render)
    limit = {"html": render.html_mb, "pdf": render.pdf_mb}.get(name)
    if limit is None:
        return Fitted(write(forms.whole))
    return fitted(forms, write, name, limit, load_words(forms.whole.language), keep)


def _written(name: str, render: RenderOptions, document: ReportDocument) -> bytes:
    return outputs.OUTPUTS[name].render(document, render)


def _unanswered(document: ReportDocument, render: RenderOptions) -> list[ReportgenError]:
    """A problem where answers were required and some are missing."""
    missing = document.facts["unanswered"]
    if not missing or not render.require_notes:
        return []
    why = f"no answer of the author's to: {', '.join(QUESTIONS[task] for task in missing)}"
    fix = f"Write below # {QUESTIONS[missing[0]]} in notes.md, then: reportgen render OUT --notes notes.md"
    return [Incomplete("E-NOTES-MISSING", "notes", why, fix)]


def _warned(remarks: Sequence[str]) -> list[ReportgenError]:
    """A problem where warnings were told and none was to be left."""
    if not remarks:
        return []
    many = f"{len(remarks)} warnings" if len(remarks) > 1 else "a warning"
    why = f"{many} about the files written, and --strict lets none pass"
    return [Incomplete("E-STRICT", "report", why, "Mend what the warnings name, or leave --strict out")]


@contextmanager
def _remarks_told(progress: Progress, remarks: list[str]) -> Iterator[None]:
    """What a writer logs, such as a glyph that no font has, is told as a warning and kept."""

    class Teller(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            remarks.append(f"{record.name.rpartition('.')[2]}: {record.getMessage()}")
            progress.warn(remarks[-1])

    teller, log = Teller(logging.WARNING), logging.getLogger("reportgen")
    log.addHandler(teller)
    try:
        yield
    finally:
        log.removeHandler(teller)
