"""Photographs: which files are meant, which class each has, which to take, and their pixels."""

from collections.abc import Sequence

from reportgen.errors import ImageError
from reportgen.images.choose import evenly, order_unsure, order_wrong, select
from reportgen.images.decode import decode, window
from reportgen.images.find import Found, default_images, find_images
from reportgen.images.labels import infer_labels, read_class_names, read_labels
from reportgen.images.masks import Lookup, objects_in, read_masks
from reportgen.results import Failure, ImageInput, InputSpec

__all__ = [
    "Found", "Lookup", "decode", "decode_all", "default_images", "evenly", "find_images", "infer_labels", "objects_in",
    "order_unsure", "order_wrong", "read_class_names", "read_labels", "read_masks", "select", "window",
]  # fmt: skip


def decode_all(
    found: Sequence[Found], labels: Sequence[int | None], spec: InputSpec
) -> tuple[tuple[ImageInput, ...], tuple[Failure, ...]]:
    """The images that can be decoded, in their order, and those that cannot, each with its reason.

    labels: class index or None, one for each; spec: the size that the network is fed, and how it is reached.
    """
    images: list[ImageInput] = []
    failures: list[Failure] = []
    for each, label in zip(found, labels, strict=True):
        try:
            images.append(decode(each.path, each.name, spec.size, label, spec.resize, spec.crop))
        except ImageError as err:
            failures.append(Failure(err.what, err.code, err.why, err.fix))
    return tuple(images), tuple(failures)
