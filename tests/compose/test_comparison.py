"""The document of a comparison: what it says rests on comparison.json, and no name does harm."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from changed_runs import BASE, answered, each, explained, gathered, judged, moved_saliency
from pydantic import ValidationError

from reportgen.changes import Comparison
from reportgen.comparison_schema import SCHEMA_VERSION, ComparisonFacts, comparison_schema
from reportgen.compose.comparison import compose_comparison
from reportgen.compose.comparison_facts import CARDS, comparison_facts
from reportgen.contracts import RenderOptions
from reportgen.document import Figure, Paragraph, ReportDocument, Section, Sentence, Table
from reportgen.language import load_words
from reportgen.outputs import OUTPUTS
from reportgen.pairing import compared
from reportgen.results import Run
from reportgen.rules import read_rules

WORDS = load_words()


def changes(new: Run, base: Run = BASE) -> Comparison:
    return compared(base, new, read_rules())


def fewer(run: Run) -> Run:
    return replace(run, subjects=run.subjects[:-1], provenance=replace(run.provenance, device="cuda"))


GOOD = judged(BASE, ["supported"] * 4)
CASES: Mapping[str, Comparison] = {
    "same": changes(BASE),
    "gathered": changes(judged(gathered(BASE), ["weak", "fails", "supported", "supported"], 0.0), GOOD),
    "flipped": changes(answered(GOOD, 0, 2), GOOD),
    "fewer": changes(fewer(GOOD), GOOD),
    "lime missing": changes(
        explained(BASE, "lime", lambda one: replace(one, status="failed", result=None, reason="reason.raised"))
    ),
    "nothing explained": changes(*[each(BASE, lambda _, s: replace(s, explanations=()))] * 2),
    "no labels": changes(*[each(BASE, lambda _, s: replace(s, prediction=replace(s.prediction, label=None)))] * 2),
}
EACH = pytest.mark.parametrize("case", CASES)


def sections(document: ReportDocument) -> Iterator[Section]:
    waiting = list(document.sections)
    while waiting:
        section = waiting.pop(0)
        yield section
        waiting += section.sections


def blocks(document: ReportDocument, kind: type) -> list[Any]:
    return [block for section in sections(document) for block in section.blocks if isinstance(block, kind)]


def sentences(document: ReportDocument) -> list[Sentence]:
    return [sentence for block in blocks(document, Paragraph) for sentence in block.sentences]


def resolve(facts: Mapping[str, Any], key: str) -> Any:  # noqa: ANN401 - whatever lies there
    value: Any = facts
    for name, position in re.findall(r"([^.\[\]]+)|\[(\d+)\]", key):
        value = value[name] if name else value[int(position)]
    return value


@EACH
def test_every_sentence_rests_on_keys_of_the_json(case: str) -> None:
    document = compose_comparison(CASES[case], WORDS)
    assert sentences(document)
    for sentence in sentences(document):
        for key in sentence.keys:
            resolve(document.facts, key)


@EACH
def test_the_facts_fit_the_published_schema(case: str) -> None:
    facts = comparison_facts(CASES[case])
    written = json.dumps(facts, allow_nan=False)
    assert ComparisonFacts.model_validate_json(written).model_dump(mode="json") == facts
    assert (facts["generator"], facts["kind"], facts["schema_version"]) == ("reportgen", "comparison", SCHEMA_VERSION)


def test_the_schema_refuses_what_it_does_not_name() -> None:
    facts = comparison_facts(CASES["gathered"])
    assert set(comparison_schema()["properties"]) == set(facts)
    facts["images"][0]["maps"][0]["extra"] = 1
    with pytest.raises(ValidationError, match="extra"):
        ComparisonFacts.model_validate(facts)


@EACH
def test_every_link_has_its_place(case: str) -> None:
    page = OUTPUTS["html"].render(compose_comparison(CASES[case], WORDS), RenderOptions()).decode()
    anchors = set(re.findall(r' id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors


def test_a_run_and_itself_say_that_nothing_changed() -> None:
    document = compose_comparison(CASES["same"], WORDS)
    said = " ".join(sentence.text for sentence in sentences(document))
    assert "Nothing is called changed" in said
    assert "none of 4 maps moved" in said
    assert not [block for block in blocks(document, Paragraph) if block.tone == "warning"]


def test_the_reason_stands_first_as_a_warning() -> None:
    document = compose_comparison(CASES["gathered"], WORDS)
    first = document.sections[0].blocks[0]
    assert isinstance(first, Paragraph)
    assert first.tone == "warning"
    assert "now lies in the lower right" in first.sentences[0].text


def test_each_map_stands_beside_the_other_with_a_slider() -> None:
    figures = blocks(compose_comparison(CASES["gathered"], WORDS), Figure)
    assert [len(figure.rows) for figure in figures] == [2] * 4
    assert all(len(row) == 2 and figure.swipe for figure in figures for row in figure.rows)
    (row, *_) = figures[0].rows
    assert row[0].content != row[1].content
    assert "moved: rank correlation" in row[1].detail


def test_only_the_worst_have_pictures_and_all_stand_in_the_tables() -> None:
    many = replace(
        BASE,
        subjects=tuple(
            replace(BASE.subjects[n % 4], image=replace(BASE.subjects[n % 4].image, sha256=f"{n:064d}"))
            for n in range(CARDS + 3)
        ),
    )
    document = compose_comparison(changes(moved_saliency(many), many), WORDS)
    assert len(blocks(document, Figure)) == CARDS
    tables = {table.anchor: table for table in blocks(document, Table)}
    assert (len(tables["table-answers"].rows), len(tables["table-maps"].rows)) == (CARDS + 3, 2 * (CARDS + 3))


def test_what_differs_is_named() -> None:
    tables = {table.anchor: table for table in blocks(compose_comparison(CASES["fewer"], WORDS), Table)}
    assert tables["table-alone"].rows == (("d/{name}<U+202E>gpj.exe", "First"),)
    assert tables["table-settings"].rows == (("device", "cpu", "cuda"),)


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


@EACH
def test_no_name_does_harm(case: str) -> None:
    """The made-up run has images named c/<img src=x>.jpg and classes named <b>square</b>."""
    page = OUTPUTS["html"].render(compose_comparison(CASES[case], WORDS), RenderOptions()).decode()
    tags = Tags()
    tags.feed(page)
    assert "\u202e" not in page
    assert not [attributes for tag, attributes in tags.seen if tag == "img" and attributes.get("src") == "x"]
    assert not [tag for tag, _ in tags.seen if tag == "b"]
    assert not [name for _, attributes in tags.seen for name in attributes if name.startswith("on") or name == "style"]


def test_the_script_is_the_only_one_that_may_run_and_other_pages_have_none() -> None:
    document = compose_comparison(CASES["gathered"], WORDS)
    page = OUTPUTS["html"].render(document, RenderOptions()).decode()
    assert page.count("<script>") == 1
    assert "dataset.swipe" in page
    assert re.search(r"script-src &#39;sha256-[\w+/=]+&#39;; base-uri", page)
    plain = replace(document, sections=document.sections[:1])
    assert "dataset.swipe" not in OUTPUTS["html"].render(plain, RenderOptions()).decode()


def test_the_same_runs_give_the_same_document() -> None:
    one, other = (
        OUTPUTS["html"].render(compose_comparison(changes(gathered(BASE)), WORDS), RenderOptions()) for _ in range(2)
    )
    assert one == other
