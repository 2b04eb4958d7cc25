"""What a setting accepts beside its own kind: one path for many, a number for a name."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo


def _one_path(value: Any) -> Any:  # noqa: ANN401 - whatever was given
    """Accept one path for a list of them; it is not split, for a comma is part of many names."""
    return (value,) if isinstance(value, str | Path) else value


def _index_or_name(value: Any) -> Any:  # noqa: ANN401 - whatever was given
    """Accept a class's index as a number, as a settings file may have it."""
    return str(value) if isinstance(value, int) else value


def against_a_target(versus: str | None, info: ValidationInfo) -> str | None:
    """Only beside a target. Raises ValueError where there is none."""
    if versus is not None and info.data.get("target") is None:
        raise ValueError("--target must name the class that is held against it")
    return versus


Paths = Annotated[tuple[Path, ...], BeforeValidator(_one_path)]
ClassText = Annotated[str | None, BeforeValidator(_index_or_name)]
