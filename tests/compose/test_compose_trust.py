"""What the page says of how far its pictures can be believed."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fake_run import fake_run
from reading import WORDS, all_sections, card, said, written
from scenarios import PLAIN, RUNS, judged_as, with_gaps

from reportgen.compose import agreeing
from reportgen.compose.ranking import worst_first
from reportgen.compose.trust import chip_text, numbers
from reportgen.document import Chip, Figure, Overview, Paragraph, ReportDocument, Table
from reportgen.results import CheckResult, Run, Verdict
from reportgen.verdicts import STATES, State


def chips(document: ReportDocument, section: str) -> list[Chip]:
    (found,) = [each for each in all_sections(document.sections) if each.anchor == section]
    figures = [block for block in found.blocks if isinstance(block, Figure)]
    return [panel.chip for figure in figures for row in figure.rows for panel in row if panel.chip]


def texts(run: Run) -> Iterator[str]:
    return (sentence.text for sentence in said(run))


def warnings(document: ReportDocument) -> str:
    blocks = (block for section in all_sections(document.sections) for block in section.blocks)
    return " ".join(
        sentence.text
        for block in blocks
        if isinstance(block, Paragraph) and block.tone == "warning"
        for sentence in block.sentences
    )


@pytest.mark.parametrize("state", STATES)
def test_each_picture_of_a_card_and_of_a_section_carries_its_verdict(state: State) -> None:
    document = written(judged_as(PLAIN, [state]))
    for section, count in ((card(PLAIN, 1), 2), ("saliency", 3), ("lime", 3)):
        found = chips(document, section)
        assert len(found) == count
        assert {chip.state for chip in found} == {state}
        assert all(chip.text.startswith(WORDS(f"verdict.{state}")) for chip in found)
        assert {chip.anchor for chip in found} <= {each.anchor for each in document.sections}


def test_the_write_ups_pictures_carry_theirs() -> None:
    document = written(judged_as(fake_run(images=4), ["supported"]))
    assert all(len(chips(document, f"{task}-writeup")) == 4 for task in ("saliency", "lime"))


def test_a_chip_tells_the_number_and_what_it_was_held_against() -> None:
    def told(value: float, threshold: float) -> str:
        result = CheckResult("faithfulness", "weak", value, threshold)
        return chip_text(WORDS, Verdict("weak", "faithfulness", (result,)))

    assert told(0.314, 0.1) == "weak: gap 0.31 > 0.10"
    assert told(-0.2, 0.1) == "weak: gap −0.20 < 0.10"
    assert told(0.1009, 0.1) == "weak: gap 0.101 > 0.100"
    assert told(0.1, 0.1) == "weak: gap 0.10 = 0.10"


def test_pictures_of_the_predicted_class_are_counted() -> None:
    run = judged_as(PLAIN, ["supported", "indistinct", "weak", "not_tested"])
    roles = [each.target.role for subject in run.subjects for each in subject.explanations]
    assert roles == ["predicted", "predicted", "predicted", "label", "predicted", "label"]
    assert numbers(run) == {
        "verdicts": 4, "verdicts_tested": 4, "verdicts_supported": 2, "verdicts_weak": 1, "verdicts_indistinct": 1,
        "verdicts_fails": 0, "verdicts_not_tested": 0, "verdicts_degenerate": 0, "supported_share": 0.5,
    }  # fmt: skip
    assert numbers(PLAIN) == {}


def test_what_was_not_tested_is_no_pass_and_no_failure() -> None:
    found = numbers(RUNS["judged, nothing tested"])
    assert found["verdicts_tested"] == 0
    assert "supported_share" not in found
    assert "is supported" not in warnings(written(RUNS["judged, nothing tested"]))


def test_where_controls_do_as_well_the_test_is_said_to_tell_nothing() -> None:
    told = warnings(written(RUNS["judged, none supported"]))
    assert "the test cannot tell right pictures from wrong ones" in told
    assert "hardly any answer moves" not in told
    assert "tested is supported" not in warnings(written(RUNS["judged, one supported"]))


def test_what_an_answer_keeps_without_what_is_marked_is_told_from_half_on() -> None:
    for name in ("judged, none supported", "judged, only weak ones"):
        assert "the class still gets 50% on the" in warnings(written(with_gaps(RUNS[name], deletion=0.5)))
        assert "still gets" not in warnings(written(with_gaps(RUNS[name], deletion=0.49)))
    assert "still gets" not in warnings(written(with_gaps(RUNS["judged, nothing moves"], deletion=0.5)))


def test_that_what_is_marked_is_too_little_alone_is_told_where_it_is_why_the_test_is_blind() -> None:
    run = RUNS["judged, none supported"]
    assert "brings the class to no more than 9.0%" in warnings(written(with_gaps(run, insertion=0.09)))
    assert "Shown alone" not in warnings(written(with_gaps(run, insertion=0.1)))
    told = warnings(written(with_gaps(run, deletion=0.5, insertion=0.09)))
    assert "still gets" in told
    assert "Shown alone" not in told


def test_where_nothing_moves_the_answers_nothing_is_to_be_read_into_the_pictures() -> None:
    told = warnings(written(RUNS["judged, nothing moves"]))
    assert "no gap reaches 0.1, nor does that of a map that knows nothing" in told
    assert "right pictures from wrong ones" not in told


def test_a_picture_that_is_better_turned_around_is_not_to_be_believed() -> None:
    assert "it would be. Do not believe it." in warnings(written(RUNS["judged, one not supported"]))


def test_pictures_that_the_test_cannot_tell_of_are_counted_on_page_one() -> None:
    told = " ".join(texts(RUNS["judged, one supported"]))
    assert "For one the test cannot tell: " in told
    assert "does not count against this picture" in told
    assert "the test cannot tell: there" not in " ".join(texts(RUNS["judged, all supported"]))


def test_a_network_with_weak_pictures_at_best_is_warned_of_in_other_words() -> None:
    told = warnings(written(RUNS["judged, only weak ones"]))
    assert "Not one of the 4 pictures tested is fully supported, and 3 are weakly" in told
    assert "right pictures from wrong ones" not in told


def test_a_method_that_shows_no_learned_weights_is_warned_of_once() -> None:
    told = warnings(written(RUNS["judged, none supported"]))
    assert told.count("The pictures of saliency hardly change") == 1
    assert "hardly change" not in warnings(written(RUNS["judged, all supported"]))


def test_the_card_says_which_hold_and_which_do_not() -> None:
    told = " ".join(texts(RUNS["judged, one supported"]))
    assert "The test supports saliency." in told
    assert "The test cannot tell for LIME: a map that knows nothing of the network does as well" in told


def test_a_reason_why_pictures_were_not_tested_is_given_once() -> None:
    told = " ".join(sentence.text for sentence in said(RUNS["judged, nothing tested"], "image-1"))
    assert told.count("Not tested: saliency and LIME. The map has the same value everywhere") == 1
    assert told.count(WORDS("reason.flat_map")) == 1


def test_the_table_gives_a_reason_where_there_is_no_number() -> None:
    (section,) = [each for each in written(RUNS["judged"]).sections if each.anchor == "verdicts"]
    table = next(block for block in section.blocks if isinstance(block, Table) and block.anchor == "verdicts-table")
    by_verdict = {row[3]: row for row in table.rows}
    assert by_verdict["supported"][4].count(" > ") == 1
    assert by_verdict["not tested"][4] == WORDS("reason.flat_map")
    assert by_verdict["cannot tell"][4] == "0.020 < 0.021"  # the state stands beside
    assert len(table.header) == 7  # agreement was not asked


def test_every_report_says_that_the_installation_was_tested() -> None:
    told = " ".join(texts(RUNS["judged, all supported"]))
    assert "This installation gives each of 7 known answers on cpu." in told
    blocks = (block for each in written(RUNS["judged, all supported"]).sections for block in each.blocks)
    (table,) = [block for block in blocks if isinstance(block, Table) and block.anchor == "verdicts-known"]
    assert table.rows[0] == ("Scenes answered rightly", "100%", "at least 83%")
    assert table.rows[-1][0].startswith("LIME: error of weights that are known on paper")
    assert table.rows[-1][1:] == ("4.40\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10⁻⁶", "at most 0.001")
    assert "installation" not in warnings(written(RUNS["judged, all supported"]))


def test_an_installation_that_fails_is_warned_of_on_page_one() -> None:
    told = warnings(written(RUNS["wrong installation"]))
    assert "LIME: scenes whose heaviest region lies on the object: 25% (asked: at least 83%)" in told
    assert "Grad-CAM" not in told
    assert "gives each of" not in " ".join(texts(RUNS["wrong installation"]))


def test_without_verdicts_nothing_is_said_of_them() -> None:
    document = written(PLAIN)
    assert "verdicts" not in [each.anchor for each in document.sections]
    assert chips(document, card(PLAIN, 1)) == []


def overview(document: ReportDocument) -> list[str]:
    (found,) = [block for block in document.sections[0].blocks if isinstance(block, Overview)]
    return [item.anchor for item in found.items]


def test_an_image_that_methods_disagree_about_is_named_and_stands_first() -> None:
    run = RUNS["judged, one disagreed about"]
    shared = [agreeing.shared(subject) for subject in run.subjects]
    assert shared == [pytest.approx(0.85), pytest.approx(0.3 / 2)]  # of the predicted class: 0.9, 0.8; 0.1, 0.2
    document = written(run)
    assert overview(document) == [card(run, 2), card(run, 1)]
    told = warnings(document)
    assert "On one image the methods point at different places" in told
    assert "ring & plus.png." in told
    assert document.facts["images"][1]["measures"]["shared"] == pytest.approx(0.15)
    anchors = (card(run, 1), card(run, 2))
    cards = {each.anchor: each for each in all_sections(document.sections) if each.anchor in anchors}
    sentences = {
        anchor: " ".join(s.text for block in section.blocks if isinstance(block, Paragraph) for s in block.sentences)
        for anchor, section in cards.items()
    }
    assert sentences[anchors[1]].count("the others share only 15% on average") == 1
    assert "the others share" not in sentences[anchors[0]]


def test_what_methods_disagree_about_comes_before_what_is_merely_unsure() -> None:
    """Of two right answers the one that is disagreed about comes first."""
    run = RUNS["judged, one disagreed about"]
    right = tuple(
        replace(each, prediction=replace(each.prediction, label=each.prediction.first)) for each in run.subjects
    )
    assert [each.group for each in worst_first(replace(run, subjects=right))] == ["disagreed", "rest"]


def test_the_methods_on_the_object_stand_beside_pictures_that_know_nothing() -> None:
    document = written(RUNS["judged, all supported"])
    (section,) = [each for each in document.sections if each.anchor == "verdicts"]
    (table,) = [block for block in section.blocks if isinstance(block, Table) and block.anchor == "verdicts-object"]
    assert [row[0] for row in table.rows] == ["saliency", "LIME", "evenly spread", "a blob in the middle"]
    by_name = {row[0]: row[1:] for row in table.rows}
    assert by_name["saliency"] == ("2", "31%", "11%", "2.82", "100%")
    assert by_name["evenly spread"] == ("2", "11%", "11%", "1", "11%")
    assert by_name["a blob in the middle"][1] == "20%"
    assert by_name["a blob in the middle"][4] == "100%"


def test_a_card_says_how_much_lies_on_the_object_and_whose_it_is() -> None:
    told = " ".join(texts(RUNS["judged, all supported"]))
    assert (
        "On the marked object of this class (11% of the image) lies this share of the evidence: saliency 31% and"
        in told
    )
    told = " ".join(text for run in (RUNS["judged"], RUNS["judged, one supported"]) for text in texts(run))
    assert "On the marked object (13% of the image) lies" in told  # which class it is of is not known
    assert "none of which bears the name of this class" in told


def test_each_check_that_was_made_is_explained_with_its_source() -> None:
    document = written(RUNS["judged, all disagreed about"])
    (section,) = [each for each in document.sections if each.anchor == "verdicts"]
    assert isinstance(section.blocks[0], Paragraph)
    told = " ".join(sentence.text for sentence in section.blocks[0].sentences)
    for source in ("Adebayo et al. 2018", "Yeh et al. 2019", "Krishna et al. 2022", "Zhang et al. 2018"):
        assert source in told
    assert {"adebayo2018", "yeh2019", "krishna2022", "zhang2018"} <= {each.key for each in document.references}
    assert "Krishna" not in " ".join(texts(RUNS["judged, all supported"]))
