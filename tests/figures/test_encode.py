from io import BytesIO

import numpy as np
import pytest
import small_values
from numpy.typing import NDArray
from PIL import Image

from reportgen import figures
from reportgen.document import Picture

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (20, 30, 3)).astype(np.uint8)
GREY = RNG.integers(0, 256, (20, 30)).astype(np.uint8)
PHOTO = np.kron(RNG.integers(40, 200, (5, 6, 3)), np.ones((8, 8, 1))).astype(np.uint8)


def opened(picture: Picture) -> Image.Image:
    return Image.open(BytesIO(picture.data))


def pixels(picture: Picture) -> NDArray[np.uint8]:
    return np.asarray(opened(picture))


@pytest.mark.parametrize("array", [COLOUR, GREY, COLOUR[::-1, ::2], GREY[:1, :1]], ids=["rgb", "grey", "view", "one"])
def test_a_png_is_exact(array: NDArray[np.uint8]) -> None:
    picture = figures.png(array, "alt")
    assert (pixels(picture) == array).all()
    assert (picture.media_type, picture.height, picture.width) == ("image/png", *array.shape[:2])
    assert (picture.alt, picture.pixelated, opened(picture).format) == ("alt", False, "PNG")


def test_a_map_asks_to_be_enlarged_without_smoothing() -> None:
    assert figures.png(GREY, "alt", pixelated=True).pixelated


def test_a_png_has_no_metadata() -> None:
    assert opened(figures.png(COLOUR, "alt")).info == {}


@pytest.mark.parametrize("array", [PHOTO, PHOTO[..., 0]], ids=["rgb", "grey"])
def test_a_jpeg_is_close(array: NDArray[np.uint8]) -> None:
    picture = figures.jpeg(array, "alt")
    assert np.abs(pixels(picture).astype(int) - array).mean() < 2
    assert (picture.media_type, picture.height, picture.width) == ("image/jpeg", *array.shape[:2])
    assert (picture.alt, opened(picture).format) == ("alt", "JPEG")


def test_a_jpeg_has_no_metadata() -> None:
    picture = figures.jpeg(PHOTO, "alt")
    with opened(picture) as image:
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert len(image.getexif()) == 0
    for marker in (b"Exif", b"ICC_PROFILE", b"Photoshop", b"http", b"\xff\xfe"):
        assert marker not in picture.data


def test_a_thin_coloured_line_keeps_its_colour() -> None:
    """With halved colour resolution a red line of one pixel on blue turns grey."""
    line = np.full((64, 64, 3), (0, 0, 255), np.uint8)
    line[:, 33] = (255, 0, 0)
    red, _, blue = pixels(figures.jpeg(line, "alt"))[32, 33].astype(int)
    assert red - blue > 150


@pytest.mark.parametrize("encode", [figures.png, figures.jpeg])
class TestBoth:
    def test_the_same_array_gives_the_same_bytes(self, encode: type[Picture]) -> None:
        assert encode(COLOUR, "alt") == encode(COLOUR.copy(), "alt")  # type: ignore[call-arg, arg-type]

    @pytest.mark.parametrize(
        "array",
        [
            COLOUR / 255,
            COLOUR.astype(np.int64),
            np.zeros((4, 4, 4), np.uint8),
            np.zeros((4, 4, 1), np.uint8),
            np.zeros(4, np.uint8),
            np.zeros((1, 4, 4, 3), np.uint8),
        ],
        ids=["float", "int", "rgba", "one channel", "line", "batch"],
    )
    def test_what_is_no_picture_is_refused(self, encode: type[Picture], array: NDArray[np.uint8]) -> None:
        with pytest.raises(ValueError, match="is no picture"):
            encode(array, "alt")  # type: ignore[call-arg, arg-type]


class TestSize:
    @pytest.mark.parametrize(
        ("shape", "longest", "found"),
        [
            ((100, 200, 3), 50, (25, 50, 3)),
            ((200, 100), 50, (50, 25)),
            ((7, 7), 256, (256, 256)),
            ((1, 1000), 100, (1, 100)),
            ((30, 30, 3), 30, (30, 30, 3)),
        ],
    )
    def test_the_longer_side_is_as_asked_and_the_shape_stays(
        self, shape: tuple[int, ...], longest: int, found: tuple[int, ...]
    ) -> None:
        assert figures.fit(np.zeros(shape, np.uint8), longest).shape == found

    @pytest.mark.parametrize("longest", [7, 13, 29, 30, 31, 64, 256])
    def test_no_map_gains_a_new_extreme(self, longest: int) -> None:
        """A filter that overshoots paints a ring of no evidence around every strong pixel."""
        spike = np.full((30, 30), 60, np.uint8)
        spike[10:20, 10:20] = 180
        fitted = figures.fit(spike, longest)
        assert (fitted.min(), fitted.max()) == (60, 180)

    @pytest.mark.parametrize("longest", [10, 90])
    def test_what_lies_left_and_above_stays_there(self, longest: int) -> None:
        corner = np.zeros((30, 30), np.uint8)
        corner[:15, :15] = 200
        fitted = figures.fit(corner, longest)
        quarter = longest // 4
        assert fitted[:quarter, :quarter].min() == 200
        assert max(fitted[-quarter:].max(), fitted[:, -quarter:].max()) == 0


def test_the_backdrop_is_the_sharp_photograph_in_the_networks_shape() -> None:
    """The network sees the whole photograph squeezed, so a map lies where it belongs on this."""
    original = np.zeros((100, 300, 3), np.uint8)
    original[:50, :150] = 255
    backdrop = figures.backdrop(small_values.image(original=original), 448)
    assert backdrop.shape == (299, 448, 3)  # of 4 x 6
    assert backdrop[:140, :210].min() > 250
    assert max(backdrop[160:].max(), backdrop[:, 240:].max()) < 5


def test_a_filters_image_is_shown_as_it_is() -> None:
    values = np.array([[[0.0, 1.0, 0.5], [-3.0, 7.0, 0.1]]])
    assert figures.filter_picture(values).tolist() == [[[0, 255, 128], [0, 255, 26]]]
    assert figures.filter_picture(values).dtype == np.uint8


@pytest.mark.parametrize("side", [64, 192, 640])
def test_a_picture_full_of_detail_is_encoded_too(side: int) -> None:
    """Pillow's optimiser breaks on noise: it wants more bytes than it has given itself."""
    noise = np.random.default_rng(0).integers(0, 2, (side, side, 3), dtype=np.uint8) * 255
    assert pixels(figures.jpeg(noise, "noise")).shape == noise.shape


@pytest.mark.parametrize("side", [1, 112, 128])
@pytest.mark.parametrize("smooth", [True, False])
def test_a_small_picture_full_of_detail_has_codes_of_its_own(side: int, smooth: bool) -> None:
    """The same pixels in fewer bytes, also at the highest quality."""
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    for quality in (40, 100):
        made, plain = figures.jpeg(noise, "", quality, smooth=smooth), BytesIO()
        Image.fromarray(noise).save(plain, "JPEG", quality=quality, subsampling=2 if smooth else 0)
        assert len(made.data) < len(plain.getvalue())
        np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(made.data))), np.asarray(Image.open(plain)))
