"""The tables of a comparison, image by image: answers, maps, verdicts, rules; and what differs between both reports."""

from collections.abc import Iterator, Sequence

from reportgen.changes import Comparison, ImageChange, MapChange
from reportgen.document import Block, Section, Sentence, Table
from reportgen.language import Words
from reportgen.panels import target_words
from reportgen.phrasing import coefficient, percent, place, said, shown_name, third_decimal
from reportgen.rule_words import title, value_words
from reportgen.ruling import RuleResult

MAPS = ("image", "method", "class", "rank", "rank_floor", "overlap", "overlap_floor", "state")
ANSWERS = ("image", "label", "base", "new", "confidence")


def sections(comparison: Comparison, words: Words) -> tuple[Section, ...]:
    """Answers, maps and verdicts; then what differs, where anything does."""
    blocks: list[Block] = [_answers(comparison, words)]
    if comparison.maps:
        blocks.append(_maps(comparison, words))
    found = [Section("tables", words("section.numbers"), tuple(blocks))]
    if any(all(each.states) for each in comparison.maps):
        found.append(Section("verdicts", words("section.verdicts_changed"), (_verdicts(comparison, words),)))
    if differing := [*_rules(comparison, words), *_settings(comparison, words), *_alone(comparison, words)]:
        found.append(Section("differing", words("section.differing"), tuple(differing)))
    return tuple(found)


def moved_sentence(words: Words, key: str, change: MapChange) -> Iterator[Sentence]:
    """For a card: a map that moved, beyond which spread, and where to; or why it cannot be compared."""
    method = words(f"method.{change.method}")
    if change.state == "not_compared":
        yield said(words, "compare.card_not_compared", (f"{key}.reason",), method=method, why=words(change.reason))
        return
    if change.state != "moved" or change.floor is None:
        return
    values = {"rank": change.rank or 0.0, "overlap": change.overlap or 0.0}
    floors = {"rank_floor": change.floor.rank, "overlap_floor": change.floor.overlap}
    numbers = {name: _coefficient(value) for name, value in (values | floors).items()}
    keys = (f"{key}.rank", f"{key}.overlap", f"{key}.floor.rank", f"{key}.floor.overlap")
    yield said(words, "compare.card_moved", keys, method=method, target=shown_name(change.target.name), **numbers)
    before, after = change.places
    if before and after and before != after:
        where = {"before": place(words, before), "after": place(words, after)}
        yield said(words, "compare.card_place", (f"{key}.base.place", f"{key}.new.place"), method=method, **where)


def _coefficient(value: float) -> str:
    """Two decimals, or three where two would make it perfect."""
    return third_decimal(value) if coefficient(value) == "1.00" and value < 1 else coefficient(value)


def _header(words: Words, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(words(f"compare.column_{name}") for name in names)


def _answers(comparison: Comparison, words: Words) -> Table:
    rows = tuple(_answer_row(words, image) for image in comparison.images)
    return Table("table-answers", 0, words("compare.table_answers"), _header(words, ANSWERS), rows, "llllr")


def _answer_row(words: Words, image: ImageChange) -> tuple[str, ...]:
    label = image.base.prediction.label
    answers = tuple(
        words("summary.answer", predicted=shown_name(first.name), probability=percent(first.probability))
        for first in (image.base.prediction.first, image.new.prediction.first)
    )
    change = words("compare.from_to", before=percent(image.confidence[0]), after=percent(image.confidence[1]))
    named = shown_name(label.name) if label else words("status.empty")
    return shown_name(image.base.image.name), named, *answers, change


def _maps(comparison: Comparison, words: Words) -> Table:
    rows = tuple(_map_row(words, image, each) for image in comparison.images for each in image.maps)
    return Table("table-maps", 0, words("compare.table_maps"), _header(words, MAPS), rows, "lllrrrrl")


def _map_row(words: Words, image: ImageChange, change: MapChange) -> tuple[str, ...]:
    empty, floor = words("status.empty"), change.floor
    floors = (floor.rank, floor.overlap) if floor else (None, None)
    numbers = (change.rank, floors[0], change.overlap, floors[1])
    shown = tuple(empty if value is None else _coefficient(value) for value in numbers)
    state = words(change.reason) if change.reason else words(f"compare.state_{change.state}")
    name, target = shown_name(image.base.image.name), target_words(words, change.target)
    return (name, words(f"method.{change.method}"), target, *shown, state)


def _verdicts(comparison: Comparison, words: Words) -> Table:
    rows = tuple(
        (
            shown_name(image.base.image.name),
            words(f"method.{each.method}"),
            target_words(words, each.target),
            *(words(f"verdict.{state}") for state in each.states if state),
            words(f"compare.verdict_{each.verdict}"),
        )
        for image in comparison.images
        for each in image.maps
        if all(each.states)
    )
    header = _header(words, ("image", "method", "class", "base", "new", "verdict"))
    return Table("table-verdicts", 0, words("compare.table_verdicts"), header, rows, "llllll")


def _rules(comparison: Comparison, words: Words) -> Iterator[Table]:
    if comparison.rule_changes:
        rows = tuple(
            (title(words, each.new), _outcome(words, each.base), _outcome(words, each.new))
            for each in comparison.rule_changes
        )
        header = _header(words, ("rule", "base", "new"))
        yield Table("table-rule-changes", 0, words("compare.table_rules"), header, rows, "lll")


def _outcome(words: Words, result: RuleResult) -> str:
    outcome = words(f"rules.{result.outcome}")
    if result.value is None:
        return outcome
    return words("compare.outcome", outcome=outcome, value=value_words(words, result))


def _settings(comparison: Comparison, words: Words) -> Iterator[Table]:
    if comparison.settings:
        rows = tuple((name, *map(_value, pair)) for name, pair in comparison.settings.items())
        header = _header(words, ("setting", "base", "new"))
        yield Table("table-settings", 0, words("compare.table_settings"), header, rows, "lll")


def _value(value: object) -> str:
    return shown_name(str(value))


def _alone(comparison: Comparison, words: Words) -> Iterator[Table]:
    rows = [(shown_name(name), words("compare.column_base")) for name in comparison.only_base]
    rows += [(shown_name(name), words("compare.column_new")) for name in comparison.only_new]
    if rows:
        header = _header(words, ("image", "where"))
        yield Table("table-alone", 0, words("compare.table_alone"), header, tuple(rows), "ll")
