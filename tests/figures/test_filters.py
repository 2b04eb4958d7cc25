"""Crops in their place, and maps outlined where they reach half of the scale."""

import numpy as np

from reportgen.figures import activation_overlay
from reportgen.figures.filters import OUTSIDE, activation_outlined, crop_picture
from reportgen.results import Crop

PIXELS = np.arange(4 * 5 * 3).reshape(4, 5, 3)


def crop(box: tuple[int, int, int, int], field: tuple[int, int, int, int]) -> Crop:
    return Crop("a.png", "top", 1.0, (0, 0), box, field, PIXELS)


def test_a_crop_inside_the_image_is_itself() -> None:
    np.testing.assert_array_equal(crop_picture(crop((3, 7, 2, 7), (3, 7, 2, 7)), (20, 20)), PIXELS)


def test_at_the_border_it_lies_where_it_lies_in_its_field_and_grey_is_outside() -> None:
    picture = crop_picture(crop((0, 4, 2, 7), (-2, 4, 2, 9)), (20, 7))
    assert picture.shape == (6, 7, 3)
    np.testing.assert_array_equal(picture[2:, :5], PIXELS)
    assert (picture[:2] == OUTSIDE).all()
    assert (picture[:, 5:] == OUTSIDE).all()


def test_a_field_larger_than_the_image_is_cut_to_it() -> None:
    picture = crop_picture(crop((0, 4, 0, 5), (-90, 90, -3, 90)), (4, 6))
    assert picture.shape == (4, 6, 3)
    np.testing.assert_array_equal(picture[:, 1:], PIXELS)
    assert (picture[:, 0] == OUTSIDE).all()


def test_the_outline_runs_around_what_reaches_half_of_the_scale() -> None:
    photo = np.full((32, 40, 3), 120, np.uint8)
    activation = np.zeros((32, 40))
    activation[8:20, 10:30] = 0.5
    activation[10:14, 12:20] = 1.0
    picture, plain = activation_outlined(photo, activation, 1.0), activation_overlay(photo, activation, 1.0)
    white = (picture == 255).all(axis=-1)
    inside = activation >= 0.5
    assert white.any()
    assert not white[~inside].any()
    assert not white[9:19, 11:29].any()  # a line, and not a patch
    assert white[8, 10:30].all()
    assert white[8:20, 29].all()
    changed = (picture != plain).any(axis=-1)
    assert not changed[:6].any()
    assert not changed[22:].any()


def test_what_stays_below_half_has_no_outline() -> None:
    photo = np.full((8, 8, 3), 120, np.uint8)
    low = np.full((4, 4), 0.49)
    np.testing.assert_array_equal(activation_outlined(photo, low, 1.0), activation_overlay(photo, low, 1.0))


def test_the_photograph_is_left_as_it_was() -> None:
    photo = np.full((8, 8, 3), 120, np.uint8)
    activation_outlined(photo, np.eye(4), 1.0)
    assert (photo == 120).all()
