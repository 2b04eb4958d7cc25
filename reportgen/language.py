"""The report's words: one TOML file per language, sentences with named places for values."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from reportgen.errors import UsageError
from reportgen.resources import templates_dir

_SPACES = re.compile(r"[ \t\r\n]+")  # a no-break space stays


@dataclass(frozen=True)
class Words:
    """All sentences of one language. Keys are dotted: the TOML table, then the name."""

    code: str
    sentences: Mapping[str, str]

    def __call__(self, key: str, /, **values: object) -> str:
        """The sentence with its values filled in. Raises KeyError where the key or a value is missing: a bug."""
        return self.sentences[key].format_map(values)

    def has(self, key: str) -> bool:
        """Whether there is such a sentence."""
        return key in self.sentences

    def table(self, prefix: str) -> Mapping[str, str]:
        """All sentences below a table, by their last name."""
        start = f"{prefix}."
        return MappingProxyType(
            {key[len(start) :]: text for key, text in self.sentences.items() if key.startswith(start)}
        )


def languages(folder: Path | None = None) -> tuple[str, ...]:
    """The codes of the languages that have a file."""
    return tuple(sorted(path.stem for path in (folder or templates_dir() / "lang").glob("*.toml")))


def load_words(code: str = "en") -> Words:
    """The words of a language. Raises UsageError for a language without a file."""
    path = templates_dir() / "lang" / f"{code}.toml"
    if code not in languages():
        raise UsageError("E-LANG", "--lang", f"no language {code!r}", f"Choose one of: {', '.join(languages())}")
    return Words(code, MappingProxyType(_flatten(tomllib.loads(path.read_text(encoding="utf-8")))))


def load_references() -> Mapping[str, Mapping[str, str]]:
    """The sources that text and docstrings cite: key -> {short, text, url}, url only where there is one."""
    content = (templates_dir() / "references.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(content))


def _flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in table.items():
        key = f"{prefix}{name}"
        flat |= (
            _flatten(value, f"{key}.") if isinstance(value, dict) else {key: _SPACES.sub(" ", str(value)).strip(" ")}
        )
    return flat
