"""The scenes are what the tests of explanations rest on, so their own truth comes first."""

import subprocess
import sys

import numpy as np
import pytest

from reportgen.example import CLASSES
from reportgen.example.scenes import (
    MARK_COLOURS,
    REACH,
    SHAPES,
    SIZE,
    Plane,
    Scene,
    draw_background,
    draw_scene,
    fresh_scenes,
    mark_pixels,
    mark_region,
    with_mark,
)

SEED = 77


def square_grid(reach: float) -> tuple[Plane, Plane]:
    """Points a thousandth apart, -reach to reach both ways."""
    line = np.arange(0.0005 - reach, reach, 0.001, dtype=np.float32)
    u, v = np.meshgrid(line, line)
    return u, v


@pytest.fixture(scope="module")
def scenes() -> tuple[Scene, ...]:
    return fresh_scenes(SEED, 120)


def test_every_object_covers_4_to_15_percent_of_its_scene(scenes: tuple[Scene, ...]) -> None:
    shares = [scene.mask.mean() for scene in scenes]
    assert min(shares) >= 0.04
    assert max(shares) <= 0.15


def test_arrays_have_the_promised_form_and_are_read_only(scenes: tuple[Scene, ...]) -> None:
    for scene in scenes[:6]:
        assert scene.image.shape == (SIZE, SIZE, 3)
        assert scene.image.dtype == np.dtype(np.uint8)
        for plane in (scene.mask, scene.mark):
            assert plane.shape == (SIZE, SIZE)
            assert plane.dtype == np.dtype(np.bool_)
        for array in (scene.image, scene.mask, scene.mark):
            with pytest.raises(ValueError, match="read-only"):
                array[0, 0] = 0


def test_a_scene_keeps_nothing_of_the_array_it_was_made_from() -> None:
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    nothing = np.zeros((SIZE, SIZE), bool)
    scene = Scene(image, nothing, nothing, 0)
    image[:] = 9
    assert not scene.image.any()


@pytest.mark.parametrize("label", range(len(CLASSES)), ids=CLASSES)
def test_the_mask_is_where_the_object_changed_its_background(label: int) -> None:
    for seed in range(8):
        # The background comes first from the stream, so the same seed gives it alone.
        background = np.clip(np.round(draw_background(np.random.default_rng(seed))), 0, 255)
        scene = draw_scene(np.random.default_rng(seed), label)
        changed = (scene.image != background).any(axis=-1)
        assert not changed[~scene.mask].any()
        assert changed[scene.mask].mean() > 0.98  # a pixel of the object may equal what it covers by chance


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Area as a share of the square around the unturned object, on paper.
        ("checkered square", 1.0),
        ("plus", 2 * 0.38 - 0.38**2),
        ("ring", np.pi * (0.5**2 - 0.22**2)),
        ("star", 10 * 0.5 * 0.5 * 0.275 * np.sin(np.pi / 5)),
        ("striped disc", np.pi / 4),
        ("triangle", np.sqrt(3) / 4),
    ],
)
def test_each_class_has_the_shape_of_its_name(name: str, expected: float) -> None:
    u, v = square_grid(0.6)
    inside, second = SHAPES[CLASSES.index(name)](u, v)
    assert inside.sum() / 1000**2 == pytest.approx(expected, rel=0.01)
    assert bool((inside & second).any()) == (name in ("checkered square", "striped disc"))


def test_the_reach_encloses_each_shape() -> None:
    u, v = square_grid(0.8)
    for shape, reach in zip(SHAPES, REACH, strict=True):
        farthest = np.hypot(u, v)[shape(u, v)[0]].max()
        assert reach - 0.02 < farthest <= reach + 0.001


def test_objects_are_turned_and_placed_at_random(scenes: tuple[Scene, ...]) -> None:
    centres = np.array([np.argwhere(scene.mask).mean(axis=0) for scene in scenes])
    assert (centres.std(axis=0) > 15).all()
    plus = CLASSES.index("plus")
    heights = {int(np.ptp(np.argwhere(scene.mask)[:, 0])) for scene in scenes if scene.label == plus}
    assert len(heights) > 5


def test_the_object_stands_out_from_its_surroundings() -> None:
    for seed in range(30):
        background = draw_background(np.random.default_rng(seed))
        scene = draw_scene(np.random.default_rng(seed), seed % len(CLASSES))
        distance = np.linalg.norm(scene.image[scene.mask] - background[scene.mask].mean(axis=0), axis=-1)
        assert np.median(distance) > 70


def test_the_same_seed_draws_the_same_scene_and_another_seed_another() -> None:
    first, again, other = fresh_scenes(3, 6), fresh_scenes(3, 12), fresh_scenes(4, 6)
    for one, same, different in zip(first, again, other, strict=False):
        np.testing.assert_array_equal(one.image, same.image)
        np.testing.assert_array_equal(one.mask, same.mask)
        assert (one.image != different.image).any()


def test_labels_come_in_turn_or_as_asked() -> None:
    assert [scene.label for scene in fresh_scenes(1, 8)] == [0, 1, 2, 3, 4, 5, 0, 1]
    assert [scene.label for scene in fresh_scenes(1, 3, label=4)] == [4, 4, 4]


@pytest.mark.parametrize("label", [-1, len(CLASSES)])
def test_a_label_without_class_is_refused(label: int) -> None:
    with pytest.raises(ValueError, match="not one of the 6 classes"):
        draw_scene(np.random.default_rng(0), label)


def test_the_mark_is_ten_pixels_wide_and_two_pixels_off_the_corner() -> None:
    rows, columns = mark_region().nonzero()
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (116, 125, 116, 125)
    assert mark_region().sum() == 100


def test_the_mark_has_two_colours_and_every_small_patch_of_it_has_both() -> None:
    pixels = mark_pixels()
    assert pixels.shape == (10, 10, 3)
    first = (pixels == MARK_COLOURS[0]).all(axis=-1)
    second = (pixels == MARK_COLOURS[1]).all(axis=-1)
    assert (first ^ second).all()
    # A flat patch would survive being filled with its own mean colour.
    for row in range(8):
        for column in range(8):
            patch = first[row : row + 3, column : column + 3]
            assert 0 < patch.sum() < patch.size


def test_a_marked_scene_differs_from_the_plain_one_on_the_mark_alone() -> None:
    for plain, marked in zip(fresh_scenes(5, 30), fresh_scenes(5, 30, marked=True), strict=True):
        np.testing.assert_array_equal((plain.image != marked.image).any(axis=-1), mark_region())
        np.testing.assert_array_equal(marked.image[mark_region()].reshape(10, 10, 3), mark_pixels())
        np.testing.assert_array_equal(marked.mark, mark_region())
        assert not plain.mark.any()
        assert marked.label == plain.label
        np.testing.assert_array_equal(with_mark(plain).image, marked.image)


def test_the_mark_never_covers_the_object(scenes: tuple[Scene, ...]) -> None:
    assert not any((scene.mask & mark_region()).any() for scene in scenes)


def test_drawing_scenes_needs_no_torch() -> None:
    code = "import sys, reportgen.example.export; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
