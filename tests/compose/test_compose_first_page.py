"""Page one: which image comes first and why, which class was taken for which, and what the cards are found by."""

import re
from dataclasses import replace

import numpy as np
import pytest
from fake_run import fake_image, fake_run
from reading import WORDS, says, texts, written
from scenarios import judged_as, many_classes

from reportgen.anchors import image_anchor, picture_anchor
from reportgen.compose.confusion import PAIRS, WIDEST, confusion
from reportgen.compose.controls import ORDERS, with_controls
from reportgen.compose.overview import SHOWN
from reportgen.compose.ranking import GROUPS, worst_first
from reportgen.document import Card, Controls, Matrix, Overview, Section, Table
from reportgen.results import ImageInput, Prediction, RankedClass, Run, Target

PLAIN = fake_run(images=8, profile="default", trouble=False)


def answered(run: Run, *answers: tuple[int, float, int | None]) -> Run:
    """The run with these answers: (class answered, its probability, label or None)."""

    def prediction(answer: int, probability: float, label: int | None) -> Prediction:
        names = [f"class {n}" for n in range(40)]
        known = None if label is None else RankedClass(label, names[label], probability if label == answer else 0.01)
        return Prediction((RankedClass(answer, names[answer], probability),), np.zeros(40, np.float32), known)

    made = zip(run.subjects, answers, strict=False)
    return replace(run, subjects=tuple(replace(subject, prediction=prediction(*each)) for subject, each in made))


def test_the_worst_comes_first() -> None:
    run = judged_as(
        answered(PLAIN, (0, 0.6, 0), (0, 0.97, 1), (0, 0.4, 1), (0, 0.9, 1), (0, 0.99, None), (0, 0.7, 1), (0, 0.3, 0)),
        ["supported"],
    )
    ranked = worst_first(run)
    assert [each.position for each in ranked] == [1, 3, 5, 2, 6, 0, 4]
    assert [each.group for each in ranked] == ["confident"] * 2 + ["wrong"] * 2 + ["rest"] * 3


def test_a_failed_method_and_a_picture_without_support_come_before_what_holds() -> None:
    run = answered(judged_as(PLAIN, ["supported"]), *[(0, 0.8, 0)] * 4)
    unsupported = judged_as(replace(run, subjects=run.subjects[2:3]), ["fails", "not_tested"]).subjects[0]
    broken = replace(
        run.subjects[3].explanations[0], status="failed", result=None, reason="reason.raised", verdict=None
    )
    failed = replace(run.subjects[3], explanations=(broken, *run.subjects[3].explanations[1:]))
    ranked = worst_first(replace(run, subjects=(*run.subjects[:2], unsupported, failed)))
    assert [(each.position, each.group) for each in ranked] == [
        (3, "failed"), (2, "unsupported"), (0, "rest"), (1, "rest"),
    ]  # fmt: skip
    assert set(GROUPS) >= {each.group for each in ranked}


def test_what_was_not_tested_is_not_held_against_an_image() -> None:
    run = answered(judged_as(PLAIN, ["not_tested"]), *[(0, 0.8, 0)] * 2)
    assert {each.group for each in worst_first(run)} == {"rest"}


def test_page_one_lists_them_in_that_order_with_the_reason() -> None:
    run = answered(PLAIN, (0, 0.6, 0), (0, 0.97, 1), (0, 0.4, 1))
    overview = next(block for block in written(run).sections[0].blocks if isinstance(block, Overview))
    names = [run.subjects[n].image.name for n in (1, 2, 0)]
    assert [item.name for item in overview.items] == [re.sub("\u202e", "<U+202E>", name) for name in names]
    assert [item.why for item in overview.items] == ["confident error", "", ""]
    assert [item.anchor for item in overview.items] == [image_anchor(run.subjects[n].image) for n in (1, 2, 0)]


def test_of_many_images_page_one_shows_the_worst_and_says_how_many_there_are() -> None:
    run = fake_run(images=SHOWN + 1, profile="default", methods=("saliency",), trouble=False)
    overview = next(block for block in written(run).sections[0].blocks if isinstance(block, Overview))
    assert len(overview.items) == SHOWN
    assert f"{SHOWN} of {SHOWN + 1}" in overview.caption


@pytest.mark.parametrize(
    ("answers", "key"),
    [
        ([(0, 0.95, 1)], "verdict_page.confident_only"),
        ([(0, 0.95, 1), (0, 0.5, 1)], "verdict_page.confident_one"),
        ([(0, 0.95, 1), (0, 0.9, 1), (0, 0.5, 1)], "verdict_page.confident"),
        ([(0, 0.89, 1), (1, 0.9, 1)], "verdict_page.unsure_one"),
        ([(0, 0.89, 1), (0, 0.5, 1)], "verdict_page.unsure"),
        ([(1, 0.99, 1), (0, 0.5, None)], None),
    ],
)
def test_the_verdict_says_how_sure_the_errors_are(
    answers: list[tuple[int, float, int | None]], key: str | None
) -> None:
    run = answered(PLAIN, *answers)
    sentences = [name for name in WORDS.sentences if name.startswith("verdict_page.")]
    assert [name for name in sentences if says(run, name, "summary")] == ([key] if key else [])
    assert "In short." in [getattr(block, "heading", "") for block in written(run).sections[0].blocks][:1]


def test_without_labels_and_verdicts_there_is_nothing_in_short() -> None:
    blocks = written(answered(PLAIN, (0, 0.5, None))).sections[0].blocks
    assert "In short." not in [getattr(block, "heading", "") for block in blocks]
    assert "No labels are known" in texts(answered(PLAIN, (0, 0.5, None)), "summary")


def matrix_of(run: Run) -> Matrix:
    made = confusion(run, WORDS)
    assert isinstance(made, Matrix)
    return made


def test_the_matrix_counts_as_numpy_does() -> None:
    rng = np.random.default_rng(7)
    pairs = rng.integers(0, 5, (60, 2))
    subjects = PLAIN.subjects * 8
    run = answered(replace(PLAIN, subjects=subjects[:60]), *[(int(a), 0.5, int(b)) for a, b in pairs])
    expected = np.zeros((5, 5), int)
    np.add.at(expected, (pairs[:, 1], pairs[:, 0]), 1)
    matrix = matrix_of(run)
    assert [[int(cell.text) for cell in row.cells] for row in matrix.rows] == expected.tolist()
    assert [row.share for row in matrix.rows] == [f"{100 * row[i] / row.sum():.0f}%" if row[i] else "0%"
                                                 for i, row in enumerate(expected)]  # fmt: skip
    assert [[cell.right for cell in row.cells] for row in matrix.rows] == np.eye(5, dtype=bool).tolist()
    shares = expected / expected.sum(axis=1, keepdims=True)
    assert [[cell.heat for cell in row.cells] for row in matrix.rows] == np.ceil(5 * shares - 1e-9).astype(int).tolist()


def test_only_classes_that_occur_have_a_place() -> None:
    matrix = matrix_of(answered(PLAIN, (2, 0.5, 9), (9, 0.5, 9), (4, 0.5, None)))
    assert matrix.columns == ("class 2", "class 9")
    assert [row.name for row in matrix.rows] == ["class 9"]


def test_many_classes_are_numbered_and_too_many_become_a_list() -> None:
    nine = matrix_of(answered(replace(PLAIN, subjects=PLAIN.subjects * 2), *[(n, 0.5, n) for n in range(9)]))
    assert nine.columns == tuple(map(str, range(1, 10)))
    assert nine.rows[2].name == "3 class 2"
    assert "numbers" in nine.caption
    pairs = [(n, 0.5, n + 1) for n in range(WIDEST + 8)] + [(0, 0.5, 1)]
    table = confusion(answered(replace(PLAIN, subjects=PLAIN.subjects * 5), *pairs), WORDS)
    assert isinstance(table, Table)
    assert table.rows[0] == ("class 1", "class 0", "2")
    assert len(table.rows) == PAIRS
    assert f"the {PAIRS} most frequent of {WIDEST + 8}" in table.caption


@pytest.mark.parametrize(
    "answers", [[(0, 0.5, None)] * 3, [(0, 0.5, 1)], [(0, 0.5, 0)] * 3], ids=["none", "one", "same"]
)
def test_no_matrix_where_it_would_say_nothing(answers: list[tuple[int, float, int | None]]) -> None:
    assert confusion(answered(PLAIN, *answers), WORDS) is None


def test_every_card_is_found_by_what_it_is() -> None:
    run = judged_as(answered(PLAIN, (0, 0.95, 0), (1, 0.6, 0), (2, 0.4, None)), ["supported", "weak"])
    found = [card_of(each).tokens for each in sections(run)]
    assert [set(each) - {"v-supported", "v-weak"} for each in found] == [
        {"right", "c0", "sure"}, {"wrong", "c0", "c1", "middling"}, {"unknown", "c2", "unsure"},
    ]  # fmt: skip
    assert all("v-supported" in each for each in found)


def test_every_choice_shows_some_cards_and_every_order_has_each_card_once() -> None:
    run = judged_as(fake_run(images=6), ["supported", "fails"])
    *_, controls = written(run).sections[2].blocks
    assert isinstance(controls, Controls)
    cards = [card_of(each) for each in sections(run)]
    for choice in controls.filters:
        assert choice.options[0].token == ""
        for option in choice.options[1:]:
            assert sum(option.token in card.tokens for card in cards) > 0
    assert len(controls.order.options) == len(ORDERS)
    for place in range(len(ORDERS)):
        assert sorted(card.order[place] for card in cards) == list(range(7))  # an image that failed, and six


def test_orders_put_cards_where_they_say() -> None:
    run = answered(PLAIN, (0, 0.95, 0), (1, 0.6, 0), (2, 0.4, None))
    places = {name: [card_of(each).order[n] for each in sections(run)] for n, name in enumerate(ORDERS)}
    assert places == {
        "given": [0, 1, 2], "worst": [2, 0, 1], "least_sure": [2, 1, 0], "most_sure": [0, 1, 2], "name": [0, 1, 2],
    }  # fmt: skip


def test_one_card_needs_no_controls() -> None:
    run = answered(PLAIN, (0, 0.5, 0))
    section = with_controls(Section("images", "Images", sections=(Section("one", "One"),)), run, WORDS)
    assert section.blocks == ()
    assert section.sections[0].card is not None


def sections(run: Run) -> tuple[Section, ...]:
    return next(each for each in written(run).sections if each.anchor == "images").sections


def card_of(section: Section) -> Card:
    assert section.card is not None
    return section.card


def test_only_classes_on_the_page_are_offered() -> None:
    controls = next(each for each in written(many_classes()).sections if each.anchor == "images").blocks[-1]
    assert isinstance(controls, Controls)
    kinds = next(choice for choice in controls.filters if choice.label == "Class")
    assert 2 < len(kinds.options) < 20


def named(name: str, content: str = "a" * 64) -> ImageInput:
    return replace(fake_image(0), name=name, sha256=content)


def test_an_address_depends_on_its_own_image_only() -> None:
    few, many = fake_run(images=2), fake_run(images=4)
    assert [image_anchor(s.image) for s in few.subjects] == [image_anchor(s.image) for s in many.subjects[:2]]
    assert image_anchor(named("a.jpg")) != image_anchor(named("a.png"))
    assert image_anchor(named("a.jpg")) != image_anchor(named("a.jpg", "b" * 64))


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("scenes/striped disc/1.jpg", "scenes-striped-disc-1-"),
        ("0_12.jpg", "image-0-12-"),
        ("展覽/夜市小吃.jpg", "image-"),
        ("Crème.JPEG", "creme-"),
        ("<script>.png", "script-"),
        ("\udc80.jpg", "image-"),
        ("x" * 300 + ".png", "x" * 40 + "-"),
    ],
)
def test_an_address_is_plain(name: str, start: str) -> None:
    assert re.fullmatch(re.escape(start) + "[0-9a-f]{8}", image_anchor(named(name)))


def test_the_pictures_of_a_card_have_addresses_of_their_own() -> None:
    image = named("a.jpg")
    base = image_anchor(image)
    assert picture_anchor(image, "original") == f"{base}/original"
    assert picture_anchor(image, "lime", Target(1, "x", "predicted")) == f"{base}/lime"
    assert picture_anchor(image, "lime", Target(1, "x", "label")) == f"{base}/lime-label"
