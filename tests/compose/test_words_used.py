"""Every sentence of en.toml is said somewhere, and whatever is said there is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from reportgen.compose.trust import EXPLAINED
from reportgen.language import load_references, load_words

ROOT = Path(__file__).resolve().parents[2]
WORDS = load_words()
TABLES = {key.split(".")[0] for key in WORDS.sentences}
SOURCES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "reportgen").rglob("*.py"))}
# What fills a sentence: the position of its key, and the places that it fills on its own.
SPEAKERS = {"words": (0, ()), "said": (1, ()), "counted": (1, ("n",)), "placed": (1, ("n", "total", "place"))}

NAMED_BY_TONE = ("note", "warning", "right", "wrong", "unknown")  # words[block.tone] in the templates


def places(key: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(WORDS.sentences[key]) if name}


def branches(node: ast.expr) -> Iterator[str]:
    """The strings that an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from branches(node.body)
        yield from branches(node.orelse)


def pattern(node: ast.JoinedStr) -> str:
    return "".join(re.escape(str(v.value)) if isinstance(v, ast.Constant) else r"[\w-]+" for v in node.values)


def calls() -> Iterator[tuple[Path, ast.Call, str]]:
    for path, tree in SOURCES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SPEAKERS:
                yield path, node, node.func.id


def keys_of(call: ast.Call, speaker: str) -> list[str]:
    position = SPEAKERS[speaker][0]
    return list(branches(call.args[position])) if len(call.args) > position else []


def test_every_sentence_is_used() -> None:
    constants: set[str] = set()
    patterns: set[str] = set()
    for tree in SOURCES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                constants.add(node.value)
            elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                patterns.add(pattern(node))
    templates = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "templates").rglob("*.j2"))
    made = re.compile("|".join(f"(?:{each})" for each in patterns if each.split("\\.")[0] in TABLES))

    def used(key: str) -> bool:
        base = re.sub(r"_(one|all)$", "", key)
        if key.startswith("page."):
            name = key.removeprefix("page.")
            return f"words.{name}" in templates or name.startswith("bar_") or name in NAMED_BY_TONE
        if key.startswith("heading."):
            return key.removeprefix("heading.") in constants
        return key in constants or base in constants or any(made.fullmatch(each) for each in (key, base))

    assert [key for key in WORDS.sentences if not used(key)] == []


def test_every_sentence_that_is_said_exists() -> None:
    missing = [
        (path.name, key)
        for path, call, speaker in calls()
        for key in keys_of(call, speaker)
        if key not in WORDS.sentences
    ]
    assert missing == []


def test_a_sentence_about_one_or_all_stands_beside_its_plural() -> None:
    for _, call, speaker in calls():
        for key in keys_of(call, speaker):
            if speaker in ("counted", "placed"):
                other = f"{key}_one" if speaker == "counted" else f"{key}_all"
                assert other in WORDS.sentences
                assert places(other) <= places(key), key


def test_every_place_is_filled_and_nothing_is_filled_in_vain() -> None:
    for path, call, speaker in calls():
        keys = keys_of(call, speaker)
        named = {keyword.arg for keyword in call.keywords}
        if not keys or None in named:
            continue
        given = named | set(SPEAKERS[speaker][1])
        for key in keys:
            assert places(key) <= given, (path.name, key)
        wanted = set().union(*map(places, keys)) | set(SPEAKERS[speaker][1])
        assert named <= wanted, (path.name, keys, named - wanted)


def test_citing_sentences_have_places_for_sources() -> None:
    cited = [
        (key, {given.arg for given in node.keywords})
        for tree in SOURCES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "citing"
        for key in branches(node.args[1])
    ]
    assert len(cited) == 10
    checks: list[tuple[str, set[str | None]]] = [(f"trust.what_{name}", set()) for name in (*EXPLAINED,)]
    checks.append(("trust.what", set()))
    for key, given in [*cited, *checks]:
        assert places(key) - given <= set(load_references()), key


def test_every_source_is_cited() -> None:
    filled = {place for key in WORDS.sentences for place in places(key)}
    assert set(load_references()) <= filled


@pytest.mark.parametrize("table", sorted(TABLES))
def test_sentences_do_not_speak_in_placeholders(table: str) -> None:
    for key, text in WORDS.table(table).items():
        assert "{}" not in text, key
        assert "  " not in text, key
