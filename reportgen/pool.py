"""The images that filters are judged on: those that are explained, and those that only lend crops."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen import images
from reportgen.images import Found
from reportgen.options import BuildOptions
from reportgen.results import Case, ImageInput, InputSpec

MOST = 1000  # images that lend crops: each costs two forward passes


@dataclass(frozen=True, eq=False)
class Pixels:
    """The pixels of images, (N, H, W, 3) in all, that are in memory only where somebody looks at them."""

    images: Sequence[ImageInput]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, part: slice) -> NDArray[np.float32]:
        """(n, H, W, 3)."""
        return np.stack([image.pixels for image in self.images[part]])

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """(H, W, 3), image by image."""
        return (image.pixels for image in self.images)


@dataclass(frozen=True, eq=False)
class Lent:
    """One image of the pool. subject: its place among the cases; -1 where it only lends crops."""

    image: ImageInput
    subject: int


@dataclass(frozen=True, eq=False)
class Pool:
    """The explained images, in memory, and files that are decoded whenever their turn comes."""

    explained: tuple[ImageInput, ...]
    files: tuple[Found, ...]
    spec: InputSpec

    def groups(self, size: int) -> Iterator[Sequence[Lent]]:
        """All images, at most so many at once; what cannot be read, or is explained already, is passed over."""
        known = {image.sha256 for image in self.explained}
        lent = [Lent(image, position) for position, image in enumerate(self.explained)]
        for start in range(0, len(lent), size):
            yield lent[start : start + size]
        for start in range(0, len(self.files), size):
            part = self.files[start : start + size]
            decoded, _ = images.decode_all(part, [None] * len(part), self.spec)
            if group := [Lent(image, -1) for image in decoded if image.sha256 not in known]:
                yield group


def pool_of(cases: Sequence[Case], options: BuildOptions, spec: InputSpec) -> Pool:
    """The images of the cases and at most MOST of --reference-images, evenly from their whole list.

    Raises ImagesError where a path is missing or holds none.
    """
    found = images.find_images(options.reference_images) if options.reference_images else ()
    return Pool(tuple(case.image for case in cases), images.evenly(found, MOST), spec)
