"""When sampling stops, and what it says where there is nothing to say."""

import numpy as np
import pytest
from numpy.typing import NDArray

from reportgen.neighbourhood import at_random, by_design, fits_design, is_settled, one_block
from reportgen.randomness import legacy_stream, stream
from reportgen.sampling import Masks, lime_masks, order
from reportgen.surrogate import LinearModel, fit_lime

COUNT = 20  # superpixels, so 32 rows to a block


class Asked:
    """A function of masks that remembers what it was asked."""

    def __init__(self, noise: float, classes: int = 1) -> None:
        self.noise, self.classes = noise, classes
        self.masks: list[Masks] = []
        self.rng = np.random.default_rng(0)

    def __call__(self, masks: Masks) -> NDArray[np.float64]:
        self.masks.append(masks)
        score = 0.2 + 0.5 * masks[:, 0] + 0.1 * masks[:, 1]
        return np.stack([score + self.noise * self.rng.normal(size=len(masks)) for _ in range(self.classes)], axis=1)


def rng() -> np.random.Generator:
    return stream(1, "test")


class TestByDesign:
    def test_it_stops_after_the_first_pair_where_all_is_clear(self) -> None:
        asked = Asked(0)
        found = by_design(asked, COUNT, 1000, rng())
        assert found.passes == 64 == sum(map(len, asked.masks))
        (model,) = found.models
        assert isinstance(model, LinearModel)
        assert model.weights[:3] == pytest.approx([0.5, 0.1, 0], abs=1e-12)

    def test_it_goes_on_until_the_signs_are_settled(self) -> None:
        found = by_design(Asked(0.02), COUNT, 100_000, rng())
        (model,) = found.models
        assert isinstance(model, LinearModel)
        assert is_settled(model)
        assert 64 < found.passes < 100_000
        assert found.passes % 64 == 0

    @pytest.mark.parametrize(("most", "passes"), [(32, 32), (63, 32), (64, 64), (127, 64), (128, 128), (200, 192)])
    def test_it_ends_at_the_budget(self, most: int, passes: int) -> None:
        assert by_design(Asked(5), COUNT, most, rng()).passes == passes

    def test_all_classes_must_be_settled(self) -> None:
        class Two(Asked):
            def __call__(self, masks: Masks) -> NDArray[np.float64]:
                return np.column_stack([Asked.__call__(self, masks), self.rng.normal(size=len(masks))])

        found = by_design(Two(0), COUNT, 256, rng())
        assert found.passes == 256
        assert [isinstance(model, LinearModel) and is_settled(model) for model in found.models] == [True, False]

    def test_no_block_fits(self) -> None:
        assert not fits_design(COUNT, 31)
        assert fits_design(COUNT, 32)
        with pytest.raises(ValueError, match="31 passes hold no block of 32"):
            by_design(Asked(0), COUNT, 31, rng())

    def test_a_check_takes_one_block(self) -> None:
        assert one_block(Asked(0), COUNT, rng()).passes == order(COUNT)


def test_at_random_is_limes_masks_and_fit() -> None:
    asked = Asked(0.1)
    found = at_random(asked, COUNT, 80, legacy_stream(1, "test"))
    again = legacy_stream(1, "test")
    masks = lime_masks(80, COUNT, again)
    np.testing.assert_array_equal(asked.masks[0], masks.astype(bool))
    expected = fit_lime(masks, Asked(0.1)(masks.astype(bool))[:, 0], again)
    (model,) = found.models
    assert isinstance(model, LinearModel)
    np.testing.assert_allclose(model.weights, expected.weights, atol=1e-12)
    assert found.passes == 80


class TestTrouble:
    @pytest.mark.parametrize("random", [False, True])
    @pytest.mark.parametrize(
        ("answer", "reason"), [(np.nan, "not_finite"), (np.inf, "not_finite"), (0.5, "constant_output")]
    )
    def test_answers_that_say_nothing(self, random: bool, answer: float, reason: str) -> None:
        passes = 0

        def ask(masks: Masks) -> NDArray[np.float64]:
            nonlocal passes
            passes += len(masks)
            good = masks[:, 0] * 0.5
            return np.stack([good, np.where(masks.all(axis=1) & (answer != 0.5), 1, answer)], axis=1)

        found = at_random(ask, COUNT, 80, legacy_stream(1, "t")) if random else by_design(ask, COUNT, 1000, rng())
        assert isinstance(found.models[0], LinearModel)
        assert found.models[1] == reason
        assert passes == (80 if random else 64)  # nothing more is spent on it


class TestSettled:
    def model(self, weights: list[float], margin: float) -> LinearModel:
        return LinearModel(np.array(weights), np.full(len(weights), margin), 0.0, 1.0, 1.0)

    def test_every_sign_that_is_shown_must_be_clear(self) -> None:
        assert is_settled(self.model([0.9, -0.5, 0.2], 0.1))
        assert not is_settled(self.model([0.9, -0.5, 0.2], 0.2))

    def test_what_is_not_shown_need_not_be(self) -> None:
        assert is_settled(self.model([0.9, 0.5, 0.001], 0.1))

    def test_the_heaviest_must_be_sure_to_be_among_the_first_three(self) -> None:
        assert is_settled(self.model([0.5, 0.5, 0.5, 0.3], 0.1))
        assert not is_settled(self.model([0.5, 0.5, 0.5, 0.4], 0.1))
