"""A checkpoint becomes named float32 tensors, however it was saved, and never runs code."""

import argparse
import datetime
import os
import pickle
import signal
import sys
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from made_networks import saved
from torch import Tensor

from reportgen.contracts import Weights
from reportgen.errors import CheckpointError, EnvironmentProblem
from reportgen.language import load_words
from reportgen.phrasing import noted
from reportgen.sources import checkpoint, statedicts, structure, tasting
from reportgen.sources.beside import Kept, kept_unread

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
    assert (weights.file, weights.sha256) == ("a.pth", "abc")
    assert weights.notes == ((("note.no_checksum", {}),) if legacy else ())


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


class DictConfig:
    """As OmegaConf keeps settings."""

    def __init__(self, **content: object) -> None:
        self._metadata = {"element_type": Any, "key_type": int, "resolver_cache": defaultdict(dict)}
        self._content = content


BESIDE = {
    "a command line": argparse.Namespace(lr=0.1, out=Path("runs"), more=argparse.Namespace(steps=[1, {"a": 2}])),
    "a path": Path("runs") / "a",
    "numbers of numpy": [np.float64(0.9), np.float32(0.9), np.int64(3), np.bool_(True)],
    "settings": DictConfig(lr=0.1),
}


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("kept", BESIDE)
def test_what_a_training_script_keeps_beside_the_weights_is_no_hindrance(
    kept: str, legacy: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DictConfig, "__module__", name := "omegaconf.dictconfig")
    with monkeypatch.context() as where_it_is_saved:
        for part in ("omegaconf", name):
            where_it_is_saved.setitem(sys.modules, part, ModuleType(part))
        where_it_is_saved.setattr(sys.modules[name], "DictConfig", DictConfig, raising=False)
        path = saved({"model": TENSORS, "args": BESIDE[kept]}, tmp_path / "a.pth", legacy)
    assert torch.equal(load(path).tensors["cnn.0.weight"], TENSORS["cnn.0.weight"])


def test_what_is_kept_unread_is_held_by_nothing() -> None:
    """Neither the libraries named nor what the file says of such an object come into the process."""
    with kept_unread():
        allowed = torch.serialization.get_safe_globals()
    assert {each[0] for each in allowed if isinstance(each, tuple)} == {Kept}
    kept = Kept("runs", lr=0.1)
    kept.__setstate__({"b": 2})
    assert vars(kept) == {}


def crafted(pickled: bytes, path: Path) -> Path:
    """A file as torch.save writes it around any pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + pickled + b".")
        archive.writestr("archive/byteorder", "little")
        archive.writestr("archive/version", "3\n")
    return path


def named(text: str) -> bytes:
    return b"X" + len(text).to_bytes(4, "little") + text.encode()


NAMESPACE = b"cargparse\nNamespace\n)R"
TWICE = b")q\x00" + b"".join(b"h%ch%c\x86q%c" % (level, level, level + 1) for level in range(60))
MONSTERS = {
    "crashes Python": b"})" + b"\x85" * 300_000 + b"K\x01s",
    "comes to no end": b"cbuiltins\nset\n](" + TWICE + b"e\x85R",
    "more memory": b"cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R",
}


@pytest.mark.skipif(sys.platform != "linux", reason="needs a fork, and a bound on memory that holds")
@pytest.mark.parametrize("told", MONSTERS)
def test_what_hangs_or_crashes_its_reader_is_refused(
    told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if told == "comes to no end":
        monkeypatch.setattr(tasting, "SECONDS", 1)
    error = refusal(crafted(MONSTERS[told], tmp_path / "a.pth"))
    assert error.code == "E-CKPT-STRUCTURE"
    assert told in error.why


@pytest.mark.skipif(sys.platform != "linux", reason="needs a fork that is safe")
def test_a_reader_that_the_system_killed_says_nothing_about_the_file(tmp_path: Path) -> None:
    path = saved(TENSORS, tmp_path / "a.pth")
    with pytest.raises(EnvironmentProblem, match="stopped the process that read it") as caught:
        tasting.taste(lambda: os.kill(os.getpid(), signal.SIGKILL), path.name, path.stat().st_size)
    assert (caught.value.code, caught.value.exit_code) == ("E-MEMORY", 4)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a fork that is safe")
def test_where_children_leave_no_status_a_file_is_read_all_the_same(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert_same(load(saved(TENSORS, tmp_path / "a.pth")))
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_where_no_process_may_be_added_a_file_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refused, raising=False)
    assert_same(load(saved(TENSORS, tmp_path / "a.pth")))


@pytest.mark.parametrize("pickled", [NAMESPACE, b"}" + NAMESPACE + b"K\x01s", b"}" + named("model") + NAMESPACE + b"s"])
def test_what_is_left_unread_is_no_weights(pickled: bytes, tmp_path: Path) -> None:
    error = refusal(crafted(pickled, tmp_path / "a.pth"))
    assert error.code == "E-CKPT-KEYS"
    assert " at 0x" not in error.why  # the same words each time


@pytest.mark.parametrize("method", ["values", "items", "keys", "get"])
def test_a_dictionary_may_not_replace_its_methods(method: str, tmp_path: Path) -> None:
    hostile = b"ccollections\nOrderedDict\n)R}" + named(method) + b"Nsb"
    for content in (hostile, b"}" + named("more") + hostile + b"s"):
        error = refusal(crafted(content, tmp_path / "a.pth"))
        assert (error.code, f"{method} of one OrderedDict" in error.why) == ("E-CKPT-STRUCTURE", True)


@pytest.mark.parametrize("method", ["detach", "float", "numel"])
def test_a_tensor_may_not_replace_its_methods(method: str, tmp_path: Path) -> None:
    hostile = torch.ones(2)
    vars(hostile)[method] = "x"
    error = refusal(saved({**TENSORS, "odd": hostile}, tmp_path / "a.pth"))
    assert (error.code, f"{method} of one Tensor" in error.why) == ("E-CKPT-STRUCTURE", True)


def test_an_attribute_of_another_name_is_passed_over(tmp_path: Path) -> None:
    """As modules keep `_metadata` on what `state_dict()` gives."""
    content = OrderedDict(TENSORS)
    vars(content)["_metadata"] = {"": {"version": 1}}
    assert_same(load(saved(content, tmp_path / "a.pth")))


def test_names_what_it_does_not_know_beside_the_weights(tmp_path: Path) -> None:
    error = refusal(saved({"model": TENSORS, "when": datetime.date(2020, 1, 1)}, tmp_path / "a.pth"))
    assert (error.code, "(datetime.date)" in error.why) == ("E-CKPT-UNSAFE", True)


def test_arrays_of_numpy_are_not_left_unread(tmp_path: Path) -> None:
    """They may be the weights."""
    error = refusal(saved({"state_dict": {"weight": np.ones(3)}}, tmp_path / "a.pth"))
    assert (error.code, "_reconstruct" in error.why) == ("E-CKPT-UNSAFE", True)


@pytest.mark.filterwarnings("ignore:Couldn't retrieve source code")
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_refuses_a_whole_module_with_the_way_out(legacy: bool, tmp_path: Path) -> None:
    error = refusal(saved(torch.nn.Linear(2, 2), tmp_path / "a.pth", legacy))
    assert error.code == "E-CKPT-MODULE"
    assert "whole model" in error.why
    assert "model.state_dict()" in error.fix


def test_says_of_quantised_layers_that_they_are(tmp_path: Path) -> None:
    """As torch's dynamic quantisation saves a linear layer."""
    quantised = {
        "0.scale": torch.ones(()),
        "0._packed_params.dtype": torch.qint8,
        "0._packed_params._packed_params": (),
    }
    error = refusal(saved(quantised, tmp_path / "a.pth"))
    assert (error.code, error.why) == ("E-CKPT-TENSOR", "its layers are quantised (0._packed_params._packed_params)")


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
    "whole numbers as keys": ({0: torch.ones(1)}, "its keys are numbers (0)"),
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
    assert "model, net" in error.why
    assert "--state-key" in error.fix


def loaded(content: object, path: Path, state_key: str | None = None) -> Weights:
    with saved(content, path).open("rb") as file:
        return checkpoint.load(file, path.name, "abc", state_key)


OTHER = {key: tensor + 1 for key, tensor in TENSORS.items()}


@pytest.mark.parametrize("twin", ["ema", "model_ema", "state_dict_ema", "ema_state_dict", "params-ema"])
def test_of_a_moving_average_and_its_twin_the_twin_is_taken_and_said(twin: str, tmp_path: Path) -> None:
    weights = loaded({twin: OTHER, "state_dict": TENSORS}, tmp_path / "a.pth")
    assert_same(weights)
    assert f"moving average of the weights under {twin}" in said(weights)
    asked = loaded({twin: OTHER, "state_dict": TENSORS}, tmp_path / "a.pth", twin)
    assert torch.equal(asked.tensors["fc.0.bias"], OTHER["fc.0.bias"])


def test_twins_side_by_side(tmp_path: Path) -> None:
    both = {f"model.{k}": t for k, t in TENSORS.items()} | {f"ema_model.{k}": t for k, t in OTHER.items()}
    weights = loaded({"state_dict": both}, tmp_path / "a.pth")
    assert list(weights.tensors) == [f"model.{key}" for key in TENSORS]
    plain = loaded(both, tmp_path / "b.pth")
    assert list(plain.tensors) == [f"model.{key}" for key in TENSORS]
    for content in (both, {"state_dict": both}):
        asked = loaded(content, tmp_path / "b.pth", "ema_model")
        assert torch.equal(asked.tensors["fc.0.bias"], OTHER["fc.0.bias"])


def test_the_only_set_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    for key in ("student", "ema"):
        weights = loaded({key: TENSORS, "epoch": 1}, tmp_path / "a.pth")
        assert_same(weights)
        assert f"under the key {key}" in said(weights)


def test_a_set_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        loaded({"generator": TENSORS, "discriminator": OTHER}, tmp_path / "a.pth", "classifier")
    assert "no weights lie under classifier" in caught.value.why
    assert "generator, discriminator" in caught.value.fix


def test_the_input_that_a_checkpoint_tells_of_is_taken(tmp_path: Path) -> None:
    told = {"size": [96, 128], "channel_order": "bgr", "mean": [0.1, 0.2, 0.3], "std": [0.5]}
    recipe = loaded({"state_dict": TENSORS, "input": told}, tmp_path / "a.pth").recipe
    assert recipe is not None
    assert (recipe.size, recipe.channel_order, recipe.mean, recipe.std) == ((96, 128), "bgr", (0.1, 0.2, 0.3), (0.5,))


@pytest.mark.parametrize(
    "told",
    [
        3, {}, {"size": [1, 2]}, {"size": [128, "128"]}, {"channel_order": "gbr"}, {"mean": [1, 2]},
        {"mean": [float("nan")]}, {"std": [0.0]}, {"std": "123"}, {"size": [True, True]},
    ],
)  # fmt: skip
def test_an_input_that_makes_no_sense_is_passed_over(told: object, tmp_path: Path) -> None:
    assert loaded({"state_dict": TENSORS, "input": told}, tmp_path / "a.pth").recipe is None


def deep(levels: int) -> object:
    content: object = TENSORS
    for _ in range(levels):
        content = {"model": content}
    return content


def test_what_is_nested_too_deep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        loaded(deep(30), tmp_path / "a.pth")
    assert caught.value.code == "E-CKPT-STRUCTURE"


def test_what_holds_itself_is_refused() -> None:
    content: dict[str, object] = {}
    content["model"] = content
    with pytest.raises(CheckpointError) as caught:
        structure.check_structure(content, "a.pth", 100)
    assert caught.value.code == "E-CKPT-STRUCTURE"


def test_too_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "MOST", 100)
    structure.check_structure({"a": list(range(90))}, "a.pth", 100)
    with pytest.raises(CheckpointError, match="100 entries"):
        structure.check_structure({"a": list(range(99))}, "a.pth", 100)


def test_tensors_may_not_stand_for_more_than_the_file_holds() -> None:
    same = torch.ones(10)
    structure.check_structure({"a": same, "b": same.view(2, 5)}, "a.pth", 40)
    with pytest.raises(CheckpointError, match="claim 40 bytes, and the file has 39"):
        structure.check_structure([(same,)], "a.pth", 39)


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
        statedicts.check_tensors({"k" * 500: torch.tensor([float("nan")])}, "a.pth")
    assert "k" * 77 + "..." in caught.value.why
    assert "k" * 78 not in caught.value.why
