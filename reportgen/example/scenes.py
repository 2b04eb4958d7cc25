"""Scenes whose truth is known to the pixel: one object on a real texture, among ellipses that mean nothing.

The textures are crops of photographs inside scikit-image's own package, opened as files: nothing is downloaded.
Everything random comes from the generator that is handed in, so that a seed names a scene.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from reportgen.example import CLASSES

Pixels = npt.NDArray[np.float32]  # (H, W, 3) RGB, 0 to 255
Plane = npt.NDArray[np.float32]  # (h, w) coordinates in pixels, or shares in [0, 1]
Mask = npt.NDArray[np.bool_]

SIZE: Final = 128  # px, height and width of a scene
MARK_SIDE: Final = 10  # px
MARK_INSET: Final = 2  # px between the mark and the border, at the right and at the bottom
MARK_COLOURS: Final = ((255, 0, 200), (0, 230, 60))
MARK_CELL: Final = 2  # px; fine cells, or a superpixel would hold one colour and hide nothing when filled with its mean
TEXTURES: Final = (
    "astronaut.png", "brick.png", "chelsea.png", "coffee.png", "coins.png",
    "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "rocket.jpg",
)  # fmt: skip
COLOURFULNESS: Final = 0.5  # of a texture's own, 0 is grey
SUPERSAMPLING: Final = 3  # object edges are antialiased over 3 x 3 points a pixel
ACROSS: Final = ((26, 40), (33, 45), (33, 45), (41, 45), (30, 45), (39, 45))
"""Smallest and largest width in px per class, chosen so that each object covers 4 to 15 % of the scene."""


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture and the truth about it.

    image: (128, 128, 3) uint8 RGB;  mask: (128, 128), True on every pixel that the object touches;
    mark: (128, 128), True where the mark is drawn, False everywhere without one;  label: index into CLASSES.
    The arrays are copies and read-only.
    """

    image: npt.NDArray[np.uint8]
    mask: Mask
    mark: Mask
    label: int

    def __post_init__(self) -> None:
        for name in ("image", "mask", "mark"):
            copy = np.array(getattr(self, name))
            copy.flags.writeable = False
            object.__setattr__(self, name, copy)


def fresh_scenes(seed: int, count: int, *, label: int | None = None, marked: bool = False) -> tuple[Scene, ...]:
    """`count` scenes, of one class or of all classes in turn.

    Scene i depends on `seed` and i alone: asking for more scenes, or for marked ones, changes no other.
    """
    labels = (index % len(CLASSES) if label is None else label for index in range(count))
    return tuple(
        draw_scene(np.random.default_rng([seed, index]), chosen, marked=marked) for index, chosen in enumerate(labels)
    )


def draw_scene(rng: np.random.Generator, label: int, *, marked: bool = False) -> Scene:
    """One scene of class `label`; the same state of `rng` gives the same scene, marked or not.

    Raises ValueError if `label` is no index into CLASSES.
    """
    if not 0 <= label < len(CLASSES):
        raise ValueError(f"label {label} is not one of the {len(CLASSES)} classes 0 to {len(CLASSES) - 1}")
    background = draw_background(rng)
    picture, mask = _draw_object(rng, background, label)
    scene = Scene(_to_uint8(picture), mask, np.zeros((SIZE, SIZE), bool), label)
    return with_mark(scene) if marked else scene


def with_mark(scene: Scene) -> Scene:
    """The same scene with the two-coloured mark in its corner; it differs from the given one on the mark alone."""
    mark = mark_region()
    image = scene.image.copy()
    image[mark] = mark_pixels().reshape(-1, 3)
    return replace(scene, image=image, mark=mark)


def mark_pixels() -> npt.NDArray[np.uint8]:
    """(10, 10, 3) uint8 RGB, the mark itself: a checkerboard of two strong colours."""
    rows, columns = np.indices((MARK_SIDE, MARK_SIDE)) // MARK_CELL
    pixels: npt.NDArray[np.uint8] = np.asarray(MARK_COLOURS, np.uint8)[(rows + columns) % 2]
    return pixels


def mark_region() -> Mask:
    """(128, 128), True on the 10 x 10 px that the mark covers, wherever it is drawn."""
    region = np.zeros((SIZE, SIZE), bool)
    span = slice(SIZE - MARK_INSET - MARK_SIDE, SIZE - MARK_INSET)
    region[span, span] = True
    return region


def draw_background(rng: np.random.Generator) -> Pixels:
    """A crop of a texture, turned, tinted, and strewn with one to four ellipses."""
    picture = _crop(rng)
    for _ in range(int(rng.integers(1, 5))):
        picture = _with_ellipse(rng, picture)
    return picture


@cache
def _textures() -> tuple[Image.Image, ...]:
    """The photographs, decoded once: they are constants that happen to live in files."""
    opened = []
    for name in TEXTURES:
        with files("skimage.data").joinpath(name).open("rb") as stream, Image.open(stream) as photograph:
            opened.append(photograph.convert("RGB"))
    return tuple(opened)


def _crop(rng: np.random.Generator) -> Pixels:
    texture = _textures()[int(rng.integers(len(TEXTURES)))]
    side = int(rng.integers(SIZE, min(texture.size, default=SIZE) * 3 // 4 + 1))
    left, top = (int(rng.integers(length - side + 1)) for length in texture.size)
    crop = texture.resize((SIZE, SIZE), Image.Resampling.BOX, box=(left, top, left + side, top + side))
    turned = np.rot90(np.asarray(crop, np.float32), int(rng.integers(4)))
    # Muted, so that the object's strong colours stand out; hue and brightness vary, or the network could learn the few
    # photographs by heart.
    muted = COLOURFULNESS * turned + (1 - COLOURFULNESS) * turned.mean(axis=-1, keepdims=True)
    return np.asarray(np.clip(muted * rng.uniform(0.85, 1.1, 3) + rng.uniform(-15, 25), 0, 255), np.float32)


def _with_ellipse(rng: np.random.Generator, picture: Pixels) -> Pixels:
    centre = rng.uniform(6, SIZE - 6, 2)
    axes = rng.uniform(3, 9, 2)
    u, v = _turned_grid(np.indices((SIZE, SIZE), np.float32) - centre[:, None, None], rng.uniform(0, np.pi))
    distance = (np.hypot(u / axes[0], v / axes[1]) - 1) * axes.min()
    share = np.clip(0.5 - distance, 0, 1)[..., None] * rng.uniform(0.7, 1.0)
    colour = rng.uniform(40, 215) + rng.uniform(-30, 30, 3)
    return np.asarray(picture * (1 - share) + colour * share, np.float32)


def _draw_object(rng: np.random.Generator, background: Pixels, label: int) -> tuple[Pixels, Mask]:
    """The object of class `label` over the background, and the pixels that it touches."""
    across = rng.uniform(*ACROSS[label])
    angle = rng.uniform(0, 2 * np.pi)
    shape = SHAPES[label]
    margin = int(np.ceil(REACH[label] * across)) + 1
    top, left = _place(rng, 2 * margin)
    points = (np.arange(2 * margin * SUPERSAMPLING, dtype=np.float32) + 0.5) / SUPERSAMPLING - margin
    u, v = _turned_grid(np.stack(np.meshgrid(points, points, indexing="ij")), angle)
    inside, second = shape(u / across, v / across)
    window = (slice(top, top + 2 * margin), slice(left, left + 2 * margin))
    shares = np.stack([_pooled(inside & ~second), _pooled(inside & second)], axis=-1)
    colours = _contrasting_colours(rng, background[window][shares.sum(-1) > 0])
    shading = 1 + 0.08 * np.sin(np.linspace(0, np.pi, 2 * margin))[:, None, None]
    covered = shares.sum(-1, keepdims=True)
    grain = rng.normal(0, 4, background[window].shape) * covered
    picture = background.copy()
    picture[window] = background[window] * (1 - covered) + shares @ colours * shading + grain
    mask = np.zeros((SIZE, SIZE), bool)
    mask[window] = covered[..., 0] > 0
    return picture, mask


def _place(rng: np.random.Generator, extent: int) -> tuple[int, int]:
    """Top and left of a square window of `extent` px that lies inside the scene and off the mark."""
    limit = SIZE - MARK_INSET - MARK_SIDE
    while True:
        top, left = (int(corner) for corner in rng.integers(0, SIZE - extent + 1, 2))
        if top + extent <= limit or left + extent <= limit:
            return top, left


def _contrasting_colours(rng: np.random.Generator, covered: Pixels) -> npt.NDArray[np.float64]:
    """Two strong RGB colours (2, 3) that stand out from the covered pixels (n, 3) and from one another.

    Of 24 random pairs the first that is far enough from everything wins, or else the farthest.
    """
    # One channel low, one high, one anything: strong colours, unlike the muted background.
    pairs = rng.permuted(rng.uniform((0, 190, 0), (50, 250, 250), (24, 2, 3)), axis=-1)
    away = np.linalg.norm(pairs - covered.mean(axis=0), axis=-1)
    apart = np.linalg.norm(pairs[:, 0] - pairs[:, 1], axis=-1)
    contrast = np.minimum(away.min(axis=-1) / 110, apart / 130)
    return np.asarray(pairs[int(np.argmax(np.minimum(contrast, 1)))])


def _turned_grid(grid: npt.NDArray[np.floating], angle: float) -> tuple[Plane, Plane]:
    rows, columns = grid
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return cosine * columns + sine * rows, cosine * rows - sine * columns


def _pooled(points: Mask) -> npt.NDArray[np.float64]:
    side = len(points) // SUPERSAMPLING
    return np.asarray(points.reshape(side, SUPERSAMPLING, side, SUPERSAMPLING).mean(axis=(1, 3)), np.float64)


def _to_uint8(picture: Pixels) -> npt.NDArray[np.uint8]:
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


Shape = Callable[[Plane, Plane], tuple[Mask, Mask]]
"""Coordinates in widths of the object -> (inside the object, painted in the second colour)."""


def _star(u: Plane, v: Plane) -> tuple[Mask, Mask]:
    # Five tips at distance 0.5, five notches at 0.275: every point is folded into half a sector, 36 degrees wide.
    step = np.pi / 5
    folded = np.abs((np.arctan2(v, u) + step) % (2 * step) - step)
    x, y = np.hypot(u, v) * np.cos(folded), np.hypot(u, v) * np.sin(folded)
    notch = 0.275 * np.array([np.cos(step), np.sin(step)])
    inside = (notch[0] - 0.5) * y - notch[1] * (x - 0.5) >= 0
    return inside, np.zeros_like(inside)


def _ring(u: Plane, v: Plane) -> tuple[Mask, Mask]:
    distance = np.hypot(u, v)
    inside = (distance <= 0.5) & (distance >= 0.22)
    return inside, np.zeros_like(inside)


def _plus(u: Plane, v: Plane) -> tuple[Mask, Mask]:
    short, long = np.minimum(np.abs(u), np.abs(v)), np.maximum(np.abs(u), np.abs(v))
    inside = (short <= 0.19) & (long <= 0.5)
    return inside, np.zeros_like(inside)


def _triangle(u: Plane, v: Plane) -> tuple[Mask, Mask]:
    corners = np.pi * np.array([1 / 3, 1, 5 / 3])
    inside = np.all([u * np.cos(a) + v * np.sin(a) <= np.sqrt(3) / 6 for a in corners], axis=0)
    return np.asarray(inside, bool), np.zeros_like(inside)


def _checkered_square(u: Plane, v: Plane) -> tuple[Mask, Mask]:
    inside = np.maximum(np.abs(u), np.abs(v)) <= 0.5
    return inside, (np.floor(4 * u) + np.floor(4 * v)) % 2 == 1


def _striped_disc(u: Plane, v: Plane) -> tuple[Mask, Mask]:
    return np.hypot(u, v) <= 0.5, np.floor(6 * v) % 2 == 1


SHAPES: Final[tuple[Shape, ...]] = (_checkered_square, _plus, _ring, _star, _striped_disc, _triangle)
REACH: Final = (0.71, 0.54, 0.5, 0.5, 0.5, 0.58)
"""Distance from the object's centre to its farthest point, in widths."""
