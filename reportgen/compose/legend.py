"""How the figures of the cards are read: said once above them, not below each."""

from collections.abc import Iterator

from reportgen.attribution_panels import METHODS, SIGNED, method_name
from reportgen.document import Paragraph, Sentence
from reportgen.language import Words
from reportgen.panels import PERCENTILE, found, studied
from reportgen.phrasing import listing, paragraph, said, whole
from reportgen.results import Run


def legend(run: Run, words: Words) -> tuple[Paragraph, ...]:
    """One paragraph; none where no image has anything beside it."""
    shown = {name: items for name in ("saliency", *METHODS, "lime") if (items := found(run, name))}
    studies = [item.study for item in studied(run, "filters") if item.study.status == "ok"]
    painted = any(float(study.measures["maximum"]) > 0 for study in studies)  # as of what the cards show
    if not shown and not painted:
        return ()
    parts = ["original", *["saliency"] * ("saliency" in shown), *["maps"] * any(name in METHODS for name in shown)]
    parts += [*["filter"] * painted, *["lime"] * ("lime" in shown)]
    told = [said(words, "card.legend", parts=listing(words, [words(f"card.part_{part}") for part in parts]))]
    if any(name in (*SIGNED, "lime") for name in shown):
        told.append(said(words, "card.legend_colours" if "lime" in shown else "card.legend_signed"))
    return (paragraph(words, "reading", *told, *_methods(run, words, painted=painted)),)


def _methods(run: Run, words: Words, *, painted: bool) -> Iterator[Sentence]:
    """What each kind of picture holds, and its scale."""
    score = words(f"score.{run.model.head.score}")
    if found(run, "saliency"):
        keys = ("presentation.saliency_percentile",)
        yield said(words, "card.method_saliency", keys, percentile=f"{PERCENTILE:g}", score=score)
    for name in METHODS:
        if found(run, name):
            line = words(f"attribution.method_{name}", score=score)
            yield said(words, "card.method_other", method=method_name(words, name), line=line)
    if painted:
        yield said(words, "card.method_filter")
    for item in [item for item in found(run, "lime") if item.explanation.parameters][:1]:
        facts = item.explanation.parameters
        fill, scale = words(f"fill.{facts['fill']}"), words(f"scale.{facts['scale']}")
        samples, keys = whole(int(facts["samples"])), (f"{item.key}.parameters.samples",)
        yield said(words, "card.method_lime", keys, samples=samples, fill=fill, scale=scale)
