"""From an open file that torch.save wrote to named tensors: always with `weights_only=True`, and no way round it."""

import pickle
import re
import warnings
import zipfile
from pathlib import Path
from typing import BinaryIO, Final

import torch

from reportgen.contracts import Weights
from reportgen.errors import CheckpointError, EnvironmentProblem
from reportgen.excerpts import shortened
from reportgen.shortages import FREE_MEMORY, raise_shortage
from reportgen.sources.beside import kept_unread
from reportgen.sources.metadata import classes_of, recipe_of
from reportgen.sources.statedicts import Notes, as_float32, check_tensors, find_weights, without_prefixes
from reportgen.sources.structure import check_structure
from reportgen.sources.tasting import taste

PICKLE_READ: Final = 2**20  # bytes of the pickle searched for the marks of a module
MODULE_MARKS: Final = (b"_parameters", b"_modules", b"_buffers")


def load(file: BinaryIO, name: str, sha256: str, state_key: str | None = None) -> Weights:
    """The weights in the file, read from its beginning.

    state_key: which set to take where it holds several.
    Raises CheckpointError where torch refuses or cannot read it, where there is no state_dict in it, or where a
    tensor is no plain finite array.
    """
    content, zipped = _content(file, name)
    check_structure(content, name, file.seek(0, 2))
    found, unwrapped = find_weights(content, name, state_key)
    stripped, prefixed = without_prefixes(found)
    tensors, cast = as_float32(stripped)
    check_tensors(tensors, name)
    unchecked: Notes = () if zipped else (("note.no_checksum", {}),)
    notes = (*unwrapped, *prefixed, *cast, *unchecked)
    return Weights(name, sha256, tensors, classes_of(content), notes, recipe_of(content))


def _content(file: BinaryIO, name: str) -> tuple[object, bool]:
    """What the file holds, and whether it is a zip archive."""
    size = file.seek(0, 2)
    file.seek(0)
    zipped = file.read(2) == b"PK"
    file.seek(0)
    try:
        with warnings.catch_warnings(), kept_unread():
            warnings.simplefilter("ignore")  # advice of torch to whoever wrote the file
            taste(lambda: _read_apart(file), name, size)
            return _read(file), zipped
    except (CheckpointError, EnvironmentProblem):
        raise
    except Exception as err:
        raise_shortage(err, name)
        asked = re.search(r"tried to allocate (\d+) bytes", str(err))
        if asked and int(asked[1]) <= size:  # more than the file holds is what a broken one asks for
            why = "the memory does not suffice to load it"
            raise EnvironmentProblem("E-MEMORY", name, why, FREE_MEMORY) from err
        # torch's own text advises the unsafe switch, so none of it is passed on but the name it stumbled over. In a
        # zip the checksums were right: what its unpickler refuses there is not damage.
        named = re.search(r"GLOBAL ([\w.]+)", str(err))
        if isinstance(err, pickle.UnpicklingError) and (zipped or named or "Unsupported" in str(err)):
            raise _unsafe(file, name, named[1] if named else "") from err
        why = "the file is damaged, cut short, or too large for the memory"
        raise CheckpointError("E-CKPT-CORRUPT", name, why, "Download or copy it again") from err


def _read(file: BinaryIO) -> object:
    return torch.load(file, map_location="cpu", weights_only=True)


def _read_apart(file: BinaryIO) -> object:
    """In a fork, which would else move the place in the file that both read from."""
    with Path(file.name).open("rb") as own:
        return _read(own)


def _unsafe(file: BinaryIO, name: str, stumbled: str) -> CheckpointError:
    named = f" ({shortened(stumbled)})" if stumbled else ""
    if _holds_module(file):
        why = f"this is a whole model{named}, saved with its code's names, and loading it could run code"
        fix = (
            "On a machine where you trust the file and have that code: import it, model = torch.load(...) without the "
            'safe mode, torch.save(model.state_dict(), "weights.pth")'
        )
        return CheckpointError("E-CKPT-MODULE", name, why, fix)
    why = f"this holds more than weights{named}: other objects, and loading them could run code"
    fix = (
        "On a machine where you trust the file, load it there and save only "
        'torch.save(model.state_dict(), "weights.pth")'
    )
    return CheckpointError("E-CKPT-UNSAFE", name, why, fix)


def _holds_module(file: BinaryIO) -> bool:
    """Whether the pickle bears the marks of a torch module; it is read as bytes, not opened."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            member = next(each for each in archive.namelist() if each.rpartition("/")[2] == "data.pkl")
            with archive.open(member) as pickled:
                data = pickled.read(PICKLE_READ)
    except (zipfile.BadZipFile, StopIteration, OSError, RuntimeError):
        file.seek(0)
        data = file.read(PICKLE_READ)
    return all(mark in data for mark in MODULE_MARKS)
