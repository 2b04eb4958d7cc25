"""Evidence on a marked object: shares that are known on paper."""

from dataclasses import replace

import numpy as np
import pytest
from asked_again import evidence, honest, images_of, method_of, scene_images
from numpy.typing import NDArray
from toy_models import Small, photographs, settled, wrapped

from reportgen.checks.pointing import CHECK, DENSER
from reportgen.contracts import Evidence
from reportgen.example.scenes import fresh_scenes
from reportgen.measures import centred_blob
from reportgen.objects import on_target
from reportgen.results import AttributionMap, CheckResult, ObjectMask

SIZE = (16, 20)
LEFT = np.zeros(SIZE, bool)
LEFT[:, :5] = True  # a quarter of the image
SPREAD: NDArray[np.float64] = np.where(LEFT, 3.0, 1.0)  # half of the evidence on that quarter


def given(*objects: ObjectMask, heat: NDArray[np.float64] = SPREAD, masks: str | None = "m.json") -> Evidence:
    image = replace(images_of(photographs(1))[0], objects=objects)
    method = method_of("drawn", lambda *_: AttributionMap(heat))
    return evidence(wrapped(settled(Small())), [image], [method], masks=masks)


def result(*objects: ObjectMask, heat: NDArray[np.float64] = SPREAD) -> CheckResult:
    ((found,),) = CHECK.judge(given(*objects, heat=heat))
    return found


def test_mass_area_and_hit_are_those_on_paper() -> None:
    found = result(ObjectMask("", LEFT))
    assert found.measures["area"] == 0.25
    assert found.measures["mass"] == pytest.approx(0.5)
    assert found.value == pytest.approx(2.0)
    assert (found.state, found.threshold, found.measures["hit"]) == ("supported", DENSER, True)
    away = result(ObjectMask("", LEFT), heat=SPREAD[:, ::-1].copy())
    assert away.value == pytest.approx(2 / 3)  # a sixth of it on a quarter
    assert (away.state, away.measures["hit"]) == ("indistinct", False)


def test_what_speaks_against_the_class_does_not_count() -> None:
    assert result(ObjectMask("", LEFT), heat=np.where(LEFT, 1.0, -5.0)).value == pytest.approx(4)
    assert result(ObjectMask("", LEFT), heat=-SPREAD).reason == "reason.no_evidence"


def test_evenly_spread_evidence_has_its_share() -> None:
    found = result(ObjectMask("", LEFT), heat=np.ones(SIZE))
    assert found.value == pytest.approx(1)
    assert found.state == "indistinct"


def test_a_blob_in_the_middle_stands_beside() -> None:
    middle = np.zeros(SIZE, bool)
    middle[6:10, 8:12] = True
    found = result(ObjectMask("", middle))
    assert found.measures["middle_hit"] is True
    assert found.measures["middle_mass"] == pytest.approx(
        float(centred_blob(SIZE)[middle].sum() / centred_blob(SIZE).sum())
    )
    assert result(ObjectMask("", LEFT)).measures["middle_hit"] is False


def test_the_class_s_own_objects_count_where_a_name_is_known() -> None:
    other = ObjectMask("something else", ~LEFT)
    found = result(other, ObjectMask("Class_0", LEFT), ObjectMask("class 1", LEFT), ObjectMask("class 2", LEFT))
    assert (found.measures["of"], found.measures["area"]) == ("class", 0.25)
    some = np.zeros(SIZE, bool)
    some[:2, 10:] = True
    assert on_target([ObjectMask("dog", LEFT), ObjectMask("cat", some)], "tabby, cat")[1] == "class"
    mask, of = on_target([ObjectMask("dog", LEFT), ObjectMask("", some)], "zebra")
    assert of == "all"
    assert on_target([ObjectMask("", LEFT)], "zebra")[1] == "unnamed"
    assert mask is not None
    assert np.array_equal(mask, LEFT | some)


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ((), "reason.no_mask"),
        ((ObjectMask("", np.zeros(SIZE, bool)),), "reason.object_outside"),
        ((ObjectMask("", ~LEFT),), "reason.object_everywhere"),
    ],
)
def test_what_cannot_be_tested_is_no_pass(objects: tuple[ObjectMask, ...], reason: str) -> None:
    found = result(*objects)
    assert (found.state, found.reason) == ("not_tested", reason)


def test_without_masks_the_check_is_not_made() -> None:
    assert [*CHECK.judge(given(ObjectMask("", LEFT), masks=None))] == []


def test_on_the_shipped_network_the_evidence_lies_on_the_object() -> None:
    with honest() as classifier:
        rows = [*CHECK.judge(evidence(classifier, scene_images(fresh_scenes(780, 6)), ["saliency"], masks="masks"))]
    values = sorted(float(found.value or 0) for (found,) in rows)
    assert values[len(values) // 2] > 3
