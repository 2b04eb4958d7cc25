import json
from dataclasses import replace

import pytest
from fake_run import fake_run
from pydantic import ValidationError

from reportgen.compose import summarise
from reportgen.compose.answers import Answered
from reportgen.compose.facts import report_facts
from reportgen.results import Note
from reportgen.schema import SCHEMA_VERSION, ReportFacts, json_schema

NOTES = (Note("LIME", "*Mine.*"), Note("Nothing", "Lost."))
RUN = replace(fake_run(), notes=NOTES)
FACTS = report_facts(RUN, summarise(RUN), Answered((), ("lime", ""), ("saliency",), ()))


def test_a_report_fits_the_schema_and_survives_json() -> None:
    written = json.dumps(FACTS, allow_nan=False)
    assert ReportFacts.model_validate_json(written).model_dump(mode="json") == FACTS


@pytest.mark.parametrize("path", [(), ("model",), ("model", "input"), ("images", 0), ("images", 0, "explanations", 0)])
def test_unknown_fields_are_refused(path: tuple[str | int, ...]) -> None:
    copy = json.loads(json.dumps(FACTS))
    part = copy
    for step in path:
        part = part[step]
    part["extra"] = 1
    with pytest.raises(ValidationError, match="extra"):
        ReportFacts.model_validate(copy)


@pytest.mark.parametrize("name", sorted(set(FACTS) - {"generator", "schema_version"}))
def test_missing_fields_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        ReportFacts.model_validate({key: value for key, value in FACTS.items() if key != name})


def test_the_names_that_readers_rely_on() -> None:
    assert FACTS["generator"] == "reportgen"
    assert FACTS["schema_version"] == SCHEMA_VERSION
    assert {"file", "sha256", "architecture", "classes", "input"} <= set(FACTS["model"])
    assert set(FACTS["model"]["input"]) == {
        "size", "resize", "crop", "channel_order", "scale", "mean", "std", "chosen_by", "evidence",
    }  # fmt: skip
    image = FACTS["images"][0]
    assert set(image) == {"file", "sha256", "label", "prediction", "measures", "explanations", "cues"}
    assert set(image["prediction"]) == {"index", "name", "probability", "top"}
    assert set(image["explanations"][0]) == {
        "method", "target", "status", "reason", "parameters", "measures", "verdict",
    }  # fmt: skip
    assert {"layer", "filter", "status", "reason", "measures", "images"} <= set(FACTS["filters"][0])
    assert set(FACTS["failures"][0]) == {"what", "code", "why", "fix"}
    assert set(FACTS["provenance"]) == {"versions", "device", "precision", "seed", "settings", "forwards"}


def test_the_published_schema_is_a_json_schema_of_every_part() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["properties"]) == set(FACTS)
    assert schema["additionalProperties"] is False
    assert json.loads(json.dumps(schema)) == schema
