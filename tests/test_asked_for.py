"""The class that the user wants explained: by name or index, alone or held against another."""

import pytest
from toy_models import Small, image, photographs, settled, wrapped

from reportgen.cases import answered, asked_for
from reportgen.errors import InputRefused
from reportgen.results import Target

CLASSES = ("Cat", "Dog", "3", "Dairy product")


@pytest.mark.parametrize(
    ("given", "index"), [("Cat", 0), ("dog", 1), ("1", 1), ("3", 2), ("dairy PRODUCT", 3), ("0", 0)]
)
def test_by_its_name_or_its_index(given: str, index: int) -> None:
    """A name comes before an index: "3" is the third class's name here."""
    assert asked_for(given, None, CLASSES) == Target(index, CLASSES[index], "asked")


def test_against_another() -> None:
    assert asked_for("cat", "1", CLASSES) == Target(0, "Cat", "asked", 1, "Dog")


def test_none_is_asked_for() -> None:
    assert asked_for(None, None, CLASSES) is None


@pytest.mark.parametrize(
    ("target", "versus", "what", "told"),
    [
        ("dary product", None, "--target dary product", "Did you mean Dairy product?"),
        ("4", None, "--target 4", "numbered 0 to 3"),
        ("-1", None, "--target -1", "numbered 0 to 3"),
        ("cat", "dgo", "--versus dgo", "Did you mean Dog?"),
        ("cat", "0", "--versus 0", "Name another one"),
        ("a\x1b[2J", None, "--target a<U+001B>[2J", "numbered"),
    ],
)
def test_a_class_that_there_is_not_is_refused(target: str, versus: str | None, what: str, told: str) -> None:
    with pytest.raises(InputRefused) as caught:
        asked_for(target, versus, CLASSES)
    assert caught.value.what == what
    assert told in caught.value.fix


def test_it_is_explained_on_every_image_and_counts_there() -> None:
    classifier = wrapped(settled(Small()))
    target = Target(2, "class 2", "asked", 0, "class 0")
    cases, _ = answered(classifier, [image(each, 1) for each in photographs(3)], target)
    assert [case.targets for case in cases] == [(target,)] * 3
    assert target.leads
    assert not Target(0, "a", "label").leads
