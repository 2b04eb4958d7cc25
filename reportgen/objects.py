"""Which of the objects that people marked on an image a question is about."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reportgen.maps import ObjectMask

CLASS: Final = "class"  # the objects of the class in question
UNION: Final = "all"  # all objects, for no name among them is the class's
UNNAMED: Final = "unnamed"  # all objects, for none has a name


def on_target(objects: Sequence[ObjectMask], name: str) -> tuple[NDArray[np.bool_] | None, str]:
    """Where the objects of the class lie, (H, W), and CLASS; where none bears its name all, and UNION or UNNAMED.

    name: of the class; capitals and separators do not count, and of "tabby, tabby cat" each part is a name. None where
    nothing is marked.
    """
    if not objects:
        return None, UNION
    meant = {_plain(part) for part in (name, *name.split(","))}
    own = [each for each in objects if each.name and _plain(each.name) in meant]
    if own:
        return all_objects(own), CLASS
    return all_objects(objects), UNION if any(each.name for each in objects) else UNNAMED


def all_objects(objects: Sequence[ObjectMask]) -> NDArray[np.bool_] | None:
    """Where anything is marked, (H, W); None where nothing is."""
    return np.asarray(np.any([each.mask for each in objects], axis=0)) if objects else None


def _plain(name: str) -> str:
    return " ".join(re.split(r"[\W_]+", name.casefold())).strip()
