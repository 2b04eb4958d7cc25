"""How far LIME's weights can be believed: settled or not, and whether another fill or another cut says the same."""

from collections.abc import Iterator, Sequence

from reportgen.document import Sentence
from reportgen.language import Words
from reportgen.panels import Found, found
from reportgen.phrasing import coefficient, counted, listing, number, percent, said, signed, third_decimal, whole
from reportgen.results import Facts, Run

AGREES = 0.5  # share of the highest correlation that chance allows, below which two explanations disagree
TELLING = 0.5  # highest correlation that chance allows, below which a comparison tells nothing
SLIGHT = 0.01  # of probability, below which even the heaviest region hardly moves the answer
SMALL = 0.001  # half of an interval, below which only that is said
CHECKS = ("fill", "segmentation")


def weight_with_margin(words: Words, item: Found) -> str:
    """The heaviest region's weight, with half of its interval where that is known."""
    weight = signed(item.measure("largest_weight"))
    if not margined(item):
        return weight
    margin = item.measure("largest_margin")
    if margin < SMALL:
        return words("lime.margin_small", weight=weight)
    return words("lime.margin", weight=weight, margin=third_decimal(margin) if margin < 1 else number(margin))


def margin_keys(item: Found) -> tuple[str, ...]:
    """Where report.json holds what `weight_with_margin` says."""
    return item.keys("largest_weight", *(("largest_margin",) if margined(item) else ()))


def stands_out(item: Found) -> bool:
    """Whether the heaviest region's sign is beyond chance, as far as that is known."""
    return item.measure("largest_margin") < abs(item.measure("largest_weight")) if margined(item) else True


def margined(item: Found) -> bool:
    """Whether the weights' intervals are known."""
    return "largest_margin" in item.explanation.measures


def disagrees(item: Found, check: str) -> bool:
    """Whether the weights change beyond chance under the check."""
    facts = item.explanation.measures
    if f"{check}_agreement" not in facts:
        return False
    ceiling = float(facts[f"{check}_ceiling"])
    return ceiling >= TELLING and float(facts[f"{check}_agreement"]) < AGREES * ceiling


def samplings(run: Run) -> dict[str, Facts]:
    """The ways in which LIME drew its masks, each with parameters of an explanation that did; mostly one."""
    facts = (item.explanation.parameters for item in found(run, "lime") if item.explanation.parameters)
    return {str(each["sampling"]): each for each in facts}


def sentences(words: Words, drawn: Sequence[Found]) -> Iterator[Sentence]:
    """For the section: how many passes it took, what is not settled, and what the checks say."""
    yield from _passes(words, drawn)
    yield from _open(words, drawn)
    stood_in = [item for item in drawn if item.explanation.measures["cut_by"] != _asked(item)]
    if stood_in:
        keys = tuple(key for item in stood_in for key in item.keys("cut_by"))
        names = listing(words, [item.name for item in stood_in])
        yield said(words, "lime.shows_grid", keys, names=names, segmentation=words(f"segmentation.{_asked(drawn[0])}"))
    for check in CHECKS:
        yield from _check(words, drawn, check)


def card(words: Words, item: Found) -> Iterator[Sentence]:
    """For one image: what is open, and what a check contradicts."""
    facts = item.explanation.measures
    if item.explanation.parameters["sampling"] == "designed" and abs(item.measure("largest_weight")) < SLIGHT:
        mean = percent(facts["mean"])
        yield said(words, "card.lime_slight", item.keys("mean", "largest_weight"), mean=mean, target=item.target)
    if facts["unsettled"]:
        keys = item.keys("unsettled", "shown", "passes")
        numbers = {"total": facts["shown"], "passes": whole(int(item.measure("passes")))}
        yield counted(words, "card.lime_open", int(item.measure("unsettled")), keys, **numbers)
    for check in CHECKS:
        if disagrees(item, check):
            keys = item.keys(f"{check}_agreement", f"{check}_ceiling")
            other = words(f"{check}.{item.explanation.parameters[f'second_{check}']}")
            r = coefficient(facts[f"{check}_agreement"])
            yield said(words, f"card.lime_{check}", keys, other=other, r=r)


def _asked(item: Found) -> str:
    return str(item.explanation.parameters["segmentation"])


def _passes(words: Words, drawn: Sequence[Found]) -> Iterator[Sentence]:
    if any(item.explanation.parameters["sampling"] != "designed" for item in drawn):
        return
    ordered = sorted(drawn, key=lambda item: item.measure("passes"))
    low, high = (whole(int(item.measure("passes"))) for item in (ordered[0], ordered[-1]))
    keys = (*ordered[0].keys("passes"), *ordered[-1].keys("passes"))
    if low == high:
        yield said(words, "lime.shows_passes_same", keys, passes=low)
    else:
        yield said(words, "lime.shows_passes", keys, low=low, high=high)


def _open(words: Words, drawn: Sequence[Found]) -> Iterator[Sentence]:
    unsettled = [item for item in drawn if not item.explanation.measures["settled"]]
    keys = tuple(key for item in drawn for key in item.keys("settled"))
    if not unsettled:
        yield said(words, "lime.shows_settled" if len(drawn) > 1 else "lime.shows_settled_one", keys)
        return
    if len(drawn) == 1:
        yield said(words, "lime.shows_open_only", keys)
    elif len(unsettled) == len(drawn):
        yield said(words, "lime.shows_open_all", keys)
    else:
        names = listing(words, [item.name for item in unsettled])
        yield counted(words, "lime.shows_open", len(unsettled), keys, total=len(drawn), names=names)


def _check(words: Words, drawn: Sequence[Found], check: str) -> Iterator[Sentence]:
    tested = [item for item in drawn if f"{check}_agreement" in item.explanation.measures]
    telling = [item for item in tested if item.measure(f"{check}_ceiling") >= TELLING]
    against = [item for item in telling if disagrees(item, check)]
    if not tested:
        return
    keys = tuple(key for item in tested for key in item.keys(f"{check}_agreement", f"{check}_ceiling"))
    other = words(f"{check}.{tested[0].explanation.parameters[f'second_{check}']}")
    if not telling:
        yield said(words, f"lime.shows_{check}_unknown", keys, other=other)
    elif against:
        worst = min(against, key=lambda item: item.measure(f"{check}_agreement"))
        values = {"other": other, "r": coefficient(worst.measure(f"{check}_agreement")), "name": worst.name}
        if len(telling) == 1:
            yield said(words, f"lime.shows_{check}_against_only", keys, **values)
        else:
            yield counted(words, f"lime.shows_{check}_against", len(against), keys, total=len(telling), **values)
    else:
        rs = [item.measure(f"{check}_agreement") for item in telling]
        values = {"other": other, "low": coefficient(min(rs)), "high": coefficient(max(rs))}
        yield counted(words, f"lime.shows_{check}_for", len(telling), keys, total=len(telling), **values)
