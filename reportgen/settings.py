"""Where settings come from: command line over environment over settings file over default.

The environment says REPORTGEN_SEED=7; the settings file is `reportgen.toml`, or `[tool.reportgen]` in pyproject.toml.
"""

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from reportgen.errors import UsageError
from reportgen.options import COMMAND_LINE_ONLY, BuildOptions, flag
from reportgen.shortages import raise_shortage

NOTES_FILE = "notes.md"
_GIVEN = "the call"
_ENVIRONMENT = "the environment"
_PREFIX = "REPORTGEN_"


def resolve(
    given: Mapping[str, Any], *, config: Path | None = None, environ: Mapping[str, str] = os.environ
) -> BuildOptions:
    """The options from all four places.

    given: what the command line or the Python caller said; None means not said.
    Raises UsageError that names the place, the key and, for a misspelt key, the nearest known one.
    """
    said = {key: value for key, value in given.items() if value is not None and value not in ((), [])}
    files = _files(config)
    merged: dict[str, Any] = {}
    places: dict[str, str] = {}
    for place, values in (*files, (_ENVIRONMENT, _environment(environ)), (_GIVEN, said)):
        _check_keys(place, values)
        merged |= values
        places |= dict.fromkeys(values, place)
    beside = (*(Path(place).parent / NOTES_FILE for place, _ in files), Path(NOTES_FILE))
    if notes := next((path for path in beside if "notes" not in merged and path.is_file()), None):
        merged["notes"] = notes
    return validated(merged, places)


def validated(values: Mapping[str, Any], places: Mapping[str, str] = MappingProxyType({})) -> BuildOptions:
    """The options with these values. places: who said each; what is not named there, the call did.

    Raises UsageError that names the first one that cannot be.
    """
    try:
        return BuildOptions.model_validate(values)
    except ValidationError as err:
        first = err.errors()[0]
        key = str(first["loc"][0])
        where, why = _where(places.get(key, _GIVEN), key), _reason(first["msg"], first["input"])
        raise UsageError("E-OPTION", where, why, "See reportgen build --help") from err


def _where(place: str, key: str) -> str:
    """How the user wrote the key there."""
    written = {_GIVEN: flag(key), _ENVIRONMENT: f"{_PREFIX}{key.upper()}"}
    return written.get(place, f"{key} in {place}")


def _reason(message: str, value: object) -> str:
    text = message.removeprefix("Value error, ")
    return text if isinstance(value, dict) else f"{text} (got {str(value)[:60]})"


def _files(config: Path | None) -> list[tuple[str, dict[str, Any]]]:
    """The settings file named, else the first that lies in the current directory."""
    for path in (config,) if config else (Path("reportgen.toml"), Path("pyproject.toml")):
        if not config and not path.is_file():
            continue
        table = _settings(path)
        if config or table or path.name == "reportgen.toml":
            return [(str(path), {key.replace("-", "_"): value for key, value in table.items()})]
    return []


def _settings(path: Path) -> dict[str, Any]:
    """The settings in a file; of pyproject.toml, its table [tool.reportgen]."""
    content = read_toml(path, "E-CONFIG", "settings", "Mend it or drop --config")
    for name in ("tool", "reportgen") if path.name == "pyproject.toml" else ():
        content = content.get(name, {})
        if not isinstance(content, dict):
            fix = "Write key = value lines below [tool.reportgen]"
            raise UsageError("E-CONFIG", str(path), f"{name} is not a table", fix)
    return content


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {key[len(_PREFIX) :].lower(): value for key, value in environ.items() if key.startswith(_PREFIX)}


def _check_keys(place: str, values: Mapping[str, Any]) -> None:
    known = set(BuildOptions.model_fields) - (set() if place == _GIVEN else COMMAND_LINE_ONLY)
    for key in values:
        if key in COMMAND_LINE_ONLY - known:
            raise UsageError("E-CONFIG-KEY", place, f"{key} may be given on the command line only", f"Remove {key}")
        if key not in known:
            hint = nearest(key, known, "See reportgen build --help for the names")
            raise UsageError("E-CONFIG-KEY", place, f"unknown setting {key}", hint)


def check_epoch(environ: Mapping[str, str] = os.environ) -> None:
    """Libraries read SOURCE_DATE_EPOCH while they are loaded, and break down at what is none. Raises UsageError.

    Source: the specification of reproducible-builds.org, which wants a whole number of seconds.
    """
    given = environ.get("SOURCE_DATE_EPOCH", "0")
    if not (given.isascii() and given.isdecimal()):
        why = f"it is no whole number of seconds (got {given[:60]})"
        raise UsageError("E-EPOCH", "SOURCE_DATE_EPOCH", why, "Unset it, or give seconds since 1970")


def nearest(key: str, known: Iterable[str], otherwise: str) -> str:
    """What to try for a misspelt key."""
    near = difflib.get_close_matches(key, sorted(known), n=1)
    return f"Did you mean {near[0]}?" if near else otherwise


def read_toml(path: Path, code: str, what: str, fix: str) -> dict[str, Any]:
    """The tables of a TOML file. what: "settings" or "rules"; code, fix: of the UsageError where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as err:
        raise_shortage(err, str(path))
        raise UsageError(code, str(path), f"not a {what} file ({err})", fix) from err
