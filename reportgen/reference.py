"""The photographs that a build looks at: which are meant, and a sample of them that tells how the network was fed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reportgen import images
from reportgen.errors import ImageError
from reportgen.example import CLASSES
from reportgen.images import Found, window
from reportgen.options import BuildOptions
from reportgen.resources import example_dir
from reportgen.results import NO_FACTS, Facts, InputSpec

Notes = tuple[tuple[str, Facts], ...]
Photograph = NDArray[np.uint8]  # (H, W, 3) RGB, upright, longer side at most 640

PHOTOGRAPHS: Final[Notes] = (("summary.shipped_photographs", NO_FACTS),)
SAMPLE: Final = 48


def find_subjects(options: BuildOptions, classes: Sequence[str]) -> tuple[tuple[Found, ...], Notes]:
    """The images given, else those of the usual folders, else those that ship with the program.

    Raises ImagesError where a path is missing or holds none.
    """
    if options.images:
        return images.find_images(options.images), ()
    if folder := images.default_images(Path()):
        return images.find_images((folder,)), (("select.default_folder", {"folder": folder.as_posix()}),)
    if tuple(classes) == CLASSES:
        return images.find_images((example_dir() / "scenes",)), (("summary.shipped_scenes", NO_FACTS),)
    return images.find_images((example_dir() / "photographs",)), PHOTOGRAPHS


def sample(options: BuildOptions, classes: Sequence[str]) -> tuple[Photograph, ...]:
    """Up to SAMPLE of the photographs to explain, evenly from the whole list, and as many of --reference-images.

    What cannot be read is passed over: whoever explains it will name it.
    Raises ImagesError where a path is missing or holds none.
    """
    found = [find_subjects(options, classes)[0]]
    if options.reference_images:
        found.append(images.find_images(options.reference_images))
    taken: list[Photograph] = []
    for each in found:
        for one in images.evenly(each, SAMPLE):
            try:
                taken.append(images.decode(one.path, one.name, (8, 8)).original)
            except ImageError:
                continue
    return tuple(taken)


def shipped(spec: InputSpec) -> NDArray[np.float32]:
    """(N, H, W, 3) RGB in [0, 1]: the photographs that ship with the program, as a network is fed."""
    found = images.find_images((example_dir() / "photographs",))
    photographs = [images.decode(each.path, each.name, (8, 8)).original for each in found]
    return (sized(photographs, spec.size, spec.resize, spec.crop) / 255).astype(np.float32)


def sized(
    photographs: Sequence[Photograph], size: tuple[int, int], resize: Literal["squash", "crop"], crop: float
) -> NDArray[np.uint8]:
    """(N, H, W, 3) uint8: the photographs as `images.decode` makes them for a network."""
    height, width = size
    made = []
    for photograph in photographs:
        image = Image.fromarray(photograph)
        box = window((image.height, image.width), size, resize, crop)
        made.append(np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box=box)))
    return np.stack(made)
