"""The same picture in fewer bytes, for a file that must not be larger than it may be."""

from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import get_sampling

from reportgen.document import Picture
from reportgen.figures.encode import fit, jpeg

HALVED = 2  # Pillow's number for colours at half the resolution


def smaller(picture: Picture, quality: int, scale: float) -> Picture:
    """A JPEG encoded again at `scale` of its size, in (0, 1], and this quality; the picture itself if that is larger.

    A PNG stays: it is a chart with numbers in it, or a map whose every pixel is a measured value.
    """
    if picture.media_type != "image/jpeg":
        return picture
    with Image.open(BytesIO(picture.data)) as image:
        pixels, smooth = np.asarray(image), get_sampling(image) == HALVED
    if scale < 1:
        pixels = fit(pixels, max(1, round(scale * max(picture.width, picture.height))))
    made = replace(jpeg(pixels, picture.alt, quality, smooth=smooth), pixelated=picture.pixelated)
    return made if len(made.data) < len(picture.data) else picture
