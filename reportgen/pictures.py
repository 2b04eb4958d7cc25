"""All pictures of a part of a document, one after the other."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

from reportgen.document import Picture

T = TypeVar("T")


def with_pictures(part: T, change: Callable[[Picture], Picture]) -> T:
    """The same part, each of its pictures as `change` gives it back."""
    if isinstance(part, Picture):
        return change(part)  # type: ignore[return-value]
    if isinstance(part, tuple):
        return tuple(with_pictures(each, change) for each in part)  # type: ignore[return-value]
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        slots: dict[str, Any] = {slot.name: getattr(part, slot.name) for slot in dataclasses.fields(part)}
        return dataclasses.replace(part, **{name: with_pictures(each, change) for name, each in slots.items()})
    return part
