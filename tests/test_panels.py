import re

import numpy as np
import pytest
from fake_run import (
    CLASSES,
    SIZE,
    fake_heat,
    fake_image,
    fake_lime,
    fake_prediction,
    fake_regions,
    fake_run,
    fake_saliency,
    fake_study,
)

from reportgen import figures, measures
from reportgen.document import NoPicture, Panel, Picture
from reportgen.language import load_words
from reportgen.panels import (
    EMPTY,
    Found,
    activation_panel,
    agreement,
    chart_panel,
    found,
    in_rows,
    lime_panel,
    original_panel,
    padded,
    saliency_panel,
    scale_bar,
    stretched_panel,
    studied,
    synthetic_panel,
    target_words,
    thumbnail,
)
from reportgen.results import Explanation, FilterStudy, RegionWeights, SaliencyMap, Subject, Target

WORDS = load_words()
TARGET = Target(5, CLASSES[5], "predicted")
IMAGE = fake_image(1)


def item(explanation: Explanation) -> Found:
    return Found(Subject(IMAGE, fake_prediction(1, 4), (explanation,)), explanation, "images[0].explanations[0]")


def picture(panel: Panel) -> Picture:
    assert isinstance(panel.content, Picture)
    return panel.content


def why(panel: Panel) -> str:
    assert isinstance(panel.content, NoPicture)
    return panel.content.reason


def saliency(heat: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Explanation:
    return Explanation("saliency", TARGET, "ok", SaliencyMap(heat), measures=measures.heat_measures(heat))


def test_results_are_found_with_their_place_in_the_json() -> None:
    run = fake_run()
    assert [(each.name, each.key) for each in found(run, "lime")][:3] == [
        ("a/star_0.jpg", "images[0].explanations[2]"),
        ("b/ring & plus.png", "images[1].explanations[3]"),
        ("b/ring & plus.png", "images[1].explanations[4]"),
    ]
    assert [each.key for each in studied(run, "filters_hw5")] == ["filters[5]"]
    one = found(run, "saliency")[0]
    assert one.keys("maximum") == ("images[0].explanations[0].measures.maximum",)
    assert one.measure("maximum") == 1.0


def test_rows_keep_the_order_and_lose_nothing() -> None:
    for count in range(14):
        rows = list(in_rows(range(count)))
        assert [item for row in rows for item in row] == list(range(count))
    assert [[len(row) for row in in_rows(range(count))] for count in (0, 1, 4, 5, 9, 12, 13)] == [
        [], [1], [4], [3, 2], [3, 3, 3], [4, 4, 4], [4, 3, 3, 3],
    ]  # fmt: skip


def test_rows_are_filled_up_to_one_width() -> None:
    panel = Panel(NoPicture("why"), "label")
    assert padded((panel,)) == (panel, EMPTY, EMPTY, EMPTY)
    assert padded([panel] * 4) == (panel,) * 4


def test_the_original_says_its_size_and_what_was_done_to_it() -> None:
    panel = original_panel(WORDS, IMAGE)
    assert panel.detail == f"96 × 120 px; {WORDS('conversion.exif')}, {WORDS('conversion.alpha')}"
    assert "96 × 120" in picture(panel).alt
    assert picture(panel).width / picture(panel).height == pytest.approx(SIZE[1] / SIZE[0], rel=0.01)
    assert original_panel(WORDS, IMAGE, "name.jpg") == Panel(picture(panel), "name.jpg")


@pytest.mark.parametrize("overlay", [True, False])
def test_saliency_is_drawn_with_its_numbers(overlay: bool) -> None:
    panel = saliency_panel(WORDS, item(fake_saliency(1, TARGET)), overlay=overlay)
    assert panel.detail == "maximum 2"
    assert panel.label == "Saliency: disc<U+202E>"
    assert "3.4%" in picture(panel).alt
    assert "87%" in picture(panel).alt
    assert "in the upper left" in picture(panel).alt


def test_what_has_nothing_to_show_says_why() -> None:
    flat = item(fake_saliency(1, TARGET, flat=True))
    assert why(saliency_panel(WORDS, flat, overlay=True)) == WORDS("reason.flat_gradient")
    even = item(saliency(np.full(SIZE, 0.5, np.float32)))
    assert why(saliency_panel(WORDS, even, overlay=False)) == WORDS("reason.flat_map")
    failed = item(fake_lime(1, TARGET, fails=True))
    for panel in (lime_panel(WORDS, failed, numbered=True), chart_panel(WORDS, failed)):
        assert why(panel) == WORDS("reason.raised") + " RuntimeError: <out> of {memory}<U+001B>[0m"


def test_regions_without_any_weight_are_not_outlined() -> None:
    weightless = RegionWeights(fake_regions(1).segments, np.zeros(20))
    empty = item(Explanation("lime", TARGET, "ok", weightless, measures={"segments": 20}))
    assert why(lime_panel(WORDS, empty, numbered=True)) == WORDS("reason.no_region")
    assert why(chart_panel(WORDS, empty)) == WORDS("reason.no_region")


def test_regions_are_drawn_with_their_numbers() -> None:
    explained = item(fake_lime(1, TARGET))
    panels = [lime_panel(WORDS, explained, numbered=numbered) for numbered in (True, False)]
    assert picture(panels[0]).data != picture(panels[1]).data
    assert panels[0].detail == "R² 0.70, 20 superpixels"
    assert "3 of 20 superpixels" in picture(panels[0]).alt
    assert "+0.51" in picture(panels[0]).alt
    chart = picture(chart_panel(WORDS, explained))
    assert "1: +0.51; 2: −0.2; 3: +0.1" in chart.alt


def test_activations_share_the_filters_scale_and_keep_their_pixels() -> None:
    images = [fake_image(n) for n in range(3)]
    study = fake_study("cnn.1", 5, images)
    subject = Subject(images[1], fake_prediction(1, 4), ())
    panel = activation_panel(WORDS, study, subject, 1, overlay=False)
    assert (picture(panel).width, picture(panel).height) == (10, 8)
    assert picture(panel).pixelated
    top = float(study.activations.max())
    assert picture(panel).data == figures.png(figures.activation_picture(study.activations[1], top), "").data
    assert re.search(r"at most \d", picture(panel).alt)
    assert picture(activation_panel(WORDS, study, subject, 1, overlay=True)).media_type == "image/jpeg"


def test_filters_without_an_answer_have_no_picture() -> None:
    images = [fake_image(n) for n in range(2)]
    subject = Subject(images[0], fake_prediction(0, 0), ())
    dead = fake_study("cnn.1", 7, images, "dead")
    assert why(activation_panel(WORDS, dead, subject, 0, overlay=True)) == WORDS("reason.dead_filter")
    assert why(synthetic_panel(WORDS, dead)) == WORDS("reason.dead_filter")
    facts = ({"maximum": -1.0, "mean": -1.0},) * 2
    below = FilterStudy(
        "filters", "cnn.0", 0, "ok", -np.ones((2, 4, 4)), measures={"maximum": -1.0}, image_measures=facts
    )
    assert why(activation_panel(WORDS, below, subject, 0, overlay=False)) == WORDS("reason.below_zero")
    assert why(synthetic_panel(WORDS, below)) == WORDS("reason.not_computed")


def test_the_synthetic_image_says_what_it_reached() -> None:
    panel = synthetic_panel(WORDS, fake_study("cnn.1", 5, [fake_image(0)]))
    assert re.fullmatch(r"answer \d.*", panel.detail)
    assert panel.detail in picture(panel).alt


def test_a_flat_map_is_not_stretched() -> None:
    assert why(stretched_panel(WORDS, np.ones((4, 4), np.float32), "a", "b")) == WORDS("reason.flat_map")
    assert picture(stretched_panel(WORDS, fake_heat(1), "a", "b")).alt == "b"


def test_scales_targets_and_thumbnails_speak() -> None:
    bar = scale_bar(WORDS, "saliency", "0", "1", "share")
    assert all(word in bar.picture.alt for word in ("0", "1", "share"))
    assert target_words(WORDS, TARGET) == "disc<U+202E> (predicted)"
    assert max(thumbnail(WORDS, IMAGE).width, thumbnail(WORDS, IMAGE).height) == 112


def test_agreement_is_the_share_of_saliency_in_supportive_regions() -> None:
    heat = np.ones(SIZE, np.float32)
    regions = fake_regions(0)
    lime = Explanation("lime", TARGET, "ok", regions)
    both = Subject(IMAGE, fake_prediction(1, 4), (saliency(heat), lime))
    # Of the three outlined regions of 20 two speak for the class; even saliency knows nothing of them.
    assert agreement(both) == pytest.approx({"agreement": 0.1, "agreement_area": 0.1, "agreement_density": 1.0})
    heat[regions.segments == 6] = 21.0
    denser = Subject(IMAGE, fake_prediction(1, 4), (saliency(heat), lime))
    assert agreement(denser)["agreement"] == pytest.approx((21 + 1) / (19 + 21))
    assert agreement(Subject(IMAGE, fake_prediction(1, 4), (lime,))) == {}
    against = Explanation("lime", TARGET, "ok", RegionWeights(regions.segments, -np.abs(regions.weights)))
    assert agreement(Subject(IMAGE, fake_prediction(1, 4), (saliency(heat), against))) == {}
    label = Target(4, "x", "label")
    other = Explanation("lime", label, "ok", regions)
    assert agreement(Subject(IMAGE, fake_prediction(1, 4), (saliency(heat), other))) == {}
