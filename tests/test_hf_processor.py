"""How folders of transformers say that photographs are fed: read by hand, and beside transformers where it is there."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from reportgen.contracts import InputRecipe
from reportgen.images import decode
from reportgen.preprocessing import in_units
from reportgen.results import InputCandidate
from reportgen.sources.hf_processor import FILE, recipe_of

HALF = (0.5, 0.5, 0.5)
UNITS: dict[str, Any] = {"do_normalize": True, "image_mean": list(HALF), "image_std": list(HALF)}
SQUARE, SHORTER = {"height": 256, "width": 256}, {"shortest_edge": 256}
CUT = {"do_center_crop": True, "crop_size": {"height": 224, "width": 224}}


def told(folder: Path, kind: str, **more: Any) -> InputRecipe:  # noqa: ANN401 - whatever a folder says
    (folder / FILE).write_text(json.dumps({"image_processor_type": kind, **more}))
    return recipe_of(folder, None)


@pytest.mark.parametrize(
    ("kind", "more", "size", "resize", "crop"),
    [
        ("ViTImageProcessor", {"size": {"height": 224, "width": 224}}, 224, "squash", 1),
        ("ViTFeatureExtractor", {"size": 224}, 224, "squash", 1),  # one number is both sides to it
        ("CLIPFeatureExtractor", {"size": 224}, 224, "crop", 1),  # and the shorter side to this one
        ("DeiTImageProcessor", {"size": SQUARE, **CUT}, 224, "squash", 224 / 256),
        ("BitImageProcessor", {"size": SHORTER, **CUT}, 224, "crop", 224 / 256),
        ("MobileNetV2FeatureExtractor", {"size": 256, **CUT}, 224, "crop", 224 / 256),
        ("ConvNextImageProcessor", {"size": {"shortest_edge": 224}, "crop_pct": 0.875}, 224, "crop", 0.875),
        ("ConvNextImageProcessor", {"size": {"shortest_edge": 384}, "crop_pct": 0.875}, 384, "squash", 1),
        ("LevitImageProcessor", {"size": {"shortest_edge": 224}, **CUT}, 224, "crop", 224 / 256),
        ("PoolFormerImageProcessor", {"size": {"shortest_edge": 224}, "crop_pct": 0.9, **CUT}, 224, "crop", 224 / 248),
    ],
)
def test_size_and_crop_mean_what_the_processor_named_makes_of_them(
    kind: str, more: dict[str, Any], size: int, resize: str, crop: float, tmp_path: Path
) -> None:
    recipe = told(tmp_path, kind, **UNITS, **more)
    assert (recipe.size, recipe.resize, recipe.mean, recipe.std) == ((size, size), resize, HALF, HALF)
    assert recipe.crop == pytest.approx(crop)
    assert (recipe.channel_order, recipe.origin) == ("rgb", "config")


def test_the_units_are_those_of_pixels_from_0_to_1(tmp_path: Path) -> None:
    bare = told(tmp_path, "ViTImageProcessor", do_normalize=False, do_rescale=True)
    assert (bare.mean, bare.std) == ((), ())
    as_bytes = told(tmp_path, "ViTImageProcessor", do_normalize=False, do_rescale=False)
    assert as_bytes.mean == (0.0,)
    assert as_bytes.std == pytest.approx((1 / 255,))
    signed = told(tmp_path, "X", do_normalize=False, rescale_factor=1 / 127.5, rescale_offset=True)
    assert (signed.mean, signed.std) == ((0.5,), (0.5,))  # 2 x - 1
    twice = told(tmp_path, "EfficientNetImageProcessor", do_normalize=True, image_mean=[0.5], image_std=[0.5])
    assert (twice.mean, twice.std) == ((0.5,), (0.25,))
    opened = told(tmp_path, "ViTImageProcessor", size=SQUARE)
    assert (opened.mean, opened.std) == (None, None)


def test_blue_comes_first_where_the_processor_flips_the_channels(tmp_path: Path) -> None:
    recipe = told(tmp_path, "MobileViTImageProcessor", do_flip_channel_order=True, size={"shortest_edge": 288}, **CUT)
    assert (recipe.channel_order, recipe.mean, recipe.std) == ("bgr", (), ())


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000])
def test_a_folder_that_says_nothing_of_use_leaves_all_open_but_the_size(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    assert recipe_of(tmp_path, 32) == InputRecipe("config", size=(32, 32))


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("ViT", {"size": {"height": 48, "width": 48}}), ("DeiT", {"size": {"height": 64, "width": 64}, **CUT}),
        ("Bit", {"size": {"shortest_edge": 64}, **CUT}), ("CLIP", {"size": 48, **CUT}), ("Levit", {"size": 48, **CUT}),
        ("ConvNext", {"size": {"shortest_edge": 48}, "crop_pct": 0.8}), ("ConvNext", {"size": {"shortest_edge": 400}}),
        ("MobileNetV2", {"size": {"shortest_edge": 56}, **CUT}), ("MobileViT", {"size": {"shortest_edge": 56}, **CUT}),
        ("PoolFormer", {"size": {"shortest_edge": 48}, **CUT}), ("EfficientNet", {"size": {"height": 48, "width": 48}}),
        ("EfficientNet", {"size": {"height": 48, "width": 48}, "rescale_factor": 1 / 127.5, "rescale_offset": True}),
    ],
)  # fmt: skip
def test_photographs_are_fed_as_transformers_feeds_them(kind: str, more: dict[str, Any], tmp_path: Path) -> None:
    try:
        module = importlib.import_module(f"transformers.models.{kind.lower()}.image_processing_pil_{kind.lower()}")
    except ImportError:
        try:
            snake = {"MobileNetV2": "mobilenet_v2"}.get(kind, kind.lower())
            module = importlib.import_module(f"transformers.models.{snake}.image_processing_pil_{snake}")
        except ImportError:
            pytest.skip("transformers cannot be imported here, or has no processors without torchvision")
    if "crop_size" in more:
        more = {**more, "crop_size": {"height": 48, "width": 48}}
    processor = getattr(module, f"{kind}ImageProcessorPil")(**more)
    processor.save_pretrained(tmp_path)
    across, down = np.meshgrid(np.linspace(0, 255, 300), np.linspace(0, 255, 200))
    smooth = np.stack([across, down, (across + down) / 2], axis=-1).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "a.png")
    expected = processor(smooth, return_tensors="pt")["pixel_values"]
    recipe = recipe_of(tmp_path, None)
    assert recipe.size is not None
    assert recipe.resize is not None
    assert recipe.channel_order is not None
    image = decode(tmp_path / "a.png", "a.png", recipe.size, None, recipe.resize, recipe.crop)
    pixels = torch.tensor(np.asarray(image.pixels)).permute(2, 0, 1)[None]
    fed = in_units(pixels, InputCandidate(recipe.channel_order, "", recipe.mean or (), recipe.std or ()))
    spread = float(expected.max() - expected.min())
    assert fed.shape == expected.shape
    assert float((fed - expected).abs().max()) < 0.03 * spread
