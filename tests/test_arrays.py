import numpy as np
import pytest

from reportgen.arrays import frozen_array, frozen_facts


def test_an_array_is_a_read_only_copy() -> None:
    mine = np.ones((2, 3), order="F")
    locked = frozen_array(mine, "float32", (2, None))
    mine[:] = 5
    assert locked.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert (str(locked.dtype), locked.flags.c_contiguous, locked.flags.owndata) == ("float32", True, True)
    with pytest.raises(ValueError, match="read-only"):
        locked[0, 0] = 2


@pytest.mark.parametrize("shape", [(2,), (2, 3, 1), (3, 2), (None, 4)])
def test_another_shape_is_refused(shape: tuple[int | None, ...]) -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 3\)"):
        frozen_array(np.ones((2, 3)), "float32", shape)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        frozen_array([0.0, value], "float32", (2,))


@pytest.mark.parametrize(
    ("value", "dtype"), [(256, "uint8"), (-1, "uint8"), (0.5, "uint8"), (2**31, "int32"), (np.nan, "int32")]
)
def test_whole_numbers_stay_what_they_are(value: float, dtype: str) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        frozen_array(np.array([0, value]), dtype, (2,))


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_whole_numbers_of_another_width_are_taken(dtype: str) -> None:
    assert frozen_array(np.array([0, 255], np.int64), dtype, (2,)).tolist() == [0, 255]
    assert frozen_array(np.array([0.0, 255.0]), dtype, (2,)).tolist() == [0, 255]


def test_facts_are_a_read_only_copy_of_plain_values() -> None:
    mine = {"a": 1.5, "b": np.float32(0.5), "c": np.int64(3), "d": np.bool_(True), "e": "x", "f": True}
    locked = frozen_facts(mine)  # type: ignore[arg-type]  # numpy's scalars are what a careless caller hands over
    mine["a"] = 2
    assert dict(locked) == {"a": 1.5, "b": 0.5, "c": 3, "d": True, "e": "x", "f": True}
    assert [type(value) for value in locked.values()] == [float, float, int, bool, str, bool]
    with pytest.raises(TypeError):
        locked["a"] = 3  # type: ignore[index]  # that is the point


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan"), None, [1], np.ones(2)])
def test_what_json_cannot_hold_is_no_fact(value: object) -> None:
    with pytest.raises(ValueError, match="share is"):
        frozen_facts({"share": value})  # type: ignore[dict-item]  # that is the point
