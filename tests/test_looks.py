"""Accent colours that can be read, papers, and logos that hold nothing but pixels."""

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from reportgen.errors import UsageError
from reportgen.looks import LOGO, NIGHT, READABLE, WHITE, accent_style, contrast, mixed, paper_style, read_logo


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.478),
        ("#ff0000", "#ffffff", 3.998),
        ("#abcdef", "#abcdef", 1),
    ],
)
def test_contrast_is_that_of_the_guidelines(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.001)
    assert contrast(other, one) == contrast(one, other)


@given(st.integers(0, 0xFFFFFF).map(lambda n: f"#{n:06x}"))
def test_an_accent_can_be_read_in_both_themes_or_is_refused_with_one_that_can(colour: str) -> None:
    if contrast(colour, WHITE) < READABLE:
        with pytest.raises(UsageError) as caught:
            accent_style(colour, paper=False)
        assert contrast(caught.value.fix.rpartition(" ")[2], WHITE) >= READABLE
        return
    style = accent_style(colour, paper=False)
    light, dark = style.partition("light-dark(")[2].partition(")")[0].split(",")
    assert light == colour
    assert contrast(light, WHITE) >= READABLE
    assert contrast(dark, NIGHT) >= READABLE


def test_no_accent_is_no_rule_and_paper_gets_its_tints() -> None:
    assert accent_style("", paper=True) == ""
    style = accent_style("#7a1f5c", paper=True)
    assert ":root{--accent:#7a1f5c}" in style
    assert f".hit.heat-5{{background:{mixed(WHITE, '#7a1f5c', 0.3)}}}" in style
    assert "light-dark" not in style


def test_papers() -> None:
    assert (paper_style("a4"), paper_style("letter")) == ("@page { size: A4 }\n", "@page { size: letter }\n")


def test_a_logo_keeps_its_pixels_and_loses_everything_else(tmp_path: Path) -> None:
    path = tmp_path / "logo.png"
    info = PngInfo()
    info.add_text("Comment", "<script>secret</script>")
    Image.new("RGBA", (1000, 100), (200, 10, 30, 128)).save(path, pnginfo=info)
    logo = read_logo(path)
    assert (logo.width, logo.height) == (LOGO[0], 48)
    assert b"secret" not in logo.data
    with Image.open(BytesIO(logo.data)) as image:
        assert image.getpixel((5, 5)) == pytest.approx((200, 10, 30, 128), abs=1)
    assert read_logo(path) == logo


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        b"",
        None,
    ],
    ids=["svg", "gif", "torn", "empty", "absent"],
)
def test_what_is_no_png_or_jpeg_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "logo.svg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"logo\.svg") as caught:
        read_logo(path)
    assert caught.value.code == "E-LOGO"
