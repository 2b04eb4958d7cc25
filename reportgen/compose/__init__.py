"""Results and words to a document: what is said, in which order, and the numbers behind it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from reportgen.compose import (
    answers,
    appendix,
    attribution,
    cards,
    class_names,
    failures,
    filters,
    lime,
    overview,
    saliency,
    trust,
    unanswered,
    writeup,
)
from reportgen.compose.abridging import abridged, with_fewer_figures
from reportgen.compose.answers import QUESTIONS
from reportgen.compose.facts import report_facts
from reportgen.compose.lime_trust import samplings
from reportgen.compose.summing import summarise
from reportgen.document import Reference, ReportDocument, Section
from reportgen.language import Words, load_references
from reportgen.numbering import numbered
from reportgen.phrasing import capital, count, joined, listing, shown_name, sources
from reportgen.pictures import with_pictures
from reportgen.results import Run
from reportgen.shelf import Keep, in_memory

__all__ = ["QUESTIONS", "abridged", "compose", "summarise", "with_fewer_figures"]

Writer = Callable[[Run, Words], Section]
TASKS: Mapping[str, Writer] = {  # method -> its section, in the order of the report
    "saliency": saliency.section,
    **attribution.WRITERS,
    "filters": filters.section,
    "lime": lime.section,
}
AS_WRITTEN: Mapping[str, Writer] = {  # the write-up's part of it
    "saliency": writeup.saliency,
    "filters": writeup.filters,
    "lime": writeup.lime,
}
CITING = ("source", "limits")  # sentences of a task that cite
SHA_SHOWN = 12


def compose(run: Run, words: Words, keep: Keep = in_memory) -> ReportDocument:
    """The document of a run; the same run and words always give an equal one. keep: where its pictures wait."""
    original, run = run, class_names.in_words(run, words)
    summary = summarise(run)
    tasks = tuple(task for task in TASKS if _has(run, task) or _has(run, f"{task}_hw5"))
    failed = failures.section(run, words)
    sections = (
        overview.section(run, words, summary) if run.subjects else unanswered.section(run, words),
        *([failed] if failed else []),
        cards.section(run, words, keep),
        *(with_pictures(_task(run, words, task), keep) for task in tasks),
        *([verdicts] if (verdicts := trust.section(run, words)) else []),
        appendix.section(run, words),
    )
    answered = answers.answered(numbered(with_pictures(sections, keep)), run, words)
    title = _title(run, words)
    author = shown_name(run.author)
    return ReportDocument(
        language=words.code,
        title=title,
        subtitle=_subtitle(run, words, tasks),
        byline=_byline(run, words),
        running_head=words("title.running_head_author", title=title, author=author) if author else title,
        sections=answered.sections,
        references=_references(run, words),
        facts=report_facts(original, summarise(original), answered),
        words={**words.table("page"), "gap": joined(words, ["", ""])},
        remarks=answered.remarks,
        author=author,
    )


def _has(run: Run, method: str) -> bool:
    """Whether the method was asked for and did not break down as a whole."""
    methods = {each.method for subject in run.subjects for each in subject.explanations}
    return method in methods | {study.method for study in run.filters}


def _task(run: Run, words: Words, task: str) -> Section:
    """The section of a task or method; with profile hw5 the write-up's figures come first, then the corrected ones."""
    corrected = TASKS[task](run, words)
    if run.profile != "hw5" or task not in AS_WRITTEN:
        return corrected
    parts = []
    if _has(run, f"{task}_hw5"):
        parts.append(AS_WRITTEN[task](run, words))
    if _has(run, task):
        parts.append(Section(f"{task}-corrected", words("section.corrected"), corrected.blocks[1:]))
    title = words(f"section.{task}_hw5")
    return replace(corrected, title=title, blocks=corrected.blocks[:1], sections=tuple(parts))


def _title(run: Run, words: Words) -> str:
    if run.title:
        return shown_name(run.title)
    return words("title.hw5") if run.profile == "hw5" else words("title.default", file=shown_name(run.model.file))


def _subtitle(run: Run, words: Words, tasks: tuple[str, ...]) -> str:
    if not run.subjects:
        return words("title.subtitle_unanswered")
    images = count(words, len(run.subjects))
    if not tasks:  # all of them broke down
        return images
    named = listing(words, [words(f"task.{task}") for task in tasks])
    return capital(words("title.subtitle", tasks=named, images=images))


def _byline(run: Run, words: Words) -> tuple[str, ...]:
    student = words("title.byline_student", student_id=shown_name(run.student_id)) if run.student_id else ""
    sha = run.model.sha256[:SHA_SHOWN]
    model = words("title.byline_model", file=shown_name(run.model.file), sha=sha)
    return tuple(line for line in (shown_name(run.author), student, model) if line)


def _references(run: Run, words: Words) -> tuple[Reference, ...]:
    """The sources that the text cites, in the order of the tasks."""
    known = load_references()
    citing = ["hw5.source"] if run.profile == "hw5" and any(_has(run, f"{task}_hw5") for task in TASKS) else []
    citing += ["feeding.source"] if run.model.input.evidence else []
    citing += ["pattern.cues"] if any(subject.cues for subject in run.subjects) else []
    citing += trust.explained(run)
    for task in TASKS:
        citing += ["lime.how_designed"] if task == "lime" and "designed" in samplings(run) else []
        cites = attribution.cited(task) if task in attribution.WRITERS else [f"{task}.{part}" for part in CITING]
        citing += cites if _has(run, task) else ()
    return tuple(Reference(key, known[key]["text"], known[key].get("url", "")) for key in sources(words, *citing))
