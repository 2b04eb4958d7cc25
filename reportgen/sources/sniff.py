"""What a file is by its first bytes, so that the frequent wrong files get a sentence of their own.

The zip's checksums are tested here too: torch does not, and most single flipped bits load as other weights.
"""

import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final

from reportgen.errors import CheckpointError
from reportgen.excerpts import shortened
from reportgen.shortages import raise_shortage
from reportgen.sources import safetensors_file

HEAD: Final = 1024  # bytes
LARGEST: Final = 2**35  # bytes; no classifier comes near, and the hash of an endless file would take for ever
ZIP: Final = b"PK\x03\x04"
LEGACY: Final = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"  # torch.save before 1.6: a pickled number
RESAVE: Final = (
    'On a machine where you trust the file, load it there and run torch.save(model.state_dict(), "weights.pth")'
)
REBUILD: Final = "Give a network of PyTorch, or rebuild it there"
DOWNLOAD: Final = "Download or copy it again"


@dataclass(frozen=True)
class WrongFile:
    """A kind of file that is often given instead of weights: how it starts, and what to tell."""

    start: bytes
    code: str
    why: str
    fix: str


WRONG_FILES: Final = (
    WrongFile(
        b"version https://git-lfs", "E-CKPT-LFS", "this is a Git LFS pointer, not weights", "Run: git lfs pull"
    ),
    WrongFile(
        b"<!doctype html", "E-CKPT-HTML", "this is a web page, not weights", "Download the file itself, not its page"
    ),
    WrongFile(b"<html", "E-CKPT-HTML", "this is a web page, not weights", "Download the file itself, not its page"),
    WrongFile(b"\x93numpy", "E-CKPT-KIND", "this is a numpy array, not a file that torch.save wrote", RESAVE),
    WrongFile(b"\x89hdf\r\n", "E-CKPT-KIND", "this is an HDF5 (Keras) file; its layers are not torch's", REBUILD),
    WrongFile(b"\x1f\x8b", "E-CKPT-KIND", "this is a gzip archive, not weights", "Unpack it and give the file inside"),
    WrongFile(b"bzh", "E-CKPT-KIND", "this is a bzip2 archive, not weights", "Unpack it and give the file inside"),
    WrongFile(b"\xfd7zxz", "E-CKPT-KIND", "this is an xz archive, not weights", "Unpack it and give the file inside"),
    WrongFile(b"7z\xbc\xaf", "E-CKPT-KIND", "this is a 7z archive, not weights", "Unpack it and give the file inside"),
    WrongFile(b"rar!", "E-CKPT-KIND", "this is a rar archive, not weights", "Unpack it and give the file inside"),
    WrongFile(b"%pdf-", "E-CKPT-KIND", "this is a PDF, not weights", "Give the file that torch.save wrote"),
    WrongFile(b"\x89png", "E-CKPT-KIND", "this is a picture, not weights", "Give pictures with --images"),
    WrongFile(b"\xff\xd8\xff", "E-CKPT-KIND", "this is a picture, not weights", "Give pictures with --images"),
)  # fmt: skip


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """The regular file, open for reading.

    Raises CheckpointError for anything else; a pipe or a device would otherwise be read for ever.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open(path, "rb", opener=_at_once))
        except FileNotFoundError as err:
            raise CheckpointError("E-CKPT-MISSING", str(path), "there is no such file", "Check the path") from err
        except (OSError, ValueError) as err:
            raise_shortage(err, str(path))
            folder = isinstance(err, IsADirectoryError)
            why = "this is a folder, not a checkpoint" if folder else "the file cannot be opened"
            fix = "Give the file inside it that holds the weights" if folder else "Check its permissions"
            raise CheckpointError("E-CKPT-FILE", str(path), why, fix) from err
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            why = "this is a pipe or a device, not a regular file"
            raise CheckpointError("E-CKPT-FILE", str(path), why, "Write the weights to a file first")
        if status.st_size > LARGEST:
            why = f"the file has {status.st_size:,} bytes, and at most {LARGEST:,} are read"
            raise CheckpointError("E-CKPT-LARGE", str(path), why, "Save the weights alone")
        yield file


def check(file: BinaryIO, name: str) -> None:
    """Refuse what cannot be a file that `torch.save` wrote, or is damaged. The position is 0 before and after.

    Raises CheckpointError with a sentence for the kind of file.
    """
    head = file.read(HEAD)
    file.seek(0)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not head:
        raise CheckpointError("E-CKPT-EMPTY", name, "the file is empty", DOWNLOAD)
    for wrong in WRONG_FILES:
        if start.startswith(wrong.start):
            raise CheckpointError(wrong.code, name, wrong.why, wrong.fix)
    if head.startswith(ZIP):
        _check_zip(file, name)
        file.seek(0)
    elif not head.startswith(LEGACY) and not safetensors_file.looks_like(head):
        raise _not_torch(head, name)


def _at_once(path: str, flags: int) -> int:
    # Opening a pipe waits for its writer unless told not to; Windows has neither such pipes nor the flag.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _check_zip(file: BinaryIO, name: str) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            _check_members(archive.infolist(), name)
            damaged = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as err:
        raise_shortage(err, name)
        raise CheckpointError("E-CKPT-CORRUPT", name, "the file is damaged or cut short", DOWNLOAD) from err
    if damaged is not None:
        raise CheckpointError("E-CKPT-CORRUPT", name, "the file is damaged: a checksum inside is wrong", DOWNLOAD)


def _check_members(members: list[zipfile.ZipInfo], name: str) -> None:
    names = [member.filename.rpartition("/")[2] for member in members]
    if "constants.pkl" in names:
        why = "this is a TorchScript archive, which holds code besides the weights"
        raise CheckpointError("E-CKPT-TORCHSCRIPT", name, why, RESAVE)
    if "archive_format" in names:
        raise CheckpointError("E-CKPT-EXPORT", name, "this is an archive of torch.export, which holds code", RESAVE)
    if "model.weights.h5" in names:
        why = "this is a Keras model; its layers are not torch's"
        raise CheckpointError("E-CKPT-KERAS", name, why, "Give a network of PyTorch, or rebuild it there")
    if names and all(each.endswith(".npy") for each in names):
        why = "this is a numpy archive (.npz), not a file that torch.save wrote"
        fix = "Turn the arrays into a state_dict with torch.from_numpy, and torch.save that"
        raise CheckpointError("E-CKPT-NUMPY", name, why, fix)
    if inside := [each for each in names if each.endswith((".pth", ".pt", ".ckpt", ".safetensors", ".bin"))]:
        why = f"this is a zip archive with {shortened(inside[0])} in it"
        raise CheckpointError("E-CKPT-KIND", name, why, "Unpack it and give the file inside")
    if "data.pkl" not in names:
        raise CheckpointError("E-CKPT-KIND", name, "this is a zip archive without weights of torch in it", RESAVE)
    # torch.save packs nothing; a packed member may be thousands of times larger than the file.
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise CheckpointError("E-CKPT-PACKED", name, "its contents were compressed, as torch.save never does", RESAVE)
    if len({member.filename.partition("/")[0] for member in members}) > 1:
        raise CheckpointError("E-CKPT-CORRUPT", name, "the archive holds more than one folder", DOWNLOAD)
    if len({member.filename for member in members}) < len(members):
        raise CheckpointError("E-CKPT-CORRUPT", name, "the archive holds two files of one name", DOWNLOAD)


def _not_torch(head: bytes, name: str) -> CheckpointError:
    """The error for a file that is neither of the two formats of torch.save nor one of WRONG_FILES."""
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        if b"numpy" in head:
            why = "this is a raw pickle of numpy arrays, not a file that torch.save wrote"
        else:
            why = "this is a raw pickle, not a file that torch.save wrote"
        fix = (
            "A pickle can run code, so it is not opened here: on a machine where you trust it, load it, turn the "
            "arrays into a state_dict with torch.from_numpy, and torch.save that"
        )
        return CheckpointError("E-CKPT-PICKLE", name, why, fix)
    if head[257:262] == b"ustar":
        return CheckpointError("E-CKPT-KIND", name, "this is a tar archive, not a file that torch.save wrote", RESAVE)
    if head[4:8] == b"TFL3":
        why = "this is a TensorFlow Lite model; its layers are not torch's"
        return CheckpointError("E-CKPT-KIND", name, why, "Give a network of PyTorch, or rebuild it there")
    if head[:1] == b"\x08" and head[2:3] in (b"\x12", b"\x1a") and (b"onnx" in head or b"pytorch" in head):
        why = "this is an ONNX graph, which holds a program besides the weights"
        fix = "Give the checkpoint that it was exported from, with --arch"
        return CheckpointError("E-CKPT-ONNX", name, why, fix)
    return CheckpointError("E-CKPT-KIND", name, "this is not a file that torch.save wrote", RESAVE)
