"""Every image named is found once, in an order that depends on nothing but the names."""

import os
from pathlib import Path

import pytest

from reportgen.errors import ImagesError
from reportgen.images import default_images, find_images


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def names(*paths: Path) -> list[str]:
    return [found.name for found in find_images(paths)]


def refusal(*paths: Path) -> ImagesError:
    with pytest.raises(ImagesError) as caught:
        find_images(paths)
    return caught.value


def test_order_is_that_of_code_points(tmp_path: Path) -> None:
    touch(tmp_path, "b.jpg", "a.jpg", "B.jpg", "10.jpg", "9.jpg", "é.jpg")
    assert names(tmp_path) == ["10.jpg", "9.jpg", "B.jpg", "a.jpg", "b.jpg", "é.jpg"]


def test_folders_stand_among_the_files_by_their_names(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "c.jpg", "B/x.jpg", "b/x.jpg")
    assert names(tmp_path) == ["B/x.jpg", "a.jpg", "b/x.jpg", "c.jpg"]


def test_order_of_the_arguments_does_not_matter(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.jpg", "c/d.jpg")
    files = [tmp_path / "b.jpg", tmp_path / "c", tmp_path / "a.jpg"]
    assert names(*files) == names(*reversed(files)) == ["a.jpg", "b.jpg", "d.jpg"]


@pytest.mark.parametrize("suffix", ["jpg", "JPG", "jpeg", "jfif", "png", "webp", "gif", "bmp", "tif", "tiff", "png "])
def test_every_suffix_of_an_image_counts_in_a_folder(suffix: str, tmp_path: Path) -> None:
    assert names(touch(tmp_path, f"a.{suffix}")) == [f"a.{suffix}"]


def test_other_and_hidden_files_do_not_count_in_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", ".b.jpg", ".hidden/c.jpg", "d.txt", "e.csv", "Thumbs.db", ".DS_Store", "f.jpg/g.png")
    assert names(tmp_path) == ["a.jpg", "f.jpg/g.png"]


@pytest.mark.parametrize("suffix", ["avif", "HEIC", "heif", "jp2", "jxl", "svg"])
def test_pictures_that_are_not_read_are_taken_so_that_it_is_told(suffix: str, tmp_path: Path) -> None:
    """A telephone saves HEIC by itself, and nobody misses a photograph that is left out in silence."""
    touch(tmp_path, "cat/a.jpg", f"b.{suffix}")
    found = find_images([tmp_path])
    assert [(image.name, image.folder) for image in found] == [(f"b.{suffix}", None), ("cat/a.jpg", "cat")]


@pytest.mark.parametrize("name", ["a.txt", ".hidden.jpg", "no_suffix"])
def test_file_that_is_named_itself_is_always_taken(name: str, tmp_path: Path) -> None:
    assert names(touch(tmp_path, name) / name) == [name]


def test_found_twice_is_one_image_and_keeps_its_class(tmp_path: Path) -> None:
    touch(tmp_path, "cat/a.jpg", "dog/b.jpg")
    found = find_images([tmp_path / "cat" / "a.jpg", tmp_path, tmp_path / "cat"])
    assert [(image.name, image.folder) for image in found] == [("cat/a.jpg", "cat"), ("dog/b.jpg", "dog")]


def test_folders_are_classes_where_all_images_lie_in_one(tmp_path: Path) -> None:
    touch(tmp_path, "cat/a.jpg", "cat/deep/b.jpg", "dog/.x/c.jpg", "dog/d.jpg", "dog/notes.txt")
    assert [image.folder for image in find_images([tmp_path])] == ["cat", "cat", "dog"]


def test_folders_are_no_classes_where_an_image_lies_beside_them(tmp_path: Path) -> None:
    touch(tmp_path, "cat/a.jpg", "b.jpg")
    assert [image.folder for image in find_images([tmp_path])] == [None, None]


def test_same_names_in_two_folders_are_told_apart(tmp_path: Path) -> None:
    touch(tmp_path, "one/a.jpg", "two/a.jpg", "two/b.jpg")
    assert names(tmp_path / "one", tmp_path / "two") == ["one/a.jpg", "two/a.jpg", "b.jpg"]


def test_same_folder_names_are_told_apart_too(tmp_path: Path) -> None:
    touch(tmp_path, "one/x/a.jpg", "two/x/a.jpg")
    told = names(tmp_path / "one" / "x", tmp_path / "two" / "x")
    assert len(set(told)) == 2
    assert told[0].endswith("one/x/a.jpg")


def test_link_back_to_a_folder_ends_there(tmp_path: Path) -> None:
    touch(tmp_path, "a/b.jpg")
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    assert names(tmp_path) == ["a/b.jpg"]


def test_link_that_leads_nowhere_is_taken_so_that_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to(tmp_path / "gone.jpg")
    assert names(tmp_path / "a.jpg") == ["a.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="names are text on Windows")
def test_name_that_is_no_utf8_can_be_written(tmp_path: Path) -> None:
    name = os.fsdecode(b"bad\xff.png")
    try:
        (tmp_path / name).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    assert names(tmp_path) == ["bad\\xff.png"]


def test_missing_and_empty(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone").code == "E-IMG-MISSING"
    assert refusal(tmp_path).code == "E-IMG-NONE"
    assert refusal(touch(tmp_path, "a.txt")).code == "E-IMG-NONE"
    assert refusal(Path("a\0b")).code == "E-IMG-MISSING"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_folder_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0)
    assert refusal(tmp_path / "shut").code == "E-IMG-PERM"


def test_usual_folders_in_their_order(tmp_path: Path) -> None:
    assert default_images(tmp_path) is None
    touch(tmp_path, "food-11/training/0_1.jpg", "food-11/evaluation/1.jpg")
    assert default_images(tmp_path) == tmp_path / "food-11/training"
    (tmp_path / "images").mkdir()
    assert default_images(tmp_path) == tmp_path / "food-11/training"  # an empty folder is none
    touch(tmp_path, "images/drawing.svg")
    assert default_images(tmp_path) == tmp_path / "food-11/training"  # nor is one without anything to explain
    touch(tmp_path, "images/a.jpg")
    assert default_images(tmp_path) == tmp_path / "images"
