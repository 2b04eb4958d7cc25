"""report.json: the facts, the same way every time."""

import dataclasses
import json
from types import MappingProxyType
from typing import Any

import pytest
from sample_document import NAMES, report

from reportgen.contracts import RenderOptions
from reportgen.outputs import OUTPUTS
from reportgen.outputs.json import render


def written(facts: Any) -> bytes:  # noqa: ANN401 - wrong ones too
    return render(dataclasses.replace(report(NAMES[:1]), facts=facts), RenderOptions())


def test_the_facts_come_back_as_they_were() -> None:
    facts = {"b": [1, 2.5, None, True], "a": {"text": "展覽 <b> \u2028"}}
    assert json.loads(written(facts)) == facts


def test_keys_are_sorted_letters_stay_letters_and_the_file_ends_with_a_line() -> None:
    data = written({"b": 1, "a": {"d": "展", "c": 0}})
    assert data == '{\n  "a": {\n    "c": 0,\n    "d": "展"\n  },\n  "b": 1\n}\n'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        written({"a": [value]})


def test_half_a_surrogate_pair_survives() -> None:
    data = written({"file": "half\udc80pair.jpg"})
    assert data.isascii()
    assert json.loads(data) == {"file": "half\udc80pair.jpg"}


def test_read_only_mappings_are_objects() -> None:
    assert json.loads(written(MappingProxyType({"a": MappingProxyType({"b": 1})}))) == {"a": {"b": 1}}


def test_anything_else_is_a_bug() -> None:
    with pytest.raises(TypeError, match="set has no place"):
        written({"a": {1, 2}})


def test_each_format_has_its_file() -> None:
    assert {name: output.filename for name, output in OUTPUTS.items()} == {
        "html": "report.html",
        "pdf": "report.pdf",
        "json": "report.json",
    }
