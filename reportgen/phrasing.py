"""How numbers, places and lists are said, and the small steps from a result to a sentence."""

from collections.abc import Mapping, Sequence

from reportgen.document import Paragraph, Sentence
from reportgen.errors import printable
from reportgen.language import Words
from reportgen.results import Explanation, Scalar


def percent(share: Scalar) -> str:
    """A share in [0, 1] as a percentage; what is not all or nothing is never rounded to 100% or 0%."""
    value = 100 * float(share)
    if value in (0, 100) or 9.95 <= value < 99.5:
        return f"{value:.0f}%"
    if value > 99.95:
        return ">99.9%"
    return f"{value:.1f}%" if value >= 0.1 else "<0.1%"


def number(value: Scalar) -> str:
    """Three significant digits, without an exponent where it can be avoided."""
    figure = float(value)
    if figure != 0 and not 1e-3 <= abs(figure) < 1e5:
        return f"{figure:.2e}"
    return f"{figure:.3g}" if abs(figure) < 100 else f"{figure:.0f}"


def signed(value: Scalar) -> str:
    """The same with its sign; the minus is the typographic one."""
    return ("+" if float(value) >= 0 else "−") + number(abs(float(value)))


def count(words: Words, images: int) -> str:
    """How many images, in words."""
    return words("count.images_one") if images == 1 else words("count.images", n=images)


def listing(words: Words, items: Sequence[str]) -> str:
    """The items as "a, b and c", in the page's language."""
    if len(items) < 2:
        return "".join(items)
    return words("title.list_and", head=", ".join(items[:-1]), last=items[-1])


def place(words: Words, key: Scalar) -> str:
    """Where something lies, such as "in the upper left"."""
    return words(f"place.{key}")


def shown_name(name: str) -> str:
    """A file or class name with invisible characters made visible."""
    return printable(name)


def said(words: Words, key: str, keys: Sequence[str] = (), /, **values: object) -> Sentence:
    """One sentence with the JSON keys it rests on."""
    return Sentence(words(key, **values), tuple(keys))


def noted(words: Words, notes: Sequence[tuple[str, Mapping[str, Scalar]]]) -> tuple[Sentence, ...]:
    """Sentences for notes that a source or a selection left."""
    return tuple(
        said(words, key, (), **{name: printable(str(value)) for name, value in facts.items()}) for key, facts in notes
    )


def paragraph(words: Words, heading: str, *sentences: Sentence) -> Paragraph:
    """A paragraph with a run-in heading."""
    return Paragraph(sentences, heading=words(f"heading.{heading}"))


def reason(words: Words, explanation: Explanation) -> str:
    """Why there is no picture, with the error's own words where there are any."""
    text = words(explanation.reason)
    return f"{text} {printable(explanation.detail)}" if explanation.detail else text
