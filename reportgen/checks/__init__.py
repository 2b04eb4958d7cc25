"""The trust checks: one file each, one line each in these tables.

They take the methods as arguments, so that no check depends on how a picture was made.
"""

from reportgen.checks import agreement, faithfulness, pointing, randomisation, road, stability
from reportgen.contracts import PictureCheck, RunCheck

PICTURE_CHECKS: dict[str, PictureCheck] = {
    check.name: check for check in (faithfulness.CHECK, road.CHECK, stability.CHECK, agreement.CHECK, pointing.CHECK)
}
RUN_CHECKS: dict[str, RunCheck] = {randomisation.CHECK.name: randomisation.CHECK}

__all__ = ["PICTURE_CHECKS", "RUN_CHECKS"]
