"""The same picture in fewer bytes, for a file that must not be larger than it may be."""

from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import get_sampling

from reportgen.document import Picture
from reportgen.figures.encode import fit, jpeg

HALF = 0.5  # of the size of pictures, from which charts get smaller, too
HALVED = 2  # Pillow's number for colours at half the resolution
CHART, COLOURS = 100, 32  # pixels of height from which a PNG is a chart, not a scale; colours that tell its parts apart


def smaller(picture: Picture, quality: int, scale: float) -> Picture:
    """A JPEG encoded again at `scale` of its size, in (0, 1], and this quality; the picture itself if that is larger.

    A PNG stays where it is a map whose every pixel is a measured value, or a colour scale. A chart is drawn with two
    pixels for each of the page's, and has one from half the size on, at which its numbers are legible still.
    """
    if picture.media_type != "image/jpeg":
        chart = not picture.pixelated and picture.height >= CHART
        return _sparser(picture) if chart and scale <= HALF else picture
    with Image.open(BytesIO(picture.data)) as image:
        pixels, smooth = np.asarray(image), get_sampling(image) == HALVED
    if scale < 1:
        pixels = fit(pixels, max(1, round(scale * max(picture.width, picture.height))))
    made = replace(jpeg(pixels, picture.alt, quality, smooth=smooth), pixelated=picture.pixelated)
    return made if len(made.data) < len(picture.data) else picture


def _sparser(chart: Picture) -> Picture:
    """The chart at half its size, in few colours: a third of its bytes."""
    with Image.open(BytesIO(chart.data)) as image:
        half = image.convert("RGB").reduce(2).quantize(COLOURS, dither=Image.Dither.NONE)
    buffer = BytesIO()
    half.save(buffer, "PNG", optimize=True)
    made = replace(chart, data=buffer.getvalue(), width=half.width, height=half.height)
    return made if len(made.data) < len(chart.data) else chart
