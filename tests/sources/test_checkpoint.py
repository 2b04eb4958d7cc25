"""A checkpoint becomes named float32 tensors, however it was saved, and never runs code."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from made_networks import saved
from torch import Tensor

from reportgen.contracts import Weights
from reportgen.errors import CheckpointError
from reportgen.language import load_words
from reportgen.phrasing import noted
from reportgen.sources import checkpoint

TENSORS = {"cnn.0.weight": torch.arange(54.0).reshape(2, 3, 3, 3), "fc.0.bias": torch.tensor([1.5, -2.0])}


def load(path: Path) -> Weights:
    with path.open("rb") as file:
        return checkpoint.load(file, path.name, "abc")


def refusal(path: Path) -> CheckpointError:
    with pytest.raises(CheckpointError) as caught:
        load(path)
    # torch's own messages advise the unsafe switch and hold control characters.
    assert "weights_only" not in caught.value.line()
    assert "\n" not in caught.value.line()
    return caught.value


def assert_same(weights: Weights) -> None:
    assert weights.tensors.keys() == TENSORS.keys()
    for key, tensor in weights.tensors.items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, TENSORS[key])


def said(weights: Weights) -> str:
    return " ".join(sentence.text for sentence in noted(load_words(), weights.notes))


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_reads_a_plain_state_dict(legacy: bool, tmp_path: Path) -> None:
    weights = load(saved(TENSORS, tmp_path / "a.pth", legacy))
    assert_same(weights)
    assert (weights.file, weights.sha256, weights.notes) == ("a.pth", "abc", ())


@pytest.mark.parametrize("key", ["model_state_dict", "state_dict", "net", "model"])
def test_finds_the_weights_under_the_usual_keys(key: str, tmp_path: Path) -> None:
    weights = load(saved({"epoch": 3, key: TENSORS, "optimizer": {"lr": 0.1}}, tmp_path / "a.pth"))
    assert_same(weights)
    assert f"under the key {key}" in said(weights)


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "module.module."]
)
def test_removes_the_prefixes_of_wrappers(prefix: str, tmp_path: Path) -> None:
    weights = load(saved({prefix + key: tensor for key, tensor in TENSORS.items()}, tmp_path / "a.pth"))
    assert_same(weights)
    assert f"prefix {prefix} was removed" in said(weights)


def test_keeps_a_prefix_that_not_every_key_has(tmp_path: Path) -> None:
    weights = load(saved({"module.a": torch.ones(1), "b": torch.ones(1)}, tmp_path / "a.pth"))
    assert list(weights.tensors) == ["module.a", "b"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_brings_other_precisions_to_float32(dtype: torch.dtype, tmp_path: Path) -> None:
    weights = load(saved({key: tensor.to(dtype) for key, tensor in TENSORS.items()}, tmp_path / "a.pth"))
    assert_same(weights)
    assert str(dtype).removeprefix("torch.") in said(weights)


def test_leaves_whole_numbers_alone(tmp_path: Path) -> None:
    weights = load(saved({"bn.num_batches_tracked": torch.tensor(7)}, tmp_path / "a.pth"))
    assert weights.tensors["bn.num_batches_tracked"].dtype == torch.int64


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_reads_tensors_of_a_gpu_on_a_machine_without_one(
    legacy: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")  # noqa: ARG005 - torch's signature
        path = saved(TENSORS, tmp_path / "a.pth", legacy)
    assert b"cuda:0" in path.read_bytes()
    assert_same(load(path))


def test_takes_class_names_that_lie_beside_the_weights(tmp_path: Path) -> None:
    path = saved({"state_dict": TENSORS, "classes": ["Bread ", "Soup"]}, tmp_path / "a.pth")
    assert load(path).classes == ("Bread", "Soup")


@pytest.mark.parametrize("classes", [[1, 2], "ab", ["one"], ["", "b"], ["x" * 201, "b"], {"a": 0}])
def test_passes_over_what_does_not_look_like_class_names(classes: object, tmp_path: Path) -> None:
    assert load(saved({"state_dict": TENSORS, "classes": classes}, tmp_path / "a.pth")).classes == ()


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = str(canary)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (self.canary,)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("wrap", ["alone", "beside good weights", "as a tensor"])
def test_never_runs_code(
    legacy: bool, forced: bool, wrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if forced:
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    evil = Evil(tmp_path / "canary")
    contents = {"alone": evil, "beside good weights": {**TENSORS, "extra": evil}, "as a tensor": {"state_dict": evil}}
    path = saved(contents[wrap], tmp_path / "a.pth", legacy)
    error = refusal(path)
    assert error.code == "E-CKPT-UNSAFE"
    assert "mkdir" in error.why
    assert "torch.save(model.state_dict()" in error.fix
    assert not (tmp_path / "canary").exists()
    torch.load(path, weights_only=False)  # the payload does work
    assert (tmp_path / "canary").exists()


def test_refuses_a_whole_module_with_the_way_out(tmp_path: Path) -> None:
    error = refusal(saved(torch.nn.Linear(2, 2), tmp_path / "a.pth"))
    assert error.code == "E-CKPT-UNSAFE"
    assert "model.state_dict()" in error.fix


BAD_NUMBERS = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


@pytest.mark.parametrize("name", BAD_NUMBERS)
def test_names_the_tensor_that_is_not_finite(name: str, tmp_path: Path) -> None:
    bad = TENSORS["cnn.0.weight"].clone()
    bad[0, 0, 0, :2] = BAD_NUMBERS[name]
    error = refusal(saved({**TENSORS, "cnn.0.weight": bad}, tmp_path / "a.pth"))
    assert error.code == "E-CKPT-NAN"
    assert "2 of 54 numbers of cnn.0.weight" in error.why


UNUSABLE: dict[str, Callable[[], Tensor]] = {
    "sparse": lambda: torch.eye(3).to_sparse(),
    "complex": lambda: torch.ones(2, dtype=torch.complex64),
    "meta device": lambda: torch.empty(2, device="meta"),
    "larger than the numbers": lambda: torch.ones(1).expand(1000, 1000),
}


@pytest.mark.parametrize("told", UNUSABLE)
def test_refuses_tensors_that_are_no_plain_arrays(told: str, tmp_path: Path) -> None:
    error = refusal(saved({**TENSORS, "odd": UNUSABLE[told]()}, tmp_path / "a.pth"))
    assert error.code == "E-CKPT-TENSOR"
    assert "odd is" in error.why
    assert told in error.why


WITHOUT_WEIGHTS: dict[str, tuple[object, str]] = {
    "list": ([torch.ones(1)], "holds a list"),
    "tensor": (torch.ones(1), "holds a Tensor"),
    "empty": ({}, "an empty dictionary"),
    "no tensors": ({"epoch": 1, "lr": 0.1}, "only epoch, lr"),
    "whole numbers as keys": ({0: torch.ones(1)}, "only 0"),
    "elsewhere": ({"ema": TENSORS, "epoch": 1}, "under ema"),
    "empty under the usual key": ({"state_dict": {}}, "only state_dict"),
}


@pytest.mark.parametrize("name", WITHOUT_WEIGHTS)
def test_says_what_is_there_where_no_weights_are(name: str, tmp_path: Path) -> None:
    content, told = WITHOUT_WEIGHTS[name]
    error = refusal(saved(content, tmp_path / "a.pth"))
    assert error.code == "E-CKPT-KEYS"
    assert told in error.why


def test_does_not_choose_between_two_sets_of_weights(tmp_path: Path) -> None:
    error = refusal(saved({"model": TENSORS, "net": TENSORS}, tmp_path / "a.pth"))
    assert error.code == "E-CKPT-AMBIGUOUS"
    assert "net and model" in error.why


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_cut_short_is_one_error(legacy: bool, share: float, tmp_path: Path) -> None:
    path = saved(TENSORS, tmp_path / "a.pth", legacy)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert refusal(path).code == "E-CKPT-CORRUPT"


def test_garbage_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(pickle.dumps([1, 2]) + bytes(range(256)))
    assert refusal(tmp_path / "a.pth").code in ("E-CKPT-CORRUPT", "E-CKPT-UNSAFE")


def test_long_keys_are_cut() -> None:
    with pytest.raises(CheckpointError) as caught:
        checkpoint.check_tensors({"k" * 500: torch.tensor([float("nan")])}, "a.pth")
    assert "k" * 77 + "..." in caught.value.why
    assert "k" * 78 not in caught.value.why
