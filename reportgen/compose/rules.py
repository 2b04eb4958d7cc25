"""What the rules say, for the summary: a warning for each that stops the job, and the table."""

from collections.abc import Iterator, Sequence

from reportgen.document import Block, Paragraph, Sentence, Table
from reportgen.language import Words
from reportgen.rule_words import asked_words, sentence, title, value_words
from reportgen.ruling import RuleResult

COLUMNS = ("rule", "outcome", "value", "asked", "level")


def blocks(results: Sequence[RuleResult], words: Words, caption: str) -> Iterator[Block]:
    """Nothing where no rule was asked for. caption: of the table."""
    for position, result in enumerate(results):
        if result.fails:
            keys = (f"rules[{position}].value", f"rules[{position}].threshold", *result.keys)
            yield Paragraph((Sentence(sentence(words, result), keys),), "warning")
    if results:
        header = tuple(words(f"rules.column_{name}") for name in COLUMNS)
        rows = tuple(_row(words, result) for result in results)
        yield Table("table-rules", 0, caption, header, rows, "llrll")


def _row(words: Words, result: RuleResult) -> tuple[str, ...]:
    level = words(f"rules.{result.level}")
    outcome = words(f"rules.{result.outcome}")
    value = "" if result.value is None else value_words(words, result)
    return title(words, result), outcome, value, asked_words(words, result), level
