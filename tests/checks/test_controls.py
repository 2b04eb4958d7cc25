"""What a picture is compared with: maps of the photograph, or of chance, and of nothing else."""

import numpy as np
import pytest
from toy_models import SIZE, photographs

from reportgen.checks.controls import blob, controls, edges, noise

(IMAGE,) = photographs(1)


def test_the_same_generator_gives_the_same_controls_and_another_one_others() -> None:
    first, again, other = (controls(IMAGE, 3, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert list(first) == ["noise_1", "noise_2", "noise_3", "edges_fine", "edges_coarse", "blob"]
    for name, ranks in first.items():
        assert np.array_equal(ranks, again[name])
        assert np.array_equal(ranks, other[name]) == (not name.startswith("noise"))
        assert np.array_equal(np.sort(ranks, axis=None), np.arange(ranks.size)), name


def test_more_controls_leave_the_first_ones_as_they_are() -> None:
    few, many = (controls(IMAGE, count, np.random.default_rng(1)) for count in (2, 5))
    assert all(np.array_equal(few[name], many[name]) for name in few)


def test_edges_are_where_the_brightness_changes() -> None:
    image = np.zeros((*SIZE, 3), np.float32)
    image[:, 10:] = 1
    found = edges(image, 16.0)
    assert set(found.argmax(axis=1)) <= {9, 10}
    assert found[:, :5].max() < 1e-3


def test_a_blob_falls_off_from_its_centre() -> None:
    found = blob((9, 11), (0.5, 0.5))
    assert found.argmax() == 4 * 11 + 5
    np.testing.assert_allclose(found, found[::-1, ::-1])
    assert (np.diff(found[4, :6]) > 0).all()
    assert (np.diff(found[:5, 5]) > 0).all()


def test_noise_is_as_smooth_as_asked() -> None:
    def neighbours(across: float) -> float:
        rough = noise((64, 64), across, np.random.default_rng(4))
        return float(np.corrcoef(rough[1:].ravel(), rough[:-1].ravel())[0, 1])

    # The correlation of neighbours in Gaussian noise smoothed by sigma is exp(-1 / (4 sigma^2)).
    assert neighbours(32.0) == pytest.approx(np.exp(-1 / 16), abs=0.02)
    assert neighbours(8.0) > 0.99
