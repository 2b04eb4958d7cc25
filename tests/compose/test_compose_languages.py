"""A page in Chinese is Chinese throughout, whatever the run holds; only names and sources stay as they are."""

import functools
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from fake_run import fake_model, fake_prediction, fake_run
from reading import written
from scenarios import RUNS

from reportgen.contracts import RenderOptions
from reportgen.document import ReportDocument
from reportgen.language import load_references, load_words
from reportgen.outputs import html
from reportgen.results import Run, Target

CHINESE = pytest.mark.parametrize(("language", "charset"), [("zh-Hant", "big5"), ("zh-Hans", "gb2312")])
EACH = pytest.mark.parametrize("name", RUNS)
FOODS = (
    "Bread", "Dairy product", "Dessert", "Egg", "Fried food", "Meat", "Noodles/Pasta", "Rice", "Seafood", "Soup",
    "Vegetable/Fruit",
)  # fmt: skip
HAN = re.compile(r"[\u3400-\u9fff]")
ENGLISH = re.compile(r"[A-Za-z][A-Za-z'-]+(?:,? [A-Za-z][A-Za-z'-]*){2,}")


class Reader(HTMLParser):
    """What a reader sees, hears or is told by a tooltip's picture: text, alt texts and labels; without the sources."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("style", "head") or given.get("class") == "references":
            self._hidden += 1
        self.texts += [text for name in ("alt", "aria-label") if (text := given.get(name))]

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "head") or (tag == "ul" and self._hidden):
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(data)


@functools.cache
def told(name: str, language: str) -> str:
    """What the page on this run says."""
    return page(written(RUNS[name], language))


def page(document: ReportDocument) -> str:
    reader = Reader()
    reader.feed(html.render(document, RenderOptions()).decode())
    return "\n".join(text for text in reader.texts if text.strip())


def names(run: Run) -> list[str]:
    """What is not ours to translate: files, classes, layers, the author, and what an error of the network says."""
    found = [run.author, run.title, run.model.file, *run.model.classes]
    found += [subject.image.name for subject in run.subjects] + [failure.what for failure in run.failures]
    found += [ranked.name for subject in run.subjects for ranked in subject.prediction.top]
    found += [each.detail for subject in run.subjects for each in subject.explanations]
    found += [failure.why for failure in run.failures if failure.code == "E-METHOD"]
    found += [reference["short"] for reference in load_references().values()]
    return sorted((name for name in found if name), key=len, reverse=True)


def stripped(run: Run, text: str) -> str:
    for name in names(run):
        text = text.replace(name, "#")
    return text


@CHINESE
@EACH
def test_no_english_is_left(name: str, language: str, charset: str) -> None:
    text = stripped(RUNS[name], told(name, language))
    assert ENGLISH.findall(text) == []
    assert [letter for letter in set(HAN.findall(text)) if not letter.encode(charset, "ignore")] == []


def test_english_would_be_found() -> None:
    """The test above can fail."""
    assert len(ENGLISH.findall(stripped(RUNS["homework"], told("homework", "en")))) > 50


@CHINESE
@EACH
def test_sentences_join_without_a_gap_and_marks_are_full_width(name: str, language: str, charset: str) -> None:
    del charset
    text = stripped(RUNS[name], told(name, language))
    assert re.findall(r"[。；：，、] +\S", text) == []
    assert re.findall(r"[\u4e00-\u9fff][,;:!?]", text) == []


@EACH
def test_every_language_says_as_much_and_rests_on_the_same_numbers(name: str) -> None:
    english = written(RUNS[name])
    for language in ("zh-Hant", "zh-Hans"):
        other = written(RUNS[name], language)
        assert other.language == language
        assert other.facts == english.facts
        assert [section.anchor for section in other.sections] == [section.anchor for section in english.sections]
        assert [len(section.blocks) for section in other.sections] == [len(each.blocks) for each in english.sections]


def of_foods(run: Run) -> Run:
    """The run of a network that knows the course's foods."""
    return of_classes(run, FOODS)


def of_classes(run: Run, names: tuple[str, ...], origin: str = "checkpoint") -> Run:
    """The run of a network with these classes."""
    subjects = []
    for n, subject in enumerate(run.subjects):
        prediction = fake_prediction(n, n, names)
        first = prediction.first
        explanations = tuple(
            replace(each, target=Target(first.index, first.name, "predicted")) for each in subject.explanations
        )
        subjects.append(replace(subject, prediction=prediction, explanations=explanations))
    return replace(run, subjects=tuple(subjects), model=replace(fake_model(), classes=names, classes_from=origin))


def test_foods_are_told_in_both_languages_and_kept_in_english() -> None:
    run = of_foods(fake_run(images=2, profile="default", trouble=False))
    first = run.subjects[0].prediction.first.name
    for language, bread in (("zh-Hant", "麵包 Bread"), ("zh-Hans", "面包 Bread")):
        words = load_words(language)
        document = written(run, language)
        food = words(f"food11.{re.sub(r'[^a-z]+', '_', first.lower())}")
        text = page(document)
        assert text.count(first) == text.count(f"{food} {first}") > 5
        assert document.facts["images"][0]["prediction"]["name"] == first
        assert list(document.facts["model"]["classes"]) == list(FOODS)
        assert words("food11.bread") + " Bread" == bread
    assert "麵包" not in page(written(run))


def test_classes_that_nothing_names_are_numbered_in_the_pages_language() -> None:
    names = tuple(f"class {n}" for n in range(11))
    run = of_classes(fake_run(images=2, profile="default", trouble=False), names, "index")
    first = run.subjects[0].prediction.first
    document = written(run, "zh-Hant")
    assert "class " not in page(document)
    assert f"類別 {first.index}" in page(document)
    assert document.facts["images"][0]["prediction"]["name"] == first.name
    told_so = of_classes(run, names, "option")
    assert first.name in page(written(told_so, "zh-Hant"))


def test_other_class_names_stay_as_the_model_has_them() -> None:
    run = of_foods(fake_run(images=2, profile="default", trouble=False))
    others = replace(run, model=replace(run.model, classes=(*FOODS[:-1], "Tofu")))
    assert "麵包" not in page(written(others, "zh-Hant"))
