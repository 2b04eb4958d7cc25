"""Seeded damage: a mutant of a good file is loaded or refused in one line, and a flipped bit is never explained."""

import random
import re
from io import BytesIO
from pathlib import Path

import pytest
import torch
from made_networks import TwoParts, head, ignored, settled, stages
from safetensors.torch import save as save_safetensors
from torch import Tensor

from reportgen import sources
from reportgen.errors import InputRefused

STATE = {key: t.contiguous() for key, t in settled(TwoParts(stages([[2], [2]]), head(2 * 64))).state_dict().items()}


def torch_bytes(content: object, legacy: bool = False) -> bytes:
    stream = BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=not legacy)
    return stream.getvalue()


GOOD = {
    "zip": torch_bytes(STATE),
    "legacy": torch_bytes(STATE, legacy=True),
    "wrapped": torch_bytes({"model_state_dict": STATE, "epoch": 3, "optimizer": {"lr": [0.1]}}),
    "safetensors": save_safetensors(STATE),
}


def mutant(rng: random.Random, good: bytes) -> bytes:
    """The file with bits flipped, cut, overwritten, shortened, lengthened, or a byte changed near its start."""
    data = bytearray(good)
    place, length = rng.randrange(len(data)), rng.randint(1, 64)
    match rng.randrange(6):
        case 0:
            for _ in range(rng.randint(1, 8)):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        case 1:
            del data[place:]
        case 2:
            data[place : place + length] = rng.randbytes(length)
        case 3:
            del data[place : place + length]
        case 4:
            data[place:place] = rng.randbytes(length)
        case _:
            data[rng.randrange(1500)] = rng.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("kind", GOOD)
def test_a_mutant_is_loaded_or_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    rng, path = random.Random(7), tmp_path / "a.pth"
    lines = []
    for _ in range(150):
        path.write_bytes(mutant(rng, GOOD[kind]))
        try:
            sources.load(path, None, ignored)
        except InputRefused as err:
            lines.append(err.line())
    assert len(lines) > 50
    assert [line for line in lines if len(line) > 700 or re.search(r"Traceback|weights_only|[\x00-\x1f]", line)] == []


def tensors_of(data: bytes) -> dict[str, Tensor] | None:
    """What torch itself reads, None where it refuses."""
    try:
        content: dict[str, Tensor] = torch.load(BytesIO(data), weights_only=True)
    except Exception:
        return None
    return content


def test_a_bit_flipped_in_a_zip_is_never_explained(tmp_path: Path) -> None:
    rng, path = random.Random(3), tmp_path / "a.pth"
    changed = refused = 0
    for _ in range(300):
        data = bytearray(GOOD["zip"])
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        read = tensors_of(bytes(data))
        if read is None or (read.keys() == STATE.keys() and all(torch.equal(read[key], STATE[key]) for key in STATE)):
            continue
        changed += 1
        path.write_bytes(data)
        try:
            sources.load(path, None, ignored)
        except InputRefused as err:
            refused += err.code == "E-CKPT-CORRUPT"
    assert changed > 20
    assert refused == changed
