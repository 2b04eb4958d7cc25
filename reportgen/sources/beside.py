"""What training scripts keep beside the weights: command lines, settings, best accuracies. It is read as nothing.

torch's safe reader refuses a file for any object that it does not know. For each name of a closed list it is given an
empty object of ours instead: neither the library that is named nor anything in the file is run, imported or looked at.
"""

from contextlib import AbstractContextManager
from typing import Any, Final

import torch

NUMPY_KINDS: Final = ("Bool", "Float16", "Float32", "Float64", "Int32", "Int64")
NAMES: Final = (
    "argparse.Namespace",  # timm's and torchvision's training scripts, DeiT, MAE
    "pathlib.PosixPath",
    "pathlib.PurePosixPath",
    "pathlib.WindowsPath",
    "pathlib.PureWindowsPath",
    "pathlib._local.PosixPath",  # Python 3.13
    "pathlib._local.WindowsPath",
    # A number of numpy, such as the best accuracy; arrays are not among them, for they may be weights.
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    *(f"numpy.dtypes.{kind}DType" for kind in NUMPY_KINDS),
    # Lightning's settings, where they come from Hydra, and what these say of themselves
    *(f"omegaconf.base.{kind}" for kind in ("ContainerMetadata", "Metadata")),
    *(f"omegaconf.nodes.{kind}Node" for kind in ("Any", "Boolean", "Float", "Integer", "String")),
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    *(f"builtins.{kind}" for kind in ("bool", "dict", "float", "int", "list", "str")),
    "collections.defaultdict",
    "typing.Any",
)


class Kept:
    """In the place of such an object: it takes whatever the file says of it, and holds none of it."""

    def __new__(cls, *_args: object, **_kwargs: object) -> "Kept":
        """Whatever it is made of."""
        return super().__new__(cls)

    def __init__(self, *_args: object, **_kwargs: object) -> None:
        pass

    def __setstate__(self, _state: object) -> None:
        """Whatever its attributes are."""


def kept_unread() -> AbstractContextManager[Any]:
    """While it lasts torch's safe reader makes a `Kept` of each of NAMES."""
    manager: AbstractContextManager[Any] = torch.serialization.safe_globals([(Kept, name) for name in NAMES])
    return manager
