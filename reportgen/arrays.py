"""Read-only arrays and facts: checked at birth, and written to disk beside the JSON that names them."""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, PlainSerializer, PlainValidator, SerializationInfo, ValidationInfo

Scalar = bool | int | float | str

LARGE: Final = 1 << 20  # bytes


def frozen_array(value: Any, dtype: str, shape: tuple[int | None, ...]) -> NDArray[Any]:  # noqa: ANN401 - anything array-like
    """A read-only copy of the value; the value itself where nobody can write to it, as to what lies on a shelf.

    dtype: numpy name; shape: expected length of each axis, None for any.
    Raises ValueError if the shape differs, a number is not finite, or whole numbers would not stay what they are.
    """
    given = np.asarray(value)
    with np.errstate(all="ignore"):  # what does not fit is refused below
        array = given if _settled(given, dtype) else np.array(given, dtype=dtype, order="C")
    if array.ndim != len(shape) or any(want not in (None, got) for want, got in zip(shape, array.shape, strict=True)):
        raise ValueError(f"array of shape {array.shape} where {shape} is expected")
    if array.dtype.kind == "f" and not all(np.isfinite(part).all() for part in _parts(array)):
        raise ValueError("array holds NaN or infinity")
    if array.dtype.kind in "iu" and not np.array_equal(array, given):
        raise ValueError(f"{given.dtype} numbers do not fit into {dtype}")
    array.setflags(write=False)
    return array


def _settled(array: NDArray[Any], dtype: str) -> bool:
    """Whether it is what is wanted, and memory that cannot be written to lies below it."""
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    locked = isinstance(owner, bytes) or (isinstance(owner, memoryview) and owner.readonly)
    return locked and array.dtype == dtype and array.flags.c_contiguous


def _parts(array: NDArray[Any]) -> Iterable[NDArray[Any]]:
    """What to look at at once: of a large array row by row."""
    return array if array.nbytes >= LARGE and array.ndim > 1 else (array,)


def frozen_facts(facts: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    """A read-only copy of named numbers or words; numpy's scalars become Python's.

    Raises ValueError for anything else, and for a number that is not finite.
    """
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in facts.items()}
    for name, value in plain.items():
        if not isinstance(value, bool | int | float | str) or (isinstance(value, float) and not math.isfinite(value)):
            raise ValueError(f"{name} is {value!r}")
    return MappingProxyType(plain)


def lock(owner: object, name: str, dtype: str, shape: tuple[int | None, ...]) -> None:
    """Replace an array of a frozen value, while it is born, by its checked read-only copy."""
    object.__setattr__(owner, name, frozen_array(getattr(owner, name), dtype, shape))


def lock_facts(owner: object, *names: str) -> None:
    """The same for named facts."""
    for name in names:
        object.__setattr__(owner, name, frozen_facts(getattr(owner, name)))


def lock_notes(owner: object, name: str) -> None:
    """The same for notes: pairs of a sentence's key and the facts that fill it."""
    notes: tuple[tuple[str, Mapping[str, Scalar]], ...] = getattr(owner, name)
    object.__setattr__(owner, name, tuple((key, frozen_facts(facts)) for key, facts in notes))


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
