"""How much of the evidence lies on the objects that people marked: on cards, and method by method in a table."""

from collections.abc import Iterator, Sequence
from statistics import fmean

from reportgen.document import Sentence, Table
from reportgen.language import Words
from reportgen.panels import Found
from reportgen.phrasing import listing, number, percent, said
from reportgen.results import CheckResult
from reportgen.verdicts import OBJECT

COLUMNS = ("method", "pictures", "mass", "area", "denser", "hits")


def on_object(item: Found) -> CheckResult | None:
    """What was measured of the picture against the object; None where nothing was."""
    verdict = item.explanation.verdict
    result = verdict.check(OBJECT) if verdict else None
    return result if result and result.value is not None else None


def sentences(words: Words, items: Sequence[Found]) -> Iterator[Sentence]:
    """For a card: what each method's picture has on the object. items: of one class."""
    told = [(item, result) for item in items if (result := on_object(item))]
    if not told:
        return
    first = told[0][1].measures
    shares = [
        words("trust.object_share", share=percent(result.measures["mass"]), picture=_method(words, item))
        for item, result in told
    ]
    keys = tuple(f"{_key(item)}.measures.{name}" for item, _ in told for name in ("mass", "area"))
    key = f"trust.object_{first['of']}"
    yield said(words, key, keys, area=percent(first["area"]), shares=listing(words, shares))


def _key(item: Found) -> str:
    verdict = item.explanation.verdict
    names = [check.check for check in verdict.checks] if verdict else []
    return f"{item.key}.verdict.checks[{names.index(OBJECT)}]"


def table(words: Words, items: Sequence[Found]) -> Table | None:
    """The methods against what pictures without any knowledge would get; None where nothing is marked."""
    told = [(item, result) for item in items if (result := on_object(item))]
    if not told:
        return None
    names = dict.fromkeys(item.explanation.method for item, _ in told)
    rows = [
        _row(
            words(f"method.{name}"), [result for item, result in told if item.explanation.method == name], "mass", "hit"
        )
        for name in names
    ]
    once = list({(item.subject.image.sha256, item.explanation.target.index): result for item, result in told}.values())
    rows.append(_row(words("trust.object_even"), once, "area", "area"))
    rows.append(_row(words("trust.object_middle"), once, "middle_mass", "middle_hit"))
    header = tuple(words(f"trust.column_{column}") for column in COLUMNS)
    return Table("verdicts-object", 0, words("trust.table_object"), header, tuple(rows), "lrrrrr")


def _row(name: str, results: Sequence[CheckResult], mass: str, hit: str) -> tuple[str, ...]:
    """Means over pictures. mass, hit: the measures that hold the share of evidence and the hits."""
    shares, areas, hits = ([float(each.measures[key]) for each in results] for key in (mass, "area", hit))
    denser = fmean(share / area for share, area in zip(shares, areas, strict=True))
    return name, str(len(results)), percent(fmean(shares)), percent(fmean(areas)), number(denser), percent(fmean(hits))


def _method(words: Words, item: Found) -> str:
    return words(f"method.{item.explanation.method}")
