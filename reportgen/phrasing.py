"""How numbers, places and lists are said, and the small steps from a result to a sentence."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from string import Formatter
from typing import Literal

from reportgen.document import Paragraph, Sentence
from reportgen.errors import printable
from reportgen.language import Words, load_references
from reportgen.results import Explanation, Failure, FilterStudy, ImageInput, Scalar

WEAK_FIT = 0.5  # R² below which the linear model misses more of the variation than it explains
FOLLOWS = 0.5  # r from which a filter is said to follow something: a quarter of the variance
DENSER = 1.5  # times the average from which evidence gathers somewhere
CONFIDENT = 0.9  # probability from which an error is a confident one
ALIKE = 1.1  # times the average up to which a difference is chance
# Of the images: by chance about 1 run in 20 with 4 images, fewer with more.
SAME_PLACE_SHARE, SAME_PLACE_LEAST = 0.75, 3

_TIMES = "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def percent(share: Scalar) -> str:
    """A share in [0, 1] as a percentage; what is not all or nothing is never rounded to 100% or 0%."""
    value = 100 * float(share)
    if value in (0, 100) or 9.95 <= value < 99.5:
        return f"{value:.0f}%"
    if value >= 99.95:
        return ">99.9%"
    return f"{value:.1f}%" if value >= 0.1 else "<0.1%"


def points(share: Scalar) -> str:
    """A change of a share in [-1, 1] in percentage points, without its sign."""
    return percent(abs(float(share))).removesuffix("%")


def number(value: Scalar) -> str:
    """Three significant digits, with a power of ten only where it cannot be avoided; the minus is typographic."""
    figure = float(value)
    if figure != 0 and not 1e-3 <= abs(figure) < 1e5:
        mantissa, exponent = f"{figure:.2e}".split("e")
        power = str(int(exponent)).translate(_SUPERSCRIPTS)
        return f"{mantissa.replace('-', '−')}{_TIMES}10{power}"
    text = f"{figure:.3g}" if abs(figure) < 100 else f"{figure:.0f}"
    return text.replace("-", "−")


def coefficient(value: Scalar) -> str:
    """A correlation, a coherence or an R²: two decimals, for more would claim more than was measured."""
    return f"{float(value) + 0.0:.2f}".replace("-", "−").replace("−0.00", "0.00")


def compared(value: Scalar, threshold: Scalar) -> str:
    """Such as "0.31 > 0.12"; three decimals where two would hide the difference."""
    one, other = float(value), float(threshold)
    sign = ">" if one > other else "<" if one < other else "="
    if coefficient(one) != coefficient(other) or sign == "=":
        return f"{coefficient(one)} {sign} {coefficient(other)}"
    return f"{third_decimal(one)} {sign} {third_decimal(other)}"


def third_decimal(value: Scalar) -> str:
    """A coefficient to three decimals."""
    return f"{float(value) + 0.0:.3f}".replace("-", "−").replace("−0.000", "0.000")


def is_weak(r2: float) -> bool:
    """Whether a linear model misses more than it explains, judged by the R² that is printed."""
    return round(r2, 2) < WEAK_FIT


def signed(value: Scalar) -> str:
    """The same with its sign."""
    return ("+" if float(value) >= 0 else "−") + number(abs(float(value)))


def whole(value: int) -> str:
    """A count, its thousands apart: 4,567,890."""
    return f"{value:,}"


def count(words: Words, n: int, what: str = "images") -> str:
    """How many images, layers or classes, in words."""
    return words(f"count.{what}_one") if n == 1 else words(f"count.{what}", n=n)


def listing(words: Words, items: Sequence[str]) -> str:
    """The items as "a, b and c", in the page's language."""
    if len(items) < 2:
        return "".join(items)
    return words("join.last", head=enumerated(words, items[:-1]), tail=items[-1])


def enumerated(words: Words, items: Iterable[str]) -> str:
    """The items as "a, b, c", in the page's language."""
    return words("join.items", head="", tail="").join(items)


def apart(words: Words, items: Iterable[str]) -> str:
    """The items as "a; b; c", for items that may hold commas."""
    return words("join.parts", head="", tail="").join(items)


def joined(words: Words, sentences: Iterable[str]) -> str:
    """Whole sentences in one text: where a language puts a space between two, and where not."""
    return words("join.sentences", head="", tail="").join(sentences)


def capital(text: str) -> str:
    """The text with its first letter large, as a title begins."""
    return text[:1].upper() + text[1:]


def place(words: Words, key: Scalar) -> str:
    """Where something lies, such as "in the upper left"."""
    return words(f"place.{key}")


def same_place(places: Iterable[Scalar]) -> tuple[str, int] | None:
    """The place that too many share for chance, and how many; None where there is none.

    The centre does not count: photographers put things there.
    """
    listed = [str(each) for each in places]
    for common, times in Counter(listed).most_common(1):
        if common != "centre" and times >= max(SAME_PLACE_LEAST, SAME_PLACE_SHARE * len(listed)):
            return common, times
    return None


def placed(words: Words, key: str, common: tuple[str, int], total: int, keys: Sequence[str] = ()) -> Sentence:
    """A sentence on a place that many images share: under `key`, or under `key`_all where all do."""
    where, times = place(words, common[0]), common[1]
    return said(words, f"{key}_all" if times == total else key, keys, n=times, total=total, place=where)


def shown_name(name: str) -> str:
    """A file or class name with invisible characters made visible."""
    return printable(name)


def said(words: Words, key: str, keys: Sequence[str] = (), /, **values: object) -> Sentence:
    """One sentence with the JSON keys it rests on."""
    return Sentence(words(key, **values), tuple(keys))


def counted(words: Words, key: str, n: int, keys: Sequence[str] = (), /, **values: object) -> Sentence:
    """A sentence about n things: under `key`, or under `key`_one where n is 1."""
    return said(words, key if n != 1 else f"{key}_one", keys, n=n, **values)


def noted(words: Words, notes: Sequence[tuple[str, Mapping[str, Scalar]]]) -> tuple[Sentence, ...]:
    """Sentences for notes that a source or a selection left."""

    def told(name: str, value: Scalar) -> str:
        text = printable(str(value))
        return enumerated(words, text.split(", ")) if name == "indices" else text

    return tuple(
        said(words, key, (), **{name: told(name, value) for name, value in facts.items()}) for key, facts in notes
    )


def sources(words: Words, *keys: str) -> tuple[str, ...]:
    """The sources that the sentences cite, in their order: places named after a key of references.toml."""
    known = load_references()
    names = (name for key in keys for _, name, _, _ in Formatter().parse(words.sentences[key]))
    return tuple(dict.fromkeys(name for name in names if name is not None and name in known))


def citing(words: Words, key: str, keys: Sequence[str] = (), /, **values: object) -> Sentence:
    """A sentence with its sources cited, such as "Simonyan et al. 2014"."""
    references = load_references()
    cited = {name: references[name]["short"] for name in sources(words, key)}
    return said(words, key, keys, **values, **cited)


def paragraph(
    words: Words, heading: str, *sentences: Sentence, tone: Literal["plain", "finding", "note", "warning"] = "plain"
) -> Paragraph:
    """A paragraph with a run-in heading."""
    return Paragraph(sentences, tone, words(f"heading.{heading}"))


def size_words(words: Words, image: ImageInput) -> str:
    """Height and width of a photograph as it came."""
    return words("card.size", height=image.original_size[0], width=image.original_size[1])


def conversions(words: Words, image: ImageInput) -> str:
    """What was done to a photograph before it was fed."""
    return enumerated(words, [words(f"conversion.{key}") for key in image.conversions])


def as_it_came(words: Words, image: ImageInput) -> str:
    """Size and conversions of a photograph, for the line below it."""
    size, done = size_words(words, image), conversions(words, image)
    return words("card.converted", size=size, conversions=done) if done else size


def told_failure(words: Words, failure: Failure) -> tuple[str, str]:
    """Why something failed and what to do: in the page's language where it has words for this error."""
    keys = f"problem.{failure.code}_why", f"problem.{failure.code}_fix"
    why = words(keys[0]) if words.has(keys[0]) else capital(printable(failure.why))
    return why, words(keys[1]) if words.has(keys[1]) else printable(failure.fix)


def reason(words: Words, result: Explanation | FilterStudy) -> str:
    """Why there is no picture, with the error's own words where there are any."""
    text = words(result.reason)
    return joined(words, [text, printable(result.detail)]) if result.detail else text
