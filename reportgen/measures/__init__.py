"""Numbers measured on results: how tight a map is, which regions count, what a filter answers to. Free of torch."""

from reportgen.measures.activation import answers, filter_preferences
from reportgen.measures.evidence import pixel_evidence, signed_evidence
from reportgen.measures.heat import attribution_measures, heat_measures, place_of, share_inside
from reportgen.measures.regions import (
    LEAST_SHARE,
    SHOWN_REGIONS,
    TOP,
    agreement,
    heaviest_regions,
    region_measures,
    settled,
    shown_regions,
    weights_agreement,
)

__all__ = [
    "LEAST_SHARE", "SHOWN_REGIONS", "TOP", "agreement", "answers", "attribution_measures", "filter_preferences",
    "heat_measures", "heaviest_regions", "pixel_evidence", "place_of", "region_measures", "settled", "share_inside",
    "shown_regions", "signed_evidence", "weights_agreement",
]  # fmt: skip
