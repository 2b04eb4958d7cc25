"""Numbers measured on results: how tight a map is, which regions count, what a filter answers to. Free of torch."""

from reportgen.measures.activation import answers, filter_preferences, layer_preferences, object_shares
from reportgen.measures.evidence import pixel_evidence, signed_evidence
from reportgen.measures.heat import attribution_measures, centred_blob, heat_measures, place_of, share_inside
from reportgen.measures.likeness import TOP_SHARE, rank_correlation, relative_change, smoothed, top_overlap
from reportgen.measures.movement import DRAWS, WIDER, Likeness, likeness, redrawn
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
    "DRAWS", "LEAST_SHARE", "SHOWN_REGIONS", "TOP", "TOP_SHARE", "WIDER", "Likeness", "agreement", "answers",
    "attribution_measures", "centred_blob", "filter_preferences", "heat_measures", "heaviest_regions",
    "layer_preferences", "likeness", "object_shares", "pixel_evidence", "place_of", "rank_correlation", "redrawn",
    "region_measures", "relative_change", "settled", "share_inside", "shown_regions", "signed_evidence", "smoothed",
    "top_overlap", "weights_agreement",
]  # fmt: skip
