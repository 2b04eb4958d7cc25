"""The first page of a report on a network that answers no image with finite numbers: what happened, what to check."""

from reportgen.document import Block, Paragraph, Section, Sentence
from reportgen.language import Words
from reportgen.phrasing import counted, listing, noted, number, paragraph, said
from reportgen.results import WARNINGS, Run

NOT_FINITE = "E-OUTPUT-NAN"


def section(run: Run, words: Words) -> Section:
    """The summary, in place of the one that speaks of answers. The failures, image by image, follow it."""
    asked = [failure for failure in run.failures if failure.code == NOT_FINITE]
    unread = len(run.failures) - len(asked)
    happened = [counted(words, "unanswered.happened", len(asked), ("failures",))]
    happened += [counted(words, "unanswered.unread", unread, ("failures",))] if unread else []
    check = (said(words, "unanswered.check_weights"), _fed(run, words), said(words, "unanswered.check_code"))
    notes = noted(words, [note for note in run.model.notes if note[0] not in WARNINGS])
    warnings: tuple[Sentence, ...] = noted(words, [note for note in run.model.notes if note[0] in WARNINGS])
    blocks: list[Block] = [Paragraph(tuple(happened), "warning"), paragraph(words, "check", *check)]
    blocks += [Paragraph((each,), "warning") for each in warnings]
    blocks += [paragraph(words, "model", *notes)] if notes else []
    blocks += [paragraph(words, "selection", *noted(words, run.selection))] if run.selection else []
    return Section("summary", words("section.summary"), tuple(blocks))


def _fed(run: Run, words: Words) -> Sentence:
    """What the network was fed, to be held against training."""
    spec = run.model.input
    mean, std = (listing(words, [number(value) for value in values]) for values in (spec.mean, spec.std))
    return said(
        words,
        "unanswered.check_input",
        tuple(f"model.input.{name}" for name in ("size", "channel_order", "mean", "std")),
        order=spec.channel_order.upper(),
        height=spec.size[0],
        width=spec.size[1],
        mean=words("summary.mean", mean=mean) if any(spec.mean) else "",
        std=words("summary.std", std=std) if set(spec.std) - {1.0} else "",
    )
