"""What page one says of patterns across images, and when it keeps still."""

import re
from dataclasses import replace

import numpy as np
import pytest
from fake_run import fake_run
from reading import said, says, texts
from scenarios import QUIET, RUNS, labelled, placed_lime, with_border, with_cues, with_filters

from reportgen.compose.patterns import drawn, numbers
from reportgen.phrasing import shown_name
from reportgen.results import Explanation, RegionWeights, RuleResult, Run

PATTERNS = (
    "border", "chance", "filter", "grey", "grey_any", "grey_every", "grey_which", "one_answer", "place_class_all",
    "place_images", "renamed", "shuffled", "silent_layer", "swapped",
)  # fmt: skip


def patterns(run: Run) -> set[str]:
    told = {name for name in PATTERNS if says(run, f"pattern.{name}", "summary")}
    told |= {name for name in ("border", "grey") if says(run, f"pattern.{name}_all", "summary")}
    return told | {name for name in ("same_place_all",) if says(run, f"summary.{name}", "summary")}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("answers by colour", {"grey", "grey_which"}),
        ("answers by any colour", {"grey", "grey_any"}),
        ("answers by these colours alone", {"grey", "grey_every"}),
        ("answers by patches", {"shuffled"}),
        ("one corner, one class", {"place_class_all", "one_answer", "same_place_all"}),
        ("one corner, all classes", {"place_images"}),
        ("along the edges", {"border"}),
        ("one filter", {"filter"}),
        ("channels exchanged", {"swapped"}),
        ("names in another order", {"chance", "renamed"}),
        ("guessing", {"chance"}),
        ("a dead layer", {"silent_layer"}),
    ],
)
def test_each_pattern_is_told_and_nothing_else(name: str, told: set[str]) -> None:
    run = RUNS[name]
    if not told & {"place_images", "same_place_all"}:  # the regions of made-up runs all lie in one place
        run = placed_lime(run, ["left", "right", "upper", "lower"] * (len(run.subjects) // 4) or ["left", "right"])
    assert patterns(run) == told


def test_a_shortcut_is_named_by_its_place_and_its_class() -> None:
    summary = texts(RUNS["one corner, one class"], "summary")
    assert "On all 8 images LIME's heaviest region lies in the lower right." in summary
    assert "All 8 answers with the heaviest region in the lower right are “star”" in summary
    assert "The images: " not in summary


def test_three_quarters_of_one_class_are_enough_to_name_it() -> None:
    alike = RUNS["one corner, one class"]
    other = replace(alike, subjects=(*alike.subjects[:6], *QUIET.subjects[1:3]))
    placed = placed_lime(other, ["lower_right"] * 8)
    assert "6 of the 8 answers with the heaviest region in the lower right are “star”" in texts(placed, "summary")
    some = placed_lime(other, ["lower_right"] * 6 + ["left"] * 2)
    names = ", ".join(shown_name(each.image.name) for each in some.subjects[:5])
    assert f"The images: {names} and others." in texts(some, "summary")
    fewer = placed_lime(replace(alike, subjects=(*alike.subjects[:5], *QUIET.subjects[1:4])), ["lower_right"] * 8)
    assert "lime_same_place_class" not in numbers(fewer)


def test_few_images_are_all_named() -> None:
    run = with_border(fake_run(images=4, profile="default", trouble=False), [0.9] * 3 + [0.1])
    names = [subject.image.name for subject in run.subjects[:3]]
    (sentence,) = [each.text for each in said(run, "summary") if "along the edges" in each.text]
    assert all(name in sentence for name in names)
    assert "and others" not in sentence
    assert run.subjects[3].image.name not in sentence


def test_three_quarters_of_the_images_make_a_pattern_and_fewer_do_not() -> None:
    assert "border_images" in numbers(with_border(QUIET, [0.9] * 6 + [0.3] * 2))
    assert "border_images" not in numbers(with_border(QUIET, [0.9] * 5 + [0.3] * 3))


def test_where_a_rule_has_told_of_the_place_it_is_not_told_again() -> None:
    rule = RuleResult(
        "lime_same_place", "evidence", "error", "failed", 1.0, 0.75, "below", "share",
        facts={"place": "lower_right", "n": 8, "total": 8},
    )  # fmt: skip
    run = replace(RUNS["one corner, one class"], rules=(rule,))
    assert not says(run, "summary.same_place_all", "summary")
    assert "place_class_all" in patterns(run)


def test_one_answer_is_no_pattern_where_the_labels_are_one_as_well_or_images_few() -> None:
    alike = RUNS["one corner, one class"]
    label = alike.subjects[0].prediction.label
    same = tuple(replace(each, prediction=replace(each.prediction, label=label)) for each in alike.subjects)
    assert "one_answer" in numbers(alike)
    assert "one_answer" not in numbers(replace(alike, subjects=same))
    assert "one_answer" not in numbers(replace(alike, subjects=alike.subjects[:5]))


def test_answers_that_never_change_say_nothing_of_patches() -> None:
    alike = with_cues(RUNS["one corner, one class"], {"shuffled": [0] * 8})
    assert "shuffled_pattern" not in numbers(alike)
    assert numbers(alike)["shuffled_changed"] == 0


def test_half_of_the_answers_by_colour_make_a_pattern() -> None:
    kept, lost = [0, 1, 2, 3], [1, 2, 3, 0]
    some = with_cues(QUIET, {"grey": kept + lost, "shuffled": lost + lost})
    assert numbers(some)["grey_changed"] == 4
    assert numbers(some)["grey_pattern"] is True
    fewer = with_cues(QUIET, {"grey": [*kept, 0, 2, 3, 0], "shuffled": lost + lost})
    assert numbers(fewer)["grey_changed"] == 3
    assert "grey_pattern" not in numbers(fewer)


def test_answers_that_fall_without_details_as_easily_are_none_by_colour() -> None:
    lost, kept = [1, 2, 3, 0], [0, 1, 2, 3]
    assert "grey_pattern" in numbers(with_cues(QUIET, {"grey": lost + lost, "blurred": [*lost, 1, 2, 3, 3]}))
    assert "grey_pattern" not in numbers(with_cues(QUIET, {"grey": lost + lost, "blurred": lost + lost}))
    assert "grey_pattern" not in numbers(with_cues(QUIET, {"grey": lost + kept, "blurred": lost + lost}))


def test_another_colour_that_changes_nothing_is_no_danger_of_another_light() -> None:
    (paragraph,) = [
        each for each in texts(RUNS["answers by any colour"], "summary").split("\n") if "colours are" in each
    ]
    assert "6 of 8 answers stand" in paragraph
    assert "light" not in paragraph


def test_a_filter_below_half_decides_nothing() -> None:
    assert "decisive_filter" not in numbers(with_filters(fake_run(images=2), {"matters": 0.49}))


def test_cards_tell_the_probability_on_each_copy_and_another_answer() -> None:
    card = texts(RUNS["answers by colour"], "image-1")
    assert re.search(r"[\d.]+% without colours \(answered “ring”, 88%\), ", card)
    assert "in shuffled pieces (answered “" in card
    assert "fine details (" not in card


def wrong(run: Run, mine: RegionWeights, label: RegionWeights) -> Run:
    """The run's second image, which is answered wrong, with these weights for the two classes."""

    def changed(each: Explanation) -> Explanation:
        if each.method != "lime":
            return each
        return replace(each, result=mine if each.target.role == "predicted" else label)

    subject = run.subjects[1]
    return replace(run, subjects=(replace(subject, explanations=tuple(map(changed, subject.explanations))),))


def regions(weights: list[float], margin: float = 0.01) -> RegionWeights:
    segments = np.repeat(np.arange(4), 320).reshape(32, 40)
    return RegionWeights(segments, np.array(weights), np.full(4, margin))


def test_what_draws_an_answer_away_is_where_the_two_classes_differ_most() -> None:
    run = wrong(fake_run(profile="default", trouble=False), regions([0.3, 0.2, 0, 0]), regions([0.4, -0.3, 0, 0]))
    found = drawn(run.subjects[0])
    assert found["drawn_predicted"] == 0.2  # not the heaviest, which speaks for the label even more
    assert found["drawn_label"] == -0.3
    assert found["drawn_area"] == 0.25
    assert found["drawn_place"] == "centre"
    assert "adds 0.2 to the probability of “ring” and takes 0.3 from that of" in texts(run, "image-1")


def test_what_may_be_chance_draws_nothing() -> None:
    sure, label = regions([0.3, 0.2, 0, 0]), regions([0.4, -0.3, 0, 0])
    run = fake_run(profile="default", trouble=False)
    assert not drawn(wrong(run, regions([0.3, 0.2, 0, 0], 0.25), label).subjects[0])
    assert not drawn(run.subjects[0])  # a right answer
    other_cut = RegionWeights(np.flipud(sure.segments), label.weights, label.margins)
    assert not drawn(wrong(run, sure, other_cut).subjects[0])


def test_a_label_that_no_region_moves_is_told() -> None:
    run = wrong(fake_run(profile="default", trouble=False), regions([0.1, 0.3, 0, 0]), regions([0.1, 0.0, 0, 0]))

    def unmoved(each: Explanation) -> Explanation:
        if each.method != "lime" or each.target.role != "label":
            return each
        return replace(each, status="degenerate", result=None, reason="reason.hardly_moves")

    subject = run.subjects[0]
    alone = replace(subject, explanations=tuple(map(unmoved, subject.explanations)))
    assert drawn(alone)["drawn_predicted"] == 0.3
    assert "drawn_label" not in drawn(alone)
    assert "no region brings “<b>square</b>” back" in texts(replace(run, subjects=(alone,)), "image-1")


def test_what_speaks_for_both_is_said_so() -> None:
    run = wrong(fake_run(profile="default", trouble=False), regions([0.3, 0.0, 0, 0]), regions([0.1, 0.0, 0, 0]))
    assert "adds 0.3 to the probability of “ring” and only 0.1 to that of" in texts(run, "image-1")


def test_guessing_is_judged_by_what_chance_gives() -> None:
    """Of 8 images among 6 classes chance gets 1.33, with a standard deviation of 1.05."""
    assert numbers(labelled(QUIET, [0, 1, 1, 0, 1, 2, 1, 0]))["chance_share"] == pytest.approx(1 / 6)
    assert "chance_share" not in numbers(labelled(QUIET, [0, 1, 2, 0, 1, 2, 1, 0]))
    few = replace(QUIET, subjects=QUIET.subjects[:5])
    assert "chance_share" not in numbers(labelled(few, [1, 2, 3, 0, 1]))


def test_two_labels_with_one_answer_are_no_other_order() -> None:
    assert "renamed" in numbers(labelled(QUIET, [1, 2, 3, 0, 1, 2, 3, 0]))
    assert "renamed" not in numbers(labelled(QUIET, [1, 2, 3, 0, 2, 2, 3, 0]))


def test_an_exchange_that_helps_few_images_is_no_pattern() -> None:
    run = labelled(QUIET, [1, 1, 1, 1, 0, 1, 2, 3])  # five are right as fed
    assert numbers(with_cues(run, {"swapped": [1, 1, 1, 0, 0, 1, 2, 3]}))["swapped_right"] == 7
    assert "swapped_pattern" not in numbers(with_cues(run, {"swapped": [1, 1, 1, 0, 0, 1, 2, 3]}))
    assert "swapped_pattern" in numbers(with_cues(run, {"swapped": [1, 1, 1, 1, 0, 1, 2, 3]}))
