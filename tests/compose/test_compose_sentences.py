"""What the report says is true of the run: sentences are chosen by what was measured."""

import re
from dataclasses import replace

import numpy as np
import pytest
from fake_run import fake_prediction, fake_run
from reading import WORDS, all_sections, says, texts, written
from scenarios import RUNS, no_maps, of_tokens, with_filters, with_lime

from reportgen.compose import summarise
from reportgen.compose.overview import _evidence
from reportgen.document import Figure, Paragraph
from reportgen.phrasing import number
from reportgen.results import ClassEffect, Prediction, RegionWeights, Run, SaliencyMap

DENSITY = "agreement_density_median"


def predicted(run: Run, *outcomes: tuple[float, int | None]) -> Run:
    """The run with these answers: class 0 with a probability, and the label."""

    def changed(prediction: Prediction, probability: float, label: int | None) -> Prediction:
        first = replace(prediction.top[0], index=0, name="star", probability=probability)
        rest = tuple(each for each in fake_prediction(0, None).top if each.index)
        ranked = {each.index: each for each in (first, *rest)}
        return replace(prediction, top=(first, *rest), label=None if label is None else ranked[label])

    subjects = tuple(
        replace(each, prediction=changed(each.prediction, *outcome), explanations=each.explanations[:1])
        for each, outcome in zip(run.subjects, outcomes, strict=True)
    )
    return replace(run, subjects=subjects, filters=())


@pytest.mark.parametrize(
    ("outcomes", "start"),
    [
        ([(0.9, 0), (0.8, 0), (0.7, 1)], "The network answers 2 of the 3 labelled images as labelled (67%)."),
        ([(0.9, 0), (0.8, 0)], "The network answers each of the 2 labelled images as labelled."),
        ([(0.9, 1), (0.8, 2)], "The network answers none of the 2 labelled images as labelled."),
        ([(0.9, 0)], "The network answers the one labelled image as labelled."),
        (
            [(0.9, 1), (0.9, None)],
            "The network answers the one labelled image against its label. Its error is confident",
        ),
        ([(0.9, None)], "No labels are known"),
    ],
)
def test_right_and_wrong_are_counted(outcomes: list[tuple[float, int | None]], start: str) -> None:
    run = predicted(fake_run(images=len(outcomes), profile="default", trouble=False), *outcomes)
    answers = texts(replace(run, selection=()), "summary")
    assert answers.startswith(start)


def test_the_most_confident_wrong_answer_is_named() -> None:
    run = fake_run(images=4, profile="default", trouble=False)
    several = predicted(run, (0.99, 0), (0.6, 1), (0.8, 2), (0.7, 1))
    assert "Of the 3 answers against the label, the most confident is star with 80% on c/<img src=x>.jpg, which is" in (
        texts(several, "summary")
    )
    one = predicted(run, (0.99, 0), (0.6, 1), (0.8, 0), (0.7, None))
    assert "The answer against the label is star with 60% on b/ring & plus.png, which is labelled ring." in (
        texts(one, "summary")
    )
    assert "against the label" not in texts(predicted(run, *[(0.9, 0)] * 4), "summary")


def test_confidence_is_a_range_only_where_there_is_one() -> None:
    run = fake_run(images=3, profile="default", trouble=False)
    assert "gets from 60% to 90% probability, 80% on the median image" in (
        texts(predicted(run, (0.9, 0), (0.8, 0), (0.6, 0)), "summary")
    )
    assert "gets a probability of 90%." in texts(predicted(run, *[(0.9, 0)] * 3), "summary")


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (["left", "left", "left", "left"], "summary.same_place_all"),
        (["left", "left", "left", "right"], "summary.same_place"),
        (["left", "left", "right", "right"], ""),
        (["centre", "centre", "centre", "centre"], ""),
    ],
)
def test_a_shared_place_is_pointed_out_only_where_chance_hardly_gives_it(places: list[str], expected: str) -> None:
    run = with_lime(fake_run(profile="default", trouble=False), [{"place": place} for place in places])
    for key in ("summary.same_place", "summary.same_place_all"):
        assert says(run, key, "summary") == (key == expected)
    assert ("lime_same_place" in summarise(run)) == bool(expected)


def test_a_weak_fit_is_called_weak_and_a_good_one_is_not() -> None:
    run = fake_run(images=2, profile="default", trouble=False)
    weak = with_lime(run, [{"r2": 0.49}, {"r2": 0.9}])
    assert "On one of 2 images R² is below 0.5" in texts(weak, "summary")
    assert says(weak, "card.lime_weak", "image-1")
    assert not says(weak, "card.lime_weak", "image-2")
    good = with_lime(run, [{"r2": 0.5}, {"r2": 0.9}])
    assert "hints only" not in texts(good)
    assert says(with_lime(run, [{"r2": 0.1}, {"r2": 0.2}]), "lime.shows_weak_all", "lime")


def test_the_sign_of_the_heaviest_region_is_said() -> None:
    run = with_lime(fake_run(images=1, profile="default", trouble=False), [{"largest_weight": -0.2}])
    assert "speaks against star: shown instead of hidden, it lowers the linear model's probability by 0.2" in (
        texts(run, "image-1")
    )
    assert says(fake_run(images=1, profile="default", trouble=False), "card.lime_up", "image-1")


@pytest.mark.parametrize(
    ("facts", "present", "absent"),
    [
        ({"edges": 0.5}, "shows_edges", "shows_avoids"),
        ({"edges": 0.49}, "", "shows_edges"),
        ({"edges": -0.49}, "", "shows_avoids"),
        ({"edges": -0.5}, "shows_avoids", "shows_edges"),
        ({"coherence": 0.5, "orientation": 90.0}, "shows_orientation", "shows_avoids"),
        ({"coherence": 0.1, "orientation": 90.0}, "", "shows_orientation"),
        ({"colour": "red", "colour_r": 0.5}, "shows_colour", "shows_avoids"),
        ({"colour": "none", "colour_r": 0.1}, "", "shows_colour"),
        ({"ratio": 0.5}, "shows_ratio_low", "shows_silent"),
        ({"ratio": 0.9999}, "", "shows_ratio_low"),
        ({"maximum": 0.0, "reached": 2.0}, "shows_silent", "shows_matters"),
        ({"steady": True}, "shows_steady", "shows_saturated"),
        ({"saturated": 0.5}, "shows_saturated", "shows_steady"),
        ({"saturated": 0.49}, "", "shows_saturated"),
        ({"duplicate_of": "4", "duplicate_r": 0.97}, "shows_duplicate_one", "shows_duplicate"),
        ({"duplicate_of": "4, 9", "duplicate_r": 0.97}, "shows_duplicate", "shows_duplicate_one"),
        ({"period": 6.5, "period_share": 0.4, "period_usual": 0.3}, "shows_period", "shows_steady"),
        ({"period": 6.5, "period_share": 0.39, "period_usual": 0.3}, "", "shows_period"),
        ({"largest_change": 0.01}, "shows_matters", "shows_idle"),
        ({"largest_change": 0.009}, "shows_idle", "shows_matters"),
        ({"largest_change": 0.009}, "shows_idle", "shows_relied_two"),
    ],
)
def test_a_filter_is_described_by_what_was_measured(facts: dict[str, float | str], present: str, absent: str) -> None:
    run = with_filters(fake_run(images=2, profile="default", trouble=False), facts)
    assert not present or says(run, f"filters.{present}", "filters")
    assert not says(run, f"filters.{absent}", "filters")


def test_that_no_filter_is_needed_alone_is_said_once() -> None:
    run = fake_run(images=2, profile="default", trouble=False)
    one = replace(run.filters[0], measures={**run.filters[0].measures, "largest_change": 0.004})
    both = replace(run, filters=(one, replace(one, filter=9, measures={**one.measures, "largest_change": 0.009})))
    told = texts(both, "filters")
    assert "None of these 2 filters is needed alone" in told
    assert "of a class's probability is 0.9 percentage points" in told
    assert not says(both, "filters.shows_idle", "filters")
    needed = replace(one, filter=9, measures={**one.measures, "largest_change": 0.01})
    assert not says(replace(run, filters=(one, needed)), "filters.shows_all_idle", "filters")


@pytest.mark.parametrize(
    ("drops", "present", "absent"),
    [
        ((0.2, 0.01, -0.2), "shows_relied_two", "shows_idle"),
        ((0.2, 0.009, -0.2), "shows_relied", "shows_relied_two"),
        ((0.009, 0.001, -0.01), "shows_opposed", "shows_relied"),
        ((0.2, 0.1, -0.009), "shows_relied_two", "shows_opposed"),
        ((0.009, 0.001, -0.009), "shows_changed", "shows_opposed"),
        ((0.01, 0.001, -0.009), "shows_relied", "shows_changed"),
    ],
)
def test_classes_are_named_from_one_point_on(drops: tuple[float, ...], present: str, absent: str) -> None:
    run = fake_run(images=2, profile="default", trouble=False)
    effects = tuple(ClassEffect(k, f"class {k}", abs(drop), drop, 0.0) for k, drop in enumerate(drops))
    run = replace(run, filters=(replace(run.filters[0], effects=effects),))
    assert says(run, f"filters.{present}", "filters")
    assert not says(run, f"filters.{absent}", "filters")


def test_the_silent_filters_of_a_layer_are_named_while_they_are_few() -> None:
    run = fake_run(images=2, profile="default", trouble=False)
    few = texts(with_filters(run, {"silent": 3, "silent_filters": "2, 5, 7"}), "filters")
    assert "Of this layer's 8 filters, 3 answer to none of these images: 2, 5, 7." in few
    many: dict[str, float | str] = {"silent": 13, "channels": 64, "silent_filters": ", ".join(map(str, range(13)))}
    assert "64 filters, 13 answer to none of these images." in texts(with_filters(run, many), "filters")
    assert "answer to none" not in texts(with_filters(run, {"silent": 0}), "filters")


def test_the_filters_of_a_layer_that_are_not_finite_are_named() -> None:
    run = fake_run(images=2, profile="default", trouble=False)
    two = texts(with_filters(run, {"broken": 2, "broken_filters": "2, 5"}), "filters")
    assert "Of this layer's 8 filters, 2 give NaN or infinity on some of these images: 2, 5." in two
    one = texts(with_filters(run, {"broken": 1, "broken_filters": "2"}), "filters")
    assert "Of this layer's 8 filters, one gives NaN or infinity on some of these images: 2." in one
    assert "NaN" not in texts(run, "filters")


def test_maps_before_an_activation_by_function_are_said_to_be_so() -> None:
    run = fake_run(images=2, profile="default", trouble=False)
    study = replace(run.filters[0], parameters={**run.filters[0].parameters, "no_activation": True})
    assert says(replace(run, filters=(study,)), "filters.no_activation", "filters")
    assert not says(run, "filters.no_activation", "filters")


def test_an_embedding_of_patches_waits_for_no_activation() -> None:
    run = of_tokens(12, patches_only=True)
    study = replace(run.filters[0], parameters={**run.filters[0].parameters, "no_activation": True})
    run = replace(run, filters=(study,))
    assert says(run, "filters.patches_only", "filters")
    assert not says(run, "filters.no_activation", "filters")
    assert not says(of_tokens(12, patches_only=False), "filters.patches_only", "filters")


@pytest.mark.parametrize(
    ("degrees", "said_as"),
    [(0.0, "horizontal structures (0°"), (22.0, "horizontal"), (45.0, "rising"), (90.0, "vertical"), (135.0, "falling"),
     (179.7, "horizontal structures (0°")],
)  # fmt: skip
def test_a_direction_is_the_nearest_of_four(degrees: float, said_as: str) -> None:
    run = fake_run(images=2, profile="default", trouble=False)
    assert said_as in texts(with_filters(run, {"coherence": 0.5, "orientation": degrees}), "filters")


def test_the_edge_claim_of_the_write_up_is_measured() -> None:
    run = fake_run(images=2)
    study = run.filters[-1]
    for r, key in ((0.6, "hw5.filters_edges"), (0.1, "hw5.filters_no_edges")):
        changed = replace(study, measures={**study.measures, "edges": r})
        assert says(replace(run, filters=(*run.filters[:-1], changed)), key, "filters-writeup")


def test_the_card_shows_the_filter_that_comes_nearest_to_its_maximum() -> None:
    run = fake_run(images=2, profile="default", trouble=False)
    first = replace(
        run.filters[0], image_measures=({"maximum": 9.0, "relative": 0.9}, {"maximum": 1.0, "relative": 0.1})
    )
    other = replace(
        first, filter=7, image_measures=({"maximum": 2.0, "relative": 0.2}, {"maximum": 8.0, "relative": 0.8})
    )
    captions = card_captions(replace(run, filters=(first, other)))
    assert [f"filter {n} of {first.layer}." in text for n, text in zip((first.filter, 7), captions, strict=True)] == [
        True,
        True,
    ]


def card_captions(run: Run) -> list[str]:
    cards = next(each for each in written(run).sections if each.anchor == "images").sections
    return [block.caption for each in cards for block in each.blocks if isinstance(block, Figure)]


def test_a_card_says_where_each_method_has_half_of_its_evidence_in_one_sentence() -> None:
    told = texts(RUNS["further methods"], "image-1")
    (sentence,) = re.findall(r"Half of the evidence for star lies in this share of the pixels: (.*?)\.(?= |$)", told)
    assert len(sentence.split("; ")) > 2
    assert sentence.startswith("by saliency ")
    assert "centred " in sentence.split("; ")[-1]


def test_what_noise_would_give_is_true_of_the_largest_of_three_channels() -> None:
    """Half of |noise| lies in 24% of the pixels where the channels are one, and in 33% where they are independent."""
    noise = np.abs(np.random.default_rng(0).standard_normal((100_000, 3)))
    for heat, share in ((noise[:, 0], "24%"), (noise.max(axis=1), "33%")):
        ranked = np.cumsum(np.sort(heat)[::-1])
        half = int(np.searchsorted(ranked, ranked[-1] / 2)) + 1
        assert f"{half / heat.size:.0%}" == share
        assert share in WORDS.sentences["summary.saliency"]
        assert share in WORDS.sentences["summary.saliency_one"]


def test_outlined_regions_that_leave_much_of_the_weight_out_are_told() -> None:
    run = fake_run(images=2, profile="default", trouble=False)
    some = with_lime(run, [{"shown_share": 0.74, "shown": 4, "r2": 0.9}, {"shown_share": 0.75, "r2": 0.9}])
    assert "The 4 regions outlined carry only 74% of the total weight" in texts(some, "image-1")
    assert "of the total weight" not in texts(some, "image-2")
    weak = with_lime(run, [{"shown_share": 0.74, "r2": 0.4}] * 2)
    assert "of the total weight" not in texts(weak, "image-1")  # its regions are hints only, whatever they carry


def test_warnings_stand_on_the_first_page() -> None:
    warnings = [
        sentence.text
        for block in written(fake_run()).sections[0].blocks
        if isinstance(block, Paragraph) and block.tone == "warning"
        for sentence in block.sentences
    ]
    assert warnings == [
        WORDS("summary.shipped_photographs"),
        WORDS("summary.same_place_all", total=3, place=WORDS("place.left")),
        WORDS("summary.incomplete", n=2, total=29),
        WORDS("summary.empty", n=4, total=24),
    ]


def test_agreement_is_judged_by_density_and_by_share() -> None:
    run = fake_run(profile="default", trouble=False)
    assert says(run, "card.agreement_dense", "image-1")  # dense there, but most of the saliency lies elsewhere
    cases = ((1.0, 0.0, "high"), (0.0, 1.0, "low"), (1.07, 1.0, "low"), (0.93, 1.0, "low"), (1.4, 1.0, ""))
    for supportive, elsewhere, name in cases:
        key = f"card.agreement_{name}".rstrip("_")
        first = run.subjects[0]
        lime = next(e.result for e in first.explanations if isinstance(e.result, RegionWeights))
        inside = np.isin(lime.segments, np.flatnonzero(lime.weights > 0.05))  # those that are outlined
        heat = np.where(inside, supportive, elsewhere).astype(np.float32)
        moved = tuple(replace(e, result=SaliencyMap(heat)) if e.method == "saliency" else e for e in first.explanations)
        changed = replace(run, subjects=(replace(first, explanations=moved), *run.subjects[1:]))
        assert says(changed, key, "image-1")
    assert says(run, "summary.agreement_high", "summary")
    for density, name in ((1.01, "agreement_low"), (1.09, "agreement_low"), (1.11, "agreement")):
        found = {sentence.text for sentence in _evidence(run, WORDS, {**summarise(run), DENSITY: density})}
        said = WORDS(f"summary.{name}", times=number(density), n=len(run.subjects))
        assert said in found
    swapped = tuple(
        replace(each, explanations=tuple(e for e in each.explanations if e.method == "saliency"))
        for each in run.subjects
    )
    assert "the two methods" not in texts(replace(run, subjects=swapped))


def test_the_summary_is_flat_and_counts_what_there_is() -> None:
    summary = summarise(fake_run())
    assert {name: summary[name] for name in ("images", "labelled", "right", "wrong", "failed", "empty")} == {
        "images": 4, "labelled": 3, "right": 2, "wrong": 1, "failed": 2, "empty": 4,
    }  # fmt: skip
    assert summary["accuracy"] == pytest.approx(2 / 3)
    assert (summary["filters"], summary["filters_dead"]) == (4, 1)
    assert all(isinstance(value, bool | int | float | str) for value in summary.values())
    only = summarise(fake_run(methods=("saliency",), labels=False, trouble=False))
    assert not [name for name in only if name.startswith(("lime", "filters", "accuracy", "agreement"))]


def test_a_median_of_an_even_number_lies_between() -> None:
    run = with_lime(fake_run(images=2, profile="default", trouble=False), [{"r2": 0.4}, {"r2": 0.8}])
    summary = summarise(run)
    assert summary["lime_r2_median"] == pytest.approx(0.6)
    assert (summary["lime_r2_low"], summary["lime_r2_high"], summary["lime_weak"]) == (0.4, 0.8, 1)


@pytest.mark.parametrize(("mean", "std", "told"), [((0.0,) * 3, (1.0,) * 3, False), ((0.5,) * 3, (0.5,) * 3, True)])
def test_a_normalisation_that_changes_nothing_is_not_told(
    mean: tuple[float, ...], std: tuple[float, ...], told: bool
) -> None:
    run = fake_run(images=1, profile="default", trouble=False)
    model = replace(run.model, input=replace(run.model.input, mean=mean, std=std))
    text = texts(replace(run, model=model), "summary")
    assert ("less the mean" in text, "standard deviation" in text) == (told, told)


def filter_captions(run: Run) -> list[str]:
    sections = [each for each in all_sections(written(run).sections) if each.anchor == "filters"]
    return [block.caption for each in sections for block in each.blocks if isinstance(block, Figure)]


def test_the_caption_of_a_layer_says_how_much_of_the_image_a_position_sees() -> None:
    captions = filter_captions(fake_run(images=1, profile="default", trouble=False))
    assert all("maps of 8 × 10; each position sees 14 × 16 pixels" in caption for caption in captions)
    (whole,) = filter_captions(of_tokens(1, patches_only=True))
    assert "maps of 8 × 10; each position sees the whole image)" in whole


def test_where_the_field_is_not_known_nothing_is_said_of_it() -> None:
    run = of_tokens(1, patches_only=True)
    study = run.filters[0]
    less = {name: value for name, value in study.parameters.items() if name != "receptive_field"}
    (caption,) = filter_captions(replace(run, filters=(replace(study, parameters=less),)))
    assert "maps of 8 × 10)" in caption


@pytest.mark.parametrize(
    ("layers", "patches_only", "start"),
    [
        (
            12,
            True,
            "This network works on patches (tokens), as a vision transformer does: only its patch embedding has",
        ),
        (1, True, "This network works on patches (tokens), as a vision transformer does: only its patch embedding has"),
        (12, False, "12 of the network's layers give tokens"),
        (1, False, "One of the network's layers gives tokens"),
    ],
)
def test_a_network_of_tokens_is_told_apart(layers: int, patches_only: bool, start: str) -> None:
    assert start in texts(of_tokens(layers, patches_only), "filters")


def test_a_network_of_maps_is_not_said_to_work_on_tokens() -> None:
    assert "tokens" not in texts(fake_run(images=1, profile="default", trouble=False), "filters")


def test_a_network_without_maps_gets_a_sentence_and_no_empty_name() -> None:
    text = texts(no_maps(), "filters")
    assert "No layer of this network gives maps" in text
    assert "Layer " not in text.replace("Layer-", "")


def test_where_a_class_was_asked_for_the_predicted_one_is_not_said_to_be_explained() -> None:
    asked, predicted = RUNS["asked for"], RUNS["further methods"]
    assert says(asked, "saliency.how_targets_asked", "saliency")
    assert not says(asked, "saliency.how_targets", "saliency")
    assert says(predicted, "saliency.how_targets", "saliency")
    assert "for the predicted class" not in texts(asked)


def test_one_explanation_is_not_told_as_one_of_one() -> None:
    told = texts(RUNS["further methods, one image"], "lime")
    assert "On a/star_0.jpg a second segmentation (a grid) tells another story (r = 0.00)" in told
    assert "of 1 explanations" not in told
