"""What a user may change of a report's looks without a style sheet: accent colour, logo, size of the paper."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from reportgen.document import Picture
from reportgen.errors import UsageError
from reportgen.shortages import raise_shortage

READABLE = 4.5  # contrast that WCAG 2 AA asks of text
WHITE, NIGHT = "#ffffff", "#13171c"  # what the page is printed on, and what it is in the dark
LOGO = (480, 160)  # pixels, width and height, that a logo is made to fit
HEATS = 5
PAPERS = {"a4": "A4", "letter": "letter"}
_LIGHTER = 20  # steps from a colour to white


def accent_style(colour: str, *, paper: bool) -> str:
    """Rules that set the accent colour. In the dark it is lightened until it can be read.

    Raises UsageError where it could not be read on white.
    """
    if not colour:
        return ""
    if contrast(colour, WHITE) < READABLE:
        why = f"its contrast with white is {contrast(colour, WHITE):.1f}:1, and text needs {READABLE}:1"
        raise UsageError("E-ACCENT", f"--accent {colour}", why, f"Take a darker one, such as {_darker(colour)}")
    rules = f":root{{--accent:{colour}}}\n"
    if paper:
        steps = range(1, HEATS + 1)
        return rules + "".join(f".hit.heat-{n}{{background:{mixed(WHITE, colour, 0.06 * n)}}}\n" for n in steps)
    return f"{rules}@media screen{{:root{{--accent:light-dark({colour},{_lighter(colour)})}}}}\n"


def paper_style(paper: str) -> str:
    """The rule that sets the size of the page. paper: a key of PAPERS."""
    return f"@page {{ size: {PAPERS[paper]} }}\n"


def read_logo(path: Path) -> Picture:
    """The logo as a PNG of its own pixels only, within LOGO; the page has words for it.

    Raises UsageError where it is no PNG or JPEG.
    """
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as opened:
            image = opened.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as err:
        raise_shortage(err, str(path))
        if isinstance(err, OSError) and err.errno:
            raise UsageError("E-LOGO", str(path), f"it cannot be read ({err.strerror})", "Check the path") from err
        why = "it cannot be read as a PNG or JPEG, and an SVG could run code"
        raise UsageError("E-LOGO", str(path), why, "Export it as PNG") from err
    image.thumbnail(LOGO, Image.Resampling.LANCZOS)
    buffer = BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return Picture(buffer.getvalue(), "image/png", image.width, image.height, "")


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21. Source: WCAG 2.2, "contrast ratio"."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    """A colour so far on the way from one to the other. share: in [0, 1]."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5))


def _luminance(colour: str) -> float:
    shares = (channel / 255 for channel in _channels(colour))
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _lighter(colour: str) -> str:
    steps = (mixed(colour, WHITE, n / _LIGHTER) for n in range(_LIGHTER + 1))
    return next(each for each in steps if contrast(each, NIGHT) >= READABLE)


def _darker(colour: str) -> str:
    steps = (mixed(colour, "#000000", n / _LIGHTER) for n in range(_LIGHTER + 1))
    return next(each for each in steps if contrast(each, WHITE) >= READABLE)
