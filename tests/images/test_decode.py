"""Pixels mean what the photograph means, and a file that cannot be read costs itself only."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from made_images import noise, png, saved
from PIL import Image

from reportgen.images import Found, decode, decode_all, window
from reportgen.language import load_words
from reportgen.results import ImageInput, InputSpec

Pixels = npt.NDArray[np.uint8]

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
UPRIGHT: Pixels = np.array([[RED, GREEN, BLUE], [WHITE, BLACK, (10, 20, 30)]], dtype=np.uint8)  # (2, 3, 3)


def opened(path: Path, size: tuple[int, int] | None = None) -> ImageInput:
    return decode(path, path.name, size or (2, 3))


def test_plain_rgb_is_exact(tmp_path: Path) -> None:
    path = saved(Image.fromarray(UPRIGHT), tmp_path / "a.png")
    image = decode(path, "shown/name.png", (2, 3), label=4)
    assert np.array_equal(image.original, UPRIGHT)
    assert image.pixels.dtype == np.float32
    assert np.array_equal(image.pixels, UPRIGHT.astype(np.float32) / np.float32(255))
    assert (image.name, image.label, image.conversions, image.original_size) == ("shown/name.png", 4, (), (2, 3))
    assert image.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


# How each orientation lies in the file, so that turning it gives UPRIGHT: EXIF 2.32, tag 0x0112.
AS_STORED: dict[int, Callable[[Pixels], Pixels]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a[::-1].transpose(1, 0, 2)[::-1, ::-1],
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: a[:, ::-1].transpose(1, 0, 2)[::-1, ::-1],
}
# Row 0, column 0 of the stored image is shown at this corner, by the same table.
FIRST_PIXEL_AT = {1: (0, 0), 2: (0, 2), 3: (1, 2), 4: (1, 0), 5: (0, 0), 6: (0, 2), 7: (1, 2), 8: (1, 0)}


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
@pytest.mark.parametrize("orientation", AS_STORED)
def test_every_orientation_is_turned_upright(orientation: int, suffix: str, tmp_path: Path) -> None:
    stored = np.ascontiguousarray(AS_STORED[orientation](UPRIGHT))
    assert stored[0, 0].tolist() == UPRIGHT[FIRST_PIXEL_AT[orientation]].tolist()
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    image = opened(saved(Image.fromarray(stored), tmp_path / f"a.{suffix}", exif=exif, **options))
    assert np.array_equal(image.original, UPRIGHT)
    assert image.conversions == (("exif",) if orientation > 1 else ())
    assert image.original_size == (2, 3)


def test_orientation_of_a_jpeg(tmp_path: Path) -> None:
    photograph = np.zeros((32, 48, 3), np.uint8)
    photograph[:16, :16] = RED
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the first row is the right side
    image = opened(saved(Image.fromarray(photograph), tmp_path / "a.jpg", exif=exif, quality=100, subsampling=0))
    assert image.original.shape == (48, 32, 3)
    assert np.abs(image.original[8, 24].astype(int) - RED).max() < 8
    assert image.original[40].max() < 8


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_orientation_that_does_not_exist_is_none(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = opened(saved(Image.fromarray(UPRIGHT), tmp_path / "a.png", exif=exif))
    assert np.array_equal(image.original, UPRIGHT)
    assert image.conversions == ()


def test_damaged_exif_costs_the_turn_only(tmp_path: Path) -> None:
    saved(Image.fromarray(np.full((8, 8, 3), 200, np.uint8)), tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert opened(tmp_path / "a.jpg").original.shape == (8, 8, 3)


def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path: Path) -> None:
    values = np.array([[0, 257, 25_700], [32_768, 65_534, 65_535]], dtype=np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    (tmp_path / "a.png").write_bytes(png(3, 2, 16, 0, rows))
    image = opened(tmp_path / "a.png")
    assert image.original[:, :, 0].tolist() == [[0, 1, 100], [128, 255, 255]]
    assert (image.original == image.original[:, :, :1]).all()
    assert set(image.conversions) == {"grey", "depth"}


def test_sixteen_bit_colour_is_scaled(tmp_path: Path) -> None:
    values = UPRIGHT.astype(np.uint16) * 257
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    (tmp_path / "a.png").write_bytes(png(3, 2, 16, 2, rows))
    image = opened(tmp_path / "a.png")
    assert np.array_equal(image.original, UPRIGHT)
    assert image.conversions == ("depth",)


FLOATS: dict[str, tuple[npt.NDArray[np.float32] | npt.NDArray[np.int32], list[int], str]] = {
    "shares": (np.array([[0, 0.5, 1]], np.float32), [0, 128, 255], "depth"),
    "levels": (np.array([[0, 100, 255]], np.float32), [0, 100, 255], "depth"),
    "beyond": (np.array([[-1, 0, 3]], np.float32), [0, 64, 255], "stretched"),
    "extremes": (np.array([[-3e38, 0, 3e38]], np.float32), [0, 128, 255], "stretched"),
    "all alike": (np.array([[-5, -5, -5]], np.float32), [128, 128, 128], "stretched"),
    "hardly apart": (np.array([[-1e-45, 0, 0]], np.float32), [128, 128, 128], "stretched"),
    "whole": (np.array([[0, 257, 65_535]], np.int32), [0, 1, 255], "depth"),
    "whole beyond": (np.array([[0, 50_000, 100_000]], np.int32), [0, 128, 255], "stretched"),
}


@pytest.mark.parametrize("name", FLOATS)
def test_deep_grey_keeps_its_meaning(name: str, tmp_path: Path) -> None:
    values, wanted, key = FLOATS[name]
    image = decode(saved(Image.fromarray(values), tmp_path / "a.tif"), "a", (1, 3))
    assert np.abs(image.original[0, :, 0].astype(int) - wanted).max() <= (name in ("shares", "beyond", "extremes"))
    assert image.conversions == (("depth", "grey", key) if key == "stretched" else ("depth", "grey"))


def test_palette_is_expanded(tmp_path: Path) -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([*RED, *GREEN, *BLUE])
    image.putdata([0, 1, 2])
    read = opened(saved(image, tmp_path / "a.png"))
    assert read.original.tolist() == [[list(RED), list(GREEN), list(BLUE)]]
    assert read.conversions == ("palette",)


def test_transparency_lies_over_mid_grey(tmp_path: Path) -> None:
    values = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [255, 255, 255, 128]]], np.uint8)
    image = opened(saved(Image.fromarray(values), tmp_path / "a.png"))
    assert image.original[0, :2].tolist() == [list(RED), [128, 128, 128]]
    assert np.abs(image.original[0, 2].astype(int) - (128 * 127 + 255 * 128) / 255).max() <= 1
    assert image.conversions == ("alpha",)


def test_opaque_alpha_is_not_mentioned(tmp_path: Path) -> None:
    opaque = np.dstack([UPRIGHT, np.full((2, 3), 255, np.uint8)])
    image = opened(saved(Image.fromarray(opaque), tmp_path / "a.png"))
    assert np.array_equal(image.original, UPRIGHT)
    assert image.conversions == ()


def test_transparent_colour_of_a_palette(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *GREEN])
    image.putdata([0, 1])
    read = opened(saved(image, tmp_path / "a.png", transparency=1))
    assert read.original.tolist() == [[list(RED), [128, 128, 128]]]
    assert read.conversions == ("palette", "alpha")


@pytest.mark.parametrize(
    ("mode", "value", "wanted"),
    [("L", 77, (77, 77, 77)), ("1", 1, WHITE), ("LA", (77, 255), (77, 77, 77)), ("LA", (0, 0), (128, 128, 128))],
)
def test_grey_becomes_rgb(mode: str, value: int | tuple[int, ...], wanted: tuple[int, ...], tmp_path: Path) -> None:
    image = opened(saved(Image.new(mode, (2, 2), value), tmp_path / "a.png"))
    assert (image.original == wanted).all()
    assert image.conversions[0] == "grey"


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    image = opened(saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), tmp_path / "a.jpg", quality=100))
    assert np.abs(image.original.astype(int) - RED).max() < 6
    assert image.conversions == ("cmyk",)


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_first_frame_of_an_animation(suffix: str, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, GREEN)]
    options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    path = saved(frames[0], tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], **options)
    image = opened(path)
    assert (image.original == RED).all()
    assert image.conversions[0] == "animated"


def test_network_sees_the_whole_photograph_squashed(tmp_path: Path) -> None:
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, 20:] = 255
    image = opened(saved(Image.fromarray(wide), tmp_path / "a.png"), (8, 6))
    assert image.pixels.shape == (8, 6, 3)
    assert (image.pixels[:, :2] == 0).all()
    assert (image.pixels[:, 4:] == 1).all()
    by_pillow = Image.fromarray(wide).resize((6, 8), Image.Resampling.BILINEAR)
    assert np.array_equal(image.pixels, np.asarray(by_pillow, np.float32) / 255)


def test_the_middle_is_cut_out_where_the_shape_is_kept(tmp_path: Path) -> None:
    wide = np.zeros((16, 64, 3), np.uint8)
    wide[:, 20:44] = 255  # the filter looks a little over the edge, as where a whole image is resized and then cut
    path = saved(Image.fromarray(wide), tmp_path / "a.png")
    whole, middle = decode(path, "a", (8, 8), None, "crop"), decode(path, "a", (8, 8), None, "crop", 0.5)
    assert (whole.pixels == 1).all()
    assert whole.original.shape == (16, 16, 3)
    assert middle.original.shape == (8, 8, 3)
    assert (whole.original_size, whole.conversions) == ((16, 64), ("cropped",))


@pytest.mark.parametrize("size", [(300, 400), (401, 299), (256, 256), (97, 350), (224, 1000)])
def test_what_is_fed_is_what_torchvision_resizes_and_crops(size: tuple[int, int], tmp_path: Path) -> None:
    """Resize(256) and CenterCrop(224), written out: the shorter side, the longer one cut to a whole, the middle."""
    height, width = size
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    short = min(height, width)
    tall, wide = (int(256 * side / short) for side in size)
    resized = Image.fromarray(noise).resize((wide, tall), Image.Resampling.BILINEAR)
    left, top = round((wide - 224) / 2), round((tall - 224) / 2)
    expected = np.asarray(resized.crop((left, top, left + 224, top + 224)), np.float32) / 255
    found = decode(tmp_path / "a.png", "a", (224, 224), None, "crop", 0.875).pixels
    assert np.abs(found - expected).max() <= 1 / 255 + 1e-6  # noise: a shift by a tenth of a pixel would be more


def test_the_window_is_what_torchvision_resizes_and_crops() -> None:
    assert window((256, 512), (224, 224), "crop", 0.875) == (144, 16, 368, 240)
    assert window((100, 200), (50, 50), "squash", 1.0) == (0, 0, 200, 100)
    assert window((100, 200), (50, 50), "squash", 0.5) == (50, 25, 150, 75)


def test_what_a_person_sees_is_bounded(tmp_path: Path) -> None:
    image = opened(saved(Image.new("RGB", (1280, 320), RED), tmp_path / "a.png"), (16, 16))
    assert image.original.shape == (160, 640, 3)
    assert image.original_size == (320, 1280)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1)])
def test_extreme_shapes_pass(shape: tuple[int, int], tmp_path: Path) -> None:
    image = opened(saved(Image.new("RGB", shape, RED), tmp_path / "a.png"), (8, 8))
    assert (image.pixels == np.array(RED) / 255).all()


def test_one_broken_photograph_costs_itself_only(tmp_path: Path) -> None:
    for name in ("a.png", "c.png"):
        saved(Image.fromarray(UPRIGHT), tmp_path / name)
    (tmp_path / "b.png").write_bytes(noise("PNG")[:6000])
    found = [Found(tmp_path / name, f"shown/{name}") for name in ("a.png", "b.png", "c.png")]
    images, failures = decode_all(found, [0, 1, None], InputSpec((4, 5)))
    assert [(image.name, image.label, image.pixels.shape) for image in images] == [
        ("shown/a.png", 0, (4, 5, 3)),
        ("shown/c.png", None, (4, 5, 3)),
    ]
    assert [(failure.what, failure.code) for failure in failures] == [("shown/b.png", "E-IMG-TRUNCATED")]
    assert failures[0].why
    assert failures[0].fix


def test_every_conversion_has_its_sentence() -> None:
    sentences = load_words().table("conversion")
    said = {"exif", "alpha", "grey", "depth", "cmyk", "palette", "animated", "colour_space", "stretched", "cropped"}
    assert sentences.keys() == said
