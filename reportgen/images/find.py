"""Which files are meant by the paths a person gives, in which order, and in which class folder they lie."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reportgen.errors import ImagesError
from reportgen.excerpts import path_text
from reportgen.shortages import raise_shortage

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
# Pictures that are not decoded. They are taken all the same, for one that is left out in silence is missed by nobody.
_UNREAD = frozenset({".avif", ".heic", ".heif", ".jp2", ".jxl", ".svg"})

# The course takes its figures from the training set, and its evaluation set has no labels.
_USUAL_FOLDERS = ("images", "food-11/training", "food-11/validation", "food-11")


@dataclass(frozen=True)
class Found:
    """One file to be shown.

    path: where it lies; name: shown to the reader, relative to the folder asked for, always encodable as UTF-8;
    folder: the sub-folder that stands for its class in an ImageFolder tree, else None.
    """

    path: Path
    name: str
    folder: str | None = None

    @property
    def unread(self) -> bool:
        """Whether its name is that of a picture whose format is not read."""
        return _unread(self.path)


def find_images(paths: Sequence[Path]) -> tuple[Found, ...]:
    """Every image that the paths name, each once, in alphabetical order of code points, folder by folder.

    The order depends neither on the locale, as a shell's `*` does, nor on the order of the arguments. Inside folders
    only files with an image suffix count and hidden ones do not; a file that is named itself is always taken, and so
    is a picture of a format that is not read, so that what is wrong with it is told. Folders are searched to the
    bottom; a link back to a folder already seen ends there.
    Raises ImagesError where a path is missing or nothing is found.
    """
    taken: dict[str, tuple[Path, Found]] = {}
    for root in sorted(paths, key=lambda path: path.parts):
        relative = _below(root) if _exists(root) and _is_folder(root) else (Path(),)
        in_classes = _is_image_folder(relative)
        for part in relative:
            path = root / part
            folder = part.parts[0] if in_classes and len(part.parts) > 1 else None
            found = Found(path, path_text(part if part.parts else Path(path.name)), folder)
            # The same file by two ways (`photos photos/a.jpg`) is one image; the folder knows more about it.
            key = str(path.absolute())
            if key not in taken or (found.folder is not None and taken[key][1].folder is None):
                taken[key] = (root, found)
    if not taken:
        raise _nothing_found(paths)
    return _told_apart(sorted(taken.values(), key=lambda entry: entry[1].path.parts))


def default_images(cwd: Path) -> Path | None:
    """The usual folder beside the current directory that holds images: `images`, else the course's `food-11`."""
    for name in _USUAL_FOLDERS:
        if _is_folder(cwd / name) and not all(map(_unread, _below(cwd / name))):
            return cwd / name
    return None


def _unread(path: Path) -> bool:
    """Such a picture says nothing about how a folder is laid out."""
    return _suffix(path) in _UNREAD


def _suffix(path: Path) -> str:
    """As a person reads it: without the space that may stand behind it."""
    return path.suffix.strip().lower()


def _exists(path: Path) -> bool:
    """True, or an error. A link that leads nowhere exists: it is taken, and its failure reported."""
    try:
        path.lstat()
    except PermissionError as err:
        raise ImagesError(
            "E-IMG-PERM", str(path), "it may not be read by this user", "Change its permissions (chmod)"
        ) from err
    except (OSError, ValueError) as err:
        raise_shortage(err, str(path))
        raise ImagesError(
            "E-IMG-MISSING", str(path), "there is no such file or folder", "Check the path given to --images"
        ) from err
    return True


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False  # what cannot be asked is decoded, and its own error told


def _below(root: Path) -> tuple[Path, ...]:
    """The images below a folder, relative to it."""
    found: list[Path] = []
    seen: set[tuple[int, int]] = set()
    waiting = [Path()]
    while waiting:
        folder = waiting.pop()
        try:
            status = (root / folder).stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            names = sorted(os.listdir(root / folder))  # noqa: PTH208 - names, as the course lists them
        except OSError as err:
            raise_shortage(err, str(root / folder))
            if not folder.parts:
                raise ImagesError(
                    "E-IMG-PERM", str(root), f"the folder cannot be read ({err.strerror})", "Change its permissions"
                ) from err
            found.append(folder)  # decoding it fails, and so the reader learns of it
            continue
        entries = [folder / name for name in names if not name.startswith(".")]
        folders = {entry: None for entry in entries if _is_folder(root / entry)}
        waiting.extend(reversed(folders))  # so that the first way to a folder in the alphabet is the one taken
        found.extend(entry for entry in entries if _suffix(entry) in SUFFIXES | _UNREAD and entry not in folders)
    return tuple(found)


def _is_image_folder(relative: Sequence[Path]) -> bool:
    """Whether all images lie in sub-folders, as torchvision's ImageFolder wants them."""
    images = [path for path in relative if not _unread(path)]
    return bool(images) and all(len(path.parts) > 1 for path in images)


def _told_apart(entries: Sequence[tuple[Path, Found]]) -> tuple[Found, ...]:
    """The images with names that differ: where two folders hold the same name, the folder is named too."""
    found = [entry for _, entry in entries]
    parents = [root.absolute().parent for root, _ in entries]
    anchors = [Path(entry.path.absolute().anchor) for entry in found]
    for wider in (parents, anchors):
        often = Counter(entry.name for entry in found)
        found = [
            replace(entry, name=path_text(entry.path.absolute().relative_to(base))) if often[entry.name] > 1 else entry
            for base, entry in zip(wider, found, strict=True)
        ]
    return tuple(found)


def _nothing_found(paths: Sequence[Path]) -> ImagesError:
    return ImagesError(
        "E-IMG-NONE",
        ", ".join(str(path) for path in paths) or "--images",
        f"no image is in it (looked for {' '.join(sorted(SUFFIXES))})",
        "Name a folder with images, or the files themselves",
    )
