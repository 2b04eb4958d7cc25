"""Class names in the page's language, where they are ours to translate: the course's foods, and bare numbers.

The original stands beside each food's translation, and report.json knows the original only.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from reportgen.language import Words
from reportgen.results import ClassEffect, RankedClass, Run, Target


def in_words(run: Run, words: Words) -> Run:
    """The run with every class named as "麵包 Bread" or "類別 3", where names are ours; otherwise itself."""
    model = run.model
    names = _numbers(model.classes, words) if model.classes_from == "index" else _names(model.classes, words)
    if not names:
        return run
    model = dataclasses.replace(model, classes=tuple(names[name] for name in run.model.classes))
    told: Run = _told(dataclasses.replace(run, model=model), names)
    return told


def _names(classes: tuple[str, ...], words: Words) -> Mapping[str, str]:
    """Name -> name as shown; empty where the page's language has no words for these, or these very words."""
    keys = {name: re.sub(r"\W+", "_", name.lower()) for name in classes}
    if set(keys.values()) != set(words.table("food11")):
        return {}
    told = {name: words(f"food11.{key}") for name, key in keys.items()}
    return {} if all(told[name] == name for name in told) else {name: f"{told[name]} {name}" for name in told}


def _numbers(classes: tuple[str, ...], words: Words) -> Mapping[str, str]:
    """Name -> name as shown, of classes that nothing names; empty where the page's language has these very words."""
    told = {name: words("target.numbered", index=index) for index, name in enumerate(classes)}
    return {} if all(told[name] == name for name in told) else told


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
