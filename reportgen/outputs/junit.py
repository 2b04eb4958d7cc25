"""rules.xml: JUnit, a suite for each group of rules, a case for each rule and one for each image it measures.

A warning is a skipped case with its reason, for the consumers know no warning. Source: the reports that GitLab reads
(docs.gitlab.com, "Unit test reports"): name, classname, time, failure, skipped, properties.
"""

from itertools import groupby
from xml.etree import ElementTree as ET

from reportgen.contracts import CheckOutput
from reportgen.errors import printable
from reportgen.language import Words
from reportgen.rule_words import asked_words, image_words, sentence, title, value_words, verdict
from reportgen.ruling import Checked, ImageRuling, RuleResult


def render(checked: Checked, words: Words) -> bytes:
    """The cases, as UTF-8."""
    root = ET.Element("testsuites", name="reportgen")
    for group, results in groupby(checked.results, key=lambda each: each.group):
        suite = ET.SubElement(root, "testsuite", name=f"reportgen.{group}")
        for result in results:
            _rule_case(suite, result, words)
            for image in result.images:
                _image_case(suite, result, image, words)
        _counted(suite)
    _counted(root)
    root.insert(0, ET.Comment(f" {printable(verdict(words, checked)).replace('--', '- -')} "))
    ET.indent(root)
    data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _rule_case(suite: ET.Element, result: RuleResult, words: Words) -> None:
    case = _case(suite, result, title(words, result))
    facts = {"value": "" if result.value is None else repr(result.value), "threshold": repr(result.threshold)}
    _properties(case, facts | {"asked": asked_words(words, result), "level": result.level})
    if result.broken:
        _broken(case, result, sentence(words, result), words)
    elif result.outcome == "not_tested":
        ET.SubElement(case, "skipped", message=f"{words('rules.not_tested')}: {sentence(words, result)}")


def _image_case(suite: ET.Element, result: RuleResult, image: ImageRuling, words: Words) -> None:
    """An image fails only with its rule: one wrong answer of a hundred is no failed test."""
    case = _case(suite, result, printable(image.name))
    _properties(case, {"value": repr(image.value), "key": image.key})
    if result.broken and image.against:
        _broken(case, result, f"{title(words, result)}: {value_words(words, result)}", words)
        case[-1].text = image_words(words, image)


def _case(suite: ET.Element, result: RuleResult, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=f"reportgen.{result.group}.{result.name}", name=name, time="0")


def _properties(case: ET.Element, facts: dict[str, str]) -> None:
    properties = ET.SubElement(case, "properties")
    for name, value in facts.items():
        ET.SubElement(properties, "property", name=name, value=value)


def _broken(case: ET.Element, result: RuleResult, why: str, words: Words) -> None:
    if result.fails:
        ET.SubElement(case, "failure", message=why, type=result.name).text = why
    else:
        ET.SubElement(case, "skipped", message=f"{words('rules.warn')}: {why}")


def _counted(element: ET.Element) -> None:
    """The numbers that consumers read before the cases."""
    found = {"tests": "testcase", "failures": "failure", "skipped": "skipped"}
    counts = {name: str(sum(1 for _ in element.iter(tag))) for name, tag in found.items()}
    element.attrib.update({**counts, "errors": "0", "time": "0"})


OUTPUT = CheckOutput("junit", "rules.xml", render)
