"""rules.toml: how strict each rule is, over one of the presets that ship beside this file.

A preset is a rules file like any other, and names every rule.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from reportgen.errors import UsageError
from reportgen.options import PRESETS, Preset
from reportgen.rules.table import COMPARE_RULES, RULES
from reportgen.ruling import SENSES, Level, Sense, Unit
from reportgen.settings import nearest, read_toml

Untested = Literal["pass", "fail"]


@dataclass(frozen=True)
class Setting:
    """How strict one rule is. not_tested: whether it fails where it has nothing to judge."""

    level: Level
    threshold: float
    not_tested: Untested = "pass"


Rulebook = Mapping[str, Setting]
TABLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {"rules": frozenset(RULES), "compare": frozenset(COMPARE_RULES)}
)  # of a file: the rules on a report, and those on two
_KINDS: Mapping[str, tuple[Sense, Unit]] = MappingProxyType(
    {name: (rule.sense, rule.unit) for rules in (RULES, COMPARE_RULES) for name, rule in rules.items()}
)


class _Entry(BaseModel):
    """What a file says of one rule."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    level: Level | None = None
    at_least: float | None = None
    at_most: float | None = None
    below: float | None = None
    not_tested: Untested | None = None


class _File(BaseModel):
    """A rules file. A level alone may stand for an entry: `lime_fit = "off"`."""

    model_config = ConfigDict(extra="forbid")

    preset: Preset = "default"
    not_tested: Untested | None = None
    rules: dict[str, _Entry] = {}
    compare: dict[str, _Entry] = {}

    def entry(self, name: str) -> _Entry:
        """What the file says of a rule, of either table."""
        return self.rules.get(name) or self.compare.get(name) or _Entry()


def read_rules(path: Path | None = None, preset: Preset | None = None) -> Rulebook:
    """How strict each rule is: the file's word over the preset's. preset: instead of the one that the file names.

    Raises UsageError where the file cannot be read, or names a rule or key that is not known.
    """
    said = _read(path) if path else _File()
    base = _read(Path(__file__).parent / f"{preset or said.preset}.toml")
    for table in TABLES:
        for name, entry in getattr(said, table).items():
            _check_threshold(path or Path(), f"{table}.{name}", entry, *_KINDS[name])
    return MappingProxyType({name: _setting(name, base, said) for name in _KINDS})


def _setting(name: str, base: _File, said: _File) -> Setting:
    shipped, own = base.entry(name), said.entry(name)
    level = own.level or shipped.level or "warn"
    threshold, other = (getattr(entry, _KINDS[name][0]) for entry in (own, shipped))
    untested = own.not_tested or said.not_tested or shipped.not_tested or base.not_tested or "pass"
    return Setting(level, other if threshold is None else threshold, untested)


def _read(path: Path) -> _File:
    content = read_toml(path, "E-RULES", "rules", f"Mend it, or take --preset {' or '.join(PRESETS)}")
    _check_known(path, "setting", content, _File.model_fields)
    for table, known in TABLES.items():
        content[table] = _entries(path, table, content.get(table, {}), known)
    return _validated(path, content)


def _entries(path: Path, table: str, said: object, known: Iterable[str]) -> dict[str, Any]:
    """The entries of a table, a level alone written out."""
    if not isinstance(said, dict):
        raise UsageError("E-RULES", str(path), f"{table} is not a table", f"Write the rules below [{table}]")
    _check_known(path, "rule", said, known)
    entries = {name: {"level": entry} if isinstance(entry, str) else entry for name, entry in said.items()}
    for name, entry in entries.items():
        _check_known(path, f"setting of {name}", entry if isinstance(entry, dict) else {}, _Entry.model_fields)
    return entries


def _validated(path: Path, content: dict[str, Any]) -> _File:
    try:
        return _File.model_validate(content)
    except ValidationError as err:
        first = err.errors()[0]
        where = ".".join(map(str, first["loc"]))
        why = f"{first['msg']} (got {str(first['input'])[:60]})"
        raise UsageError("E-RULES", f"{where} in {path}", why, "See docs/ci.md for what a rules file holds") from err


def _check_known(path: Path, what: str, given: Iterable[str], known: Iterable[str]) -> None:
    for key in given:
        if key not in known:
            hint = nearest(key, known, f"Known: {', '.join(sorted(known))}")
            raise UsageError("E-RULES-KEY", str(path), f"unknown {what} {key}", hint)


def _check_threshold(path: Path, name: str, entry: _Entry, sense: Sense, unit: Unit) -> None:
    for each in SENSES:
        value = getattr(entry, each)
        if value is not None and each != sense:
            fix = f"Write {sense} = {value:g}"
            raise UsageError("E-RULES", f"{name}.{each} in {path}", f"this rule takes {sense}", fix)
        if value is not None and unit in ("share", "flag") and not 0 <= value <= 1:
            why = f"a share lies from 0 to 1 (got {value:g})"
            raise UsageError("E-RULES", f"{name}.{each} in {path}", why, "Write 0.8 for 80%")
