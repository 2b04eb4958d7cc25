"""The files of a report that holds nothing but text, and what lies in its folder."""

from pathlib import Path

OURS = '{"generator": "reportgen"}'


def fill(folder: Path, files: dict[str, str]) -> None:
    (folder / "run").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def content(folder: Path) -> dict[str, str]:
    """Every file below the folder, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
