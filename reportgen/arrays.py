"""Read-only arrays and facts: checked at birth, and written to disk beside the JSON that names them."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, PlainSerializer, PlainValidator, SerializationInfo, ValidationInfo

Scalar = bool | int | float | str


def frozen_array(value: Any, dtype: str, shape: tuple[int | None, ...]) -> NDArray[Any]:  # noqa: ANN401 - anything array-like
    """A read-only copy of the value.

    dtype: numpy name; shape: expected length of each axis, None for any.
    Raises ValueError if the shape differs or a number is not finite.
    """
    array = np.array(value, dtype=dtype, order="C")
    if array.ndim != len(shape) or any(want not in (None, got) for want, got in zip(shape, array.shape, strict=True)):
        raise ValueError(f"array of shape {array.shape} where {shape} is expected")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError("array holds NaN or infinity")
    array.setflags(write=False)
    return array


def frozen_facts(facts: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    """A read-only copy of named numbers or words. Raises ValueError for a number that is not finite."""
    for name, value in facts.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} is {value}")
    return MappingProxyType(dict(facts))


def _dump_array(array: NDArray[Any], info: SerializationInfo) -> str:
    """Put the array aside in the context's `arrays` and leave its key; see `store`."""
    arrays: dict[str, NDArray[Any]] = (info.context or {})["arrays"]
    key = f"{len(arrays):05d}"
    arrays[key] = array
    return key


def _load_array(value: Any, info: ValidationInfo) -> NDArray[Any]:  # noqa: ANN401 - a key, or an array from Python
    if isinstance(value, str):
        value = (info.context or {})["arrays"][value]
    return np.asarray(value)


Array = Annotated[NDArray[Any], PlainValidator(_load_array), PlainSerializer(_dump_array)]
Facts = Annotated[Mapping[str, Scalar], AfterValidator(frozen_facts), PlainSerializer(dict)]

NO_FACTS: Mapping[str, Scalar] = MappingProxyType({})
