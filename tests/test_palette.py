"""The colours of photographs: covariances that are known, and images that say little."""

import numpy as np
import pytest

from reportgen.palette import FLOOR, IMAGENET, IMAGENET_ROOT, palette

RNG = np.random.default_rng(3)
MIX = np.array([[0.12, 0.03, 0.0], [0.1, 0.0, -0.03], [0.09, -0.04, 0.02]])
COLOURED = 0.5 + RNG.uniform(-1.7, 1.7, (2, 40, 50, 3)) @ MIX.T


def test_mean_and_covariance_are_those_of_the_images() -> None:
    found = palette(COLOURED)
    flat = COLOURED.reshape(-1, 3)
    covariance = np.cov(flat.T, bias=True)
    np.testing.assert_allclose(found.mean, flat.mean(0))
    np.testing.assert_allclose(found.root @ found.root.T, covariance + FLOOR * np.trace(covariance) * np.eye(3))
    assert (found.borrowed, found.source) == (0, "images")


def test_decorrelated_numbers_mapped_vary_as_the_images_do() -> None:
    """On paper: white noise z has covariance 1, and root z has root root^T."""
    found = palette(COLOURED)
    white = np.random.default_rng(4).normal(0, 1, (200_000, 3))
    np.testing.assert_allclose(np.cov((white @ found.root.T).T), np.cov(COLOURED.reshape(-1, 3).T), atol=4e-4)


def test_the_first_colour_is_the_strongest() -> None:
    lengths = np.square(palette(COLOURED).root).sum(0)
    assert (np.diff(lengths) < 0).all()


@pytest.mark.parametrize("image", [np.zeros((1, 4, 4, 3)), np.full((3, 4, 4, 3), [0.9, 0.2, 0.1])])
def test_images_of_one_colour_take_imagenets(image: np.ndarray) -> None:
    found = palette(image)
    np.testing.assert_allclose(found.root @ found.root.T, IMAGENET_ROOT @ IMAGENET_ROOT.T, atol=1e-12)
    np.testing.assert_allclose(found.mean, image[0, 0, 0])
    assert (found.borrowed, found.source) == (1, "imagenet")


def test_grey_images_take_the_proportions_of_imagenets_and_keep_their_contrast() -> None:
    grey = np.repeat(RNG.uniform(0.3, 0.6, (1, 40, 40, 1)), 3, axis=-1)
    found = palette(grey)
    variance = float(np.trace(np.cov(grey.reshape(-1, 3).T, bias=True)))
    known = IMAGENET_ROOT @ IMAGENET_ROOT.T
    expected = variance * (known / np.trace(known) + FLOOR * np.eye(3))
    assert found.borrowed == pytest.approx(1)
    np.testing.assert_allclose(found.root @ found.root.T, expected, atol=1e-6)


def test_nearly_grey_images_borrow_in_part() -> None:
    lightness = RNG.normal(0, 0.1, (1, 60, 60, 1))
    pale = np.repeat(0.5 + lightness, 3, axis=-1) + RNG.normal(0, 0.1 * 0.122, (1, 60, 60, 3))  # a share of about 0.01
    found = palette(pale)
    assert 0.3 < found.borrowed < 0.7
    assert found.source == "imagenet"


def test_imagenets_matrix_is_that_of_lucid() -> None:
    variances = np.diag(IMAGENET.root @ IMAGENET.root.T)
    np.testing.assert_allclose(np.sqrt(variances), [0.276, 0.275, 0.286], atol=1e-3)
