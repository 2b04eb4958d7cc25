"""Every number that the report says stems from report.json, under the keys that the sentence names."""

import re
from collections.abc import Mapping
from typing import Any, get_args

import pytest
from reading import WORDS, said, written
from scenarios import RUNS

from reportgen.forwards import Precision
from reportgen.language import load_references
from reportgen.phrasing import coefficient, number, percent, points, shown_name, signed, third_decimal, whole
from reportgen.results import Run

EACH = pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
FIGURE = re.compile(r"[<>]?[+−]?\d+(?:,\d{3})*(?:\.\d+)?(?:\s×\s10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?%?")


def resolve(facts: Mapping[str, Any], key: str) -> Any:  # noqa: ANN401 - whatever lies there
    """The value under a key such as images[2].measures.agreement. Raises KeyError or IndexError."""
    value: Any = facts
    for name, position in re.findall(r"([^.\[\]]+)|\[(\d+)\]", key):
        value = value[name] if name else value[int(position)]
    return value


def forms(value: Any) -> set[str]:  # noqa: ANN401
    """All ways in which a value of the JSON may be said."""
    if isinstance(value, str):
        return set(FIGURE.findall(value))  # such as "3, 7, 9"
    if isinstance(value, bool) or value is None:
        return set()
    if isinstance(value, list):
        inner = set().union(*map(forms, value)) if value and not isinstance(value[0], dict) else set()
        parameters = sum(each.get("parameters", 0) for each in value if isinstance(each, dict))
        return inner | {whole(parameters), str(len(value))}
    plain = {number(value), number(abs(value)), signed(value), str(round(value) % 180)}
    plain |= {coefficient(value), coefficient(abs(value)), third_decimal(value)}
    return (
        plain
        | ({percent(value)} if 0 <= value <= 1 else set())
        | ({points(value)} if -1 <= value <= 1 else set())
        | ({whole(value)} if isinstance(value, int) else set())
    )


def without_names(text: str, run: Run) -> str:
    names = [subject.image.name for subject in run.subjects] + [*run.model.classes, run.model.file, run.model.sha256]
    names += [study.layer for study in run.filters] + list(map(str, run.provenance.versions.values()))
    names += [entry["short"] for entry in load_references().values()]
    names += [finding.answer for finding in run.model.findings]
    names += [each.name for subject in run.subjects for each in subject.prediction.top]
    names += get_args(Precision)
    for name in sorted(map(shown_name, names), key=len, reverse=True):
        text = text.replace(name, "")
    return text


@EACH
def test_every_sentence_rests_on_keys_of_the_json(run: Run) -> None:
    document = written(run)
    for sentence in said(run):
        for key in sentence.keys:
            resolve(document.facts, key)


@EACH
def test_every_number_of_a_sentence_stems_from_its_keys(run: Run) -> None:
    facts = written(run).facts
    literal = set(FIGURE.findall(" ".join(WORDS.sentences.values())))
    for sentence in said(run):
        if not sentence.keys:
            continue
        values = [resolve(facts, key) for key in sentence.keys]
        known = literal.union(*map(forms, values)) | {str(n) for n in range(len(values) + 1)}
        left = [token for token in FIGURE.findall(without_names(sentence.text, run)) if token not in known]
        assert not left, (sentence.text, left)


@EACH
def test_measured_sentences_name_their_keys(run: Run) -> None:
    literal = set(FIGURE.findall(" ".join(WORDS.sentences.values())))
    notes = {shown_name(str(value)) for _, facts in (*run.selection, *run.model.notes) for value in facts.values()}
    for sentence in said(run):
        found = set(FIGURE.findall(without_names(sentence.text, run))) - literal - notes
        assert sentence.keys or not found, sentence.text
