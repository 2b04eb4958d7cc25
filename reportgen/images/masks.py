"""Where the object is: masks and boxes that people keep beside photographs, brought to what the network sees.

A folder of PNG masks or of YOLO's text files, named as the photographs, or one JSON file as COCO has it. The files are
hostile input: limits come first, and one that cannot be used costs only itself.
"""

import stat
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Annotated, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydantic import BaseModel, Field, FiniteFloat, PositiveInt, ValidationError

from reportgen.errors import InputRefused, MaskError
from reportgen.images.decode import MAX_PIXELS, window
from reportgen.results import ImageInput, InputSpec, ObjectMask
from reportgen.shortages import raise_shortage

MAX_BYTES: Final = 512 * 2**20
FINER: Final = 16  # subpixels on a side, on which outlines are drawn, as Pillow knows whole pixels only
CANVAS: Final = 4096  # largest side of what is drawn on
SAME_SHAPE: Final = 0.02  # by which the sides' ratio of a mask may differ from its photograph's
VOID: Final = 255  # in masks with a palette: the seam around objects
NAMES: Final = "classes.txt"  # of YOLO's classes, one a line
_DRAW_AGAIN = "Draw it on the photograph as it is shown, upright and whole"


class Photograph(Protocol):
    """What masks need to know of a photograph that was found."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    @property
    def name(self) -> str:
        """As shown to the reader: relative to the folder asked for."""


@dataclass(frozen=True, eq=False)
class Outline:
    """One object. name: of its class, "" where the file tells none.

    polygons: (n, 2) each, x and y as shares of the photograph's width and height; size: width and height of the
    photograph where the file tells them.
    """

    name: str
    polygons: tuple[NDArray[np.float64], ...]
    size: tuple[int, int] | None = None


Kept = tuple[Outline, ...] | Path  # a path: of a PNG mask
Lookup = Callable[[Photograph], Kept | None]


def read_masks(path: Path) -> Lookup:
    """What is kept there of each photograph; None for one that it does not know.

    path: a folder with NAME.png or NAME.txt for each photograph NAME, such a file itself, or a JSON file.
    Raises InputRefused where there is no such file, MaskError for JSON that is not COCO's; the lookup raises MaskError
    for a file that cannot be used.
    """
    if path.is_dir():
        return _folder(path, None)
    if not path.is_file():
        raise InputRefused("E-MASKS", "--masks", f"{path} is no file or folder", "Name a folder of masks, or a file")
    if path.suffix.lower() in (".png", ".txt"):
        return _folder(path.parent, path)
    known = _coco(path)
    return lambda photograph: next((known[key] for key in _keys(photograph) if key in known), None)


def objects_in(kept: Kept, image: ImageInput, spec: InputSpec) -> tuple[ObjectMask, ...]:
    """The objects of a photograph as the network sees it, one mask for each class; a pixel counts by half of its area.

    Raises MaskError where the mask cannot be read, or is of another picture.
    """
    box = window(image.original_size, spec.size, spec.resize, spec.crop)
    if isinstance(kept, Path):
        return (ObjectMask("", _painted(kept, image, spec, box)),)
    masks: dict[str, NDArray[np.bool_]] = {}
    for outline in kept:
        if outline.size is not None:
            _check_shape(image.name, outline.size, image.original_size)
        drawn = _drawn(outline, image.original_size, spec.size, box)
        masks[outline.name] = masks.get(outline.name, np.zeros(spec.size, bool)) | drawn
    return tuple(ObjectMask(name, mask) for name, mask in masks.items())


def _drawn(
    outline: Outline, whole: tuple[int, int], size: tuple[int, int], box: tuple[float, float, float, float]
) -> NDArray[np.bool_]:
    """The outline on the part that is fed."""
    (height, width), (left, top, right, bottom) = size, box
    finer = max(1, min(FINER, CANVAS // max(size)))
    canvas = Image.new("L", (width * finer, height * finer))
    pen = ImageDraw.Draw(canvas)
    for polygon in outline.polygons:
        across = (polygon[:, 0] * whole[1] - left) / (right - left) * width
        down = (polygon[:, 1] * whole[0] - top) / (bottom - top) * height
        corners = np.stack([across, down], axis=1).clip(-width - height, 2 * (width + height))  # no canvas is endless
        pen.polygon([(float(x), float(y)) for x, y in corners * finer], fill=255)
    small = canvas.resize((width, height), Image.Resampling.BOX)
    return np.asarray(small) >= 128


def _painted(
    path: Path, image: ImageInput, spec: InputSpec, box: tuple[float, float, float, float]
) -> NDArray[np.bool_]:
    """A PNG mask: whatever is not black and not see-through; with a palette all but the first colour and the seam."""
    _bytes_allowed(path)
    try:
        with Image.open(path, formats=("PNG",)) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise _unusable(path, f"it claims {opened.width} x {opened.height} pixels", "Reduce it first")
            seam = VOID if opened.mode == "P" else None
            values = np.asarray(opened.convert("RGBA") if opened.mode in ("LA", "RGBA") else opened)
    except MaskError:
        raise
    except PermissionError as err:
        raise _unusable(path, "it may not be read by this user", "Change its permissions") from err
    except Exception as err:  # a decoder fed with a damaged file raises whatever it runs into
        raise_shortage(err, path.name)
        raise _unusable(path, "it cannot be read as a PNG image", "Save it again as PNG") from err
    if values.ndim == 3:
        seen = values[..., 3] > 0 if values.shape[2] == 4 else np.ones(values.shape[:2], bool)
        values = values[..., :3].any(axis=-1) & seen
    whole = Image.fromarray(((values != 0) & (values != seam)).astype(np.uint8) * 255)
    _check_shape(path.name, whole.size, image.original_size)
    across, down = whole.width / image.original_size[1], whole.height / image.original_size[0]
    part = (box[0] * across, box[1] * down, box[2] * across, box[3] * down)
    height, width = spec.size
    return np.asarray(whole.resize((width, height), Image.Resampling.BOX, box=part)) >= 128


def _check_shape(what: str, size: tuple[int, int], whole: tuple[int, int]) -> None:
    """size: width and height; whole: height and width of the upright photograph."""
    if abs(size[0] * whole[0] / (size[1] * whole[1]) - 1) > SAME_SHAPE:
        why = f"its mask is made for {size[0]} x {size[1]} pixels, and the photograph has {whole[1]} x {whole[0]}"
        raise MaskError("E-MASK", what, why, _DRAW_AGAIN)


def _folder(folder: Path, only: Path | None) -> Lookup:
    """Masks and boxes that are named as the photographs are: with their folders, or by the file's name alone."""
    names = folder / NAMES
    classes = tuple(_text(names).splitlines()) if names.is_file() else ()

    def look(photograph: Photograph) -> Kept | None:
        stems = dict.fromkeys((PurePath(photograph.name).with_suffix(""), PurePath(photograph.path.stem)))
        for stem in stems:
            for suffix in (".png", ".txt"):
                file = folder / stem.with_name(stem.name + suffix)
                if file.is_file() and only in (None, file):
                    return file if suffix == ".png" else _yolo(file, classes)
        return None

    return look


def _yolo(path: Path, classes: Sequence[str]) -> tuple[Outline, ...]:
    """Lines "class x y w h" (the middle and the sides of a box) or "class x1 y1 x2 y2 x3 y3 ...", all shares."""
    outlines = []
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            first, *rest = line.split()
            index, numbers = int(first), np.array([float(each) for each in rest])
        except ValueError as err:
            raise _unusable(path, f"line {number} is not made of numbers", "Write: class x y width height") from err
        if len(numbers) % 2 or len(numbers) < 4 or not np.isfinite(numbers).all() or np.abs(numbers).max() > 2:
            raise _unusable(path, f"line {number} is no box and no outline", "Write shares: class x y width height")
        polygon = (
            _corners(*numbers[:2] - numbers[2:] / 2, *numbers[2:]) if len(numbers) == 4 else numbers.reshape(-1, 2)
        )
        outlines.append(Outline(classes[index].strip() if 0 <= index < len(classes) else "", (polygon,)))
    return tuple(outlines)


def _corners(left: float, top: float, width: float, height: float) -> NDArray[np.float64]:
    right, bottom = left + width, top + height
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64)


class _Image(BaseModel):
    id: int | str
    file_name: str
    width: PositiveInt
    height: PositiveInt


class _Annotation(BaseModel):
    image_id: int | str
    category_id: int | str | None = None
    segmentation: list[list[FiniteFloat]] | dict[str, Any] | None = None
    bbox: Annotated[list[FiniteFloat], Field(min_length=4, max_length=4)] | None = None
    iscrowd: int = 0


class _Category(BaseModel):
    id: int | str
    name: str


class _Coco(BaseModel):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category] = []


def _coco(path: Path) -> Mapping[str, tuple[Outline, ...]]:
    """File name -> the objects. Crowds are passed over; where an outline is run-length coded its box stands in.

    The name without its folders stands for an image too, unless several have it: another one's objects are worse than
    none.
    """
    try:
        content = _Coco.model_validate_json(_text(path))
    except ValidationError as err:
        first = err.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise _unusable(path, f"{where}: {first['msg']}", "Write images, annotations and categories as COCO") from err
    named = {each.id: each.name for each in content.categories}
    by_image: dict[int | str, list[_Annotation]] = {}
    for each in content.annotations:
        by_image.setdefault(each.image_id, []).append(each)
    whole = {PurePath(image.file_name): image for image in content.images}
    often = Counter(path.name for path in whole)
    alone = {path.name: image for path, image in whole.items() if often[path.name] == 1}
    return {
        key: tuple(_outline(each, named, image) for each in by_image.get(image.id, []) if not each.iscrowd)
        for key, image in (alone | {path.as_posix(): image for path, image in whole.items()}).items()
    }


def _outline(annotation: _Annotation, named: Mapping[int | str, str], image: _Image) -> Outline:
    sides = np.array([image.width, image.height])
    polygons: list[NDArray[np.float64]] = []
    if isinstance(annotation.segmentation, list):
        whole = (each for each in annotation.segmentation if len(each) >= 6 and len(each) % 2 == 0)
        polygons = [np.array(each).reshape(-1, 2) / sides for each in whole]
    if not polygons and annotation.bbox:
        polygons = [_corners(*annotation.bbox) / sides]
    name = "" if annotation.category_id is None else named.get(annotation.category_id, "")
    return Outline(name, tuple(polygons), (image.width, image.height))


def _keys(photograph: Photograph) -> tuple[str, ...]:
    return PurePath(photograph.name).as_posix(), photograph.path.name


def _text(path: Path) -> str:
    _bytes_allowed(path)
    try:
        return path.read_text(encoding="utf-8-sig")
    except PermissionError as err:
        raise _unusable(path, "it may not be read by this user", "Change its permissions") from err
    except (OSError, UnicodeDecodeError) as err:
        raise_shortage(err, path.name)
        raise _unusable(path, "it cannot be read as UTF-8 text", "Save it as UTF-8") from err


def _bytes_allowed(path: Path) -> None:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
        raise _unusable(path, f"it is no ordinary file of at most {MAX_BYTES // 2**20} MB", "Name another file")


def _unusable(path: Path, why: str, fix: str) -> MaskError:
    return MaskError("E-MASK", path.name, why, fix)
