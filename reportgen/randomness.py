"""One generator for each (seed, method, image): adding an image or a method changes no other number."""

import hashlib

import numpy as np


def stream(seed: int, *names: str) -> np.random.Generator:
    """A generator that depends on the seed and the names only.

    names: usually the method and the image's SHA-256.
    """
    return np.random.default_rng(_entropy(seed, names))


def legacy_stream(seed: int, *names: str) -> np.random.RandomState:
    """The same for libraries that still want a `RandomState`, such as lime."""
    return np.random.RandomState(np.random.MT19937(_entropy(seed, names)))


def _entropy(seed: int, names: tuple[str, ...]) -> np.random.SeedSequence:
    # A separator that cannot stand in a name keeps ("ab", "c") and ("a", "bc") apart.
    digest = hashlib.sha256("\0".join((str(seed), *names)).encode()).digest()
    return np.random.SeedSequence(int.from_bytes(digest, "big"))
