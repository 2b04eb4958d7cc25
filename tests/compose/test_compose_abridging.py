"""A PDF of many images holds the worst of them, says so, and carries every number along."""

from dataclasses import replace

import pytest
from fake_run import fake_run
from reading import WORDS, all_sections

from reportgen.anchors import image_anchor
from reportgen.compose import abridged, compose, with_fewer_figures
from reportgen.compose.ranking import worst_first
from reportgen.document import Figure, Matrix, NoPicture, Overview, Panel, Paragraph, ReportDocument, Table
from reportgen.phrasing import shown_name
from reportgen.results import Note

RUN = fake_run(images=9)
ALL = len(RUN.subjects)
WHOLE = compose(RUN, WORDS)
WORST = [image_anchor(RUN.subjects[each.position].image) for each in worst_first(RUN)]


def figures(document: ReportDocument) -> list[Figure]:
    return [b for s in all_sections(document.sections) for b in s.blocks if isinstance(b, Figure)]


def cards(document: ReportDocument) -> list[str]:
    found = next(each for each in document.sections if each.anchor == "images").sections
    return [each.anchor for each in found]


@pytest.mark.parametrize("most", [1, 2, 5, 8])
def test_the_worst_have_their_cards_and_figures_and_no_other(most: int) -> None:
    document = abridged(WHOLE, RUN, WORDS, most, ALL)
    kept = set(WORST[:most])
    assert [each for each in cards(document) if not each.startswith("failed")] == [
        image_anchor(subject.image) for subject in RUN.subjects if image_anchor(subject.image) in kept
    ]
    for method in ("saliency-figure", "saliency-writeup", "lime-figure", "lime-writeup"):
        shown = [each for f in figures(document) if f.anchor.startswith(method) for each in f.about]
        before = [each for f in figures(WHOLE) if f.anchor.startswith(method) for each in f.about if each in kept]
        assert shown == before
        assert set(shown) == kept
    overview = next(block for block in document.sections[0].blocks if isinstance(block, Overview))
    assert [item.anchor for item in overview.items] == WORST[:most]


def test_panels_stay_in_the_columns_of_their_images() -> None:
    document = abridged(WHOLE, RUN, WORDS, 5, ALL)

    def columns(made: ReportDocument) -> list[tuple[str, tuple[Panel, ...]]]:
        found = [f for f in figures(made) if len(f.rows) == 2 and f.anchor.startswith("saliency-figure")]
        return [pair for f in found for pair in zip(f.about, zip(*f.rows, strict=True), strict=False)]

    assert columns(document) == [each for each in columns(WHOLE) if each[0] in WORST[:5]]
    for figure in figures(document):
        assert {len(row) for row in figure.rows} == {len(figure.rows[0])}
        empty = [panel.content == NoPicture("") for panel in figure.rows[0]]
        assert empty == sorted(empty)  # what is empty stands last


def tables(made: ReportDocument) -> list[Table | Matrix]:
    return [b for s in all_sections(made.sections) for b in s.blocks if isinstance(b, Matrix | Table)]


def test_numbers_run_on_and_tables_hold_the_images_shown() -> None:
    document = abridged(WHOLE, RUN, WORDS, 2, ALL)
    assert [each.number for each in figures(document)] == list(range(1, len(figures(document)) + 1))
    anchors = {shown_name(each.image.name): image_anchor(each.image) for each in RUN.subjects}
    shortened = 0
    for made, whole in zip(tables(document), tables(WHOLE), strict=True):
        if isinstance(whole, Matrix) or not {row[0] for row in whole.rows} <= set(anchors):
            assert made == whole
            continue
        assert isinstance(made, Table)
        assert made.rows == tuple(row for row in whole.rows if anchors[row[0]] in WORST[:2])
        shortened += len(made.rows) < len(whole.rows)
    assert shortened >= 3  # saliency, LIME, fingerprints
    assert document.facts == WHOLE.facts


def test_tables_keep_every_row_where_images_are_in_brief_alone() -> None:
    assert tables(abridged(WHOLE, RUN, WORDS, ALL, 2)) == tables(WHOLE)


def test_it_says_so_first() -> None:
    first = abridged(WHOLE, RUN, WORDS, 2, ALL).sections[0].blocks[0]
    assert isinstance(first, Paragraph)
    assert "worst 2 of 9 images" in first.sentences[0].text
    assert not any("in brief" in each.text for each in first.sentences)


@pytest.mark.parametrize(("most", "full"), [(6, 2), (9, 4), (5, 0)])
def test_beyond_the_very_worst_a_card_is_its_answer_and_its_pictures(most: int, full: int) -> None:
    document = abridged(WHOLE, RUN, WORDS, most, full)
    whole = {each.anchor: each for each in all_sections(WHOLE.sections)}
    made = next(each for each in document.sections if each.anchor == "images").sections
    shown = [each for each in made if each.anchor in WORST]
    assert [each.anchor in WORST[:full] for each in shown] == [True] * full + [False] * (most - full)
    assert {each.anchor for each in shown} == set(WORST[:most])
    for card in shown[full:]:
        answer, figure = card.blocks
        before = whole[card.anchor]
        assert answer == next(block for block in before.blocks if isinstance(block, Paragraph))
        assert isinstance(figure, Figure)
        pictures = [panel for row in figure.rows for panel in row if panel.content != NoPicture("")]
        of_whole = next(block for block in before.blocks if isinstance(block, Figure))
        # Each picture once, as large as its verdict is true: with it, and with the address that links lead to.
        assert [panel.anchor for panel in pictures] == [p.anchor for row in of_whole.rows for p in row if p.anchor]
        assert {panel.content for panel in pictures} == {
            p.content for row in of_whole.rows for p in row if p.content != NoPicture("")
        }
        chips = {p.anchor: p.chip for row in of_whole.rows for p in row}
        assert all(panel.chip == chips[panel.anchor] and panel.detail == "" for panel in pictures)
    for card in shown[:full]:
        assert [type(block) for block in card.blocks] == [type(block) for block in whole[card.anchor].blocks]
    for method in ("saliency-figure", "lime-figure"):
        assert {a for f in figures(document) if f.anchor.startswith(method) for a in f.about} == set(WORST[:full])


def test_it_says_how_many_are_shown_in_full() -> None:
    first = abridged(WHOLE, RUN, WORDS, 9, 2).sections[0].blocks[0]
    assert isinstance(first, Paragraph)
    assert "The worst 2 are shown" in first.sentences[0].text
    assert not any("of 9 images" in each.text for each in first.sentences)


def test_few_images_are_left_as_they_are() -> None:
    assert abridged(WHOLE, RUN, WORDS, 9, 9) is WHOLE


def test_a_card_with_the_authors_words_stays() -> None:
    last = next(s.image.name for s in RUN.subjects if image_anchor(s.image) == WORST[-1])
    run = replace(RUN, notes=(Note(f"image: {last}", "Mine."),))
    document = abridged(compose(run, WORDS), run, WORDS, 2, 1)
    assert WORST[-1] in cards(document)
    first = document.sections[0].blocks[0]
    assert isinstance(first, Paragraph)
    assert "worst 3 of 9 images" in first.sentences[0].text


def test_a_page_with_fewer_figures_keeps_every_card_and_row() -> None:
    document = with_fewer_figures(WHOLE, RUN, WORDS, 2)
    sections = {each.anchor: each for each in document.sections}
    whole = {each.anchor: each for each in WHOLE.sections}
    assert sections.keys() == whole.keys()
    assert sections["images"] == whole["images"]
    assert tables(document) == tables(WHOLE)
    for method in ("saliency-figure", "saliency-writeup", "lime-figure", "lime-writeup"):
        shown = [each for f in figures(document) if f.anchor.startswith(method) for each in f.about]
        assert set(shown) == set(WORST[:2])
    assert [each.number for each in figures(document)] == list(range(1, len(figures(document)) + 1))
    said = document.sections[0].blocks[-1]
    assert isinstance(said, Paragraph)
    assert "the worst 2 of 9 images" in said.sentences[0].text
    assert document.facts == WHOLE.facts
    assert with_fewer_figures(WHOLE, RUN, WORDS, ALL) is WHOLE
