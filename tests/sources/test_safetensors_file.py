"""Safetensors: read where the header is in order, one clear error where it is not."""

import json
import struct
from io import BytesIO

import pytest
import torch
from safetensors.torch import save

from reportgen.contracts import Weights
from reportgen.errors import CheckpointError
from reportgen.sources import safetensors_file

GOOD = save({"fc.0.weight": torch.arange(6.0).view(2, 3), "fc.0.bias": torch.ones(2).half()})


def load(data: bytes, state_key: str | None = None) -> Weights:
    return safetensors_file.load(BytesIO(data), "a.safetensors", "abc", state_key)


def made(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def entry(start: int, end: int, shape: list[int], kind: str = "F32") -> dict[str, object]:
    return {"dtype": kind, "shape": shape, "data_offsets": [start, end]}


def test_reads_what_the_library_wrote() -> None:
    weights = load(GOOD)
    assert weights.tensors["fc.0.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert weights.tensors["fc.0.bias"].dtype == torch.float32
    assert [key for key, _ in weights.notes] == ["note.cast", "note.no_checksum"]
    assert safetensors_file.looks_like(GOOD[:1024])


def test_metadata_is_no_tensor() -> None:
    header = {"__metadata__": {"author": "<script>"}, "a": entry(0, 4, [1])}
    assert list(load(made(header, b"\0" * 4)).tensors) == ["a"]


BROKEN = {
    "length of 2^64 - 1": made(b"{}", length=2**64 - 1),
    "length over the limit": made(b"{}", length=100_000_001),
    "no JSON": made(b'{"a": '),
    "no UTF-8": made(b'{"\xff": 1}'),
    "overlap": made({"a": entry(0, 8, [2]), "b": entry(4, 12, [2])}, b"\0" * 12),
    "hole": made({"a": entry(0, 4, [1]), "b": entry(8, 12, [1])}, b"\0" * 12),
    "past the end": made({"a": entry(0, 4096, [1024])}, b"\0" * 4),
    "shape that overflows": made({"a": entry(0, 4, [2**62, 8])}, b"\0" * 4),
    "a name twice": made(b'{"a":%s,"a":%s}' % ((json.dumps(entry(0, 4, [1])).encode(),) * 2), b"\0" * 4),
    "negative": made({"a": entry(-4, 0, [1])}, b"\0" * 4),
    "cut": GOOD[:-3],
    "unknown kind": made({"a": entry(0, 4, [1], "Q9")}, b"\0" * 4),
    "shape of another size": made({"a": entry(0, 4, [2])}, b"\0" * 4),
    "seven bytes": b"\1\0\0\0\0\0\0",
    "deep": made(b"[" * 100_000),
    "a list": made([1]),
    "nothing": made({}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_damaged_file_is_one_error(name: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        load(BROKEN[name])
    assert caught.value.code == "E-CKPT-CORRUPT"
    assert len(caught.value.line()) < 300


def test_numbers_that_are_not_finite_are_named() -> None:
    with pytest.raises(CheckpointError, match=r"1 of 2 numbers of a"):
        load(save({"a": torch.tensor([1.0, float("nan")])}))


def test_a_set_side_by_side_can_be_asked_for() -> None:
    both = save({"a.x": torch.ones(1), "b.x": torch.zeros(1)})
    assert load(both, "b").tensors["x"].tolist() == [0]
