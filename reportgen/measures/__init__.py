"""Numbers measured on results: how tight a map is, which regions count, what a filter answers to. Free of torch."""

from reportgen.measures.activation import answers, filter_preferences
from reportgen.measures.heat import heat_measures, place_of, share_inside
from reportgen.measures.regions import (
    LEAST_SHARE,
    SHOWN_REGIONS,
    agreement,
    heaviest_regions,
    region_measures,
    shown_regions,
)

__all__ = [
    "LEAST_SHARE", "SHOWN_REGIONS", "agreement", "answers", "filter_preferences", "heat_measures", "heaviest_regions",
    "place_of", "region_measures", "share_inside", "shown_regions",
]  # fmt: skip
