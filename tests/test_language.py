import re
import string
from pathlib import Path

import pytest

from reportgen import language
from reportgen.errors import UsageError
from reportgen.language import Words, languages, load_references, load_words

CODES = languages()


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A templates folder of our own; the path of its English."""
    monkeypatch.setattr(language, "templates_dir", lambda: tmp_path)
    (tmp_path / "lang").mkdir()
    return tmp_path / "lang" / "en.toml"


def test_sentences_are_named_by_table_and_key_and_fold_their_line_breaks(made: Path) -> None:
    made.write_text('[a]\nb = """one\n  two {n}"""\n[a.c]\nd = "three"')
    words = load_words()
    assert words("a.b", n=5) == "one two 5"
    assert words("a.c.d") == "three"
    assert (words.has("a.b"), words.has("a.x")) == (True, False)
    assert dict(words.table("a")) == {"b": "one two {n}", "c.d": "three"}
    assert dict(words.table("a.c")) == {"d": "three"}


def test_values_are_filled_in_and_never_read_as_sentences(made: Path) -> None:
    made.write_text('[a]\nb = "file {name}"')
    assert load_words()("a.b", name="{name} {x} {0.__class__}") == "file {name} {x} {0.__class__}"


def test_a_missing_sentence_or_value_is_a_bug() -> None:
    words = Words("en", {"a.b": "file {name}"})
    with pytest.raises(KeyError):
        words("a.c")
    with pytest.raises(KeyError):
        words("a.b")


@pytest.mark.parametrize("code", ["xx", "", "../lang/en", "en.toml"])
def test_only_languages_that_have_a_file(code: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_words(code)
    assert caught.value.code == "E-LANG"
    assert "en" in caught.value.fix


def test_languages_are_listed_by_their_files(tmp_path: Path) -> None:
    for name in ("fr.toml", "de.toml", "notes.txt"):
        (tmp_path / name).touch()
    assert languages(tmp_path) == ("de", "fr")


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_can_be_filled(code: str) -> None:
    for key, text in load_words(code).sentences.items():
        places = [place for _, place, _, _ in string.Formatter().parse(text) if place is not None]
        assert all(place.isidentifier() for place in places), key
        assert text, key
        assert re.search(r"[.!?] [.!?]|\s[,.;]", text) is None, key


@pytest.mark.parametrize("code", CODES)
def test_every_language_says_the_same(code: str) -> None:
    english, other = load_words("en").sentences, load_words(code).sentences
    assert set(other) == set(english)


def test_references_have_a_text_and_a_link() -> None:
    references = load_references()
    assert references
    for key, entry in references.items():
        assert set(entry) <= {"short", "text", "url"}, key
        assert entry["short"], key
        assert entry["text"], key
        assert entry.get("url", "https://").startswith("https://"), key
