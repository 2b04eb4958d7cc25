"""Charts and colour scales, drawn from numbers; the same numbers always give the same bytes."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from reportgen.document import Picture
from reportgen.figures.heat import sequential

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
FOR, AGAINST, UNSETTLED = "tab:orange", "tab:blue", "0.75"
PALETTE = 256
INCHES_WIDE, INCHES_PER_BAR, DPI = 3.4, 0.3, 200  # about 2 pixels per CSS pixel
POINTS = 11  # paper shows half of it
NUMBER_WIDE, NAMES_WIDE, GAP = 0.95, 0.3, 0.06  # inches that +1.23e+05 takes, names such as 10, what stands between


def diverging(values: NDArray[np.floating[Any]]) -> Pixels:
    """Colours of signed values in [-1, 1], RGB along a new last axis: blue, white at exactly 0, orange.

    Blue and orange are told apart with every common colour blindness; v and -v stand equally far from white.
    """
    shares = np.clip(np.abs(values), 0, 1)[..., None]
    ends = np.where((values < 0)[..., None], to_rgb(AGAINST), to_rgb(FOR))
    return np.asarray(np.round(255 * (1 - shares * (1 - ends))), np.uint8)


def colour_bar(kind: str, alt: str, width: int = 256, height: int = 12) -> Picture:
    """The colour scale of "saliency", "activation" or "weights", smallest value left. Raises ValueError for others."""
    if kind not in ("saliency", "activation", "weights"):
        raise ValueError(f"no colour scale {kind!r}")
    colours = diverging(np.linspace(-1, 1, width)) if kind == "weights" else sequential(np.linspace(0, 1, width))
    return _picture(np.broadcast_to(colours, (height, width, 3)), alt)


def weights_chart(
    names: Sequence[str], weights: Sequence[float], alt: str, margins: Sequence[float] | None = None
) -> Picture:
    """Signed bars, the first at the top: orange for the class, blue with hatching against it, each with its number.

    names: short words in Latin script, one per weight (DejaVu Sans, which comes with matplotlib, is the font);
    margins: half of each weight's interval; a bar whose interval holds 0 is grey.
    Raises ValueError where names, weights and margins differ in number.
    """
    around = [0.0] * len(weights) if margins is None else margins
    if not len(names) == len(weights) == len(around):
        raise ValueError(f"{len(names)} names and {len(around)} margins for {len(weights)} weights")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a user's matplotlibrc must not change a report
        figure = Figure(figsize=(INCHES_WIDE, INCHES_PER_BAR * max(len(names), 1) + 0.2), dpi=DPI)
        _draw_bars(figure.add_axes((0, 0, 1, 1)), names, weights, around)
        drawn = BytesIO()
        figure.savefig(drawn, format="rgba")
    width, height = figure.canvas.get_width_height()
    # A few hundred colours are in it, most of them of blended edges: with a palette it takes less than half.
    pixels = Image.frombuffer("RGBA", (width, height), drawn.getvalue(), "raw", "RGBA", 0, 1).convert("RGB")
    return _encoded(pixels.quantize(PALETTE, dither=Image.Dither.NONE), alt)


def _draw_bars(axes: Axes, names: Sequence[str], weights: Sequence[float], margins: Sequence[float]) -> None:
    """Bars with their names at the left edge and their numbers beyond the tip of bar and interval."""
    ends = [abs(weight) + margin for weight, margin in zip(weights, margins, strict=True)]
    largest = max(ends, default=0.0) or 1.0
    around = [
        each for weight, margin in zip(weights, margins, strict=True) for each in (weight - margin, weight + margin)
    ]
    left, right, gap = _room(against=any(each < 0 for each in around), favour=any(each > 0 for each in around))
    axes.set_xlim(-left, right)
    axes.set_ylim(max(len(names), 1) - 0.4, -0.6)
    axes.axis("off")
    axes.axvline(0, color="0.35", linewidth=0.8)
    for row, (name, weight, margin, end) in enumerate(zip(names, weights, margins, ends, strict=True)):
        length, side = weight / largest, -1 if weight < 0 else 1
        colour, hatch = (FOR, "") if side > 0 else (AGAINST, "////")
        if margin and abs(weight) <= margin:
            colour, hatch = UNSETTLED, ""
        axes.barh(row, length, height=0.72, linewidth=0, facecolor=colour, edgecolor="white", hatch=hatch)
        if margin:
            axes.errorbar(length, row, xerr=margin / largest, color="0.1", linewidth=1, capsize=2.5)
        axes.text(gap - left, row, name, va="center", ha="left", fontsize=POINTS, fontweight="bold", parse_math=False)
        tip = side * (end / largest + gap)
        axes.text(tip, row, _signed(weight), va="center", ha="left" if side > 0 else "right", fontsize=POINTS)


def _room(*, against: bool, favour: bool) -> tuple[float, float, float]:
    """How far the axis reaches to the left and to the right, and the gap before a number, the longest bar being 1.

    against, favour: whether anything is drawn on that side; a side without anything takes no room.
    """
    sides = (against or not favour, favour or not against)
    inches = NAMES_WIDE + sum(GAP + NUMBER_WIDE if side else GAP for side in sides)
    inch = sum(sides) / (INCHES_WIDE - inches)  # in lengths of the longest bar
    left, right = (1 + (GAP + NUMBER_WIDE) * inch if side else GAP * inch for side in sides)
    return left + NAMES_WIDE * inch, right, GAP * inch


def _signed(value: float) -> str:
    """Three significant digits with a sign; the minus is the typographic one."""
    return f"{value + 0.0:+.3g}".replace("-", "−")  # + 0.0: no minus before a zero


def _picture(colours: Pixels, alt: str) -> Picture:
    return _encoded(Image.fromarray(np.ascontiguousarray(colours)), alt)


def _encoded(image: Image.Image, alt: str) -> Picture:
    buffer = BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return Picture(buffer.getvalue(), "image/png", image.width, image.height, alt)
