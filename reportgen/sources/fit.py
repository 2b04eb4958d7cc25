"""Puts weights into a module strictly, and says in words what does not fit."""

from collections.abc import Mapping
from typing import Final

from torch import Tensor
from torch.nn.parameter import is_lazy

from reportgen.contracts import Network, Weights
from reportgen.errors import ArchitectureError
from reportgen.excerpts import dimensions, listed, shortened

ANOTHER_KIND: Final = "of another kind of number"
COUNTER: Final = "num_batches_tracked"  # of batch-norm; older files lack it, and nothing here depends on it
FIX: Final = (
    "Give the --arch that these weights were trained with; for a network that was changed, such as by another head, "
    "--arch file.py:Class"
)
QUANTISED: Final = "Give the weights from before they were quantised"


def load_strictly(network: Network, weights: Weights) -> None:
    """Copy every tensor into the module of the same key.

    Raises ArchitectureError with counts, the first five keys and both shapes where keys, shapes or kinds differ.
    """
    try:
        if not (why := _mismatch(dict(network.module.state_dict()), weights.tensors)):
            # A plain dict carries no version, so that batch-norm supplies a counter that is missing.
            network.module.load_state_dict(dict(weights.tensors), strict=True)
    except KeyboardInterrupt:
        raise
    except BaseException as err:  # a network from a user's file may bring its own way of loading, or of leaving
        why = f"{network.architecture} does not take these weights ({type(err).__name__})"
        raise ArchitectureError("E-ARCH-MISMATCH", weights.file, why, FIX) from err
    if why:
        fix = QUANTISED if ANOTHER_KIND in why else FIX
        raise ArchitectureError("E-ARCH-MISMATCH", weights.file, f"does not fit {network.architecture}: {why}", fix)


def _mismatch(expected: Mapping[str, object], given: Mapping[str, Tensor]) -> str:
    """What differs between the keys and tensors of a network and those of a file; empty where nothing does."""
    missing = [key for key in expected if key not in given and not key.endswith(COUNTER)]
    unexpected = [key for key in given if key not in expected]
    pairs = [(key, have, given[key]) for key, have in expected.items() if isinstance(have, Tensor) and key in given]
    pairs = [(key, have, tensor) for key, have, tensor in pairs if not is_lazy(have)]
    shapes = [
        f"{shortened(key)} ({dimensions(tensor.shape)} in the file, {dimensions(have.shape)} in the network)"
        for key, have, tensor in pairs
        if have.shape != tensor.shape
    ]
    # load_state_dict would turn whole numbers into float32 without a word, scale and zero point forgotten.
    kinds = [
        f"{shortened(key)} ({tensor.dtype} in the file, {have.dtype} in the network)".replace("torch.", "")
        for key, have, tensor in pairs
        if have.is_floating_point() and not tensor.is_floating_point()
    ]
    parts = (
        _part(missing, "missing in the file"),
        _part(unexpected, "that the network does not have"),
        _part(shapes, "of another shape"),
        _part(kinds, ANOTHER_KIND),
    )
    found = "; ".join(part for part in parts if part)
    return f"{len(given)} keys in the file, {len(expected)} in the network; {found}" if found else ""


def _part(items: list[str], what: str) -> str:
    return f"{len(items)} {what}: {listed(items, 160)}" if items else ""
