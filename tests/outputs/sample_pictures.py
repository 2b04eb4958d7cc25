"""Invented photographs and maps that JPEG likes and an eye can follow, and names that no one should trust."""

import functools

import numpy as np
from numpy.typing import NDArray

from reportgen import figures
from reportgen.document import Picture

Pixels = NDArray[np.uint8]
SIDE = 192

HOSTILE = (
    "<script>alert(1)</script>.jpg",
    "</style><img src=x onerror=alert(1)>.png",
    "\"quoted\" 'single' & amp;.jpg",
    "{{ 7 * 7 }}{% raw %}.jpg",
    "gpj.\u202eexe.jpg",
    "תמונה של חתול.jpg",
    "W" * 300,
    "line\nfeed\x1b[31m\x00.jpg",
    "half\udc80pair.jpg",
    "data:text/html,<b>bold</b>",
    "javascript:alert(1)",
    "tab\t\u200bzero\ufeffwidth.jpg",
    "'><svg onload=alert(1)>.jpg",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "</script><script>alert(1)</script>",
    "</template><img src=x onerror=alert(1)>",
    "</select><option value=x onclick=alert(1)>",
    "<!--<script>--><script>alert(1)</script>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<a href='jav\tascript:alert(1)'>x</a>",
    "<math><mtext></table><mglyph><style><!--</style><img title='--><img src=1 onerror=alert(1)>'>",
    '"/onmouseover=alert(1)//',
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;b&#62;",
    "@import url(https://evil.example/x.css); } * { background: url(//evil.example/x) }",
)


@functools.cache
def photograph(seed: int, side: int = SIDE) -> Pixels:
    """A soft background with one bright object: something that JPEG likes and an eye can follow."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    colours = rng.uniform(40, 200, (3, 3))
    ground = colours[0] + (colours[1] - colours[0]) * x[..., None] + (colours[2] - colours[0]) * y[..., None] ** 2
    ground += 14 * np.sin(rng.uniform(8, 30) * (x + y))[..., None]
    inside = np.hypot(x - rng.uniform(0.3, 0.7), y - rng.uniform(0.3, 0.7)) < rng.uniform(0.12, 0.2)
    stripes = np.where(np.sin(60 * x) > 0, 245, 190)[..., None] * np.array([1.0, 0.9, 0.5])
    pixels: Pixels = np.clip(np.where(inside[..., None], stripes, ground), 0, 255).astype(np.uint8)
    return pixels


@functools.cache
def heat(seed: int, side: int = SIDE) -> NDArray[np.float32]:
    """A map with one hot place, in [0, 1]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    place = np.exp(-(((x - rng.uniform(0.3, 0.7)) ** 2 + (y - rng.uniform(0.3, 0.7)) ** 2) / 0.02))
    values: NDArray[np.float32] = (place * rng.uniform(0.4, 1, (side, side))).astype(np.float32)
    return values


def photo(number: int, name: str, side: int = SIDE) -> Picture:
    return figures.jpeg(photograph(number, side), f"Photograph {name}, 128 x 128 px.")


def saliency(number: int, alt: str) -> Picture:
    return figures.jpeg(figures.saliency_picture(heat(number), 1.0), alt)


def activation(number: int, alt: str) -> Picture:
    return figures.png(figures.activation_picture(heat(number, 14), 1.0), alt, pixelated=True)
