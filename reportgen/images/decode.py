"""One image file: opened with care, brought to upright 8-bit RGB, sized for the network and for the page.

Limits and the list of formats follow the security chapter of the Pillow handbook: the header is judged before any pixel
is decoded, a warning of a decompression bomb is an error, and no decoder runs that starts another program.
"""

import errno
import hashlib
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, TiffImagePlugin, UnidentifiedImageError

from reportgen.errors import ImageError, printable
from reportgen.results import ImageInput
from reportgen.shortages import raise_shortage

MAX_BYTES = 256 * 2**20
MAX_PIXELS = 64_000_000
MAX_SIDE = 32_768
DISPLAY_SIDE = 640

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_RESAVE = "Save it again as PNG or JPEG"
_ORIENTATION = 0x0112
_BITS_PER_SAMPLE = 258
_GREY = 128  # what lies behind transparent pixels: neither of the extremes a network may take for an object

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# 65535 / 255 = 257 exactly, and 257 is odd, so no value lies half way.
_TO_8_BIT: NDArray[np.uint8] = np.rint(np.arange(65_536) / 257).astype(np.uint8)


def decode(
    path: Path,
    name: str,
    size: tuple[int, int],
    label: int | None = None,
    resize: Literal["squash", "crop"] = "squash",
    crop: float = 1.0,
) -> ImageInput:
    """The photograph as a person sees it and as the network gets it.

    name: shown to the reader; size: (height, width) the network is fed; resize, crop: as in InputSpec. `pixels` comes
    from the upright photograph, or its middle, with PIL's antialiased bilinear filter, as torchvision's `Resize` has
    it; `original` is the same part of it. No metadata is kept.
    Raises ImageError, with the reason, for whatever is wrong with the file.
    """
    data = _read(path, name)
    with warnings.catch_warnings(), _whole_files_only():
        warnings.simplefilter("ignore")  # remarks on metadata, which is not kept
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image, keys = _load(data, name)
        rgb, more = _rgb(image, name)
    height, width = size
    original_size = (rgb.height, rgb.width)
    box = window(original_size, size, resize, crop)
    fed = rgb.resize((width, height), Image.Resampling.BILINEAR, box=box)
    shown = tuple(round(edge) for edge in box)
    if shown != (0, 0, rgb.width, rgb.height):
        left, top, right, bottom = shown
        rgb, more = rgb.crop((left, top, max(right, left + 1), max(bottom, top + 1))), (*more, "cropped")
    rgb.thumbnail((DISPLAY_SIDE, DISPLAY_SIDE), Image.Resampling.LANCZOS)
    return ImageInput(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        original=np.asarray(rgb),
        pixels=np.asarray(fed, dtype=np.float32) / np.float32(255),
        label=label,
        conversions=tuple(dict.fromkeys((*keys, *more))),
        original_size=original_size,
    )


def window(
    whole: tuple[int, int], size: tuple[int, int], resize: Literal["squash", "crop"], crop: float
) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the part of an image that is fed, in pixels of the image.

    whole: height and width of the image; size: those that the network is fed. Resized from there to the size, the part
    is what torchvision's Resize and CenterCrop leave, whose sizes and offsets are whole pixels of the resized image.
    """
    (height, width), (rows, columns) = whole, size
    tall, wide = round(rows / crop), round(columns / crop)
    if resize == "crop" and tall * width >= wide * height:
        wide = int(tall * width / height)
    elif resize == "crop":
        tall = int(wide * height / width)
    top, left = int(round((tall - rows) / 2)), int(round((wide - columns) / 2))  # noqa: RUF046 - as torchvision has it
    down, across = height / tall, width / wide
    return left * across, top * down, (left + columns) * across, (top + rows) * down


@contextmanager
def _whole_files_only() -> Iterator[None]:
    """Half a photograph is an error, whatever another library (WeasyPrint, when imported) tells Pillow."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


@contextmanager
def _c_stderr_silent() -> Iterator[None]:
    """What C code writes to file descriptor 2 goes nowhere: libtiff tells there of every damage, in its own words.

    Pillow sets no handler for libtiff that could be replaced. The descriptor belongs to the whole process, so another
    thread's lines are lost too; here that is at most one frame of the progress bar, which is drawn again.
    """
    try:
        kept = os.dup(2)
    except OSError:  # closed by the caller: nothing to keep quiet
        yield
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
    except OSError:  # no handle is left, or no such device: then it is told
        os.close(kept)
        yield
        return
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _read(path: Path, name: str) -> bytes:
    """The bytes of a regular file; devices, pipes and sockets are never opened, for they may not end."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError("E-IMG-NOTFILE", name, "it is a folder, or a folder that cannot be read", "Name a file")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError("E-IMG-NOTFILE", name, "it is no ordinary file (a pipe, device or socket)", "Name a file")
        if status.st_size > MAX_BYTES:
            why = f"the file has {status.st_size / 2**20:.0f} MB; at most {MAX_BYTES // 2**20} are read"
            raise _too_large(name, why)
        with path.open("rb") as file:
            data = file.read(MAX_BYTES)
    except PermissionError as err:
        raise ImageError("E-IMG-PERM", name, "it may not be read by this user", "Change its permissions") from err
    except FileNotFoundError as err:
        raise ImageError("E-IMG-MISSING", name, "there is no such file, or a link leads nowhere", "Check it") from err
    except (OSError, ValueError) as err:
        if getattr(err, "errno", None) != errno.EIO:  # what a disk does not give back is one image
            raise_shortage(err, name)
        why = f"it cannot be read ({getattr(err, 'strerror', None) or 'bad name'})"
        raise ImageError("E-IMG-MISSING", name, why, "Check the file and its links") from err
    if not data:
        raise ImageError("E-IMG-EMPTY", name, "the file is empty", "Copy it again from its source")
    return data


def _load(data: bytes, name: str) -> tuple[Image.Image, tuple[str, ...]]:
    """The first frame, decoded and turned upright, and what was done to it."""
    try:
        image = Image.open(BytesIO(data), formats=FORMATS)
        _check_size(image, name)
        animated = image.format in ("GIF", "PNG", "WEBP", "TIFF") and getattr(image, "is_animated", False)
        orientation = _orientation(image)
        deep = _bits(image, data) > 8
        with _c_stderr_silent() if image.format == "TIFF" else nullcontext():
            image.load()
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as err:
        raise _too_large(name, f"it claims more than {MAX_PIXELS // 10**6} million pixels") from err
    except UnidentifiedImageError as err:
        raise _not_an_image(data, name) from err
    except MemoryError as err:
        fix = "Free memory, or reduce the image"
        raise ImageError("E-IMG-MEMORY", name, "the memory does not suffice to decode it", fix) from err
    except Exception as err:  # a decoder fed with a damaged file raises whatever it runs into
        raise_shortage(err, name)
        if "truncated" in str(err).lower():
            fix = "Copy it again from its source"
            raise ImageError("E-IMG-TRUNCATED", name, "the file ends too early", fix) from err
        why = f"it is damaged ({printable(str(err))[:100] or type(err).__name__})"
        raise ImageError("E-IMG-DECODE", name, why, _RESAVE) from err
    said = {"animated": animated, "exif": orientation in _UPRIGHT, "depth": deep}
    keys = tuple(key for key, done in said.items() if done)
    # Pillow turns a TIFF itself while loading it.
    turned = image.format != "TIFF" and orientation in _UPRIGHT
    return image.transpose(_UPRIGHT[orientation]) if turned else image, keys


def _check_size(image: Image.Image, name: str) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise ImageError("E-IMG-DECODE", name, f"it has {width} x {height} pixels", _RESAVE)
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise _too_large(name, f"it claims {width} x {height} pixels")


def _too_large(name: str, why: str) -> ImageError:
    limits = f"at most {MAX_PIXELS // 10**6} million pixels and {MAX_SIDE} on a side"
    return ImageError("E-IMG-BOMB", name, why, f"Reduce it first: {limits}")


def _not_an_image(data: bytes, name: str) -> ImageError:
    if data.startswith(_MAGIC):
        return ImageError("E-IMG-DECODE", name, "its header is damaged", _RESAVE)
    if data.startswith(b"version https://git-lfs"):
        return ImageError("E-IMG-LFS", name, "it is a Git LFS pointer, not the image", "Run: git lfs pull")
    return ImageError("E-IMG-FORMAT", name, "it is not a PNG, JPEG, WebP, GIF, BMP or TIFF image", _RESAVE)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where the tag is missing or the block is damaged."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a damaged EXIF block costs the turn, not the photograph
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _bits(image: Image.Image, data: bytes) -> int:
    """Bits per channel of the file: Pillow itself drops the lower ones of 16-bit colour."""
    if image.format == "PNG":
        return data[24]  # IHDR is always first: signature 8, length and type 8, width and height 8
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return max(int(bits) for bits in image.tag_v2.get(_BITS_PER_SAMPLE, (8,)))
    return 8


def _rgb(image: Image.Image, name: str) -> tuple[Image.Image, tuple[str, ...]]:
    """Any mode brought to 8-bit RGB, and what was done."""
    mode = image.mode
    if mode == "F" or mode.startswith("I"):
        grey, key = _grey_8_bit(np.asarray(image), name)
        return Image.fromarray(grey).convert("RGB"), ("grey", key)
    keys = {"P": "palette", "PA": "palette", "CMYK": "cmyk", "1": "grey", "L": "grey", "LA": "grey", "La": "grey"}
    keys |= dict.fromkeys(("YCbCr", "LAB", "HSV"), "colour_space")
    said = (keys[mode],) if mode in keys else ()
    try:
        if mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
            straight = image.convert({"RGBa": "RGBA", "La": "LA"}.get(mode, mode)).convert("RGBA")
            alpha = straight.getchannel("A")
            flat = Image.new("RGB", image.size, (_GREY,) * 3)
            flat.paste(straight.convert("RGB"), mask=alpha)
            see_through = float(np.asarray(alpha).min()) < 255
            return flat, (*said, "alpha") if see_through else said
        return image.convert("RGB"), said
    except (ValueError, TypeError, OSError) as err:  # a palette or a colour profile that does not fit its pixels
        why = f"its colours cannot be read ({printable(str(err))[:100]})"
        raise ImageError("E-IMG-DECODE", name, why, _RESAVE) from err


def _grey_8_bit(values: NDArray[Any], name: str) -> tuple[NDArray[np.uint8], str]:
    """Deep grey values as 8 bits, and the key of what was done: scaled by the known range, or stretched.

    values: (H, W) uint16, int32 or float32. Clipping, which Pillow's own conversion does, would turn them white.
    Floats in [0, 1] and whole numbers up to 65535 keep their meaning; what lies outside every convention is stretched.
    Raises ImageError for NaN and infinity.
    """
    if values.dtype == np.uint16 or values.dtype == np.dtype(">u2"):
        return _TO_8_BIT[values.astype(np.uint16)], "depth"
    numbers: NDArray[np.floating] = values.astype(np.float32 if values.dtype.kind == "f" else np.float64)
    if not np.isfinite(numbers).all():
        raise ImageError("E-IMG-NONFINITE", name, "it holds NaN or infinite values", "Replace them in the file")
    low, high = float(numbers.min()), float(numbers.max())
    whole = values.dtype.kind == "i"
    if low < 0 or high > (65_535 if whole else 255):
        # Halved, so that the distance between the two ends of float32 stays finite; nor may it vanish.
        span = high / 2 - low / 2
        flat = span < np.finfo(np.float32).tiny
        scaled = np.full_like(numbers, _GREY) if flat else (numbers / 2 - low / 2) * (255 / span)
        return np.rint(scaled).astype(np.uint8), "stretched"
    factor = 1.0
    if whole and high > 255:
        factor = 1 / 257
    elif not whole and high <= 1:
        factor = 255.0
    return np.rint(numbers * factor).astype(np.uint8), "depth"
