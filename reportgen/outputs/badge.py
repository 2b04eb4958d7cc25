"""badge.json: what a shields.io endpoint badge shows. Source: shields.io/badges/endpoint-badge."""

import json

from reportgen.contracts import CheckOutput
from reportgen.language import Words
from reportgen.ruling import Checked


def render(checked: Checked, words: Words) -> bytes:  # noqa: ARG001 - every writer is called alike
    """How many of the rules that could be tested hold, and a colour."""
    tested = [result for result in checked.results if result.outcome != "not_tested" or result.broken]
    holding = sum(not result.broken for result in tested)
    colour = "brightgreen" if tested else "lightgrey"
    if checked.broken:
        colour = "red" if checked.fails else "yellow"
    message = f"{holding}/{len(tested)} rules" if tested else "not tested"
    badge = {"schemaVersion": 1, "label": "explain audit", "message": message, "color": colour}
    return json.dumps(badge | ({"isError": True} if checked.fails else {})).encode() + b"\n"


OUTPUT = CheckOutput("badge", "badge.json", render)
