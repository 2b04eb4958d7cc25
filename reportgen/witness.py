"""What of a finished report still is what its manifest says: its files, its images, the checkpoint. Free of torch."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from reportgen import images
from reportgen.digests import TensorFact, array_sha256, file_sha256
from reportgen.errors import ImageError, InputRefused, printable
from reportgen.images import Found
from reportgen.manifest import Manifest, TensorEntry
from reportgen.results import ImageInput, Run
from reportgen.shortages import raise_shortage
from reportgen.store import load_changed

MOST: Final = 20  # differing numbers that are named, of one file

ClaimState = Literal["holds", "differs", "not_checked"]


@dataclass(frozen=True)
class Claim:
    """One thing that the report claims. state: whether it still holds; what: which thing; detail: how it is known."""

    state: ClaimState
    what: str
    detail: str

    def line(self) -> str:
        """As it is printed: no name can move a cursor."""
        return printable(f"{self.state.replace('_', ' '):<12} {self.what}: {self.detail}")


def file_claims(out: Path, manifest: Manifest) -> Iterator[Claim]:
    """Whether the report's files are those that were published; each that is not by its name."""
    good = 0
    for entry in manifest.files:
        try:
            sha256, size = file_sha256(out / entry.name), (out / entry.name).stat().st_size
        except OSError as err:
            raise_shortage(err, entry.name)
            yield Claim("differs", entry.name, f"it cannot be read ({err.strerror or err})")
            continue
        if sha256 == entry.sha256:
            good += 1
        else:
            yield Claim("differs", entry.name, f"it was changed since ({size:,} bytes, {entry.bytes:,} were written)")
    if good:
        yield Claim("holds", "files", f"{good} of {len(manifest.files)} are as they were written")


def number_claims(composed: Mapping[str, Any], written: Mapping[str, Any]) -> Iterator[Claim]:
    """Each number in which report.json and run/ differ. composed: what run/ gives; written: what report.json says."""
    found = list(_differences(composed, written, ""))
    for path, ours, theirs in found[:MOST]:
        yield Claim("differs", f"report.json {path}", f"it says {_short(theirs)}, and run/ gives {_short(ours)}")
    if len(found) > MOST:
        yield Claim("differs", "report.json", f"{len(found) - MOST} more of its values are not those of run/")


def _differences(ours: Any, theirs: Any, path: str) -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401 - any JSON
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for name in dict.fromkeys([*ours, *theirs]):
            yield from _differences(ours.get(name), theirs.get(name), f"{path}.{name}".lstrip("."))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for position, pair in enumerate(zip(ours, theirs, strict=True)):
            yield from _differences(*pair, f"{path}[{position}]")
    elif ours != theirs:
        yield path, ours, theirs


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def changed_run(out: Path) -> Run | None:
    """The run, even where its numbers were changed; None where it cannot be read at all."""
    try:
        return load_changed(out / "run")
    except InputRefused:
        return None


def tensor_claims(recorded: Sequence[TensorEntry], now: Sequence[TensorFact]) -> Iterator[Claim]:
    """Whether the checkpoint's tensors are those that were explained; each that is not by its key."""
    if not recorded:
        yield Claim("not_checked", "tensors", "the manifest lists none")
        return
    present = {fact.name: fact for fact in now}
    good = 0
    for entry in recorded:
        fact = present.pop(entry.name, None)
        if fact is None:
            yield Claim("differs", f"tensor {entry.name}", "the checkpoint no longer has it")
        elif fact.sha256 == entry.sha256:
            good += 1
        elif (fact.dtype, fact.shape) != (entry.dtype, entry.shape):
            was, is_ = (f"{each.dtype} {_shape(each.shape)}" for each in (entry, fact))
            yield Claim("differs", f"tensor {entry.name}", f"it was {was} and is {is_}")
        else:
            yield Claim("differs", f"tensor {entry.name}", _moved(entry.total, fact.total, math.prod(entry.shape)))
    for name in present:
        yield Claim("differs", f"tensor {name}", "the checkpoint that was explained had none of that name")
    if good:
        yield Claim("holds", "tensors", f"{good} of {len(recorded)} are as they were explained")


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "one number"


def _moved(was: float, is_: float, size: int) -> str:
    """The sum is all that is known of the old values."""
    if was == is_:
        return f"its {size:,} values changed, and their sum did not"
    return (
        f"its {size:,} values changed: their sum moved by {is_ - was:+.3g}, which is the change where it is one of them"
    )


def image_claims(run: Run, found: Sequence[Found]) -> Iterator[Claim]:
    """Whether the images are those that were explained; each that is not by its name. found: the files given now."""
    spec = run.model.input
    by_sha: dict[str, ImageInput] = {}
    by_name: dict[str, ImageInput | ImageError] = {}
    wanted = {subject.image.sha256 for subject in run.subjects} | {subject.image.name for subject in run.subjects}
    for each in found:
        if not wanted & {each.name, _sha256(each.path)}:
            continue  # of a large folder only what the report is about is decoded
        try:
            image = images.decode(each.path, each.name, spec.size, None, spec.resize, spec.crop)
        except ImageError as err:
            by_name[each.name] = err
        else:
            by_sha[image.sha256] = by_name[each.name] = image
    good = 0
    for subject in run.subjects:
        was = subject.image
        same = by_sha.get(was.sha256)
        if same is not None and array_sha256(same.pixels) == array_sha256(was.pixels):
            good += 1
        else:
            yield Claim("differs", f"image {was.name}", _image_detail(was, same or by_name.get(was.name)))
    if good:
        yield Claim("holds", "images", f"{good} of {len(run.subjects)} are as they were explained, files and pixels")


def _sha256(path: Path) -> str:
    """Of a file; empty where it cannot be read, and decoding it will say why."""
    try:
        return file_sha256(path) if path.is_file() else ""  # a pipe would be read for ever
    except OSError:
        return ""


def _image_detail(was: ImageInput, now: ImageInput | ImageError | None) -> str:
    if now is None:
        return "no file with its content or its name was given"
    if isinstance(now, ImageError):
        return f"{now.why}"
    file = "the file is the same" if now.sha256 == was.sha256 else "the file was changed"
    off = np.abs(was.pixels - now.pixels).max(axis=-1)
    if not off.any():
        return f"{file}, and its pixels as fed are the same"
    row, column = np.unravel_index(int(off.argmax()), off.shape)
    share = f"{int((off > 0).sum()):,} of its {off.size:,} pixels as fed differ"
    return f"{file}: {share}, by {float(off.max()):.2g} at most, in row {row}, column {column}"
