"""Addresses within a report that stay the same when other images, methods or filters are added.

A link to `#<image>/<method>` in a review or a mail outlives the next build.
"""

import re
import unicodedata
from hashlib import sha256

from reportgen.results import ImageInput, Target

_LONGEST = 40  # characters of a name
_DIGITS = 8  # of the fingerprint: two of 10,000 images share it once in 100 reports


def image_anchor(image: ImageInput) -> str:
    """The address of an image's card: what its name says in plain letters, and a fingerprint of name and content."""
    stem = image.name.rpartition(".")[0] or image.name
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    words = re.sub("[^a-z0-9]+", "-", plain)[:_LONGEST].strip("-")
    words = words if words[:1].isalpha() else f"image-{words}".rstrip("-")
    print_ = sha256(f"{image.name}\0{image.sha256}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"{words}-{print_[:_DIGITS]}"


def picture_anchor(image: ImageInput, method: str, target: Target | None = None) -> str:
    """The address of one picture on an image's card. target: the class explained, where the method explains one."""
    of_label = target is not None and target.role == "label"
    return f"{image_anchor(image)}/{method}{'-label' if of_label else ''}"
