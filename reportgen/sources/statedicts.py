"""Which of the things in a checkpoint are the weights: under the usual keys, beside a moving average, or as asked."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import torch
from torch import Tensor

from reportgen.errors import CheckpointError
from reportgen.excerpts import listed, shortened
from reportgen.results import Facts
from reportgen.sources.beside import Kept

WRAPPERS: Final = ("model_state_dict", "state_dict", "net", "model")
AVERAGED: Final = "ema"  # exponential moving average; part of every name that such a twin is given
COMPILED: Final = "_orig_mod."  # of torch.compile
PREFIXES: Final = ("module.", COMPILED)  # of DataParallel, too
PACKED: Final = "_packed_params"  # what torch keeps a quantised layer's weights in

Notes = tuple[tuple[str, Facts], ...]
Tensors = Mapping[str, Tensor]


def is_state_dict(value: object) -> bool:
    """Whether it is what `state_dict()` gives: names and tensors, nothing else, and not empty."""
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(key, str) and isinstance(item, Tensor) for key, item in value.items())
    )


def find_weights(content: object, name: str, state_key: str | None) -> tuple[Tensors, Notes]:
    """The weights in what a checkpoint holds, and how they were found.

    state_key: which set to take; it may also be the first part of names, where sets lie side by side.
    Raises CheckpointError where there are none, or several and nothing chooses.
    """
    if not isinstance(content, Mapping):
        kind = "n object of a training script" if isinstance(content, Kept) else f" {type(content).__name__}"
        why = f"this holds a{kind}, not the state_dict of a model"
        raise CheckpointError("E-CKPT-KEYS", name, why, "Save model.state_dict()")
    if packed := [key for key in content if isinstance(key, str) and key.endswith(PACKED)]:
        why = f"its layers are quantised ({listed(packed)})"
        raise CheckpointError("E-CKPT-TENSOR", name, why, "Give the weights from before they were quantised")
    found = _sets(content)
    if state_key is not None:
        return _asked(content, found, name, state_key)
    plain = [key for key in found if key in WRAPPERS] or [key for key in found if not _is_averaged(key)]
    if len(plain) > 1:
        raise several(plain, name)
    if chosen := (plain or list(found))[:1]:
        key = chosen[0]
        others = [other for other in found if _is_averaged(other) and other != key]
        twins = (("note.averaged", {"taken": key, "other": listed(others)}),) if others else ()
        if not plain and len(found) > 1:
            raise several(list(found), name)
        tensors, beside = _side_by_side(found[key])
        return tensors, (("note.unwrapped", {"wrapper": shortened(key)}), *twins, *beside)
    tensors = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)}
    if not is_state_dict(tensors) or any(isinstance(value, Mapping) for value in content.values()):
        raise _none(content, name)
    return _side_by_side(tensors)


def _sets(content: Mapping[Any, object]) -> dict[str, Tensors]:
    """Every set of weights in it by its key; those of an optimizer are none."""
    return {
        key: value  # type: ignore[misc] # is_state_dict has looked
        for key, value in content.items()
        if isinstance(key, str) and is_state_dict(value)
    }


def _is_averaged(key: str) -> bool:
    return AVERAGED in key.lower().replace(".", "_").split("_") or key.lower().endswith(AVERAGED)


def _side_by_side(tensors: Tensors) -> tuple[Tensors, Notes]:
    """Of twins that lie side by side (`model.x` and `ema_model.x`) the one that is no average."""
    first = list(dict.fromkeys(key.partition(".")[0] for key in tensors))
    for averaged in (part for part in first if _is_averaged(part)):
        for other in (part for part in first if part != averaged and not _is_averaged(part)):
            twin, own = _below(tensors, averaged), _below(tensors, other)
            if own and {k: t.shape for k, t in twin.items()} == {k: t.shape for k, t in own.items()}:
                kept = {key: tensor for key, tensor in tensors.items() if not key.startswith(f"{averaged}.")}
                return kept, (("note.averaged", {"taken": shortened(other), "other": shortened(averaged)}),)
    return tensors, ()


def _below(tensors: Tensors, part: str) -> dict[str, Tensor]:
    return {key.partition(".")[2]: tensor for key, tensor in tensors.items() if key.startswith(f"{part}.")}


def _asked(content: Mapping[Any, object], found: Mapping[str, Tensors], name: str, key: str) -> tuple[Tensors, Notes]:
    tensors = {k: value for k, value in content.items() if isinstance(k, str) and isinstance(value, Tensor)}
    for taken in (found.get(key), *(_below(each, key) for each in (tensors, *found.values()))):
        if taken:
            return taken, (("note.unwrapped", {"wrapper": shortened(key)}),)
    there = list(found) or list(dict.fromkeys(each.partition(".")[0] for each in tensors)) or list(content)
    why = f"no weights lie under {shortened(key) or '(nothing)'}"
    raise CheckpointError("E-CKPT-KEYS", name, why, f"Choose among {listed(there)}")


def several(keys: list[str], name: str) -> CheckpointError:
    """The error where nothing chooses among sets of weights."""
    why = f"weights lie under more than one key ({listed(keys)})"
    return CheckpointError("E-CKPT-AMBIGUOUS", name, why, f"Say which: --state-key {shortened(keys[0])}")


def _none(content: Mapping[Any, object], name: str) -> CheckpointError:
    if not content:
        why = "it holds an empty dictionary"
    elif all(isinstance(key, int) for key in content):
        why = f"its keys are numbers ({listed(list(content))}), and those of a state_dict are names"
    else:
        why = f"there is no state_dict in it, only {listed(_told(content))}"
    return CheckpointError("E-CKPT-KEYS", name, why, "Save model.state_dict()")


def _told(content: Mapping[Any, object]) -> list[object]:
    """Its keys; of what is neither name nor number the kind, for its text may be endless or another each time."""
    return [key if isinstance(key, str | int) else f"({type(key).__name__})" for key in content]


def without_prefixes(tensors: Tensors) -> tuple[Tensors, Notes]:
    """The tensors without what DataParallel and torch.compile put before every key, however often.

    Where only parts were compiled, the mark stands before the keys of those parts.
    """
    removed = ""
    while prefix := next((p for p in PREFIXES if all(k.startswith(p) and k != p for k in tensors)), ""):
        tensors = {key.removeprefix(prefix): tensor for key, tensor in tensors.items()}
        removed += prefix
    inside = {key: key.replace(f".{COMPILED}", ".") for key in tensors}
    if any(f".{COMPILED}" in key for key in tensors) and len(set(inside.values())) == len(tensors):
        tensors = {inside[key]: tensor for key, tensor in tensors.items()}
        removed = removed or COMPILED
    return tensors, (("note.prefix", {"prefix": removed}),) if removed else ()


def below_first_parts(tensors: Tensors, least: float) -> Iterator[tuple[Tensors, Notes]]:
    """The tensors below each first part of the keys, as Lightning's `model.`, and what was left aside.

    Beside the network's there may be a loss's or a metric's. least: share of all tensors that a part must have.
    """
    for part in dict.fromkeys(key.partition(".")[0] for key in tensors):
        below = {key: tensor for key, tensor in _below(tensors, part).items() if key}
        if len(below) < least * len(tensors):
            continue
        inner, prefixed = without_prefixes(below)
        removed = f"{part}." + (str(prefixed[0][1]["prefix"]) if prefixed else "")
        beside = [key for key in tensors if not key.startswith(f"{part}.")]
        left: Notes = (("note.left_aside", {"names": listed(beside), "count": len(beside)}),) if beside else ()
        yield inner, (("note.prefix", {"prefix": shortened(removed)}), *left)


def as_float32(tensors: Tensors) -> tuple[dict[str, Tensor], Notes]:
    """All floating-point tensors as float32, and what was converted."""
    plain = {key: tensor.detach() for key, tensor in tensors.items()}
    others = {t.dtype for t in plain.values() if t.is_floating_point() and t.dtype != torch.float32 and not t.is_meta}
    cast = {key: tensor.float() if tensor.dtype in others else tensor for key, tensor in plain.items()}
    names = sorted(str(dtype).removeprefix("torch.") for dtype in others)
    return cast, tuple(("note.cast", {"dtype": name}) for name in names)


def check_tensors(tensors: Tensors, name: str) -> None:
    """Refuse tensors that are not plain finite arrays. Raises CheckpointError that names the first one."""
    for key, tensor in tensors.items():
        if why := _unusable(tensor):
            fix = "Save an ordinary state_dict of float32 tensors"
            raise CheckpointError("E-CKPT-TENSOR", name, f"the tensor {shortened(key)} is {why}", fix)
    for key, tensor in tensors.items():
        if wrong := int(tensor.numel() - tensor.isfinite().sum()):
            why = f"{wrong} of {tensor.numel()} numbers of {shortened(key)} are NaN or infinite"
            raise CheckpointError("E-CKPT-NAN", name, why, "Take a checkpoint from before the training diverged")


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
