"""The pictures of a comparison: each method's map in the first report and in the second, side by side."""

from dataclasses import replace

from reportgen import figures
from reportgen.attribution_panels import METHODS, attribution_panel
from reportgen.changes import ImageChange, MapChange
from reportgen.compose.trust import marked
from reportgen.document import Figure, NoPicture, Panel
from reportgen.language import Words
from reportgen.measures import pixel_evidence
from reportgen.panels import PERCENTILE, Found, lime_panel, saliency_panel
from reportgen.phrasing import coefficient, reason, shown_name
from reportgen.results import Explanation, RegionWeights, SaliencyMap, Subject


def figure(words: Words, n: int, image: ImageChange) -> Figure | None:
    """A row for each method: before and after. None where nothing was explained. n: the image's position."""
    if not image.maps:
        return None
    rows = tuple(_row(words, image, each) for each in image.maps)
    caption = words("compare.caption", name=shown_name(image.base.image.name))
    return Figure(f"figure-image-{n + 1}", 0, caption, rows, words("compare.scales"), swipe=words("compare.swipe"))


def _row(words: Words, image: ImageChange, change: MapChange) -> tuple[Panel, Panel]:
    numbers = ""
    if change.rank is not None and change.overlap is not None:
        values = {"rank": coefficient(change.rank), "overlap": coefficient(change.overlap)}
        numbers = words("compare.panel_numbers", state=words(f"compare.state_{change.state}"), **values)
    judged = all(change.states)
    base = _panel(words, "base", image.base, change.base, judged)
    return base, replace(_panel(words, "new", image.new, change.new, judged), detail=numbers)


def _panel(words: Words, side: str, subject: Subject, explanation: Explanation, judged: bool) -> Panel:
    """judged: in both reports, so that the table of verdicts has it."""
    found = Found(subject, explanation, "")
    method, target = words(f"method.{explanation.method}"), shown_name(explanation.target.name)
    label = words(f"compare.panel_{side}", method=method, target=target)
    panel = replace(_picture(words, found), label=label, detail="")
    return marked(panel, words, explanation) if judged else panel


def _picture(words: Words, found: Found) -> Panel:
    result = found.explanation.result
    if found.explanation.method in METHODS:
        return attribution_panel(words, found, overlay=True)
    if isinstance(result, SaliencyMap):
        return saliency_panel(words, found, overlay=True)
    if isinstance(result, RegionWeights):
        return lime_panel(words, found, numbered=False)
    if result is None:
        return Panel(NoPicture(reason(words, found.explanation)), "")
    heat = pixel_evidence(result)
    top = figures.percentile_scale(heat, PERCENTILE)
    if not top:
        return Panel(NoPicture(words("reason.flat_map")), "")
    method = words(f"method.{found.explanation.method}")
    alt = words("alt.evidence", method=method, name=found.name, target=found.target)
    drawn = figures.saliency_overlay(figures.backdrop(found.subject.image), heat, top)
    return Panel(figures.jpeg(drawn, alt, smooth=True), "")
