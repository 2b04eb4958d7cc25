"""LIME's regions over the photograph: orange speaks for the class, blue with hatching against it.

A region whose sign is not settled keeps its grey and is crossed by a lattice, for either colour would claim too much.
Hue, hatch and a double outline each carry the sign or the border alone, so the picture survives colour blindness, grey
print, and white and black photographs, where the write-up's own overlay disappears.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import distance_transform_edt, find_objects, maximum_filter, minimum_filter
from skimage.color import rgb2gray

from reportgen.figures.charts import AGAINST, FOR

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Segments = NDArray[np.integer[Any]]  # (h, w), any size: brought to the photograph's
Weights = NDArray[np.floating[Any]]  # (n,)
WEAKEST_TINT, STRONGEST_TINT = 0.2, 0.7  # opacity at weight 0 and at the largest weight
LINES = 32  # hatch lines along the longer side
OUTLINES = 300  # pixels of the longer side for each pixel of an outline


def regions_overlay(
    photo: Pixels, segments: Segments, weights: Weights, shown: Sequence[int], unsettled: Sequence[int] = ()
) -> Pixels:
    """The shown regions outlined and tinted by their weights; the rest of the photograph half grey and a little dimmed.

    photo: (H, W, 3); weights: one per segment; shown: the segments to tint; unsettled: those of them whose sign is not
    known. The tint's strength is |weight| as a share of the largest |weight|.
    """
    regions = _sized(segments, photo.shape[:2])
    tints = _tints(weights, [region for region in shown if region not in unsettled])
    grey = rgb2gray(photo)[..., None]
    is_shown = np.isin(regions, shown)[..., None]
    base = np.where(is_shown, grey, 0.85 * (0.5 * grey + 0.5 * photo / 255))
    opacity = tints[regions][..., None]
    against = (weights < 0)[regions][..., None]
    tinted = (1 - opacity) * base + opacity * np.where(against, to_rgb(AGAINST), to_rgb(FOR))
    open_ = np.isin(regions, [region for region in shown if region in unsettled])
    hatched = _latticed(_hatched(tinted, (is_shown & against)[..., 0] & ~open_), open_)
    return np.round(255 * _outlined(hatched, np.where(is_shown[..., 0], regions, -1))).astype(np.uint8)


def number_regions(photo: Pixels, segments: Segments, shown: Sequence[int]) -> Pixels:
    """The picture with the numerals 1, 2, ... in the shown regions, in their order.

    Each stands where its region is widest, so that it lies inside however the region bends.
    """
    picture = Image.fromarray(np.ascontiguousarray(photo))
    draw = ImageDraw.Draw(picture)
    size = max(10, max(photo.shape) // 20)
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf")
    # The basic layout, because another one may or may not be installed and moves glyphs by a pixel.
    font = ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
    for numeral, (row, column) in _widest_places(_sized(segments, photo.shape[:2]), shown).items():
        draw.text(
            (column + 0.5, row + 0.5), str(numeral), "white", font, "mm", stroke_width=size // 8, stroke_fill="black"
        )
    return np.asarray(picture)


def _sized(segments: Segments, size: tuple[int, ...]) -> Segments:
    """Segments at the given height and width, each pixel taking the one its centre falls into."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(size, segments.shape, strict=True)
    )
    return segments[np.ix_(rows, columns)]


def _tints(weights: Weights, shown: Sequence[int]) -> NDArray[np.float64]:
    """Opacity per segment; 0 for those not shown."""
    largest = float(np.abs(weights).max(initial=0))
    strength = np.abs(weights) / largest if largest > 0 else np.zeros(len(weights))
    tints = WEAKEST_TINT + (STRONGEST_TINT - WEAKEST_TINT) * strength
    return np.where(np.isin(np.arange(len(weights)), shown), tints, 0.0)


def _hatched(picture: NDArray[np.float64], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Diagonal lines."""
    rows, columns = np.indices(where.shape)
    return _lined(picture, where, np.add(rows, columns))


def _latticed(picture: NDArray[np.float64], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Upright and level lines."""
    rows, columns = np.indices(where.shape)
    return _lined(_lined(picture, where, np.asarray(rows)), where, np.asarray(columns))


def _lined(picture: NDArray[np.float64], where: NDArray[np.bool_], along: NDArray[Any]) -> NDArray[np.float64]:
    """Lines in pairs, one lighter and one darker, so that one of them shows on any ground."""
    if not where.any():
        return picture
    period = max(6, max(where.shape) // LINES)
    phase, line = along % period, period // 6
    lined = picture.copy()
    lighter = where & (phase < line)
    lined[lighter] = 0.3 * lined[lighter] + 0.7
    lined[where & (phase >= line) & (phase < 2 * line)] *= 0.4
    return lined


def _outlined(picture: NDArray[np.float64], regions: Segments) -> NDArray[np.float64]:
    """A white line between two black ones along the borders of the regions; -1 is what lies around them."""
    thick = max(1, max(regions.shape) // OUTLINES)

    def near_border(pixels: int) -> NDArray[np.bool_]:
        window = 2 * pixels + 1
        found: NDArray[np.bool_] = maximum_filter(regions, window) != minimum_filter(regions, window)
        return found[..., None]

    return np.where(near_border(thick), 1.0, np.where(near_border(2 * thick), 0.0, picture))


def _widest_places(regions: Segments, shown: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Rank, from 1 -> row and column; without a region that is too thin for the picture's size."""
    boxes = dict(enumerate(find_objects(regions + 1)))  # 0 is background there
    places = {}
    for rank, region in enumerate(shown, 1):
        if box := boxes.get(region):
            inside = np.pad(regions[box] == region, 1)  # the picture's edge ends a region, too
            row, column = np.unravel_index(np.argmax(distance_transform_edt(inside)), inside.shape)
            places[rank] = (box[0].start + int(row) - 1, box[1].start + int(column) - 1)
    return places
