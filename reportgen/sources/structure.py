"""The shape of what torch.load gave, judged before anything else looks at it: a small file may hold a monster."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

import torch
from torch import Tensor

from reportgen.errors import CheckpointError
from reportgen.excerpts import shortened

DEEPEST: Final = 8  # containers in one another; optimizers need five
MOST: Final = 100_000  # entries in all
SAVE: Final = "Save model.state_dict() alone"


def check_structure(content: object, name: str, size: int) -> None:
    """Refuse what is nested too deep or in itself, has too many entries, or tensors that stand for more than there is.

    size: of the file in bytes. Nothing is copied and no method of the content is called but those of plain containers.
    Raises CheckpointError.
    """
    storages: dict[int, int] = {}
    level: list[object] = [content]
    entries = 0
    for _ in range(DEEPEST + 1):
        following: list[object] = []
        for item in level:
            _check_attributes(item, name)
            if isinstance(item, Tensor):
                _note_storage(item, storages)
            children = list(_children(item, MOST - entries))
            entries += len(children)
            if entries >= MOST:
                raise CheckpointError("E-CKPT-STRUCTURE", name, f"it holds {MOST:,} entries or more", SAVE)
            following += children
        level = following
    if level:
        why = f"containers lie in one another more than {DEEPEST} deep, or one in itself"
        raise CheckpointError("E-CKPT-STRUCTURE", name, why, SAVE)
    if sum(storages.values()) > size:
        why = f"its tensors claim {sum(storages.values()):,} bytes, and the file has {size:,}"
        raise CheckpointError("E-CKPT-STRUCTURE", name, why, SAVE)


def _check_attributes(item: object, name: str) -> None:
    """Refuse what brings an attribute in the place of a method: `values` of a dictionary could be anything."""
    if not isinstance(item, Mapping | Tensor):
        return
    for attribute in getattr(item, "__dict__", ()):
        if isinstance(attribute, str) and hasattr(type(item), attribute):
            why = f"{shortened(attribute)} of one {type(item).__name__} in it is replaced by something else"
            raise CheckpointError("E-CKPT-STRUCTURE", name, why, SAVE)


def _children(item: object, most: int) -> Iterator[object]:
    """What a plain container holds, at most so many."""
    if isinstance(item, Mapping):
        yield from islice(item.values(), most)
    elif isinstance(item, list | tuple | set):
        yield from islice(item, most)


def _note_storage(tensor: Tensor, storages: dict[int, int]) -> None:
    """How many bytes stand behind a tensor; other than plain ones are refused by name where they are weights."""
    if tensor.layout == torch.strided and not tensor.is_meta and not tensor.is_quantized:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
