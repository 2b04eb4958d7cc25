"""Fingerprints of what a report rests on: bytes, pixels, tensors. Free of torch."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

CHUNK: Final = 2**20  # numbers summed at once


@dataclass(frozen=True)
class TensorFact:
    """One tensor of a checkpoint. total: the sum of its values, which tells how far a later one moved."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str
    total: float


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, which may be larger than the memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def array_sha256(array: NDArray[Any]) -> str:
    """SHA-256 of an array's type, shape and values, in the byte order of most machines."""
    plain = np.ascontiguousarray(array)
    plain = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
    digest = hashlib.sha256(f"{plain.dtype.name}\0{plain.shape}\0".encode())
    digest.update(plain.data)
    return digest.hexdigest()


def tensor_facts(tensors: Mapping[str, NDArray[Any]]) -> tuple[TensorFact, ...]:
    """The fingerprints of a checkpoint's tensors, by name."""
    return tuple(
        TensorFact(name, array.dtype.name, array.shape, array_sha256(array), _total(array))
        for name, array in tensors.items()
    )


def _total(array: NDArray[Any]) -> float:
    """The sum in float64, 0 where it is not finite: it is told, not trusted."""
    flat = array.reshape(-1)
    total = sum(float(flat[start : start + CHUNK].sum(dtype=np.float64)) for start in range(0, flat.size, CHUNK))
    return total if np.isfinite(total) else 0.0
