"""Coefficients and the images they stand for, worked out on paper."""

import numpy as np
import pytest
import torch

from reportgen.palette import IMAGENET, Palette
from reportgen.spectrum import CONTRAST, TINT, Basis, basis, colour_map, spectrum_scale

SIZE = (32, 40)
CPU = torch.device("cpu")
PLAIN = Palette(np.full(3, 0.5), np.eye(3) / 4, 0.0)
WARM = Palette(np.array([0.7, 0.5, 0.05]), IMAGENET.root, 0.0)


def plain() -> Basis:
    return basis(SIZE, 1.0, PLAIN, CPU)


def test_no_coefficient_is_the_mean_of_the_images_kept_from_the_bounds() -> None:
    zeros = torch.zeros(1, 3, 32, 21, 2)
    assert torch.equal(plain().images(zeros), torch.full((1, 3, *SIZE), 0.5))
    warm = basis(SIZE, 1.0, WARM, CPU).images(zeros)
    np.testing.assert_allclose(warm[0, :, 3, 4], [0.7, 0.5, 0.2], atol=1e-6)


@pytest.mark.parametrize(("down", "across"), [(0, 1), (0, 5), (1, 0), (4, 0)])
@pytest.mark.parametrize("decay", [0.5, 1.0])
def test_one_coefficient_is_one_wave_weaker_the_finer_it_is(down: int, across: int, decay: float) -> None:
    coefficients = torch.zeros(1, 3, 32, 21, 2)
    coefficients[0, 1, down, across, 0] = 3
    coefficients[0, 1, -down, across, 0] = 3
    (image,) = basis(SIZE, decay, PLAIN, CPU).images(coefficients)
    rows, columns = np.indices(SIZE)
    frequency = np.hypot(down / SIZE[0], across / SIZE[1])
    height = CONTRAST * 3 * 2 * max(frequency, 1 / 40) ** -decay / (SIZE[0] * SIZE[1]) ** 0.5
    wave = height * np.cos(2 * np.pi * (down * rows / SIZE[0] + across * columns / SIZE[1]))
    np.testing.assert_allclose(image[1], 1 / (1 + np.exp(-wave)), atol=1e-5)
    assert (image[[0, 2]] == 0.5).all()


def test_the_mean_is_a_tint_of_each_channel_by_itself() -> None:
    coefficients = torch.zeros(1, 3, 32, 21, 2)
    coefficients[0, 2, 0, 0] = torch.tensor([2.0, 7.0])  # a mean has no imaginary part
    for palette in (PLAIN, WARM):
        (before,) = basis(SIZE, 1.0, palette, CPU).images(0 * coefficients)
        (after,) = basis(SIZE, 1.0, palette, CPU).images(coefficients)
        assert torch.equal(after[:2], before[:2])
        np.testing.assert_allclose(after[2].logit() - before[2].logit(), 2 * TINT, atol=1e-5)


def test_a_wave_of_twice_the_frequency_is_half_as_free() -> None:
    scale = spectrum_scale(SIZE, 1.0)
    assert scale.shape == (32, 21)
    assert scale[0, 1] == scale.max()
    assert scale[0, 2] == pytest.approx(float(scale[0, 1]) / 2)


def test_near_the_mean_colours_vary_as_those_of_the_images() -> None:
    """The bound has slope m (1 - m) at the mean m: covariance slope (map map^T) slope, in proportion root root^T."""
    middle = np.array([0.7, 0.5, 0.2])
    mapped = (middle * (1 - middle))[:, None] * colour_map(WARM)
    found, wanted = mapped @ mapped.T, WARM.root @ WARM.root.T
    np.testing.assert_allclose(found / np.trace(found), wanted / np.trace(wanted))


def test_pale_images_make_no_pale_pictures() -> None:
    pale = Palette(WARM.mean, WARM.root / 10, 0.0)
    np.testing.assert_allclose(colour_map(pale), colour_map(WARM))
    np.testing.assert_allclose(colour_map(PLAIN), np.eye(3) * CONTRAST)


def test_the_start_is_faint_noise() -> None:
    noise = plain().start(np.random.default_rng(16))
    assert noise.shape == (3, 32, 21, 2)
    assert noise.dtype == torch.float32
    assert float(noise.std()) == pytest.approx(0.01, rel=0.05)
    assert float(noise.mean().abs()) < 1e-3
