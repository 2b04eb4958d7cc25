"""The size of structures: gratings of a known period, and a filter that answers to some of them."""

import numpy as np
import pytest
from numpy.typing import NDArray
from toy_models import stripes

from reportgen.measures import filter_preferences
from reportgen.measures.frequency import band_energies, preferred_period

SIZE = (64, 80)


def grating(period: float, angle: float = 30) -> NDArray[np.float64]:
    return np.repeat(stripes(angle, SIZE, period)[..., None], 3, axis=-1)


@pytest.mark.parametrize(("period", "octave"), [(3.3, 3.3), (6.5, 6.5), (13.1, 13.1), (26.1, 26.1)])
@pytest.mark.parametrize("angle", [0, 45, 90])
def test_a_grating_lies_in_its_own_octave(period: float, octave: float, angle: float) -> None:
    energies = {name: float(plane.sum()) for name, plane in band_energies(grating(period, angle)).items()}
    assert max(energies, key=lambda name: energies[name]) == pytest.approx(octave, abs=0.1)


def test_periods_too_large_for_the_image_are_left_out() -> None:
    assert list(band_energies(grating(6))) == [3.3, 6.5, 13.1, 26.1]
    assert list(band_energies(grating(6)[:30])) == [3.3, 6.5, 13.1]
    assert list(band_energies(grating(6)[:4, :4])) == [3.3]


@pytest.mark.parametrize(("liked", "octave"), [(0, 3.3), (1, 6.5), (2, 13.1)])
def test_what_a_filter_answers_to_stands_out(liked: int, octave: float) -> None:
    images = np.stack([grating(period) for period in (3.3, 6.5, 13.1)]).astype(np.float32)
    maps = np.zeros((3, 16, 20), np.float32)
    maps[liked] = 2.0
    found = filter_preferences(maps, images)
    assert found["period"] == octave
    assert float(found["period_share"]) > float(found["period_usual"]) + 0.2


def test_shares_are_those_on_paper_whatever_the_unit_of_the_answers() -> None:
    answered, present = {1.0: 3.0, 2.0: 1.0}, {1.0: 2.0, 2.0: 2.0}
    assert preferred_period(answered, present) == {"period": 1.0, "period_share": 0.75, "period_usual": 0.5}
    assert preferred_period({1.0: 1.5, 2.0: 0.5}, present) == preferred_period(answered, present)


def test_nothing_is_said_of_flat_images_or_silent_filters() -> None:
    assert preferred_period({3.3: 0.0}, {3.3: 0.0}) == {}
    assert preferred_period({3.3: 0.0}, {3.3: 16.0}) == {}
