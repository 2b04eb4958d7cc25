"""Labels and class names from files, folders and names: right, or refused in one line."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from reportgen.errors import LabelsError
from reportgen.images import Found, find_images, infer_labels, read_class_names, read_labels
from reportgen.language import load_words
from reportgen.phrasing import noted
from reportgen.sources.food11 import CLASSES as FOOD11

CLASSES = ("Bread", "Dairy product", "Noodles/Pasta")


@dataclass(frozen=True)
class Files:
    """A folder to write into."""

    folder: Path

    def write(self, content: str | bytes, name: str = "labels.csv") -> Path:
        path = self.folder / name
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    def labels(self, content: str | bytes, name: str = "labels.csv") -> tuple[int | None, ...]:
        return read_labels(self.write(content, name), IMAGES, CLASSES)

    def refusal(self, content: str | bytes, name: str = "labels.csv") -> LabelsError:
        with pytest.raises(LabelsError) as caught:
            self.labels(content, name)
        assert "\n" not in caught.value.line()
        assert len(caught.value.line()) < 400
        return caught.value

    def names(self, content: str | bytes, name: str = "classes.txt") -> tuple[str, ...]:
        return read_class_names(self.write(content, name))

    def names_refusal(self, content: str | bytes, name: str = "classes.txt") -> LabelsError:
        with pytest.raises(LabelsError) as caught:
            self.names(content, name)
        assert "\n" not in caught.value.line()
        return caught.value


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


IMAGES = (Found(Path("/data/a/one.jpg"), "a/one.jpg"), Found(Path("/data/b/two.jpg"), "b/two.jpg"),
          Found(Path("/data/b/both.jpg"), "b/both.jpg"), Found(Path("/data/c/both.jpg"), "c/both.jpg"))  # fmt: skip

GOOD = {
    "index": "one.jpg,2\ntwo.jpg,0\n",
    "name": "one.jpg,Noodles/Pasta\ntwo.jpg,Bread\n",
    "name in other letters": "one.jpg,noodles_pasta\ntwo.jpg,BREAD\n",
    "heading": "file,label\none.jpg,2\ntwo.jpg,0\n",
    "no heading though the first file is another": "other.jpg,1\none.jpg,2\ntwo.jpg,0\n",
    "semicolons": "one.jpg;2\ntwo.jpg;0\n",
    "tabs": "one.jpg\t2\ntwo.jpg\t0\n",
    "quotes": '"one.jpg","2"\n"two.jpg","0"\n',
    "byte order mark": "\ufeffone.jpg,2\ntwo.jpg,0\n",
    "carriage returns": "one.jpg,2\r\ntwo.jpg,0\r\n",
    "old mac": "one.jpg,2\rtwo.jpg,0",
    "blank lines": "\n\none.jpg,2\n\n  \n,\ntwo.jpg,0\n\n",
    "spaces": " one.jpg , 2 \n two.jpg , 0 \n",
    "folder and name": "a/one.jpg,2\nb/two.jpg,0\n",
    "more folders": "/data/a/one.jpg,2\ndata/b/two.jpg,0\n",
    "dot and backslash": "./a/one.jpg,2\nb\\two.jpg,0\n",
    "json": '{"one.jpg": 2, "two.jpg": 0}',
    "json names": '{"one.jpg": "Noodles/Pasta", "two.jpg": "0"}',
}


@pytest.mark.parametrize("name", GOOD)
def test_reads_labels_as_people_write_them(name: str, files: Files) -> None:
    assert files.labels(GOOD[name]) == (2, 0, None, None)


def test_json_is_known_by_its_suffix_too(files: Files) -> None:
    assert files.refusal("[1, 2]", "labels.json").why == "it is not an object of file names and classes"


def test_same_name_in_two_folders_needs_the_folder(files: Files) -> None:
    assert files.labels("b/both.jpg,1\nc/both.jpg,2\n") == (None, None, 1, 2)
    assert "2 images are called both.jpg" in files.refusal("both.jpg,1\n").why


def test_name_as_shown_means_that_image(files: Files) -> None:
    found = (Found(Path("/d/x.jpg"), "x.jpg"), Found(Path("/d/e/x.jpg"), "e/x.jpg"))
    assert read_labels(files.write("x.jpg,1\ne/x.jpg,2\n"), found, CLASSES) == (1, 2)


BAD: dict[str, tuple[str | bytes, str, str]] = {
    "class index too large": ("one.jpg,3\n", "E-LABELS-CLASS", "line 1: no class is 3"),
    "negative index": ("one.jpg,-1\n", "E-LABELS-CLASS", "no class is -1"),
    "unknown name": ("one.jpg,0\ntwo.jpg,Bred\n", "E-LABELS-CLASS", "line 2: no class is Bred"),
    "fraction": ("one.jpg,1.0\n", "E-LABELS-CLASS", "no class is 1.0"),
    "truth value": ('{"one.jpg": true}', "E-LABELS-CLASS", "key one.jpg: no class is true"),
    "nothing": ('{"one.jpg": null}', "E-LABELS-CLASS", "no class is null"),
    "list": ('{"one.jpg": [0]}', "E-LABELS-CLASS", "no class is [0]"),
    "json fraction": ('{"one.jpg": 1.0}', "E-LABELS-CLASS", "no class is 1.0"),
    "not a number": ('{"one.jpg": NaN}', "E-LABELS-FORMAT", "it holds NaN"),
    "infinity": ('{"one.jpg": -Infinity}', "E-LABELS-FORMAT", "it holds -Infinity"),
    "duplicate key": ('{"one.jpg": 1, "one.jpg": 2}', "E-LABELS-FORMAT", "key one.jpg stands twice"),
    "named twice": ("one.jpg,1\na/one.jpg,2\n", "E-LABELS-FORMAT", "line 2: a/one.jpg is named twice"),
    "three columns": ("one.jpg,1,0.9\n", "E-LABELS-FORMAT", "line 1 has 3 columns"),
    "one column": ("one.jpg\n", "E-LABELS-FORMAT", "line 1 has 1 columns"),
    "class missing": ("one.jpg,\n", "E-LABELS-FORMAT", "line 1 has 1 columns"),
    "open quotes": ('"one.jpg,1\n', "E-LABELS-FORMAT", "is not CSV"),
    "cell too long": ("x" * 200_000 + ",1\n", "E-LABELS-FORMAT", "is not CSV"),
    "none of the images": ("other.jpg,1\n", "E-LABELS-FORMAT", "none of its 1 lines names one of the 4 images"),
    "empty": ("", "E-LABELS-FORMAT", "none of its 0 lines"),
    "broken json": ('{"one.jpg": 1', "E-LABELS-FORMAT", "not valid JSON (line 1)"),
    "deep json": ('{"a":' + "[" * 100_000, "E-LABELS-FORMAT", "not valid JSON"),
    "huge number": ('{"one.jpg": ' + "9" * 10_000 + "}", "E-LABELS-FORMAT", "not valid JSON"),
    "large number": ('{"one.jpg": ' + "9" * 300 + "}", "E-LABELS-CLASS", "no class is 999"),
    "many digits": ("one.jpg," + "9" * 10_000, "E-LABELS-CLASS", "no class is 999"),
    "utf-16": ("one.jpg,1\n".encode("utf-16"), "E-LABELS-ENCODING", "not UTF-8"),
    "latin-1": ("café.jpg,1\n".encode("latin-1"), "E-LABELS-ENCODING", "not UTF-8"),
    "nul": ("one.jpg,1\0\n", "E-LABELS-FORMAT", "NUL"),
}


@pytest.mark.parametrize("name", BAD)
def test_refuses_with_one_line(name: str, files: Files) -> None:
    content, code, told = BAD[name]
    error = files.refusal(content)
    assert error.code == code
    assert told in error.line()


def test_says_which_classes_there_are(files: Files) -> None:
    assert files.refusal("one.jpg,x\n").fix == "Use 0 to 2, or a class name such as Bread"


def test_name_that_two_classes_share_is_refused(files: Files) -> None:
    path = files.write("one.jpg,cat\n")
    with pytest.raises(LabelsError, match="no class is cat"):
        read_labels(path, IMAGES, ("cat", "cat", "dog"))


def test_class_called_by_a_number_is_meant_by_its_name(files: Files) -> None:
    assert read_labels(files.write("one.jpg,7\n"), IMAGES, ("9", "8", "7"))[0] == 2


def test_missing_file_folder_and_pipe(tmp_path: Path) -> None:
    paths = [tmp_path / "gone.csv", tmp_path, Path("a\0b")]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.csv")
        paths.append(tmp_path / "pipe.csv")
    for path in paths:
        with pytest.raises(LabelsError) as caught:
            read_labels(path, IMAGES, CLASSES)
        assert caught.value.code == "E-LABELS-NOTFILE"


def test_reads_class_names_in_order(files: Files) -> None:
    assert files.names("Bread\nDairy product \n Soup\n") == ("Bread", "Dairy product", "Soup")
    assert files.names('["Bread", "Soup"]', "classes.json") == ("Bread", "Soup")


@pytest.mark.parametrize("content", ["\ufeffa\nb", "a\r\nb\r\n", "a\rb", "a\nb\n\n \n"])
def test_marks_and_line_ends_are_no_part_of_a_name(content: str, files: Files) -> None:
    assert files.names(content) == ("a", "b")


def test_only_line_ends_end_a_name(files: Files) -> None:
    odd = "a\u2028b\x0cc\x1cd\x85e"  # str.splitlines would make five names of it
    assert files.names(f"{odd}\nz") == (odd, "z")


def test_hostile_class_names_stay_as_they_are(files: Files) -> None:
    hostile = ["<script>alert(1)</script>", "\x1b[31mred", "=cmd|' /C calc'!A0", "\u202eabc", "cat", "cat"]
    assert files.names("\n".join(hostile)) == tuple(hostile)
    assert files.names(json.dumps(hostile), "classes.json") == tuple(hostile)


BAD_NAMES: dict[str, tuple[str | bytes, str, str, str]] = {
    "empty": ("", "classes.txt", "E-LABELS-COUNT", "holds no class names"),
    "blank only": ("\n \n", "classes.txt", "E-LABELS-COUNT", "holds no class names"),
    "blank in the middle": ("a\n\nb\n", "classes.txt", "E-LABELS-COUNT", "name 2 is empty"),
    "blank first": ("\na\nb\n", "classes.txt", "E-LABELS-COUNT", "name 1 is empty"),
    "too long": ("a\n" + "x" * 1_000_000, "classes.txt", "E-LABELS-FORMAT", "name 2 has 1000000 characters"),
    "nul": ("a\0b\n", "classes.txt", "E-LABELS-FORMAT", "NUL"),
    "utf-16": ("a\nb".encode("utf-16"), "classes.txt", "E-LABELS-ENCODING", "not UTF-8"),
    "numbers": ("[1, 2]", "classes.json", "E-LABELS-COUNT", "entry 1 is no name"),
    "empty list": ("[]", "classes.json", "E-LABELS-COUNT", "holds no class names"),
    "object": ('{"0": "a"}', "classes.json", "E-LABELS-FORMAT", "no list of class names"),
    "lone surrogate": ('["\\ud800"]', "classes.json", "E-LABELS-FORMAT", "no valid Unicode"),
}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_refuses_what_are_no_class_names(name: str, files: Files) -> None:
    content, file, code, told = BAD_NAMES[name]
    error = files.names_refusal(content, file)
    assert error.code == code
    assert told in error.line()


def found_in(root: Path, *names: str) -> tuple[Found, ...]:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return find_images([root])


INFERRED: dict[str, tuple[list[str], tuple[str, ...], tuple[int | None, ...], str]] = {
    "folders by name": (["Dairy product/a.jpg", "Bread/b.jpg"], CLASSES, (0, 1), "labels_folders"),
    "capitals": (["BREAD/a.jpg", "dairy_product/b.jpg"], CLASSES, (0, 1), "labels_folders"),
    "slash": (["Noodles-Pasta/a.jpg", "Bread/b.jpg"], CLASSES, (0, 2), "labels_folders"),
    "numbers": (["10/a.jpg", "2/b.jpg"], tuple(map(str, range(11))), (10, 2), "labels_folders"),
    "as many folders": (["x/a.jpg", "y/b.jpg", "z/c.jpg", "z/d.jpg"], CLASSES, (0, 1, 2, 2), "labels_folders_sorted"),
    "too few folders": (["x/a.jpg", "y/b.jpg"], CLASSES, (None, None), "labels_none"),
    "one unknown folder": (["Bread/a.jpg", "y/b.jpg"], CLASSES, (None, None), "labels_none"),
    "parts of a data set": (["train/a.jpg", "test/b.jpg"], ("cat", "dog"), (None, None), "labels_none"),
    "two folders of one class": (["Bread/a.jpg", "bread_/b.jpg"], CLASSES, (None, None), "labels_none"),
    "course names": (["0_1.jpg", "10_2.jpg", "2_99.jpg"], FOOD11, (0, 10, 2), "labels_course"),
    "course names in parts": (["training/0_1.jpg", "validation/3_2.jpg"], FOOD11, (0, 3), "labels_course"),
    "out of range": (["0_1.jpg", "11_2.jpg"], FOOD11, (None, None), "labels_none"),
    "not every file": (["0_1.jpg", "soup.jpg"], FOOD11, (None, None), "labels_none"),
    "no underscore": (["0001.jpg", "0002.jpg"], FOOD11, (None, None), "labels_none"),
    "folders before names": (["Bread/2_1.jpg", "Dairy product/2_2.jpg"], CLASSES, (0, 1), "labels_folders"),
    "a drawing beside the folders": (["Bread/a.jpg", "logo.svg"], CLASSES, (0, None), "labels_folders"),
    "a drawing beside course names": (["0_1.jpg", "10_2.jpg", "logo.svg"], FOOD11, (0, 10, None), "labels_course"),
    "other digits": (["١_1.jpg"], FOOD11, (None,), "labels_none"),
}  # fmt: skip


@pytest.mark.parametrize("name", INFERRED)
def test_infers_labels_and_says_how(name: str, tmp_path: Path) -> None:
    files, classes, labels, key = INFERRED[name]
    given, note = infer_labels(found_in(tmp_path, *files), classes)
    assert given == labels
    assert note[0] == f"select.{key}"
    assert noted(load_words(), [note])[0].text


def test_folders_of_some_images_are_no_labels(tmp_path: Path) -> None:
    (tmp_path / "other.jpg").touch()
    inside = found_in(tmp_path / "tree", "Bread/a.jpg")
    alone = find_images([tmp_path / "other.jpg"])
    assert infer_labels((*inside, *alone), CLASSES)[0] == (None, None)


def test_nothing_found_has_no_labels() -> None:
    assert infer_labels((), CLASSES)[0] == ()
