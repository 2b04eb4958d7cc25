"""Annotations of GitHub Actions: a line for each broken rule and its worst images, printed where the runner reads.

GitHub shows ten errors and ten warnings of a step, so the eleventh gives way to how many more there are.
Source: docs.github.com, "Workflow commands"; the escaping is that of actions/toolkit, packages/core/src/command.ts.
"""

from collections.abc import Iterator

from reportgen.contracts import CheckOutput
from reportgen.errors import printable
from reportgen.excerpts import shortened
from reportgen.language import Words
from reportgen.rule_words import image_words, sentence, title
from reportgen.ruling import Checked

SHOWN = 10  # of each kind
LONGEST = 200  # characters of a name


def render(checked: Checked, words: Words) -> bytes:
    """The lines, errors first, as UTF-8."""
    lines: list[str] = []
    for kind, fails in (("error", True), ("warning", False)):
        found = list(_found(checked, words, kind, fails))
        more = words("rules.annotations_more", n=len(found) - SHOWN + 1)
        lines += found if len(found) <= SHOWN else [*found[: SHOWN - 1], _line(kind, {"title": "reportgen"}, more)]
    return "".join(f"{line}\n" for line in lines).encode()


def _found(checked: Checked, words: Words, kind: str, fails: bool) -> Iterator[str]:
    """The rules first, so that none is crowded out by the images of another."""
    broken = [result for result in checked.broken if result.fails == fails]
    for result in broken:
        yield _line(kind, {"title": title(words, result)}, sentence(words, result))
    for result in broken:
        for image in result.against:
            place = {"file": shortened(printable(image.name), LONGEST), "title": title(words, result)}
            yield _line(kind, place, image_words(words, image))


def _line(kind: str, properties: dict[str, str], message: str) -> str:
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind} {given}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


OUTPUT = CheckOutput("annotations", "annotations.txt", render)
