"""Weights in a safetensors file: read by the library that defines the format, behind checks of the header."""

import json
import struct
from collections.abc import Mapping
from typing import BinaryIO, Final

import safetensors
import safetensors.torch

from reportgen.contracts import Weights
from reportgen.errors import CheckpointError
from reportgen.sources.statedicts import as_float32, check_tensors, find_weights, without_prefixes
from reportgen.sources.structure import MOST

LONGEST_HEADER: Final = 100_000_000  # bytes, as in the format's own library
AGAIN: Final = "Download or copy it again"


def looks_like(head: bytes) -> bool:
    """Whether a file that starts so is meant to be one: a length, then JSON."""
    return len(head) > 8 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] < 2**40 and head[:2] != b"\x80\x02"


def load(file: BinaryIO, name: str, sha256: str, state_key: str | None = None) -> Weights:
    """The weights in the file. Raises CheckpointError where it is damaged or holds something else."""
    file.seek(0)
    data = file.read()
    _check_header(data, name)
    try:
        content = safetensors.torch.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError, RuntimeError, TypeError) as err:
        why = "the file is damaged: its header and its numbers do not agree"
        raise CheckpointError("E-CKPT-CORRUPT", name, why, AGAIN) from err
    found, side_by_side = find_weights(content, name, state_key)
    stripped, prefixed = without_prefixes(found)
    tensors, cast = as_float32(stripped)
    check_tensors(tensors, name)
    return Weights(name, sha256, tensors, (), (*side_by_side, *prefixed, *cast, ("note.no_checksum", {})))


def _check_header(data: bytes, name: str) -> None:
    """What the library leaves open: keys that stand twice, nesting that ends Python, and too many of them."""
    length = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else 2**64
    if length > min(LONGEST_HEADER, len(data) - 8):
        why = "the file is cut short, or its header claims to be larger than any"
        raise CheckpointError("E-CKPT-CORRUPT", name, why, AGAIN)
    try:
        header = json.loads(data[8 : 8 + length], object_pairs_hook=_once)
    except (ValueError, RecursionError) as err:
        raise CheckpointError("E-CKPT-CORRUPT", name, "its header is damaged", AGAIN) from err
    if not isinstance(header, Mapping) or not header:
        raise CheckpointError("E-CKPT-CORRUPT", name, "its header names no tensors", AGAIN)
    if len(header) > MOST:
        raise CheckpointError("E-CKPT-STRUCTURE", name, f"it holds {MOST:,} entries or more", "Save fewer")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise ValueError("a name stands twice")
    return names
