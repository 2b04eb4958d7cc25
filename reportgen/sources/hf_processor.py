"""How a folder of transformers says that photographs are fed: its `preprocessor_config.json`.

It is read here and not by transformers, whose processors need torchvision. What its numbers mean depends on the kind of
processor that it names.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from reportgen.contracts import InputRecipe
from reportgen.shortages import raise_shortage
from reportgen.sources.metadata import crop_share, numbers, sides

FILE: Final = "preprocessor_config.json"
LARGEST: Final = 2**22  # bytes
# Those to which a size of one number is the shorter side; to all others it is both sides.
SHORTER: Final = ("Bit", "CLIP", "ConvNext", "Levit", "MobileNet", "MobileViT", "PoolFormer")
CONVNEXT_WHOLE: Final = 384  # px from which ConvNeXT's processor squashes, whatever its crop_pct
LEVIT_LARGER: Final = 256 / 224  # what LeViT's makes of its size before it cuts out the middle


def recipe_of(folder: Path, image_size: object) -> InputRecipe:
    """How photographs are fed; only values that make sense are taken.

    image_size: what the network's own configuration says, for a folder without that file.
    """
    told = _json(folder / FILE)
    crop = told.get("crop_size") if told.get("do_center_crop") else None
    side = _side(crop or told.get("size")) or _side(image_size)
    if not told:
        return InputRecipe("config", size=side)
    kind = str(told.get("image_processor_type") or told.get("feature_extractor_type") or "")
    flipped = told.get("do_flip_channel_order") is True
    mean, std = _units(told, kind, flipped)
    resize, share = _framing(told, kind, side, crop is not None)
    return InputRecipe("config", side, "bgr" if flipped else "rgb", mean, std, resize, share)


def _units(
    told: Mapping[str, Any], kind: str, flipped: bool
) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Mean and standard deviation for pixels in [0, 1]; None where they are left open."""
    normalised = told.get("do_normalize", not flipped)
    mean = numbers(told.get("image_mean")) if normalised else ()
    std = numbers(told.get("image_std"), least=1e-6) if normalised else ()
    if std and kind.startswith("EfficientNet") and told.get("include_top", True):
        std = tuple(each * each for each in std)  # its processor divides by it twice
    factor = 1.0 if told.get("do_rescale") is False else told.get("rescale_factor")
    scale = 255 * factor if isinstance(factor, int | float) and 0 < factor <= 1 else 1.0
    below = 1.0 if told.get("rescale_offset") is True else 0.0
    if (abs(scale - 1) < 0.01 and not below) or mean is None or std is None:
        return mean, std
    return tuple((each + below) / scale for each in mean or (0.0,)), tuple(each / scale for each in std or (1.0,))


def _framing(
    told: Mapping[str, Any], kind: str, side: tuple[int, int] | None, cut: bool
) -> tuple[Literal["squash", "crop"], float]:
    """Whether the shape is kept, and the share of the sides that is fed. cut: whether the middle is cut out."""
    size, share = told.get("size"), crop_share(told.get("crop_pct"))
    if isinstance(size, Mapping):
        shorter, whole = size.get("shortest_edge"), size.get("shortest_edge", size.get("height"))
    else:
        shorter, whole = size if kind.startswith(SHORTER) else None, size
    if share and not cut:  # as ConvNeXT has it
        small = type(whole) is not int or whole < CONVNEXT_WHOLE
        return ("crop", share) if small else ("squash", 1.0)
    resize: Literal["squash", "crop"] = "squash" if shorter is None and share is None else "crop"
    if not cut or side is None or type(whole) is not int:
        return resize, 1.0
    enlarged = int(whole / share) if share else int(whole * LEVIT_LARGER) if kind.startswith("Levit") else whole
    return resize, side[0] / max(enlarged, side[0])


def _side(value: Any) -> tuple[int, int] | None:  # noqa: ANN401 - whatever was saved
    if isinstance(value, Mapping):
        square = value.get("shortest_edge")
        return sides([value.get("height", square), value.get("width", square)])
    return sides([value, value]) if type(value) is int else sides(value)


def _json(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError) as err:
        raise_shortage(err, str(path))
        return {}
    return told if isinstance(told, Mapping) else {}
