"""What CI services read: valid, escaped, within their limits, whatever images and models are called."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from reportgen.errors import printable
from reportgen.language import load_words
from reportgen.outputs import CHECK_OUTPUTS
from reportgen.outputs.markdown import BUDGET, WORST, text
from reportgen.ruling import Checked, ImageRuling, Level, Outcome, RuleResult

WORDS = load_words()
HOSTILE = (
    "a]]>b.jpg", "<script>alert(1)</script>.png", "two\nlines\r.jpg", "100%.jpg", "::error file=x::owned.jpg",
    "a|b|c.jpg", "**bold** _it_ `code`.jpg", "[link](http://x.y)![i](z).png", "\x00\x1b[31m\u202e\ud800\ufffe.jpg",
    "&amp;&#10;.jpg", "a,b:c=d.jpg", "</details></summary>.jpg", "-->.jpg", "| --- |", "back\\slash\\|.jpg", "展覽.jpg",
)  # fmt: skip


def images(names: Sequence[str], against: int | None = None) -> tuple[ImageRuling, ...]:
    """So many of them speak against the rule; all, where no number is given."""
    count = len(names) if against is None else against
    return tuple(
        ImageRuling(name, float(i < count), i < count, f"images[{i}].explanations[1].measures.place")
        for i, name in enumerate(names)
    )


def place_rule(names: Sequence[str], against: int | None = None, level: Level = "error") -> RuleResult:
    facts: dict[str, str | int] = {"place": "lower_right", "n": 5, "total": 6}
    how: tuple[Level, Outcome] = (level, "failed")
    seen = images(names, against)
    return RuleResult("lime_same_place", "evidence", *how, 5 / 6, 0.75, "below", "share", seen, ("images",), facts)


def fit(outcome: Outcome = "passed", level: Level = "warn", required: bool = False) -> RuleResult:
    value = {"passed": 0.9, "failed": 0.2, "not_tested": None}[outcome]
    reason = "untested.lime" if value is None else ""
    return RuleResult(
        "lime_fit", "lime", level, outcome, value, 0.5, "at_least", "number", (), (), {}, reason, required
    )


def checked(*results: RuleResult, model: str = "m.pth", folder: str = "report") -> Checked:
    return Checked(model, "ab" * 32, folder, 6, results)


def written(name: str, given: Checked) -> str:
    return CHECK_OUTPUTS[name].render(given, WORDS).decode("utf-8")


def parsed(given: Checked) -> ET.Element:
    return ET.fromstring(written("junit", given))


FAILED = checked(place_rule(HOSTILE), fit(), model="<m>|`x`\n::error::.pth", folder="a|b")


class TestJunit:
    def test_a_suite_for_each_group_and_a_case_for_each_rule_and_image(self) -> None:
        root = parsed(FAILED)
        assert (root.tag, [suite.tag for suite in root]) == ("testsuites", ["testsuite"] * 2)
        assert [suite.get("name") for suite in root] == ["reportgen.evidence", "reportgen.lime"]
        names = [case.get("name") for case in root[0]]
        assert names == [WORDS("rule.lime_same_place"), *map(printable, HOSTILE)]
        assert {case.get("classname") for case in root[0]} == {"reportgen.evidence.lime_same_place"}

    def test_only_what_the_consumers_know(self) -> None:
        """As in the XSD of Jenkins' xunit plugin, junit-10.xsd, which GitLab's and GitHub's readers follow."""
        known = {
            "testsuites": {"name", "tests", "failures", "errors", "skipped", "time"},
            "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
            "testcase": {"name", "classname", "time"},
            "properties": set(), "property": {"name", "value"},
            "failure": {"message", "type"}, "skipped": {"message"},
        }  # fmt: skip
        for element in parsed(FAILED).iter():
            assert set(element.attrib) <= known[element.tag]
            assert element.tag != "testcase" or {"name", "classname"} <= set(element.attrib)
        for case in parsed(FAILED).iter("testcase"):
            assert [child.tag for child in case] in (["properties"], ["properties", "failure"])

    def test_the_counts_are_those_of_the_cases(self) -> None:
        root = parsed(checked(place_rule(("a", "b", "c"), 2), fit("failed"), fit("not_tested")))
        for element, counts in ((root, (6, 3, 2, 0)), (root[0], (4, 3, 0, 0)), (root[1], (2, 0, 2, 0))):
            assert tuple(int(element.get(n, "")) for n in ("tests", "failures", "skipped", "errors")) == counts

    def test_an_error_is_a_failure_a_warning_and_what_is_not_tested_are_skipped(self) -> None:
        results = (fit("failed", "error"), fit("failed"), fit("not_tested"), fit("not_tested", "error", True), fit())
        cases = list(parsed(checked(*results)).iter("testcase"))
        assert [[child.tag for child in case][1:] for case in cases] == [
            ["failure"], ["skipped"], ["skipped"], ["failure"], [],
        ]  # fmt: skip
        said = [case[1].get("message", "") for case in cases[:4]]
        assert [text.split(":")[0] for text in said[1:3]] == ["warning", "not tested"]
        assert "R² = 0.2; at least 0.5 was asked" in said[0]

    def test_an_image_fails_only_with_its_rule(self) -> None:
        passing = replace(place_rule(("a", "b"), 1), outcome="passed")
        assert {child.tag for case in parsed(checked(passing)).iter("testcase") for child in case} == {"properties"}
        failing = parsed(checked(place_rule(("a", "b"), 1)))
        assert [case.get("name") for case in failing.iter("testcase") if case.find("failure") is not None][1:] == ["a"]

    def test_values_are_properties(self) -> None:
        case = next(parsed(FAILED).iter("testcase"))
        properties = {each.get("name"): each.get("value") for each in case.iter("property")}
        assert properties == {
            "value": repr(5 / 6), "threshold": "0.75", "asked": "below 75%", "level": "error",
        }  # fmt: skip


class TestMarkdown:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_name_is_shown_as_it_is(self, name: str) -> None:
        html = MarkdownIt("commonmark").enable("table").render(f"| a |\n| --- |\n| {text(name)} |")
        cells = ET.fromstring(html).findall(".//td")
        assert ["".join(cell.itertext()) for cell in cells] == [printable(name).strip()]
        assert all(len(cell) == 0 for cell in cells)

    def test_the_verdict_stands_first_with_the_reason(self) -> None:
        first = written("markdown", FAILED).splitlines()[0]
        assert first.startswith("**Failed\\: On 5 of 6 images LIME's heaviest region lies in the lower right")

    @pytest.mark.parametrize(
        ("results", "starts"),
        [
            ([fit()], "Passed: all 1 rules hold."),
            ([fit(), fit("not_tested")], "Passed: 1 of 2 rules hold, and the others could not be tested."),
            ([fit("not_tested")], "Passed, but no rule could be tested."),
            ([fit("failed"), fit()], "Passed with one warning: LIME's linear model"),
            ([fit("failed"), fit("failed")], "Passed with 2 warnings: LIME's"),
            ([fit("failed"), place_rule(("a",))], "Failed: On 5 of 6 images"),
            ([fit("failed", "error"), place_rule(("a",))], "Failed by 2 rules: LIME's"),
            ([fit("not_tested", "error", True)], "Failed: R² of LIME's linear model, median image: not tested, and"),
        ],
    )
    def test_what_the_verdict_says(self, results: list[RuleResult], starts: str) -> None:
        assert written("markdown", checked(*results)).startswith(f"**{text(starts)}")

    def test_every_table_keeps_its_columns(self) -> None:
        html = MarkdownIt("commonmark", {"html": True}).enable("table").render(written("markdown", FAILED))
        rows = [re.findall(r"<t[dh]", row) for row in re.findall(r"<tr>.*?</tr>", html, re.DOTALL)]
        assert [len(row) for row in rows] == [5] * 3 + [2] * (1 + WORST)
        assert "<script" not in html
        assert (html.count("<details>"), html.count("</details>")) == (1, 1)

    def test_the_worst_ten_and_how_many_more(self) -> None:
        names = [f"{n:04d}.jpg" for n in range(2000)]
        page = written("markdown", checked(place_rule(names)))
        assert [name for name in names if name in page] == names[:WORST]
        assert "1990 more" in page

    def test_2000_images_with_the_longest_names_stay_below_the_budget(self) -> None:
        names = [f"{n}{'展|<' * 1000}.jpg" for n in range(2000)]
        results = [replace(place_rule(names), name="lime_same_place") for _ in range(17)]
        data = CHECK_OUTPUTS["markdown"].render(checked(*results), WORDS)
        assert len(data) < BUDGET
        assert data.count(b"<details>") == 17  # the names are cut, not the sections

    def test_what_does_not_fit_goes_from_the_end_and_the_verdict_stays(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("reportgen.outputs.markdown.BUDGET", 900)
        page = written("markdown", FAILED)
        assert len(page.encode()) <= 900
        assert page.startswith("**Failed")
        assert "<details>" not in page


MARKS = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}


class TestAnnotations:
    def lines(self, given: Checked) -> list[tuple[str, dict[str, str], str]]:
        """As GitHub's runner reads them: kind, properties, message. Source: actions/runner, ActionCommand.cs."""
        read = []
        for line in written("annotations", given).splitlines():
            found = re.fullmatch(r"::(\w+) (.*?)::(.*)", line)
            assert found, line
            properties = dict(part.split("=", 1) for part in found[2].split(","))
            plain = [re.sub("%(0D|0A|3A|2C|25)", lambda m: MARKS[m[0]], each) for each in properties.values()]
            read.append((found[1], dict(zip(properties, plain, strict=True)), found[3]))
        return read

    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_name_arrives_and_nothing_else_is_commanded(self, name: str) -> None:
        rule, image = self.lines(checked(place_rule((name,))))
        assert (rule[0], image[0], image[1]["file"]) == ("error", "error", printable(name))
        assert set(image[1]) == {"file", "title"}
        assert "(83.33%25; below 75%25 was asked)" in rule[2]

    def test_a_line_feed_would_be_escaped_too(self) -> None:
        from reportgen.outputs.annotations import _data, _property

        assert _data("50%\r\n::error::") == "50%25%0D%0A::error::"
        assert _property("a:b,c\n%0A") == "a%3Ab%2Cc%0A%250A"

    def test_ten_of_each_kind_the_rules_first(self) -> None:
        many = [f"{n}.jpg" for n in range(30)]
        lines = self.lines(checked(place_rule(many), fit("failed"), place_rule(many, level="warn")))
        kinds = [kind for kind, _, _ in lines]
        assert kinds == ["error"] * 10 + ["warning"] * 10
        assert lines[9][2].startswith("22 more;")
        assert lines[19][2].startswith("23 more;")
        assert ["file" in properties for _, properties, _ in lines[10:13]] == [False, False, True]

    def test_exactly_ten_need_no_more(self) -> None:
        lines = self.lines(checked(place_rule([f"{n}.jpg" for n in range(9)])))
        assert (len(lines), "more" in lines[-1][2]) == (10, False)

    def test_what_holds_is_not_annotated(self) -> None:
        assert written("annotations", checked(fit(), fit("not_tested"))) == ""


class TestBadge:
    @pytest.mark.parametrize(
        ("results", "message", "colour"),
        [
            ([fit()], "1/1 rules", "brightgreen"),
            ([fit(), fit("not_tested")], "1/1 rules", "brightgreen"),
            ([fit(), fit("failed")], "1/2 rules", "yellow"),
            ([fit(), fit("failed", "error")], "1/2 rules", "red"),
            ([fit("not_tested", "error", True)], "0/1 rules", "red"),
            ([fit("not_tested")], "not tested", "lightgrey"),
        ],
    )
    def test_what_it_says(self, results: list[RuleResult], message: str, colour: str) -> None:
        badge = json.loads(written("badge", checked(*results)))
        assert badge.pop("isError", False) == (colour == "red")
        assert badge == {"schemaVersion": 1, "label": "explain audit", "message": message, "color": colour}


def test_each_format_has_its_file() -> None:
    assert {name: output.filename for name, output in CHECK_OUTPUTS.items()} == {
        "junit": "rules.xml", "markdown": "rules.md", "badge": "badge.json", "annotations": "annotations.txt",
    }  # fmt: skip
