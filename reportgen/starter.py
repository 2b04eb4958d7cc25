"""A settings file to start from: every setting with its meaning and default, each line a comment until it is wanted."""

import json
from pathlib import Path
from typing import Final

from pydantic.fields import FieldInfo

from reportgen.errors import OutputError, UsageError
from reportgen.options import COMMAND_LINE_ONLY, BuildOptions

NAME: Final = "reportgen.toml"
# Settings that are empty by default need something to look at.
EXAMPLES: Final = {
    "size": 128, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "channel_order": "rgb", "resize": "crop",
    "head": "softmax", "state_key": "state_dict_ema", "classes": "classes.txt", "images": ["photographs"],
    "reference_images": ["more_photographs"], "labels": "labels.csv", "masks": "masks", "indices": [1, 2, 47, 98],
    "limit": 12,
    "layers": ["cnn.15"], "filters": [0, 5], "lime_fill_image": "grey.png", "templates": "templates", "css": "own.css",
    "font": "own.otf",
    "notes": "notes.md", "rules": "rules.toml", "preset": "default", "batch_size": 16, "title": "What it looks at",
    "target": "cat", "versus": "dog", "author": "Ada Example", "student_id": "b00000000", "accent": "#7a1f5c",
    "logo": "logo.png", "max_seconds": 3600,
}  # fmt: skip


def starter(language: str = "en") -> str:
    """The text of the file: settings below the headings of --help. language: another than English is set already."""
    parts = [
        "# Settings of reportgen. Take away the # before a setting to change it; the command line has the last word."
    ]
    panel = ""
    for name, setting in BuildOptions.model_fields.items():
        if name in COMMAND_LINE_ONLY:
            continue
        extra = setting.json_schema_extra
        own = str(extra["panel"]) if isinstance(extra, dict) else ""
        parts += [f"\n# == {own} =="] if own != panel else []
        given = f'lang = "{language}"' if name == "lang" and language != "en" else f"# {name} = {_value(name, setting)}"
        parts.append(f"\n# {setting.description}\n{given}")
        panel = own
    return "\n".join(parts) + "\n"


def _value(name: str, setting: FieldInfo) -> str:
    """The default as TOML, which writes these values as JSON does; an example where there is none."""
    default = setting.default
    shown = EXAMPLES[name] if default in (None, (), "") else default
    return json.dumps(shown if not isinstance(shown, Path | tuple) else _plain(shown), ensure_ascii=False)


def _plain(value: Path | tuple[str, ...]) -> str | list[str]:
    return str(value) if isinstance(value, Path) else list(value)


def write_starter(path: Path, *, overwrite: bool = False, language: str = "en") -> Path:
    """Write the file. Raises UsageError where there is one, OutputError where it cannot be written."""
    try:
        with path.open("w" if overwrite else "x", encoding="utf-8") as file:
            file.write(starter(language))
    except FileExistsError as err:
        raise UsageError("E-INIT", str(path), "the file is there already", "Add --overwrite, or name another") from err
    except OSError as err:
        why = f"it cannot be written ({err.strerror or err})"
        raise OutputError("E-INIT", str(path), why, "Name another file: reportgen init FILE") from err
    return path
