"""run/manifest.json: the fingerprints of a report's files, images and tensors, for `reportgen verify`.

It holds no secret: whoever rewrites a file can rewrite the manifest, too. It tells damage and mix-ups, not forgery.
"""

import json
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from reportgen.digests import array_sha256, file_sha256
from reportgen.errors import InputRefused
from reportgen.publish import CHECK_FILES, LOG_FILE, MANIFEST_FILE, REPORT_FILES
from reportgen.results import Run
from reportgen.shortages import raise_shortage

FORMAT: Final = 1
LISTED: Final = tuple(name for name in REPORT_FILES if name not in (*CHECK_FILES, LOG_FILE, MANIFEST_FILE))


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(_Strict):
    """A file of the report."""

    name: str
    sha256: str
    bytes: int


class ImageEntry(_Strict):
    """An image: its file, and its pixels as the network is fed, which stay when only the file's metadata change."""

    name: str
    sha256: str
    pixels_sha256: str


class ModelEntry(_Strict):
    """The checkpoint's own file."""

    name: str
    sha256: str


class TensorEntry(_Strict):
    """A tensor of the checkpoint."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str
    total: float


class Manifest(_Strict):
    """The whole file."""

    generator: str = "reportgen"
    format: int = FORMAT
    model: ModelEntry
    files: tuple[FileEntry, ...]
    images: tuple[ImageEntry, ...]
    tensors: tuple[TensorEntry, ...]


def write_manifest(run: Run, folder: Path) -> None:
    """Write the manifest of the complete report that lies in the folder; the same report, the same bytes."""
    files = [_file(folder, name) for name in LISTED if (folder / name).is_file()]
    images = [
        ImageEntry(name=each.name, sha256=each.sha256, pixels_sha256=array_sha256(each.pixels))
        for each in (subject.image for subject in run.subjects)
    ]
    tensors = [TensorEntry.model_validate(each, from_attributes=True) for each in run.model.tensors]
    model = ModelEntry(name=run.model.file, sha256=run.model.sha256)
    manifest = Manifest(model=model, files=tuple(files), images=tuple(images), tensors=tuple(tensors))
    text = json.dumps(manifest.model_dump(mode="json"), ensure_ascii=False, allow_nan=False, indent=1)
    (folder / MANIFEST_FILE).write_bytes((text + "\n").encode("utf-8", "backslashreplace"))


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a report. Raises InputRefused where there is none that can be read."""
    path = folder / MANIFEST_FILE
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        return Manifest.model_validate(content)
    except PermissionError as err:
        why, fix = "it may not be read by this user", "Change its permissions"
        raise InputRefused("E-MANIFEST", str(path), why, fix) from err
    except (OSError, ValueError, RecursionError, ValidationError) as err:
        raise_shortage(err, str(path))
        why = f"it cannot be read ({type(err).__name__})"
        fix = "Build the report again; reports of older versions have no manifest"
        raise InputRefused("E-MANIFEST", str(path), why, fix) from err


def _file(folder: Path, name: str) -> FileEntry:
    return FileEntry(name=name, sha256=file_sha256(folder / name), bytes=(folder / name).stat().st_size)
