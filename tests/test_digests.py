import numpy as np
import pytest

from reportgen.digests import array_sha256, tensor_facts


def test_the_same_values_have_the_same_fingerprint_however_they_lie() -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert array_sha256(values) == array_sha256(np.asfortranarray(values)) == array_sha256(values.astype(">f4"))


@pytest.mark.parametrize(
    "other", [np.arange(12.0).reshape(3, 4), np.arange(12, dtype=np.float32), np.full((3, 4), 1, np.float32)]
)
def test_another_type_shape_or_value_has_another(other: np.ndarray) -> None:
    assert array_sha256(np.arange(12, dtype=np.float32).reshape(3, 4)) != array_sha256(other)


def test_a_tensor_is_told_by_name_type_shape_and_sum() -> None:
    (fact,) = tensor_facts({"fc.weight": np.full((2, 3), 0.5, np.float32)})
    assert (fact.name, fact.dtype, fact.shape, fact.total) == ("fc.weight", "float32", (2, 3), 3.0)


def test_a_sum_that_is_not_finite_is_told_as_nothing() -> None:
    assert [fact.total for fact in tensor_facts({"a": np.array([np.inf]), "b": np.array([], np.int64)})] == [0.0, 0]
