"""Masks in each format say the same, follow the photograph, and cost only themselves where they are broken."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from reportgen.errors import InputRefused, MaskError
from reportgen.images import decode, objects_in, read_masks
from reportgen.images.masks import MAX_BYTES
from reportgen.results import ImageInput, InputSpec, ObjectMask

WHOLE = (60, 80)  # height and width of the photographs
BOX = (16, 8, 48, 32)  # left, top, right, bottom of the object
SPEC = InputSpec((60, 80))


@dataclass(frozen=True)
class Photograph:
    path: Path
    name: str


@pytest.fixture
def photograph(tmp_path: Path) -> Photograph:
    (tmp_path / "images" / "a").mkdir(parents=True)
    path = tmp_path / "images" / "a" / "cat.jpg"
    Image.new("RGB", WHOLE[::-1], (90, 120, 30)).save(path)
    return Photograph(path, "a/cat.jpg")


def painted() -> NDArray[np.uint8]:
    mask = np.zeros(WHOLE, np.uint8)
    left, top, right, bottom = BOX
    mask[top:bottom, left:right] = 255
    return mask


def fed(photograph: Photograph, spec: InputSpec) -> ImageInput:
    return decode(photograph.path, photograph.name, spec.size, None, spec.resize, spec.crop)


def read(path: Path, photograph: Photograph, spec: InputSpec = SPEC) -> tuple[ObjectMask, ...]:
    kept = read_masks(path)(photograph)
    assert kept is not None
    return objects_in(kept, fed(photograph, spec), spec)


def coco(**change: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of the annotation
    left, top, right, bottom = BOX
    outline = [left, top, right, top, right, bottom, left, bottom]
    annotation = {
        "id": 1, "image_id": 7, "category_id": 3, "segmentation": [outline], "area": 768, "iscrowd": 0,
        "bbox": [left, top, right - left, bottom - top],
    }  # fmt: skip
    return {
        "info": {"year": 2017},
        "images": [{"id": 7, "file_name": "cat.jpg", "width": WHOLE[1], "height": WHOLE[0], "license": 1}],
        "annotations": [annotation | change],
        "categories": [{"id": 3, "name": "cat", "supercategory": "animal"}],
    }


def in_json(folder: Path, content: object) -> Path:
    path = folder / "instances.json"
    path.write_text(json.dumps(content))
    return path


def in_yolo(folder: Path, line: str | None = None) -> Path:
    left, top, right, bottom = BOX
    height, width = WHOLE
    box = ((left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width, (bottom - top) / height)
    masks = folder / "labels"
    masks.mkdir()
    (masks / "cat.txt").write_text(line if line is not None else "3 " + " ".join(map(str, box)) + "\n")
    return masks


def in_png(folder: Path, image: Image.Image | None = None) -> Path:
    masks = folder / "masks"
    (masks / "a").mkdir(parents=True)
    (image or Image.fromarray(painted())).save(masks / "a" / "cat.png")
    return masks


FED = [
    SPEC,
    InputSpec((30, 40)),
    InputSpec((36, 24)),  # squashed
    InputSpec((32, 32), resize="crop"),  # the middle of the photograph
    InputSpec((28, 28), resize="crop", crop=0.875),
]


@pytest.mark.parametrize("spec", FED, ids=lambda spec: f"{spec.size} {spec.resize}")
def test_all_formats_say_the_same(tmp_path: Path, photograph: Photograph, spec: InputSpec) -> None:
    ((png,), (box,), (outline,)) = (
        read(in_png(tmp_path), photograph, spec),
        read(in_yolo(tmp_path), photograph, spec),
        read(in_json(tmp_path, coco()), photograph, spec),
    )
    (only_box,) = read(in_json(tmp_path, coco(segmentation=None)), photograph, spec)
    assert png.mask.shape == spec.size
    assert 0 < png.mask.sum() < png.mask.size
    for other in (box, outline, only_box):
        assert (png.mask != other.mask).sum() <= png.mask.sum() * 0.05  # pixels that the object's edge cuts in half
    assert (png.name, box.name, outline.name) == ("", "", "cat")


def test_each_is_exact_where_nothing_is_resized(tmp_path: Path, photograph: Photograph) -> None:
    places = (in_png(tmp_path), in_yolo(tmp_path), in_json(tmp_path, coco()))
    for (found,) in (read(place, photograph) for place in places):
        assert np.array_equal(found.mask, painted() > 0)


@pytest.mark.parametrize("spec", FED, ids=lambda spec: f"{spec.size} {spec.resize}")
def test_the_mask_lies_where_the_object_is_fed(tmp_path: Path, photograph: Photograph, spec: InputSpec) -> None:
    """A photograph that shows its own mask: what is fed bright is the object."""
    Image.fromarray(painted()).convert("RGB").save(photograph.path.with_suffix(".png"))
    photograph = Photograph(photograph.path.with_suffix(".png"), "a/cat.png")
    bright = fed(photograph, spec).pixels[..., 0]
    (found,) = read(in_png(tmp_path), photograph, spec)
    sure = (bright < 0.3) | (bright > 0.7)
    assert np.array_equal(found.mask[sure], bright[sure] > 0.5)


def test_objects_of_one_class_are_one_mask(tmp_path: Path, photograph: Photograph) -> None:
    content = coco()
    second = content["annotations"][0] | {"segmentation": [[60, 40, 70, 40, 70, 50, 60, 50]]}
    dog = second | {"category_id": 4, "segmentation": None, "bbox": [0, 0, 10, 10]}
    crowd = second | {"iscrowd": 1, "segmentation": None, "bbox": [0, 0, 80, 60]}
    content["annotations"] += [second, dog, crowd]
    content["categories"].append({"id": 4, "name": "dog"})
    cat, found = read(in_json(tmp_path, content), photograph)
    assert (cat.name, found.name) == ("cat", "dog")
    assert cat.mask.sum() == (painted() > 0).sum() + 100
    assert found.mask.sum() == 100


def test_an_outline_in_run_lengths_is_stood_in_for_by_its_box(tmp_path: Path, photograph: Photograph) -> None:
    (found,) = read(in_json(tmp_path, coco(segmentation={"counts": "abc", "size": [60, 80]})), photograph)
    assert np.array_equal(found.mask, painted() > 0)


def test_yolo_knows_outlines_and_names(tmp_path: Path, photograph: Photograph) -> None:
    masks = in_yolo(tmp_path, "1 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75\n\n0 0.05 0.05 0.1 0.1\n")
    (masks / "classes.txt").write_text("dog\ncat\n")
    cat, dog = read(masks, photograph)
    assert (cat.name, dog.name) == ("cat", "dog")
    assert cat.mask.sum() == 40 * 30
    assert dog.mask.sum() == 8 * 6


def test_a_palette_s_first_colour_and_its_seam_are_no_object(tmp_path: Path, photograph: Photograph) -> None:
    indices = np.where(painted() > 0, 15, 0).astype(np.uint8)
    indices[40:50, 60:70] = 255
    image = Image.fromarray(indices).convert("P")
    image.putdata(indices.ravel().tolist())
    (found,) = read(in_png(tmp_path, image), photograph)
    assert np.array_equal(found.mask, painted() > 0)


def test_what_is_see_through_is_no_object(tmp_path: Path, photograph: Photograph) -> None:
    image = np.full((*WHOLE, 4), 200, np.uint8)
    image[..., 3] = painted()
    (found,) = read(in_png(tmp_path, Image.fromarray(image)), photograph)
    assert np.array_equal(found.mask, painted() > 0)


def test_a_photograph_without_a_mask_has_none(tmp_path: Path, photograph: Photograph) -> None:
    other = replace(photograph, name="b/dog.jpg", path=tmp_path / "b" / "dog.jpg")
    for place in (in_png(tmp_path), in_yolo(tmp_path), in_json(tmp_path, coco())):
        assert read_masks(place)(other) is None


def test_a_name_that_several_images_have_stands_for_none_of_them(tmp_path: Path, photograph: Photograph) -> None:
    content = coco()
    content["images"][0]["file_name"] = "b/cat.jpg"
    content["images"].append(content["images"][0] | {"id": 8, "file_name": "c/cat.jpg"})
    look = read_masks(in_json(tmp_path, content))
    of_b, of_c = (look(replace(photograph, name=f"{folder}/cat.jpg")) for folder in "bc")
    assert isinstance(of_b, tuple)
    assert (len(of_b), of_c) == (1, ())
    assert look(photograph) is look(replace(photograph, name="cat.jpg")) is None


def test_one_file_is_for_the_photograph_of_its_name(tmp_path: Path, photograph: Photograph) -> None:
    file = in_png(tmp_path) / "a" / "cat.png"
    alone = replace(photograph, name="cat.jpg")
    assert read_masks(file)(alone) == file
    assert read_masks(file)(replace(alone, name="dog.jpg", path=Path("dog.jpg"))) is None


def test_the_place_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no file or folder"):
        read_masks(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "the file: Invalid JSON"),
        ('{"images": []}', "annotations: Field required"),
        ('{"images": [{"id": 1, "file_name": "a", "width": 0, "height": 4}], "annotations": []}', "images.0.width"),
        ('{"images": [], "annotations": [{"image_id": 1, "bbox": [1, 2, NaN, 3]}]}', "annotations.0.bbox.2"),
    ],
)
def test_json_that_is_not_cocos_is_one_line(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(content)
    with pytest.raises(MaskError) as caught:
        read_masks(path)
    assert caught.value.what == "m.json"
    assert why in caught.value.why
    assert "\n" not in caught.value.line()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("0 0.5 0.5 0.2", "line 1 is no box and no outline"),
        ("0 0.5 0.5 0.2 0.2\ncat 0.5 0.5 0.2 0.2", "line 2 is not made of numbers"),
        ("0 0.5 0.5 nan 0.2", "line 1 is no box and no outline"),
        ("0 320 200 50 50", "line 1 is no box and no outline"),
    ],
)
def test_lines_that_are_no_boxes_are_named(tmp_path: Path, photograph: Photograph, line: str, why: str) -> None:
    with pytest.raises(MaskError, match=why):
        read_masks(in_yolo(tmp_path, line))(photograph)


def test_a_png_that_is_none_or_of_another_picture_is_refused(tmp_path: Path, photograph: Photograph) -> None:
    masks = in_png(tmp_path, Image.new("L", (60, 80)))
    with pytest.raises(MaskError, match="60 x 80 pixels, and the photograph has 80 x 60"):
        read(masks, photograph)
    (masks / "a" / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with pytest.raises(MaskError, match="cannot be read as a PNG"):
        read(masks, photograph)
    content = coco()
    content["images"][0] |= {"width": 60, "height": 80}
    with pytest.raises(MaskError, match="60 x 80"):
        read(in_json(tmp_path, content), photograph)


def test_a_file_without_end_is_not_read(
    tmp_path: Path, photograph: Photograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_BYTES >= 500_000_000  # the training set's own file has 470 MB
    monkeypatch.setattr("reportgen.images.masks.MAX_BYTES", 10)
    with pytest.raises(MaskError, match="ordinary file"):
        read_masks(in_json(tmp_path, coco()))
    with pytest.raises(MaskError, match="ordinary file"):
        read(in_png(tmp_path), photograph)
