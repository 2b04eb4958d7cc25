"""The trust checks: one file each, one line each in these tables.

They take the methods as arguments, so that no check depends on how a picture was made.
"""

from reportgen.checks import agreement, pointing, randomisation, stability
from reportgen.contracts import PictureCheck, RunCheck

PICTURE_CHECKS: dict[str, PictureCheck] = {
    check.name: check for check in (stability.CHECK, agreement.CHECK, pointing.CHECK)
}
RUN_CHECKS: dict[str, RunCheck] = {check.name: check for check in (randomisation.CHECK,)}

__all__ = ["PICTURE_CHECKS", "RUN_CHECKS"]
