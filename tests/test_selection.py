"""Images found, labelled, chosen and decoded; every choice is told, and no broken file stops the rest."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from reportgen.contracts import Silent
from reportgen.errors import ImagesError, LabelsError, UsageError
from reportgen.example import CLASSES as SCENES
from reportgen.language import load_words
from reportgen.options import BuildOptions
from reportgen.phrasing import noted
from reportgen.results import InputSpec, ModelFacts
from reportgen.selection import Selection, select_images

CLASSES = ("dark", "middle", "light")
SIZE = (4, 6)


def model(classes: Sequence[str] = CLASSES) -> ModelFacts:
    return ModelFacts("a.pth", "", "course network", tuple(classes), "option", (), InputSpec(SIZE))


def probabilities(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Class by brightness: level 0, 1/2 and 1 are the three classes, surest at their middle."""
    assert pixels.shape[1:] == (*SIZE, 3)
    brightness = pixels.mean(axis=(1, 2, 3), dtype=np.float64)
    scores = np.exp(-20 * (brightness[:, None] - np.array([0, 0.5, 1])) ** 2)
    shares: NDArray[np.float64] = scores / scores.sum(axis=1, keepdims=True)
    return shares


def unused(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    raise AssertionError(f"the network was asked about {len(pixels)} images")


def fill(folder: Path, **levels: int | None) -> Path:
    """One flat grey image for each name; None makes a broken one."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, level in levels.items():
        path = folder / f"{name}.png"
        if level is None:
            path.write_bytes(b"\x89PNG\r\n\x1a\nbroken")
        else:
            Image.new("RGB", (5, 5), (level,) * 3).save(path)
    return folder


def many(folder: Path, count: int) -> Path:
    return fill(folder, **{f"i{number:03d}": number for number in range(count)})


def choose(folder: Path, network: Any = unused, group: int = 2, **options: Any) -> Selection:  # noqa: ANN401 - options of a build
    given = BuildOptions.model_validate({"model": "a.pth", "images": [folder], **options})
    return select_images(given, model(), network, group, Silent())


def names(selection: Selection) -> list[str]:
    return [image.name.removesuffix(".png") for image in selection.images]


def said(selection: Selection) -> str:
    return " ".join(sentence.text for sentence in noted(load_words(), selection.notes))


def keys(selection: Selection) -> list[str]:
    return [key.removeprefix("select.") for key, _ in selection.notes]


def test_first_twelve_in_order_and_sized_for_the_network(tmp_path: Path) -> None:
    selection = choose(many(tmp_path, 14))
    assert names(selection) == [f"i{number:03d}" for number in range(12)]
    assert selection.images[3].pixels.shape == (*SIZE, 3)
    assert np.allclose(selection.images[3].pixels, 3 / 255)
    assert selection.failures == ()
    assert "The first 12 of 14 images are shown" in said(selection)


def test_all_of_a_few_need_no_sentence(tmp_path: Path) -> None:
    assert keys(choose(many(tmp_path, 3))) == ["labels_none"]


def test_limit_is_told(tmp_path: Path) -> None:
    selection = choose(many(tmp_path, 5), limit=2)
    assert names(selection) == ["i000", "i001"]
    assert "first 2 of 5" in said(selection)


def test_one_image_is_told_as_one(tmp_path: Path) -> None:
    assert "The first of 5 images is shown" in said(choose(many(tmp_path, 5), limit=1))


def test_indices_count_from_zero_in_alphabetical_order(tmp_path: Path) -> None:
    selection = choose(many(tmp_path, 5), indices=[3, 0])
    assert names(selection) == ["i003", "i000"]
    assert "Images 3, 0 (0-based) of 5" in said(selection)


@pytest.mark.parametrize("pick", ["first", "wrong", "unsure", "per-class"])
def test_index_out_of_range_is_refused_before_anything_is_computed(pick: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="5 is out of range"):
        choose(many(tmp_path, 5), indices=[5], pick=pick)


def test_hw5_takes_the_images_of_the_write_up(tmp_path: Path) -> None:
    selection = choose(many(tmp_path, 99), profile="hw5")
    assert names(selection) == ["i001", "i002", "i047", "i098"]
    assert "1, 2, 47 and 98 (0-based) of 99" in said(selection)


def test_hw5_with_too_few_images_takes_the_first_four(tmp_path: Path) -> None:
    selection = choose(many(tmp_path, 98), profile="hw5")
    assert names(selection) == ["i000", "i001", "i002", "i003"]
    assert "in a list of 98; the first 4 were taken" in said(selection)


def test_hw5_with_hardly_any(tmp_path: Path) -> None:
    selection = choose(many(tmp_path, 2), profile="hw5")
    assert names(selection) == ["i000", "i001"]
    assert "in a list of 2; the first 2 were taken" in said(selection)


@pytest.mark.parametrize("chosen", [{"indices": [3]}, {"limit": 1}, {"pick": "per-class"}])
def test_hw5_gives_way_to_what_the_user_chose(chosen: dict[str, Any], tmp_path: Path) -> None:
    folder = fill(tmp_path, **{f"{number % 3}_{number}": number for number in range(9)})
    selection = choose(folder, profile="hw5", **chosen)
    assert not {"hw5_indices", "hw5_too_few"} & set(keys(selection))


def labelled(folder: Path) -> Path:
    """Course names: the class before the underscore. Of ten, three are answered wrongly and one is broken."""
    return fill(
        folder,
        **{"0_a": 0, "0_b": 255, "0_c": 0, "0_d": None, "1_a": 128, "1_b": 10, "1_c": 120, "2_a": 255, "2_b": 150},
    )


def test_course_names_are_labels(tmp_path: Path) -> None:
    selection = choose(labelled(tmp_path))
    assert [image.label for image in selection.images] == [0, 0, 0, 1, 1, 1, 2, 2]
    assert "integer before the first underscore" in said(selection)


def test_per_class(tmp_path: Path) -> None:
    selection = choose(labelled(tmp_path), pick="per-class", limit=4)
    assert names(selection) == ["0_a", "1_a", "2_a", "0_b"]
    assert "4 of 9 images were chosen, one class after another" in said(selection)


@pytest.mark.parametrize(
    ("options", "told"),
    [({"limit": 3}, True), ({"limit": 5}, False), ({"limit": 1}, False), ({"indices": [0, 1]}, False)],
)
def test_one_label_of_several_is_told(options: dict[str, Any], told: bool, tmp_path: Path) -> None:
    selection = choose(labelled(tmp_path), **options)
    assert ("the same of 3 labels; --pick per-class" in said(selection)) == told


def test_one_label_that_is_the_only_one_is_not_told(tmp_path: Path) -> None:
    assert "one_label" not in keys(choose(fill(tmp_path, **{"0_a": 0, "0_b": 1, "0_c": 2}), limit=2))


@pytest.mark.parametrize("group", [1, 2, 3, 100])
def test_wrong_answers_most_confident_first(group: int, tmp_path: Path) -> None:
    selection = choose(labelled(tmp_path), probabilities, group, pick="wrong")
    assert names(selection) == ["0_b", "1_b", "2_b"]
    assert [image.label for image in selection.images] == [0, 1, 2]
    assert "3 of 9 images were chosen: those answered against their label" in said(selection)


@pytest.mark.parametrize("pick", ["wrong", "unsure"])
def test_image_that_cannot_be_read_on_the_way_is_told_once(pick: str, tmp_path: Path) -> None:
    selection = choose(labelled(tmp_path), probabilities, pick=pick)
    assert [failure.what for failure in selection.failures] == ["0_d.png"]
    assert "0_d" not in names(selection)


def test_wrong_with_limit_and_indices(tmp_path: Path) -> None:
    assert names(choose(labelled(tmp_path), probabilities, pick="wrong", limit=2)) == ["0_b", "1_b"]
    assert names(choose(labelled(tmp_path), probabilities, pick="wrong", indices=[8, 5])) == ["1_b", "2_b"]


def test_nothing_wrong_shows_the_first(tmp_path: Path) -> None:
    selection = choose(fill(tmp_path, **{"0_a": 0, "0_b": 1, "2_a": 255}), probabilities, pick="wrong", limit=2)
    assert names(selection) == ["0_a", "0_b"]
    assert "No image is answered against its label, so there is none to show; the first 2 of 3" in said(selection)


def test_unsure_smallest_margin_first(tmp_path: Path) -> None:
    selection = choose(fill(tmp_path, a=0, b=65, c=128, d=55, e=195), probabilities, pick="unsure", limit=3)
    assert names(selection) == ["b", "e", "d"]
    assert "3 of 5 images were chosen: those with the smallest margin" in said(selection)


def test_unsure_of_many_takes_twelve(tmp_path: Path) -> None:
    assert len(choose(many(tmp_path, 14), probabilities, pick="unsure").images) == 12


@pytest.mark.parametrize("pick", ["wrong", "per-class"])
def test_labels_are_needed_for_some_choices(pick: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the images have no labels"):
        choose(many(tmp_path, 3), pick=pick)


def test_labels_of_a_file(tmp_path: Path) -> None:
    folder = fill(tmp_path / "images", a=0, b=255, c=3)
    (tmp_path / "labels.csv").write_text("a.png,light\nc.png,0\n")
    selection = choose(folder, labels=tmp_path / "labels.csv")
    assert [image.label for image in selection.images] == [2, None, 0]
    assert "Labels were read from labels.csv for 2 images." in said(selection)


def test_file_of_labels_beats_the_names_and_is_not_mended(tmp_path: Path) -> None:
    folder = labelled(tmp_path / "images")
    (tmp_path / "labels.csv").write_text("1_a.png,0\n")
    assert choose(folder, labels=tmp_path / "labels.csv", indices=[4]).images[0].label == 0
    (tmp_path / "labels.csv").write_text("1_a.png,none\n")
    with pytest.raises(LabelsError, match="no class is none"):
        choose(folder, labels=tmp_path / "labels.csv")


def test_one_broken_image_costs_itself_only(tmp_path: Path) -> None:
    selection = choose(fill(tmp_path, a=1, b=None, c=3))
    assert names(selection) == ["a", "c"]
    assert [(failure.what, failure.code) for failure in selection.failures] == [("b.png", "E-IMG-DECODE")]


@pytest.mark.parametrize("options", [{}, {"pick": "unsure"}])
def test_nothing_to_explain_is_refused_with_the_first_reason(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ImagesError, match=r"a\.png: none of the 2 images can be read: its header is damaged"):
        choose(fill(tmp_path, a=None, b=None), probabilities, **options)


def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classes: Sequence[str] = CLASSES) -> Selection:
    """What is taken in that folder where no images are named."""
    monkeypatch.chdir(tmp_path)
    return select_images(BuildOptions(model=Path("a.pth")), model(classes), unused, 2, Silent())


def test_usual_folder_is_taken_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "images", a=1)
    selection = beside(tmp_path, monkeypatch)
    assert names(selection) == ["a"]
    assert "those in images were taken" in said(selection)


def test_shipped_photographs_are_no_test_of_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    selection = beside(tmp_path, monkeypatch)
    assert len(selection.images) >= 3
    assert all(image.label is None for image in selection.images)
    assert [key for key, _ in selection.notes] == ["summary.shipped_photographs"]


def test_shipped_scenes_go_with_their_own_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    selection = beside(tmp_path, monkeypatch, SCENES)
    assert selection.notes[0][0] == "summary.shipped_scenes"
    assert all(image.name.startswith(SCENES[image.label or 0]) for image in selection.images)


def marked(folder: Path, *names: str) -> Path:
    """A folder of masks: the left half of each image is the object."""
    folder.mkdir()
    half = Image.new("L", (6, 6))
    half.paste(255, (0, 0, 3, 6))
    for name in names:
        half.save(folder / f"{name}.png")
    return folder


def test_each_image_gets_the_mask_of_its_name(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", a=0, b=100, c=255)
    found = choose(images, masks=marked(tmp_path / "masks", "a", "c", "z"))
    left = np.zeros(SIZE, bool)
    left[:, :3] = True
    assert [[mask.mask.tolist() for mask in each.objects] for each in found.images] == [
        [left.tolist()],
        [],
        [left.tolist()],
    ]
    assert found.failures == ()


def test_a_broken_mask_costs_only_itself(tmp_path: Path) -> None:
    images, masks = fill(tmp_path / "images", a=0, b=100), marked(tmp_path / "masks", "a", "b")
    (masks / "a.png").write_bytes(b"no mask")
    found = choose(images, masks=masks)
    assert [len(each.objects) for each in found.images] == [0, 1]
    assert [(each.what, each.code) for each in found.failures] == [("a.png", "E-MASK")]


def test_a_broken_file_of_masks_and_one_for_other_images_are_told_once(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", a=0, b=100)
    (tmp_path / "m.json").write_text("{}")
    for masks, why in (
        (tmp_path / "m.json", "images: Field required"),
        (marked(tmp_path / "masks", "z"), "no mask in it"),
    ):
        found = choose(images, masks=masks)
        assert [len(each.objects) for each in found.images] == [0, 0]
        assert [each.code for each in found.failures] == ["E-MASK"]
        assert found.failures[0].why.startswith(why)
