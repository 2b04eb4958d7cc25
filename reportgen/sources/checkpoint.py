"""From an open file that torch.save wrote to named tensors: always with `weights_only=True`, and no way round it."""

import pickle
import re
import warnings
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

import torch
from torch import Tensor

from reportgen.contracts import Weights
from reportgen.errors import CheckpointError
from reportgen.excerpts import listed, shortened
from reportgen.results import Facts

WRAPPERS: Final = ("model_state_dict", "state_dict", "net", "model")
PREFIXES: Final = ("module.", "_orig_mod.")  # DataParallel, torch.compile
CLASS_KEYS: Final = ("classes", "class_names")
MOST_CLASSES: Final = 100_000
LONGEST_NAME: Final = 200  # characters

Notes = tuple[tuple[str, Facts], ...]


def load(file: BinaryIO, name: str, sha256: str) -> Weights:
    """The weights in the file, read from its beginning.

    Raises CheckpointError where torch refuses or cannot read it, where there is no state_dict in it, or where a
    tensor is no plain finite array.
    """
    content = _content(file, name)
    found, unwrapped = _unwrapped(content, name)
    stripped, prefixed = _without_prefixes(found)
    tensors, cast = _as_float32(stripped)
    check_tensors(tensors, name)
    return Weights(name, sha256, tensors, _classes(content), unwrapped + prefixed + cast)


def check_tensors(tensors: Mapping[str, Tensor], name: str) -> None:
    """Refuse tensors that are not plain finite arrays. Raises CheckpointError that names the first one."""
    for key, tensor in tensors.items():
        if why := _unusable(tensor):
            fix = "Save an ordinary state_dict of float32 tensors"
            raise CheckpointError("E-CKPT-TENSOR", name, f"the tensor {shortened(key)} is {why}", fix)
    for key, tensor in tensors.items():
        if wrong := int(tensor.numel() - tensor.isfinite().sum()):
            why = f"{wrong} of {tensor.numel()} numbers of {shortened(key)} are NaN or infinite"
            raise CheckpointError("E-CKPT-NAN", name, why, "Take a checkpoint from before the training diverged")


def _content(file: BinaryIO, name: str) -> object:
    file.seek(0)
    zipped = file.read(2) == b"PK"
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice of torch to whoever wrote the file
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as err:
        # torch's own text advises the unsafe switch, so none of it is passed on but the name it stumbled over. In a
        # zip the checksums were right: what its unpickler refuses there is not damage.
        refused = re.search(r"GLOBAL ([\w.]+)|Unsupported", str(err))
        if isinstance(err, pickle.UnpicklingError) and (zipped or refused):
            raise _unsafe(name, (refused and refused[1]) or "") from err
        why = "the file is damaged, cut short, or too large for the memory"
        raise CheckpointError("E-CKPT-CORRUPT", name, why, "Download or copy it again") from err


def _unsafe(name: str, stumbled: str) -> CheckpointError:
    named = f" ({shortened(stumbled)})" if stumbled else ""
    why = f"this holds more than weights{named}: a whole model or other objects, and loading them could run code"
    fix = (
        "On a machine where you trust the file, load it there and save only "
        'torch.save(model.state_dict(), "weights.pth")'
    )
    return CheckpointError("E-CKPT-UNSAFE", name, why, fix)


def _unwrapped(content: object, name: str) -> tuple[Mapping[str, Tensor], Notes]:
    if not isinstance(content, Mapping):
        why = f"this holds a {type(content).__name__}, not the state_dict of a model"
        raise CheckpointError("E-CKPT-KEYS", name, why, "Save model.state_dict()")
    wrapped = [key for key in WRAPPERS if _is_state_dict(content.get(key))]
    if len(wrapped) > 1:
        why = f"weights lie under more than one key ({' and '.join(wrapped)})"
        raise CheckpointError("E-CKPT-AMBIGUOUS", name, why, "Save the state_dict to be explained alone")
    if wrapped:
        return content[wrapped[0]], (("note.unwrapped", {"wrapper": wrapped[0]}),)
    tensors = {key: value for key, value in content.items() if isinstance(value, Tensor)}
    if not _is_state_dict(tensors) or any(isinstance(value, Mapping) for value in content.values()):
        raise _no_state_dict(content, name)
    return tensors, ()


def _is_state_dict(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(key, str) and isinstance(item, Tensor) for key, item in value.items())
    )


def _no_state_dict(content: Mapping[Any, object], name: str) -> CheckpointError:
    elsewhere = [key for key, value in content.items() if _is_state_dict(value)]
    if elsewhere:
        why = f"its weights lie under {listed(elsewhere)}, and not under {', '.join(WRAPPERS[:-1])} or {WRAPPERS[-1]}"
        return CheckpointError("E-CKPT-KEYS", name, why, "Save the state_dict to be explained alone")
    why = f"there is no state_dict in it, only {listed(list(content))}" if content else "it holds an empty dictionary"
    return CheckpointError("E-CKPT-KEYS", name, why, "Save model.state_dict()")


def _without_prefixes(tensors: Mapping[str, Tensor]) -> tuple[Mapping[str, Tensor], Notes]:
    """The tensors without what DataParallel and torch.compile put before every key, however often."""
    removed = ""
    while prefix := next((p for p in PREFIXES if all(k.startswith(p) and k != p for k in tensors)), ""):
        tensors = {key.removeprefix(prefix): tensor for key, tensor in tensors.items()}
        removed += prefix
    return tensors, (("note.prefix", {"prefix": removed}),) if removed else ()


def _as_float32(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], Notes]:
    plain = {key: tensor.detach() for key, tensor in tensors.items()}
    others = {t.dtype for t in plain.values() if t.is_floating_point() and t.dtype != torch.float32 and not t.is_meta}
    cast = {key: tensor.float() if tensor.dtype in others else tensor for key, tensor in plain.items()}
    names = sorted(str(dtype).removeprefix("torch.") for dtype in others)
    return cast, tuple(("note.cast", {"dtype": name}) for name in names)


def _unusable(tensor: Tensor) -> str:
    """What is wrong with the tensor as part of a state_dict; empty where nothing is."""
    if tensor.is_quantized:
        return "quantised"
    if tensor.layout != torch.strided:
        return "sparse"
    if tensor.is_meta:
        return "empty (on the meta device)"
    if tensor.is_complex():
        return "complex"
    if tensor.untyped_storage().nbytes() < tensor.numel() * tensor.element_size():
        return "larger than the numbers that stand for it"
    return ""


def _classes(content: object) -> tuple[str, ...]:
    """Class names that lie beside the weights, where they look like class names."""
    for key in CLASS_KEYS:
        names = content.get(key) if isinstance(content, Mapping) else None
        if not isinstance(names, list | tuple) or not 1 < len(names) <= MOST_CLASSES:
            continue
        if all(isinstance(name, str) and 0 < len(name.strip()) <= LONGEST_NAME for name in names):
            return tuple(name.strip() for name in names)
    return ()
