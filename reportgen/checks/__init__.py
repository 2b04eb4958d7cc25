"""The trust checks: one file each, one line each in these tables.

They take the methods as arguments, so that no check depends on how a picture was made.
"""

from reportgen.checks import faithfulness, road
from reportgen.contracts import PictureCheck, RunCheck

PICTURE_CHECKS: dict[str, PictureCheck] = {check.name: check for check in (faithfulness.CHECK, road.CHECK)}
RUN_CHECKS: dict[str, RunCheck] = {}

__all__ = ["PICTURE_CHECKS", "RUN_CHECKS"]
