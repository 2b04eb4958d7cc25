"""Wrong files get a sentence of their own, and damage is found before torch sees the file."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch
from made_networks import saved

from reportgen.errors import CheckpointError
from reportgen.sources import sniff

LEGACY = {False: "zip", True: "legacy"}


def check(path: Path) -> None:
    with sniff.opened(path) as file:
        sniff.check(file, path.name)
        assert file.tell() == 0


def refusal(path: Path) -> CheckpointError:
    with pytest.raises(CheckpointError) as caught:
        check(path)
    return caught.value


def zipped(names: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, data in names.items():
            archive.writestr(name, data)
    return content.getvalue()


def tarred() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("storages"), io.BytesIO())
    return content.getvalue()


@pytest.mark.parametrize("legacy", LEGACY, ids=LEGACY.values())
def test_passes_what_torch_saved(legacy: bool, tmp_path: Path) -> None:
    check(saved({"a": torch.ones(3)}, tmp_path / "a.pth", legacy))


WRONG = {
    "empty": (b"", "E-CKPT-EMPTY", "empty"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "E-CKPT-LFS", "git lfs pull"),
    "html": (b"\n <!DOCTYPE html><title>Sign in</title>", "E-CKPT-HTML", "web page"),
    "html with byte order mark": (b"\xef\xbb\xbf<html>", "E-CKPT-HTML", "web page"),
    "numpy": (b"\x93NUMPY\x01\x00", "E-CKPT-KIND", "numpy"),
    "keras": (b"\x89HDF\r\n\x1a\n", "E-CKPT-KIND", "Keras"),
    "gzip": (b"\x1f\x8b\x08\x00", "E-CKPT-KIND", "gzip"),
    "picture": (b"\x89PNG\r\n\x1a\n", "E-CKPT-KIND", "--images"),
    "photograph": (b"\xff\xd8\xff\xe0", "E-CKPT-KIND", "--images"),
    "pickle": (b"\x80\x04\x95\x00", "E-CKPT-PICKLE", "raw pickle"),
    "pickle of arrays": (b"\x80\x03cnumpy.core.multiarray\n_reconstruct", "E-CKPT-PICKLE", "numpy arrays"),
    "tar": (tarred(), "E-CKPT-KIND", "tar archive"),
    "onnx": (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0", "E-CKPT-ONNX", "ONNX"),
    "tflite": (b"\x1c\x00\x00\x00TFL3\x14\x00", "E-CKPT-KIND", "TensorFlow Lite"),
    "keras 3": (zipped({"config.json": b"{}", "model.weights.h5": b""}), "E-CKPT-KERAS", "Keras"),
    "npz": (zipped({"a.npy": b"", "b.npy": b""}), "E-CKPT-NUMPY", "numpy archive"),
    "zip with a checkpoint": (zipped({"runs/best.pth": b""}), "E-CKPT-KIND", "best.pth"),
    "two folders": (zipped({"m/data.pkl": b"", "n/version": b"3"}), "E-CKPT-CORRUPT", "more than one folder"),
    "xz": (b"\xfd7zXZ\x00", "E-CKPT-KIND", "xz archive"),
    "text": (b"hello", "E-CKPT-KIND", "not a file that torch.save wrote"),
    "other zip": (zipped({"a.txt": b"x"}), "E-CKPT-KIND", "zip archive without weights"),
    "script": (zipped({"m/data.pkl": b"", "m/constants.pkl": b""}), "E-CKPT-TORCHSCRIPT", "TorchScript"),
    "export": (zipped({"m/archive_format": b"pt2"}), "E-CKPT-EXPORT", "torch.export"),
    "packed": (zipped({"m/data.pkl": b"0" * 999}, zipfile.ZIP_DEFLATED), "E-CKPT-PACKED", "compressed"),
    "cut": (zipped({"m/data.pkl": b"0" * 999})[:500], "E-CKPT-CORRUPT", "cut short"),
}


@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_file_has_its_sentence(name: str, tmp_path: Path) -> None:
    content, code, told = WRONG[name]
    (tmp_path / "a.pth").write_bytes(content)
    error = refusal(tmp_path / "a.pth")
    assert error.code == code
    assert told in error.line()


def test_one_flipped_bit_in_a_weight_is_found(tmp_path: Path) -> None:
    path = saved({"a": torch.full((1000,), 0.123)}, tmp_path / "a.pth")
    content = bytearray(path.read_bytes())
    content[content.index(torch.full((1000,), 0.123).numpy().tobytes()) + 2000] ^= 4
    path.write_bytes(content)
    assert not torch.load(path, weights_only=True)["a"].eq(0.123).all()  # torch itself does not see it
    error = refusal(path)
    assert error.code == "E-CKPT-CORRUPT"
    assert "checksum" in error.why


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("m/data.pkl", b"good")
        archive.writestr("m/data.pkl", b"evil")
    assert "two files of one name" in refusal(tmp_path / "a.pth").why


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.pth").code == "E-CKPT-MISSING"
    assert "folder" in refusal(tmp_path).why


def test_name_with_a_nul_is_no_crash() -> None:
    assert refusal(Path("a\0b")).code == "E-CKPT-FILE"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.pth")
    assert "pipe" in refusal(tmp_path / "a.pth").why


def test_safetensors_pass(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(b'\x40\x00\x00\x00\x00\x00\x00\x00{"a":{}}')
    check(tmp_path / "a.pth")


def test_a_file_larger_than_any_checkpoint_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sniff, "LARGEST", 10)
    error = refusal(saved({"a": torch.ones(3)}, tmp_path / "a.pth"))
    assert error.code == "E-CKPT-LARGE"
    assert "at most 10" in error.why
