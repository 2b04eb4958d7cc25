"""The fonts of a report: what is missing on this machine and the package that has it, and a font file of the user's.

Which families a language asks for stands in templates/styles/tokens.css.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import ImageFont

from reportgen.errors import UsageError, printable
from reportgen.shortages import raise_shortage

FAMILY: Final = "Report Font"  # first in every stack of tokens.css; no machine has it but by @font-face
LARGEST: Final = 64 << 20  # bytes; Noto Sans CJK in one weight has 16 MB
SHOWN: Final = 5  # characters that a warning names
_CJK: Final = (
    (0x2E80, 0xA4CF), (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0xFE30, 0xFE4F), (0xFF00, 0xFFEF), (0x20000, 0x3FFFF),
)  # fmt: skip
# WeasyPrint's words for a character that no font has.
_NO_GLYPH: Final = re.compile(r"\.notdef glyph .*\(U\+([0-9A-F]{4,6})\)$", re.DOTALL)
_KINDS: Final = {b"\0\1\0\0": "ttf", b"true": "ttf", b"OTTO": "otf", b"wOFF": "woff", b"wOF2": "woff2"}
_FIX: Final = "Name one .ttf, .otf, .woff or .woff2 file with --font"
_CHINESE: Final = {
    "linux": "apt install fonts-noto-cjk",
    "darwin": "brew install --cask font-noto-sans-cjk font-noto-serif-cjk",
    "win32": "install Noto Sans CJK and Noto Serif CJK from github.com/notofonts/noto-cjk",
}
_OTHERS: Final = {
    "linux": "apt install fonts-noto-core",
    "darwin": "brew install --cask font-noto-sans",
    "win32": "install Noto Sans from notofonts.github.io",
}


def missing(complaints: Sequence[str]) -> tuple[str, ...]:
    """The characters that WeasyPrint found in no font, once each, in the order of the page."""
    found = (_NO_GLYPH.match(complaint) for complaint in complaints)
    return tuple(dict.fromkeys(chr(int(each[1], 16)) for each in found if each))


def told(complaints: Sequence[str]) -> Iterator[str]:
    """WeasyPrint's complaints for people: one line for all characters that one package would bring, the others as said.

    A page in Chinese without a Chinese font has hundreds of them.
    """
    yield from (complaint for complaint in complaints if not _NO_GLYPH.match(complaint))
    lacking = missing(complaints)
    for chinese in (True, False):
        group = [letter for letter in lacking if is_chinese(letter) == chinese]
        if group:
            named = printable(" ".join(group[:SHOWN])) + (" …" if len(group) > SHOWN else "")
            many = f"{len(group)} characters" if len(group) > 1 else "1 character"
            yield (
                f"no font here has {many} of the report ({named}), and the PDF shows boxes there. "
                f"Name a font with --font, or {install(chinese=chinese)}"
            )


def is_chinese(letter: str) -> bool:
    """Whether fonts for Chinese, Japanese and Korean have the character."""
    return any(low <= ord(letter) <= high for low, high in _CJK)


def install(*, chinese: bool) -> str:
    """What to type for the fonts."""
    packages = _CHINESE if chinese else _OTHERS
    return packages.get(sys.platform, packages["linux"])


def read_font(path: Path) -> tuple[str, bytes]:
    """The media type and the bytes of a font file.

    Raises UsageError where it is none, or a collection, whose several fonts @font-face cannot tell apart.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= LARGEST else b""
    except OSError as err:
        raise_shortage(err, str(path))
        raise UsageError("E-FONT", str(path), f"it cannot be read ({err.strerror or err})", _FIX) from err
    if data.startswith(b"ttcf"):
        why = "it is a collection of several fonts"
        raise UsageError("E-FONT", str(path), why, "Name a single .ttf or .otf, or install the collection instead")
    kind = _KINDS.get(data[:4])
    if kind is None or _names(data) is None:
        raise UsageError("E-FONT", str(path), "it is no font, a damaged one, or larger than 64 MB", _FIX)
    return f"font/{kind}", data


def embedded(url: str) -> str:
    """The style that sets the page in the font behind the URL."""
    return f'@font-face {{ font-family: "{FAMILY}"; src: url("{url}") }}'


def installed(data: bytes) -> str:
    """The style that sets the page in the font where the reader's machine has it: report.html carries none along.

    A font for Chinese has 5 to 20 MB, and a page that loads nothing may not fetch one either.
    """
    family, style = _names(data) or ("", "")
    names = dict.fromkeys(re.sub(r"[^\w .-]", "", name) for name in (family, f"{family} {style}"))
    sources = ", ".join(f'local("{name}")' for name in names)
    return f'@font-face {{ font-family: "{FAMILY}"; src: {sources} }}'


def _names(data: bytes) -> tuple[str, str] | None:
    """Family and style as the font itself says; None where it cannot be opened."""
    try:
        family, style = ImageFont.truetype(BytesIO(data)).getname()
    except (OSError, ValueError):
        return None
    return family or "", style or ""
