"""Class names in the page's language, for the one set of names that is ours to translate: the course's foods.

The original stands beside each translation, and report.json knows the original only.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from reportgen.language import Words
from reportgen.results import ClassEffect, RankedClass, Run, Target


def in_words(run: Run, words: Words) -> Run:
    """The run with every class named as "麵包 Bread", where all its classes are the course's; otherwise itself."""
    names = _names(run.model.classes, words)
    if not names:
        return run
    model = dataclasses.replace(run.model, classes=tuple(names[name] for name in run.model.classes))
    told: Run = _told(dataclasses.replace(run, model=model), names)
    return told


def _names(classes: tuple[str, ...], words: Words) -> Mapping[str, str]:
    """Name -> name as shown; empty where the page's language has no words for these, or these very words."""
    keys = {name: re.sub(r"\W+", "_", name.lower()) for name in classes}
    if set(keys.values()) != set(words.table("food11")):
        return {}
    told = {name: words(f"food11.{key}") for name, key in keys.items()}
    return {} if all(told[name] == name for name in told) else {name: f"{told[name]} {name}" for name in told}


def _told(part: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - any part of a run
    """The part with its classes renamed; what names none is the same object, for arrays are copied at birth."""
    if isinstance(part, RankedClass | Target | ClassEffect):
        return dataclasses.replace(part, name=names.get(part.name, part.name))
    if isinstance(part, tuple):
        made = tuple(_told(each, names) for each in part)
        return made if any(new is not old for new, old in zip(made, part, strict=True)) else part
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        slots = {slot.name: getattr(part, slot.name) for slot in dataclasses.fields(part)}
        changed = {name: new for name, old in slots.items() if (new := _told(old, names)) is not old}
        return dataclasses.replace(part, **changed) if changed else part
    return part
