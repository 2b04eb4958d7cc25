import re

import pytest

from reportgen.language import Words, load_references, load_words
from reportgen.phrasing import (
    WEAK_FIT,
    capital,
    citing,
    coefficient,
    count,
    counted,
    is_weak,
    listing,
    noted,
    number,
    paragraph,
    percent,
    place,
    placed,
    reason,
    same_place,
    shown_name,
    signed,
    sources,
    whole,
)
from reportgen.results import Explanation, Target

WORDS = load_words()


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0%"), (1, "100%"), (0.5, "50%"), (0.0994, "9.9%"), (0.0995, "10%"), (0.054, "5.4%"), (0.001, "0.1%"),
        (0.00099, "<0.1%"), (1e-9, "<0.1%"), (0.994, "99%"), (0.995, "99.5%"), (0.9994, "99.9%"), (0.9995, ">99.9%"),
        (1 - 1e-9, ">99.9%"),
    ],
)  # fmt: skip
def test_percentages_never_round_to_all_or_nothing(share: float, said: str) -> None:
    assert percent(share) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"), (1, "1"), (-0.25, "−0.25"), (0.12345, "0.123"), (99.96, "100"), (123.4, "123"), (99999, "99999"),
        (100000, "1.00\u00a0×\u00a010⁵"), (1.4e-9, "1.40\u00a0×\u00a010⁻⁹"), (-2.5e-12, "−2.50\u00a0×\u00a010⁻¹²"),
        (0.001, "0.001"), (16, "16"),
    ],
)  # fmt: skip
def test_numbers_have_three_digits_and_a_readable_exponent(value: float, said: str) -> None:
    assert number(value) == said


@pytest.mark.parametrize(
    ("value", "said"), [(0.0781, "0.08"), (-0.2, "−0.20"), (-0.001, "0.00"), (0.9996, "1.00"), (-0.0, "0.00")]
)
def test_coefficients_have_two_decimals(value: float, said: str) -> None:
    assert coefficient(value) == said


@pytest.mark.parametrize(("r2", "weak"), [(0.494, True), (0.496, False), (0.5, False), (-3.0, True)])
def test_a_fit_is_weak_where_its_printed_number_is(r2: float, weak: bool) -> None:
    assert is_weak(r2) == weak
    assert (float(coefficient(r2).replace("−", "-")) < WEAK_FIT) == weak


@pytest.mark.parametrize(("value", "said"), [(0.31, "+0.31"), (-0.31, "−0.31"), (0, "+0")])
def test_signed_numbers_always_show_their_sign(value: float, said: str) -> None:
    assert signed(value) == said


def test_counts_and_lists() -> None:
    assert whole(4567890) == "4,567,890"
    assert [count(WORDS, 1), count(WORDS, 3), count(WORDS, 1, "layers"), count(WORDS, 2, "classes")] == [
        "1 image", "3 images", "1 layer", "2 classes",
    ]  # fmt: skip
    assert [listing(WORDS, items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "", "a", "a and b", "a, b and c",
    ]  # fmt: skip
    assert (capital("lIME on"), capital("")) == ("LIME on", "")


@pytest.mark.parametrize(
    ("places", "common"),
    [
        (["left"] * 3, ("left", 3)),
        (["left"] * 3 + ["right"], ("left", 3)),
        (["left"] * 2, None),  # two of two are no pattern
        (["left"] * 3 + ["right"] * 2, None),
        (["centre"] * 9, None),  # where photographers put things
        ([], None),
    ],
)
def test_a_common_place_is_one_that_chance_hardly_gives(places: list[str], common: tuple[str, int] | None) -> None:
    assert same_place(places) == common


def test_a_place_that_all_share_is_said_so() -> None:
    words = Words("xx", {"a": "{n} of {total} {place}", "a_all": "all {total} {place}", "place.left": "on the left"})
    assert placed(words, "a", ("left", 3), 4, ("k",)).text == "3 of 4 on the left"
    assert placed(words, "a", ("left", 4), 4).text == "all 4 on the left"
    assert place(words, "left") == "on the left"


def test_one_thing_has_a_sentence_of_its_own() -> None:
    words = Words("xx", {"a": "{n} images", "a_one": "one image"})
    assert [counted(words, "a", n, ("k",)).text for n in (0, 1, 2)] == ["0 images", "one image", "2 images"]
    assert counted(words, "a", 1, ("k",)).keys == ("k",)


def test_hostile_values_are_shown_and_never_filled_in_again() -> None:
    assert shown_name("a\u202egpj.exe\n{x}") == "a<U+202E>gpj.exe<U+000A>{x}"
    words = Words("xx", {"a": "from {file}"})
    assert [each.text for each in noted(words, [("a", {"file": "{x}\x1b"})])] == ["from {x}<U+001B>"]


def test_a_reason_carries_the_errors_own_words() -> None:
    target = Target(0, "a", "predicted")
    failed = Explanation("lime", target, "failed", None, "reason.raised", "ValueError: {x}\x1b")
    assert reason(WORDS, failed) == WORDS("reason.raised") + " ValueError: {x}<U+001B>"
    flat = Explanation("lime", target, "degenerate", None, "reason.flat_gradient")
    assert reason(WORDS, flat) == WORDS("reason.flat_gradient")


def test_a_place_named_after_a_source_cites_it() -> None:
    words = Words("xx", {"a": "See {ribeiro2016} and {garreau2021}, {ribeiro2016}.", "b": "{x}"})
    assert sources(words, "a", "b") == ("ribeiro2016", "garreau2021")
    assert citing(words, "a").text == ("See Ribeiro et al. 2016 and Garreau and Mardaoui 2021, Ribeiro et al. 2016.")


def test_a_short_citation_names_the_year_and_the_first_author() -> None:
    for key, entry in load_references().items():
        author, year = re.fullmatch(r"([\w.-]+).* (\d{4})", entry["short"]).groups()  # type: ignore[union-attr]  # a failure is the test's
        assert author in entry["text"], key
        assert year in entry["text"], key


def test_a_paragraph_has_its_heading_and_tone() -> None:
    made = paragraph(WORDS, "what", tone="finding")
    assert (made.heading, made.tone, made.sentences) == (WORDS("heading.what"), "finding", ())
