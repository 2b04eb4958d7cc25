"""What networks of a library have in common: the library may be missing, and the head may have other classes."""

import contextlib
import importlib
import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, Final

import torch
from torch import Tensor, nn

from reportgen.contracts import Weights
from reportgen.errors import ArchitectureError
from reportgen.excerpts import shortened
from reportgen.shortages import raise_shortage

LONGEST: Final = 160  # characters of a library's own error


def names_one(arch: str | None, prefix: str) -> bool:
    """Whether `--arch` is the prefix of a zoo with a name behind it."""
    return arch is not None and arch.startswith(prefix) and len(arch) > len(prefix)


def imported(name: str, extra: str) -> ModuleType:
    """The library. Raises ArchitectureError that names the extra where it cannot be imported."""
    try:
        with quietly():
            return importlib.import_module(name)
    except (ImportError, RuntimeError, OSError, AttributeError) as err:
        raise_shortage(err, name)
        why = f"{name} cannot be imported ({shortened(' '.join(str(err).split()), LONGEST)})"
        fix = f"pip install 'reportgen[{extra}]', in a version that fits torch {torch.__version__}"
        raise ArchitectureError("E-ARCH-EXTRA", "--arch", why, fix) from err


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """What a library prints goes to stderr, its warnings and advice nowhere."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def with_fitting_head(make: Callable[..., Any], weights: Weights, arch: str) -> nn.Module:
    """The network, with as many classes as the weights have where nothing else differs.

    make: the library's own maker with the name in place. It is told the number of classes only where that differs:
    Inception and GoogLeNet made for another number lack heads for training that their weights have.
    Raises ArchitectureError with the library's own words where it cannot be made.
    """
    try:
        with quietly():
            module: nn.Module = make()
            classes = _classes(module.state_dict(), weights.tensors)
            return make(num_classes=classes.pop()) if len(classes) == 1 else module
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError, OSError) as err:
        raise_shortage(err, f"--arch {arch}")
        words = shortened(" ".join(str(err).split()), LONGEST)
        fix = "Check the name, and that it is an image classifier"
        raise ArchitectureError("E-ARCH-NAME", f"--arch {arch}", f"it cannot be made: {words}", fix) from err


def _classes(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> set[int]:
    """The numbers of classes that weights may have where they differ from those of a network; one where all is clear.

    A network without a head, as timm makes some that are meant for their features, lacks the keys of the head only.
    """
    shared = [(given[key], tensor) for key, tensor in own.items() if key in given and given[key].dim()]
    differ = {new.shape[0] for new, old in shared if new.shape != old.shape and new.shape[1:] == old.shape[1:]}
    beyond = {tensor.shape[0] for key, tensor in given.items() if key not in own and tensor.dim()}
    return differ or (beyond if len(beyond) == 1 and set(own) <= set(given) else set())
