"""How a rule's outcome is said: its value, what was asked, and one sentence where it failed."""

from reportgen.language import Words
from reportgen.phrasing import count, place, shown_name
from reportgen.results import Scalar
from reportgen.ruling import Checked, ImageRuling, RuleResult, Unit

MEGABYTE = 1_000_000
DIGITS, EXACT = 4, 17  # significant digits, as a rule and at most
SHA_SHOWN = 12


def figure(words: Words, value: float, unit: Unit, digits: int = DIGITS) -> str:
    """A value in its unit: 83.33%, 1.5, yes, 25 MB."""
    if unit == "flag":
        return words("rules.yes" if value else "rules.no")
    if unit == "bytes":
        return words("rules.bytes", size=f"{value / MEGABYTE:.{digits}g}")
    if unit == "seconds":
        return words("rules.seconds", n=f"{value:.{digits}g}")
    return f"{100 * value:.{digits}g}%" if unit == "share" else f"{value:.{digits}g}"


def value_words(words: Words, result: RuleResult) -> str:
    """The value, or that there is none. What failed by little has the digits that show it."""
    if result.value is None:
        return words("rules.value_not_tested")
    shown = [figure(words, result.value, result.unit, digits) for digits in range(DIGITS, EXACT + 1)]
    asked = figure(words, result.threshold, result.unit)
    return next((each for each in shown if each != asked), shown[-1]) if result.broken else shown[0]


def asked_words(words: Words, result: RuleResult) -> str:
    """What was asked: "at least 80%"."""
    key = "rules.must_be" if result.unit == "flag" else f"rules.{result.sense}"
    return words(key, threshold=figure(words, result.threshold, result.unit))


def image_words(words: Words, image: ImageRuling) -> str:
    """What speaks against a rule on one image, and where report.json holds it."""
    return words("rules.image", value=figure(words, image.value, "number"), key=image.key)


def title(words: Words, result: RuleResult) -> str:
    """What the rule judges."""
    return words(f"rule.{result.name}")


def sentence(words: Words, result: RuleResult) -> str:
    """Why a rule failed or was not tested; empty where it passed."""
    if result.value is None:
        reason = words(result.reason)
        return words("rules.required", rule=title(words, result), reason=reason) if result.broken else reason
    if not result.broken:
        return ""
    facts: dict[str, Scalar] = dict(result.facts)
    if "place" in facts:
        facts["place"] = place(words, facts["place"])
    value, asked = value_words(words, result), asked_words(words, result)
    return words(f"broken.{result.name}", value=value, asked=asked, **facts)


def verdict(words: Words, checked: Checked) -> str:
    """The whole check in one sentence, the first reason in it."""
    if broken := checked.broken:
        stage = "failed" if checked.fails else "warned"
        n = sum(each.fails for each in broken) or len(broken)
        key = f"rules.verdict_{stage}"
        return words(key if n > 1 else f"{key}_one", n=n, sentence=sentence(words, broken[0]))
    tested = [each for each in checked.results if each.outcome != "not_tested"]
    if not tested:
        return words("rules.verdict_untested")
    key = "rules.verdict_passed" if len(tested) < len(checked.results) else "rules.verdict_passed_all"
    return words(key, n=len(tested), total=len(checked.results))


def judged_words(words: Words, checked: Checked) -> str:
    """What was judged, and where the whole report lies."""
    model, folder, sha = shown_name(checked.model), shown_name(checked.folder), checked.sha256[:SHA_SHOWN]
    return words(
        "rules.judged", model=model, sha=sha, images=count(words, checked.images), folder=folder, page=checked.page
    )
