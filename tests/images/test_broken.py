"""Each file that cannot be read has its own reason, and is judged before it can cost anything."""

import os
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from made_images import chunk, noise, png, saved
from PIL import Image

from reportgen.errors import ImageError
from reportgen.images import decode


def refusal(path: Path) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode(path, path.name, (2, 3))
    assert "\n" not in caught.value.line()
    return caught.value


BROKEN = {
    "empty": (b"", "E-IMG-EMPTY"),
    "text": (b"hello", "E-IMG-FORMAT"),
    "html": (b"<html></html>", "E-IMG-FORMAT"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "E-IMG-FORMAT"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "E-IMG-FORMAT"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\n", "E-IMG-LFS"),
    "half a jpeg": (noise("JPEG")[:3000], "E-IMG-TRUNCATED"),
    "half a png": (noise("PNG")[:6000], "E-IMG-TRUNCATED"),
    "head of a png": (noise("PNG")[:20], "E-IMG-TRUNCATED"),
    "bomb": (png(100_000, 100_000, 8, 2, b"\0"), "E-IMG-BOMB"),
    "just too large": (png(8001, 8000, 8, 2, b"\0"), "E-IMG-BOMB"),
    "too long a side": (png(40_000, 1, 8, 0, b"\0" * 40_001), "E-IMG-BOMB"),
    "no width": (png(0, 5, 8, 2, b"\0"), "E-IMG-DECODE"),
    "too much text": (
        noise("PNG")[:33] + chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 2**25)) + noise("PNG")[33:],
        "E-IMG-DECODE",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_file_has_its_reason(name: str, tmp_path: Path) -> None:
    content, code = BROKEN[name]
    (tmp_path / "a.png").write_bytes(content)
    assert refusal(tmp_path / "a.png").code == code


def test_claim_of_size_is_judged_before_any_pixel_is_decoded(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(8001, 8000, 8, 2, b"\0"))
    assert "8001 x 8000" in refusal(tmp_path / "a.png").why


def test_file_that_is_too_large(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(256 * 2**20 + 1)  # sparse: takes no space
    assert refusal(tmp_path / "a.png").code == "E-IMG-BOMB"


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    assert refusal(tmp_path).code == "E-IMG-NOTFILE"
    assert refusal(tmp_path / "link.png").code == "E-IMG-MISSING"
    assert refusal(tmp_path / "loop.png").code == "E-IMG-MISSING"
    assert refusal(Path("a\0b.png")).code == "E-IMG-MISSING"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    assert refusal(tmp_path / "a.png").code == "E-IMG-NOTFILE"


def test_content_counts_not_the_suffix(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(noise("PNG"))
    assert decode(tmp_path / "a.jpg", "a.jpg", (2, 3)).original.shape == (64, 64, 3)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(bad: float, tmp_path: Path) -> None:
    path = saved(Image.fromarray(np.array([[0, bad]], np.float32)), tmp_path / "a.tif")
    assert refusal(path).code == "E-IMG-NONFINITE"


@pytest.mark.parametrize("closed", [False, True])
def test_a_broken_tiff_is_told_of_once_and_in_our_words(
    closed: bool, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = BytesIO()
    Image.effect_noise((64, 64), 80).save(whole, "TIFF", compression="tiff_lzw")
    content = bytearray(whole.getvalue())
    content[200:1200] = b"\xff" * 1000
    (tmp_path / "a.tif").write_bytes(content)
    if closed:  # as a caller may leave it
        kept = os.dup(2)
        os.close(2)
    try:
        refusal(tmp_path / "a.tif")
    finally:
        if closed:
            os.dup2(kept, 2)
            os.close(kept)
    os.write(2, b"still open")
    assert capfd.readouterr().err == "still open"
