"""Each kind of result as evidence per pixel."""

import numpy as np

from reportgen.measures import pixel_evidence, signed_evidence
from reportgen.results import AttributionMap, ColourSaliency, RegionWeights, SaliencyMap

REGIONS = RegionWeights(np.array([[0, 1], [2, 2]]), np.array([0.5, -0.25, 0.125]))
SIGNED = AttributionMap(np.array([[1.0, -2.0], [0.0, 3.0]]))


def test_only_what_speaks_for_the_class_counts() -> None:
    assert pixel_evidence(REGIONS).tolist() == [[0.5, 0.0], [0.125, 0.125]]
    assert pixel_evidence(SIGNED).tolist() == [[1.0, 0.0], [0.0, 3.0]]
    assert pixel_evidence(SaliencyMap(np.array([[0.5, 2.0]]))).tolist() == [[0.5, 2.0]]


def test_of_three_channels_the_largest_counts() -> None:
    assert pixel_evidence(ColourSaliency(np.array([[[0.25, 0.5, 0.0]]]))).tolist() == [[0.5]]


def test_a_sign_is_kept_where_there_is_one() -> None:
    assert signed_evidence(REGIONS).tolist() == [[0.5, -0.25], [0.125, 0.125]]
    assert signed_evidence(SIGNED).tolist() == [[1.0, -2.0], [0.0, 3.0]]
    assert signed_evidence(SaliencyMap(np.array([[0.5, 2.0]]))).tolist() == [[0.5, 2.0]]
