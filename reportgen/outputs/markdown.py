"""rules.md: the check for $GITHUB_STEP_SUMMARY, the verdict first, the worst ten images of each broken rule.

GitHub drops a whole summary above 1 MiB, so what does not fit into the budget is left out from the end.
"""

import re

from reportgen.contracts import CheckOutput
from reportgen.errors import printable
from reportgen.excerpts import shortened
from reportgen.language import Words
from reportgen.phrasing import counted
from reportgen.rule_words import asked_words, figure, judged_words, sentence, title, value_words, verdict
from reportgen.ruling import Checked, RuleResult

BUDGET = 900_000  # bytes
WORST = 10
LONGEST = 200  # characters of a name
_MARKS = re.compile(r"([\\`*_\[\]|~$@:#]|(?<=www)\.)", re.IGNORECASE)  # what means something inside a line
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def render(checked: Checked, words: Words) -> bytes:
    """The summary, as UTF-8, below the budget."""
    parts = [f"**{text(verdict(words, checked))}**", _table(checked, words)]
    parts += [_images(result, words) for result in checked.broken if result.against]
    parts.append(text(judged_words(words, checked)))
    return "\n\n".join(_fitting(parts)).encode() + b"\n"


def text(given: str) -> str:
    """Text that Markdown shows as it is, in a table too: names are hostile input. Source: CommonMark 0.31, 2.4."""
    escaped = _MARKS.sub(r"\\\1", printable(given))
    return re.sub(r"[&<>]", lambda found: _ENTITIES[found[0]], escaped)


def _fitting(parts: list[str]) -> list[str]:
    kept, size = [], 1
    for part in parts:
        size += len(part.encode()) + 2
        if size <= BUDGET:
            kept.append(part)
    return kept


def _table(checked: Checked, words: Words) -> str:
    heads = [words(f"rules.column_{name}") for name in ("rule", "outcome", "value", "asked", "level")]
    rows = [_cells(result, words) for result in checked.results]
    return _rows(heads, rows)


def _cells(result: RuleResult, words: Words) -> list[str]:
    marked = f"{_mark(result)} {words(f'rules.{result.outcome}')}"
    value = sentence(words, result) if result.value is None else value_words(words, result)
    return [title(words, result), marked, value, asked_words(words, result), words(f"rules.{result.level}")]


def _mark(result: RuleResult) -> str:
    if result.broken:
        return "❌" if result.fails else "⚠️"
    return "➖" if result.value is None else "✅"


def _images(result: RuleResult, words: Words) -> str:
    against, name = result.against, title(words, result)
    head = counted(words, "rules.images_against", len(against), rule=name).text
    heads = [words("rules.column_image"), words("rules.column_value")]
    rows = [
        [shortened(printable(image.name), LONGEST), figure(words, image.value, "number")] for image in against[:WORST]
    ]
    more = [text(words("rules.images_more", n=len(against) - WORST))] if len(against) > WORST else []
    opening = f"<details><summary>{_html(head)}</summary>"
    return "\n\n".join([opening, _rows(heads, rows), *more, "</details>"])


def _rows(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *[[text(cell) for cell in row] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _html(given: str) -> str:
    return re.sub(r"[&<>]", lambda found: _ENTITIES[found[0]], given)


OUTPUT = CheckOutput("markdown", "rules.md", render)
