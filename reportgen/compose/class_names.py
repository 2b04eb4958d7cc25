"""Class names in the page's language, for the one set of names that is ours to translate: the course's foods.

The original stands beside each translation, and report.json knows the original only.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from reportgen.language import Words
from reportgen.results import Prediction, RankedClass, Run, Subject


def in_words(run: Run, words: Words) -> Run:
    """The run with every class named as "麵包 Bread", where all its classes are the course's; otherwise itself."""
    names = _names(run.model.classes, words)
    if not names:
        return run
    model = replace(run.model, classes=tuple(names[name] for name in run.model.classes))
    subjects = tuple(_subject(subject, names) for subject in run.subjects)
    filters = tuple(
        replace(study, effects=tuple(replace(each, name=names.get(each.name, each.name)) for each in study.effects))
        for study in run.filters
    )
    return replace(run, model=model, subjects=subjects, filters=filters)


def _names(classes: tuple[str, ...], words: Words) -> Mapping[str, str]:
    """Name -> name as shown; empty where the page's language has no words for these, or these very words."""
    known = words.table("food11")
    keys = {name: re.sub(r"\W+", "_", name.lower()) for name in classes}
    if set(keys.values()) != set(known):
        return {}
    told = {name: words(f"food11.{key}") for name, key in keys.items()}
    return {} if all(told[name] == name for name in told) else {name: f"{told[name]} {name}" for name in told}


def _subject(subject: Subject, names: Mapping[str, str]) -> Subject:
    explanations = tuple(
        replace(each, target=replace(each.target, name=names.get(each.target.name, each.target.name)))
        for each in subject.explanations
    )
    return replace(subject, prediction=_prediction(subject.prediction, names), explanations=explanations)


def _prediction(prediction: Prediction, names: Mapping[str, str]) -> Prediction:
    def told(ranked: RankedClass) -> RankedClass:
        return replace(ranked, name=names.get(ranked.name, ranked.name))

    label = prediction.label and told(prediction.label)
    return replace(prediction, top=tuple(map(told, prediction.top)), label=label)
