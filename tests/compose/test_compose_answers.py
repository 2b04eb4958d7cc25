"""The author's words stand where their headings say, and a missing answer is marked."""

from dataclasses import replace

import pytest
from fake_run import fake_run
from reading import all_sections, card, written

from reportgen.document import Answer, Figure, ReportDocument
from reportgen.results import Note, Run

HW5 = fake_run(images=2, profile="hw5", trouble=False)
PLAIN = fake_run(images=2, profile="default", trouble=False)


def with_notes(run: Run, *notes: tuple[str, str]) -> ReportDocument:
    return written(replace(run, notes=tuple(Note(*note) for note in notes)))


def answers(document: ReportDocument) -> dict[str, list[str]]:
    """Anchor of a section -> the author's words in it; "!" for a missing answer."""
    found = {
        section.anchor: [b.text or "!" for b in section.blocks if isinstance(b, Answer)]
        for section in all_sections(document.sections)
    }
    return {anchor: texts for anchor, texts in found.items() if texts}


@pytest.mark.parametrize(
    ("heading", "place"),
    [
        ("Summary", "summary"),
        ("", "summary"),
        ("Saliency maps", "saliency"),
        ("saliency", "saliency"),
        ("Task 1: saliency maps", "saliency"),
        ("2. Filter visualisation", "filters"),
        ("FILTER  VISUALISATION:", "filters"),
        ("Filter visualisation and activations", "filters"),
        ("Lime", "lime"),
        ("LIME: which regions count", "lime"),
        ("As in the write-up", ""),
        ("lime-corrected", ""),
        ("image: star_0.jpg", card(PLAIN, 1)),
        ("image: a/star_0.jpg", card(PLAIN, 1)),
        ("ring & plus.png", card(PLAIN, 2)),
        ("image: absent.jpg", ""),
        ("Nothing", ""),
    ],
)
def test_a_heading_names_its_place(heading: str, place: str) -> None:
    document = with_notes(PLAIN, (heading, "Mine."))
    assert answers(document) == ({place: ["Mine."]} if place else {})
    assert document.facts["notes"] == [{"heading": heading, "text": "Mine.", "place": place or None}]
    assert bool(document.remarks) == (not place)


@pytest.mark.parametrize(
    ("heading", "place"),
    [
        ("Saliency maps", "saliency"),
        ("顯著圖", "saliency"),
        ("卷積核視覺化", "filters"),
        ("第三題：LIME", "lime"),
        ("摘要", "summary"),
        ("圖 1", f"{card(HW5, 1)}-figure"),
        ("figure 1", f"{card(HW5, 1)}-figure"),
        ("显著图", ""),
    ],
)
def test_a_heading_may_be_in_the_pages_language(heading: str, place: str) -> None:
    document = written(replace(HW5, notes=(Note(heading, "Mine."),)), "zh-Hant")
    assert document.facts["notes"][0]["place"] == (place or None)


def test_a_missing_answer_is_asked_for_in_the_pages_language() -> None:
    document = written(HW5, "zh-Hans")
    told = [b.missing for s in all_sections(document.sections) for b in s.blocks if isinstance(b, Answer)]
    assert len(told) == 3
    for heading, sentence in zip(("显著图", "卷积核可视化", "LIME"), told, strict=True):
        assert f"# {heading} " in sentence
        again = written(replace(HW5, notes=(Note(heading, "Mine."),)), "zh-Hans")
        assert len(again.facts["unanswered"]) == 2


def test_the_answer_stands_below_the_introduction_of_its_task() -> None:
    section = next(s for s in with_notes(HW5, ("LIME", "Mine.")).sections if s.anchor == "lime")
    assert [block.kind for block in section.blocks] == ["paragraph", "answer"]
    assert section.sections


def test_words_on_a_figure_follow_the_figure() -> None:
    blocks = [block for s in all_sections(with_notes(HW5, ("Figure 2", "Mine.")).sections) for block in s.blocks]
    place = next(n for n, block in enumerate(blocks) if isinstance(block, Figure) and block.number == 2)
    assert isinstance(blocks[place + 1], Answer)
    assert sum(isinstance(block, Answer) and bool(block.text) for block in blocks) == 1


def test_two_notes_on_one_place_follow_each_other() -> None:
    assert answers(with_notes(PLAIN, ("LIME", "One."), ("Task 3: LIME", "Two."))) == {"lime": ["One.\n\nTwo."]}


def test_two_images_of_one_name_need_their_folders() -> None:
    subjects = tuple(
        replace(subject, image=replace(subject.image, name=f"{folder}/1.jpg"))
        for folder, subject in zip("ab", PLAIN.subjects, strict=True)
    )
    run = replace(PLAIN, subjects=subjects)
    assert answers(with_notes(run, ("image: 1.jpg", "Mine."))) == {}
    assert answers(with_notes(run, ("image: b/1.jpg", "Mine."))) == {card(run, 2): ["Mine."]}


def test_an_image_called_like_a_section_does_not_take_its_words() -> None:
    subjects = tuple(replace(subject, image=replace(subject.image, name="LIME")) for subject in PLAIN.subjects[:1])
    run = replace(PLAIN, subjects=subjects)
    assert answers(with_notes(run, ("LIME", "Mine."))) == {"lime": ["Mine."]}
    assert answers(with_notes(run, ("image: LIME", "Mine."))) == {card(run, 1): ["Mine."]}


def test_the_homework_marks_each_task_without_an_answer() -> None:
    document = with_notes(HW5, ("Saliency maps", "Mine."), ("LIME", " \n"))
    assert answers(document) == {"saliency": ["Mine."], "filters": ["!"], "lime": ["!"]}
    assert document.facts["unanswered"] == ["filters", "lime"]
    marks = [b.missing for s in document.sections for b in s.blocks if isinstance(b, Answer) and b.missing]
    assert ["# Filter visualisation" in marks[0], "# LIME" in marks[1]] == [True, True]


def test_another_report_knows_what_is_missing_and_does_not_mark_it() -> None:
    document = written(PLAIN)
    assert answers(document) == {}
    assert document.facts["unanswered"] == ["saliency", "filters", "lime"]


def test_a_task_that_was_not_asked_for_misses_no_answer() -> None:
    document = written(fake_run(images=2, profile="hw5", methods=("lime",), trouble=False))
    assert document.facts["unanswered"] == ["lime"]


def test_a_heading_that_names_nothing_is_told_with_the_nearest() -> None:
    document = with_notes(PLAIN, ("Filtre visualization", "x"), ("zzz\u202e", "x"), ("image: stra_0.jpg", "x"))
    first, second, third = document.remarks
    assert first.endswith("Did you mean # Filter visualisation?")
    assert "# zzz<U+202E> names nothing" in second
    assert "# Summary" in second
    assert "star_0.jpg" in third


def test_of_many_such_headings_the_first_are_told() -> None:
    remarks = with_notes(PLAIN, *((f"zzz{n}", "x") for n in range(9))).remarks
    assert len(remarks) == 6
    assert remarks[-1].startswith("notes: 4 more headings")
