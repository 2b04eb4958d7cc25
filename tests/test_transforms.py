"""Movements of images whose result is known."""

import numpy as np
import pytest
import torch
from torch import Tensor

from reportgen.transforms import Amplitudes, moved

FREE = Amplitudes(6, 0.3, 90)
STILL = np.array([[0.0, 0, 1, 0]])


def picture(height: int = 12, width: int = 17) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(2))


def one(down: float = 0, right: float = 0, factor: float = 1, degrees: float = 0) -> np.ndarray:
    return np.array([[down, right, factor, degrees]])


def test_without_amplitudes_nothing_moves() -> None:
    image = picture()
    still = Amplitudes(0, 0, 0)
    drawn = still.draw(np.random.default_rng(1), 3)
    np.testing.assert_array_equal(drawn, np.repeat(STILL, 3, axis=0))
    assert moved(image, drawn[:1], still) is image


def test_no_movement_is_the_image_itself() -> None:
    np.testing.assert_allclose(moved(picture(), STILL, FREE), picture(), atol=1e-5)


@pytest.mark.parametrize(("down", "right"), [(2, 0), (0, 3), (-1, 4)])
def test_whole_shifts_go_round(down: int, right: int) -> None:
    expected = picture().roll((down, right), (2, 3))
    np.testing.assert_allclose(moved(picture(), one(down, right), FREE), expected, atol=1e-5)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (2, -3), (6, 6)])
def test_a_window_is_the_middle_of_what_is_moved(down: int, right: int) -> None:
    whole = moved(picture(), one(down, right), FREE)
    part = moved(picture(), one(down, right), FREE, (8, 11))
    np.testing.assert_allclose(part, whole[:, :, 2:10, 3:14], atol=1e-5)


def test_a_quarter_turn_is_counter_clockwise() -> None:
    square = picture(12, 12)
    np.testing.assert_allclose(moved(square, one(degrees=90), FREE), torch.rot90(square, 1, (2, 3)), atol=1e-5)


def test_a_turn_keeps_shapes_where_the_image_is_not_square() -> None:
    """A disc far from any edge, off the middle: it turns about the middle and stays a disc of its size."""
    rows, columns = np.indices((60, 90)) + 0.5
    disc = torch.tensor(np.exp(-((rows - 30) ** 2 + (columns - 65) ** 2) / 18), dtype=torch.float32)[None, None]
    angle = np.radians(30)
    expected = np.exp(-((rows - 30 + 20 * np.sin(angle)) ** 2 + (columns - 45 - 20 * np.cos(angle)) ** 2) / 18)
    np.testing.assert_allclose(moved(disc, one(degrees=30), FREE)[0, 0], expected, atol=0.03)


def test_a_larger_factor_makes_things_larger() -> None:
    rows, columns = np.indices((40, 50)) + 0.5
    far = ((rows - 20) ** 2 + (columns - 25) ** 2) / 18
    disc = torch.tensor(np.exp(-far), dtype=torch.float32)[None, None]
    np.testing.assert_allclose(moved(disc, one(factor=1.25), FREE)[0, 0], np.exp(-far / 1.25**2), atol=0.02)


def test_each_image_moves_by_itself() -> None:
    both = moved(picture().repeat(2, 1, 1, 1), np.concatenate([STILL, one(3, 1)]), FREE)
    np.testing.assert_allclose(both[0], picture()[0], atol=1e-5)
    np.testing.assert_allclose(both[1], picture()[0].roll((3, 1), (1, 2)), atol=1e-5)


@pytest.mark.parametrize("size", [(12, 17), (1, 9), (32, 32)])
def test_the_size_stays_and_every_pixel_gets_its_gradient(size: tuple[int, int]) -> None:
    image = picture(*size).double().requires_grad_()
    amplitudes = Amplitudes(1, 0.05, 5)
    result = moved(image, amplitudes.draw(np.random.default_rng(5), 1), amplitudes)
    assert result.shape == image.shape
    (gradient,) = torch.autograd.grad(result.sum(), image)
    assert (gradient > 0).all()


def test_what_moves_in_is_the_other_side_and_the_margin_holds_it() -> None:
    """Lines that fit the image a whole number of times go on across its edges, as far as the amplitudes reach."""
    columns = np.arange(64) + 0.5
    waves = torch.tensor(np.cos(2 * np.pi * columns / 16), dtype=torch.float32).expand(1, 1, 64, 64)
    amplitudes = Amplitudes(2, 0.05, 5)
    rows, columns = np.indices((64, 64)) + 0.5 - 32
    for degrees in (-5, 5):
        cos, sin = np.cos(np.radians(degrees)) / 0.95, np.sin(np.radians(degrees)) / 0.95
        across = cos * (columns - 2) - sin * (rows + 2) + 32
        found = moved(waves, one(-2, 2, 0.95, degrees), amplitudes)[0, 0]
        np.testing.assert_allclose(found, np.cos(2 * np.pi * across / 16), atol=0.03)


def test_movements_fill_their_amplitudes() -> None:
    drawn = Amplitudes(4, 0.05, 5).draw(np.random.default_rng(9), 500)
    assert drawn.shape == (500, 4)
    np.testing.assert_allclose(drawn.min(axis=0), [-4, -4, 0.95, -5], atol=0.1)
    np.testing.assert_allclose(drawn.max(axis=0), [4, 4, 1.05, 5], atol=0.1)
    assert np.abs(np.corrcoef(drawn.T) - np.eye(4)).max() < 0.2
