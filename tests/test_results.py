import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import small_values

from reportgen import results
from reportgen.results import (
    NO_FACTS,
    ColourSaliency,
    Explanation,
    FilterStudy,
    ImageInput,
    Prediction,
    RankedClass,
    RegionWeights,
    SaliencyMap,
    Target,
)

TARGET = Target(0, "cat", "predicted")
WRONG_SHAPES: list[tuple[type, dict[str, Any]]] = [
    (ImageInput, {"original": np.zeros((8, 8)), "pixels": np.zeros((4, 4, 3))}),
    (ImageInput, {"original": np.zeros((8, 8, 4)), "pixels": np.zeros((4, 4, 3))}),
    (ImageInput, {"original": np.zeros((8, 8, 3)), "pixels": np.zeros((3, 4, 4))}),
    (SaliencyMap, {"heat": np.zeros((4, 4, 3))}),
    (ColourSaliency, {"heat": np.zeros((4, 4))}),
    (ColourSaliency, {"heat": np.zeros((3, 4, 4))}),
    (RegionWeights, {"segments": np.zeros(4), "weights": np.zeros(1)}),
    (RegionWeights, {"segments": np.zeros((2, 2)), "weights": np.zeros((1, 1))}),
    (Prediction, {"top": (), "logits": np.zeros((1, 2))}),
]


def values(value: object) -> Iterator[object]:
    """The value and all that it holds."""
    yield value
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from values(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from values(item)


def test_a_run_is_frozen_all_the_way_down() -> None:
    for value in values(small_values.run()):
        if isinstance(value, np.ndarray):
            assert not value.flags.writeable
            assert value.flags.c_contiguous
        elif isinstance(value, Mapping):
            with pytest.raises(TypeError):
                value["new"] = 1  # type: ignore[index]  # that is the point
        elif dataclasses.is_dataclass(value):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(value, dataclasses.fields(value)[0].name, None)
        else:
            assert isinstance(value, tuple | str | int | float | None)


def test_every_kind_of_value_is_frozen() -> None:
    kinds = [kind for kind in vars(results).values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)]
    assert len(kinds) == 34
    assert [kind.__name__ for kind in kinds if not kind.__dataclass_params__.frozen] == []  # type: ignore[attr-defined]


def test_what_the_maker_keeps_is_a_copy() -> None:
    heat, facts = np.ones((2, 2), np.float32), {"maximum": 1.0}
    explanation = Explanation("saliency", TARGET, "ok", SaliencyMap(heat), measures=facts)
    heat[:] = 7
    facts["maximum"] = 7
    assert isinstance(explanation.result, SaliencyMap)
    assert explanation.result.heat.max() == 1
    assert explanation.measures == {"maximum": 1.0}


@pytest.mark.parametrize(("kind", "fields"), WRONG_SHAPES)
def test_a_wrong_shape_is_refused(kind: type, fields: dict[str, Any]) -> None:
    name = {"name": "a", "sha256": "b"} if kind is ImageInput else {}
    with pytest.raises(ValueError, match="array of shape"):
        kind(**name, **fields)


@pytest.mark.parametrize("value", [-0.001, 1.001])
def test_pixels_lie_in_their_range(value: float) -> None:
    assert small_values.image(pixels=np.array([0.0, 1.0] * 6).reshape(2, 2, 3)).pixels.max() == 1
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        small_values.image(pixels=np.full((2, 2, 3), value))


def test_saliency_has_no_sign() -> None:
    assert SaliencyMap(np.zeros((2, 2))).heat.max() == 0
    with pytest.raises(ValueError, match="never below 0"):
        SaliencyMap(np.array([[0, -1e-6]]))


@pytest.mark.parametrize(
    ("segments", "weights"),
    [([[1, 2]], 2), ([[0, 2]], 2), ([[0, 1]], 3), ([[0, 1]], 1), ([[-1, 0]], 2), ([[0, 0]], 0)],
    ids=["from one", "gap", "phantom weight", "no weight", "negative", "none"],
)
def test_regions_are_numbered_without_gaps_one_weight_each(segments: list[list[int]], weights: int) -> None:
    """lime counts regions from 0: with skimage's default of 1 the last is never hidden and a phantom is weighed."""
    with pytest.raises(ValueError, match=r"numbered 0\.\.n-1"):
        RegionWeights(np.array(segments), np.zeros(weights))


RESULT = SaliencyMap(np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("status", "result", "reason"),
    [
        ("ok", None, ""),
        ("ok", RESULT, "reason.raised"),
        ("degenerate", RESULT, "reason.flat_gradient"),
        ("failed", None, ""),
        ("not_applicable", None, ""),
    ],
)
def test_a_picture_and_a_reason_exclude_one_another(
    status: results.Status, result: SaliencyMap | None, reason: str
) -> None:
    with pytest.raises(ValueError, match="status"):
        Explanation("saliency", TARGET, status, result, reason)


@pytest.mark.parametrize(("status", "reason"), [("ok", "reason.dead_filter"), ("degenerate", "")])
def test_a_filter_without_status_ok_says_why(status: results.Status, reason: str) -> None:
    with pytest.raises(ValueError, match="status"):
        FilterStudy("filters", "cnn.2", 0, status, np.zeros((1, 2, 2)), reason=reason)


def test_filters_have_maps_and_colour_pictures() -> None:
    for maps, picture in ((np.zeros((2, 2)), None), (np.zeros((1, 2, 2)), np.zeros((2, 2)))):
        with pytest.raises(ValueError, match="array of shape"):
            FilterStudy("filters", "cnn.2", 0, "ok", maps, picture)


@pytest.mark.parametrize("facts", [{"r2": float("nan")}, {"r2": None}])
def test_no_number_is_nan(facts: Any) -> None:  # noqa: ANN401 - what no caller should hand over
    with pytest.raises(ValueError, match="r2 is"):
        Explanation("lime", TARGET, "failed", reason="reason.raised", measures=facts)
    with pytest.raises(ValueError, match="r2 is"):
        FilterStudy("filters", "cnn.2", 0, "ok", np.zeros((1, 2, 2)), image_measures=(facts,))


def test_facts_shared_by_default_cannot_change() -> None:
    with pytest.raises(TypeError):
        NO_FACTS["a"] = 1  # type: ignore[index]  # that is the point


def test_a_prediction_knows_whether_it_is_right() -> None:
    cat, dog = RankedClass(0, "cat", 0.6), RankedClass(1, "dog", 0.4)
    answers = [
        Prediction((cat, dog), np.zeros(2), label).right for label in (cat, RankedClass(0, "Cat", 0.1), dog, None)
    ]
    assert answers == [True, True, False, None]
    assert Prediction((dog, cat), np.zeros(2)).first is dog
