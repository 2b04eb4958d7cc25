"""How the photographs are fed: what was decided by whom, and the candidates that the first batch-norm judged."""

from reportgen.document import Bar, Bars, Block, Paragraph, Section
from reportgen.inputs import UNDEFINED, InputCandidate, InputEvidence
from reportgen.language import Words
from reportgen.phrasing import citing, enumerated, listing, number, paragraph, percent, said
from reportgen.results import Run

SHOWN = 6  # candidates, nearest first


def sections(run: Run, words: Words) -> tuple[Section, ...]:
    """The section, where a batch-norm had something to say; none otherwise, for the summary says that already."""
    evidence = run.model.input.evidence
    if evidence is None:
        return ()
    blocks: tuple[Block, ...] = (
        _paragraph(run, words, evidence),
        _chart(words, evidence),
        paragraph(words, "source", citing(words, "feeding.source")),
    )
    return (Section("feeding", words("section.feeding"), blocks),)


def _paragraph(run: Run, words: Words, evidence: InputEvidence) -> Paragraph:
    spec = run.model.input
    deciders = [words(f"feeding.{name}", who=words(f"decider.{who}")) for name, who in spec.chosen_by.items()]
    return Paragraph(
        (
            said(
                words,
                "feeding.deciders",
                tuple(f"model.input.chosen_by.{name}" for name in spec.chosen_by),
                deciders=listing(words, deciders),
            ),
            said(
                words,
                "feeding.certainty",
                tuple(f"model.input.evidence.{key}" for key in ("images", "order_share", "normalisation_share")),
                order=words(f"certainty.{evidence.order}"),
                order_share=percent(evidence.order_share),
                normalisation=words(f"certainty.{evidence.normalisation}"),
                share=percent(evidence.normalisation_share),
                images=evidence.images,
            ),
        )
    )


def _chart(words: Words, evidence: InputEvidence) -> Bars:
    shown = [each for each in evidence.candidates if each.divergence < UNDEFINED][:SHOWN]
    farthest = max((each.divergence for each in shown), default=0.0) or 1.0
    bars = tuple(
        Bar(
            words("feeding.best", name=_name(words, each)) if each == evidence.chosen else _name(words, each),
            each.divergence / farthest,
            number(each.divergence),
        )
        for each in shown
    )
    return Bars(words("feeding.chart"), bars)


def _name(words: Words, candidate: InputCandidate) -> str:
    name = words(f"normalisation.{candidate.normalisation}")
    bgr = candidate.channel_order == "bgr" and candidate.normalisation == "imagenet"
    if bgr and candidate.mean[0] > candidate.mean[-1]:  # the largest mean is red's
        name = words("feeding.as_for_rgb", name=name)
    return enumerated(words, [candidate.channel_order.upper(), name])
