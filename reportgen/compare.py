"""Two finished reports on the same images: what changed in answers and in reasons, as one page, and the gate for it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reportgen import publish
from reportgen.checking import Gate, told
from reportgen.compose.comparison import compose_comparison
from reportgen.contracts import Progress, RenderOptions
from reportgen.errors import UsageError
from reportgen.excerpts import path_text
from reportgen.fitting import Forms
from reportgen.language import load_words
from reportgen.options import CHECK_FORMATS, FORMATS
from reportgen.pairing import compared
from reportgen.rendering import Written, write_documents
from reportgen.rules import Rulebook
from reportgen.ruling import Checked
from reportgen.store import load_run

RECORD = "json"  # always written: it is what tells the folder as ours, and what other programs read


@dataclass(frozen=True)
class Asked:
    """What a comparison was asked for. out: its folder; overwrite: even where that holds other files."""

    out: Path
    book: Rulebook
    formats: Sequence[str] = FORMATS
    render: RenderOptions = field(default_factory=RenderOptions)
    overwrite: bool = False


def compare(
    reports: tuple[Path, Path], asked: Asked, progress: Progress, environ: Mapping[str, str] = os.environ
) -> tuple[Written, Gate]:
    """Compare the second report with the first, by their run/ folders, and write the comparison: no model, no torch.

    Raises UsageError for an unknown format, InputRefused where run/ is missing or damaged, or the reports have no image
    in common; OutputError where the folder cannot be written, or is one of the reports.
    """
    out, formats = asked.out, asked.formats
    known = (*FORMATS, *CHECK_FORMATS)
    unknown = [name for name in formats if name not in known]
    if unknown or not formats:
        raise UsageError("E-FORMAT", "--format", f"no format {', '.join(unknown)!r}", f"Of: {', '.join(known)}")
    publish.check_target(out, overwrite=asked.overwrite, kind=publish.COMPARISON)
    if out.resolve() in {report.resolve() for report in reports}:
        raise UsageError("E-OPTION", str(out), "it is one of the reports", "Choose another --out")
    progress.stage("compare", 0)
    base, new = (load_run(report / "run") for report in reports)
    comparison = compared(base, new, asked.book)
    words = load_words(asked.render.language or new.language)
    document = compose_comparison(comparison, words)
    shown = [name for name in dict.fromkeys([*formats, RECORD]) if name in FORMATS]
    kind = publish.COMPARISON
    with (
        publish.occupied(out, overwrite=asked.overwrite, kind=kind),
        publish.publishing(out, overwrite=asked.overwrite, kind=kind) as folder,
    ):
        written = write_documents(dict.fromkeys(shown, Forms(document)), folder, out, asked.render, progress)
    folder_name = path_text(Path(out.resolve().name))
    about = (new.model.file, new.model.sha256, folder_name, len(comparison.images), comparison.results)
    extra = [name for name in formats if name in CHECK_FORMATS]
    return written, told(Checked(*about, f"{document.stem}.html"), out, extra, words, progress, environ)
