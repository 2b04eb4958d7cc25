import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lime.lime_image import ImageExplanation
from matplotlib import colormaps

from reportgen import figures

RNG = np.random.default_rng(3)


@given(st.integers(0, 10_000), st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
def test_the_smallest_is_0_and_the_largest_1_over_the_whole_image(seed: int, low: float, span: float) -> None:
    values = low + span * np.random.default_rng(seed).random((4, 5, 3))
    shown = figures.stretched_picture(values)
    assert shown is not None
    exact = (values - values.min()) / (values.max() - values.min())
    assert (np.abs(shown - 255 * exact) < 1).all()  # imshow cuts off what a byte cannot hold
    assert (shown.min(), shown.max()) == (0, 255)


def test_channels_share_one_scale() -> None:
    values = np.zeros((2, 2, 3), np.float32)
    values[0, 0] = (4, 2, 1)
    shown = figures.stretched_picture(values)
    assert shown is not None
    assert shown[0, 0].tolist() == [255, 127, 63]


def test_a_map_is_shown_in_the_notebooks_colours() -> None:
    values = np.array([[-2.0, 0.0, 2.0]])
    shown = figures.stretched_picture(values)
    assert shown is not None
    assert shown.tolist() == [colormaps["viridis"]([0.0, 0.5, 1.0], bytes=True)[:, :3].tolist()]


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 3)])
@pytest.mark.parametrize("value", [0.0, 0.7, -3.0])
def test_a_flat_array_has_no_picture(shape: tuple[int, ...], value: float) -> None:
    """The write-up divides by zero here and shows whatever NaN turns into."""
    assert figures.stretched_picture(np.full(shape, value, np.float32)) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_never_drawn(value: float) -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        figures.stretched_picture(np.array([[0.0, value]]))


def test_the_tiniest_difference_is_stretched_too() -> None:
    shown = figures.stretched_picture(np.array([[[0.0, 0.0, 5e-324]]]))
    assert shown is not None
    assert shown.tolist() == [[[0, 0, 255]]]


SEGMENTS = np.kron(np.arange(12).reshape(3, 4), np.ones((4, 4), int))
WEIGHTS = RNG.normal(size=12)
ORDER = np.argsort(-np.abs(WEIGHTS))


@pytest.mark.parametrize("features", [1, 5, 11, 12])
@pytest.mark.parametrize("least", [0.0, 0.05, 0.6])
def test_regions_are_painted_as_lime_paints_them(features: int, least: float) -> None:
    image = RNG.random((12, 16, 3))
    theirs = ImageExplanation(image, SEGMENTS)
    theirs.local_exp = {3: [(int(region), float(WEIGHTS[region])) for region in ORDER]}
    painted, _ = theirs.get_image_and_mask(
        3, positive_only=False, hide_rest=False, num_features=features, min_weight=least
    )
    shown = [int(region) for region in ORDER[:features] if abs(WEIGHTS[region]) >= least]
    assert (figures.lime_paint(image, SEGMENTS, WEIGHTS, shown) == painted).all()


def test_a_weight_of_zero_is_green_as_in_lime() -> None:
    painted = figures.lime_paint(np.full((1, 2, 3), 0.5), np.array([[0, 1]]), np.array([0.0, -1.0]), [0, 1])
    assert painted.tolist() == [[[0.5] * 3] * 2]  # the largest value of a flat image is its own
    image = np.array([[[0.1, 0.1, 0.1], [0.1, 0.1, 0.9]]])
    painted = figures.lime_paint(image, np.array([[0, 1]]), np.array([0.0, -1.0]), [0, 1])
    assert painted.tolist() == [[[0.1, 0.9, 0.1], [0.9, 0.1, 0.9]]]
    assert image[0, 0, 1] == 0.1  # the photograph is left as it was
