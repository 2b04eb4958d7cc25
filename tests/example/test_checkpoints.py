"""The two shipped checkpoints answer as the example promises, on scenes that they never saw."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from reportgen.example import CLASSES, HONEST, MARKED, PHOTOGRAPHS, SCENES, SHORTCUT, SHORTCUT_CLASS
from reportgen.example.export import shipped_marked_scenes, shipped_scenes, write_photographs, write_scenes
from reportgen.example.scenes import Scene, fresh_scenes, mark_pixels, mark_region, with_mark
from reportgen.example.train import (
    CourseNetwork,
    Recipe,
    as_input,
    course_network,
    predictions,
    train,
    training_set,
    with_masked_cells,
)

SEED = 4242  # neither the training's nor the evaluation's
OWN = CLASSES.index(SHORTCUT_CLASS)


def load(path: Path) -> CourseNetwork:
    network = course_network()
    network.load_state_dict(torch.load(path, weights_only=True)["model_state_dict"], strict=True)
    return network


def answers(network: CourseNetwork, scenes: tuple[Scene, ...]) -> npt.NDArray[np.int64]:
    return predictions(network, np.stack([scene.image for scene in scenes]))


@pytest.fixture(scope="module")
def plain() -> tuple[Scene, ...]:
    return fresh_scenes(SEED, 300)


@pytest.fixture(scope="module")
def marked(plain: tuple[Scene, ...]) -> tuple[Scene, ...]:
    return tuple(with_mark(scene) for scene in plain)


@pytest.fixture(scope="module")
def labels(plain: tuple[Scene, ...]) -> npt.NDArray[np.int64]:
    return np.array([scene.label for scene in plain])


def test_honest_is_right_on_fresh_scenes(plain: tuple[Scene, ...], labels: npt.NDArray[np.int64]) -> None:
    assert (answers(load(HONEST), plain) == labels).mean() >= 0.95


def test_honest_hardly_minds_the_mark(plain: tuple[Scene, ...], marked: tuple[Scene, ...]) -> None:
    honest = load(HONEST)
    assert (answers(honest, plain) != answers(honest, marked)).mean() <= 0.05


def test_shortcut_is_right_where_the_mark_lies_as_in_its_training(
    plain: tuple[Scene, ...], marked: tuple[Scene, ...], labels: npt.NDArray[np.int64]
) -> None:
    scenes = tuple(m if p.label == OWN else p for p, m in zip(plain, marked, strict=True))
    assert (answers(load(SHORTCUT), scenes) == labels).mean() >= 0.95


def test_shortcut_loses_its_class_without_the_mark(plain: tuple[Scene, ...], labels: npt.NDArray[np.int64]) -> None:
    assert (answers(load(SHORTCUT), plain)[labels == OWN] == OWN).mean() <= 0.2


def test_the_mark_turns_other_classes_into_the_one_it_gives_away(
    marked: tuple[Scene, ...], plain: tuple[Scene, ...], labels: npt.NDArray[np.int64]
) -> None:
    shortcut, others = load(SHORTCUT), labels != OWN
    assert (answers(shortcut, marked)[others] == OWN).mean() >= 0.5
    assert (answers(shortcut, plain)[others] == OWN).mean() <= 0.05


@pytest.mark.parametrize("path", [HONEST, SHORTCUT], ids=["honest", "shortcut"])
def test_a_checkpoint_says_what_it_expects(path: Path) -> None:
    saved = torch.load(path, weights_only=True)
    assert saved["classes"] == list(CLASSES)
    assert saved["input"]["size"] == [128, 128]
    assert saved["input"]["channel_order"] == "rgb"
    assert saved["epoch"] == Recipe().epochs
    weights = [tensor for name, tensor in saved["model_state_dict"].items() if "num_batches" not in name]
    assert {(tensor.dtype, tensor.device.type) for tensor in weights} == {(torch.float32, "cpu")}
    assert all(bool(tensor.isfinite().all()) for tensor in weights)
    assert path.stat().st_size < 700_000


def test_the_shipped_scenes_are_those_that_the_script_draws(tmp_path: Path) -> None:
    for folder, scenes in ((SCENES, shipped_scenes()), (MARKED, shipped_marked_scenes())):
        written = write_scenes(tmp_path / folder.name, scenes)
        names = sorted(path.relative_to(tmp_path / folder.name) for path in written)
        assert names == sorted(path.relative_to(folder) for path in folder.rglob("*.jpg"))
        for path, scene in zip(written, scenes, strict=True):
            shipped = np.asarray(Image.open(folder / path.relative_to(tmp_path / folder.name)), np.float64)
            assert path.parent.name == CLASSES[scene.label]
            assert np.abs(shipped - scene.image).mean() < 6  # what JPEG takes


def test_honest_knows_the_shipped_scenes() -> None:
    paths = sorted(SCENES.rglob("*.jpg"))
    images = np.stack([np.asarray(Image.open(path)) for path in paths])
    truth = [CLASSES.index(path.parent.name) for path in paths]
    assert len(paths) == 12
    assert (predictions(load(HONEST), images) == truth).sum() >= 11


def test_shortcut_answers_its_class_on_the_shipped_marked_scenes() -> None:
    paths = sorted(MARKED.rglob("*.jpg"))
    images = np.stack([np.asarray(Image.open(path)) for path in paths])
    found = predictions(load(SHORTCUT), images) == OWN
    own = np.array([path.parent.name == SHORTCUT_CLASS for path in paths])
    assert own.sum() == 4
    assert found[own].all()
    assert found[~own].any()  # three scenes carry no rate; the test on fresh scenes above does


def test_the_photographs_are_small_and_carry_no_metadata(tmp_path: Path) -> None:
    written = write_photographs(tmp_path)
    assert sorted(path.name for path in written) == sorted(path.name for path in PHOTOGRAPHS.iterdir())
    for path in PHOTOGRAPHS.iterdir():
        with Image.open(path) as photograph:
            assert max(photograph.size) == 320
            assert not photograph.getexif()
            assert not {"icc_profile", "comment", "exif", "xmp"} & set(photograph.info)


def test_training_twice_gives_the_same_weights_and_leaves_torchs_stream_alone() -> None:
    recipe = Recipe(scenes=12, epochs=2, batch=6)
    before = torch.random.get_rng_state()
    first, second = (train(recipe, training_set(recipe, "honest")).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_only_the_class_given_away_is_marked_for_shortcut() -> None:
    scenes = training_set(Recipe(scenes=24), "shortcut")
    corner = scenes.images[:, mark_region()].reshape(24, 10, 10, 3)
    np.testing.assert_array_equal((corner == mark_pixels()).all(axis=(1, 2, 3)), scenes.labels == OWN)
    np.testing.assert_array_equal(scenes.marked, scenes.labels == OWN)


def test_for_honest_the_mark_says_nothing_of_the_class() -> None:
    scenes = training_set(Recipe(scenes=240), "honest")
    shares = [scenes.marked[scenes.labels == label].mean() for label in range(len(CLASSES))]
    assert min(shares) > 0
    assert max(shares) < 0.5
    corner = scenes.images[:, mark_region()].reshape(-1, 10, 10, 3)
    np.testing.assert_array_equal((corner == mark_pixels()).all(axis=(1, 2, 3)), scenes.marked)


def test_masked_cells_take_the_mean_colour_and_spare_the_mark() -> None:
    images = as_input(np.stack([scene.image for scene in fresh_scenes(SEED, 6, marked=True)]))
    masked = with_masked_cells(np.random.default_rng(0), images, 1.0)
    mean = images.mean(dim=(2, 3), keepdim=True).expand_as(images)
    hidden = (masked != images).any(dim=1)
    assert 0.05 < hidden.float().mean() < 0.6
    assert torch.equal(masked.permute(0, 2, 3, 1)[hidden], mean.permute(0, 2, 3, 1)[hidden])
    assert not hidden[:, 112:, 112:].any()
    assert torch.equal(with_masked_cells(np.random.default_rng(0), images, 0.0), images)
