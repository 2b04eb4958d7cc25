"""A network from the user's own file: `--arch file.py:Class`, or a function that makes one.

The file is code and is run; there is no sandbox.

Only the command line can ask for it, the weights are read before, and whatever the code raises is the end of this
run, never of its truth: `sys.exit(0)` in it is a failure like any other.
"""

import contextlib
import hashlib
import inspect
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path, PurePath
from types import CodeType, ModuleType
from typing import Final

import torch
from torch import nn

from reportgen.contracts import Network, Weights
from reportgen.errors import ArchitectureError
from reportgen.excerpts import SHOWN, path_text, shortened
from reportgen.shortages import raise_shortage

LONGEST: Final = 200  # characters of the user's own error


def accepts(arch: str | None) -> bool:
    """Whether the text reads `file.py:Class` or `file.py:function`."""
    path, _, name = (arch or "").rpartition(":")
    return path.endswith(".py") and name.isidentifier()


def build(
    weights: Weights,  # noqa: ARG001 - as every source
    arch: str | None,
    announce: Callable[[str], None],
) -> Network:
    """The network that the class or function makes without arguments, before the weights are in it.

    announce: told the path and SHA-256 before anything of the file runs.
    Raises ArchitectureError where the file cannot be read or run, or the class is none, is missing or fails.
    """
    text, _, name = (arch or "").rpartition(":")
    path = Path(text)
    source = _source(path)
    sha256 = hashlib.sha256(source).hexdigest()
    code = _compiled(source, path)
    module = _empty_module(path, sha256)
    announce(f"running Python code: {path_text(path)}, SHA-256 {sha256}")
    # The very bytes whose hash is announced are run; the import system would read the file again and leave a cache.
    with _contained(path, f"running {path.name}", "E-ARCH-IMPORT"):
        exec(code, module.__dict__)
    made = _made(_maker(module, path, name), path)
    shown = path_text(PurePath(path.name))  # neither the page nor its bytes depend on where the folder lies
    note = ("note.ran_code", {"path": shown, "sha256": sha256})
    return Network(made, f"{shown}:{name}", (), notes=(note,))


def _source(path: Path) -> bytes:
    try:
        if not path.is_file():  # a pipe would be read for ever
            why = "this is no ordinary file" if path.exists() else "there is no such file"
            raise ArchitectureError("E-ARCH-FILE", str(path), why, "Check the path before the colon")
        return path.read_bytes()
    except (OSError, ValueError) as err:
        raise_shortage(err, str(path))
        raise ArchitectureError("E-ARCH-FILE", str(path), "cannot be read", "Check its permissions") from err


def _compiled(source: bytes, path: Path) -> CodeType:
    try:
        return compile(source, str(path), "exec", dont_inherit=True)
    except SyntaxError as err:
        why = f"is not valid Python: {err.msg}" + (f" in line {err.lineno}" if err.lineno else "")
        raise ArchitectureError("E-ARCH-SYNTAX", str(path), why, "Mend the file") from err
    except (ValueError, RecursionError, MemoryError) as err:
        raise ArchitectureError("E-ARCH-SYNTAX", str(path), "is not valid Python", "Check the file") from err


def _empty_module(path: Path, sha256: str) -> ModuleType:
    """A module for the file under a name that no other module has.

    It stays registered: dataclasses and type hints look their module up by name, also later.
    """
    spec = spec_from_file_location(f"_reportgen_arch_{sha256[:16]}", path)
    if spec is None:
        raise ArchitectureError("E-ARCH-FILE", str(path), "is not a Python file", "Give a file that ends in .py")
    sys.modules[spec.name] = module_from_spec(spec)
    return sys.modules[spec.name]


def _maker(module: ModuleType, path: Path, name: str) -> Callable[[], object]:
    """The class or function of that name."""
    found: Callable[[], object] | None = getattr(module, name, None)
    if found is not None and (_is_network(found) or inspect.isfunction(found)):
        return found
    own = [key for key, value in vars(module).items() if _is_network(value) and value.__module__ == module.__name__]
    fix = f"It defines {', '.join(own[:SHOWN])}" if own else "It defines no class that derives from torch.nn.Module"
    if found is None:
        raise ArchitectureError("E-ARCH-CLASS", str(path), f"has no class or function {name}", fix)
    why = f"{name} is no class that derives from torch.nn.Module, and no function"
    raise ArchitectureError("E-ARCH-CLASS", str(path), why, fix)


def _is_network(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, nn.Module)


def _made(maker: Callable[[], object], path: Path) -> nn.Module:
    name = getattr(maker, "__name__", "it")
    is_class = isinstance(maker, type)
    told = inspect.signature(getattr(maker, "__init__") if is_class else maker)  # noqa: B009 - a class's own, unbound
    needed = [
        parameter.name
        for parameter in list(told.parameters.values())[is_class:]
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        why = f"{name} cannot be made without arguments: it needs {', '.join(needed[:SHOWN])}"
        fix = f"Give them defaults, or add a class or function that calls {name} and fills them in"
        raise ArchitectureError("E-ARCH-INIT", str(path), why, fix)
    with _contained(path, f"{name}()", "E-ARCH-INIT"):
        made = maker()
    if not isinstance(made, nn.Module):
        why = f"{name}() gives a {type(made).__name__}, and a torch.nn.Module is needed"
        raise ArchitectureError("E-ARCH-INIT", str(path), why, "Return the network")
    return made


@contextlib.contextmanager
def _contained(path: Path, what: str, code: str) -> Iterator[None]:
    """Runs the user's code: prints go to stderr, what it may bend comes back, every way out becomes one error."""
    dtype, grad, folder = torch.get_default_dtype(), torch.is_grad_enabled(), Path.cwd()
    try:
        # stdout carries the result's path and nothing else.
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            yield
    except KeyboardInterrupt:
        raise
    except BaseException as err:  # SystemExit too: a run that did nothing must not look like a success
        fix = "Make the file import, and the class build, without doing anything else"
        raise ArchitectureError(code, str(path), f"{what} failed{_place(err, path)}: {_words(err)}", fix) from err
    finally:
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(grad)
        os.chdir(folder)


def _words(err: BaseException) -> str:
    text = " ".join(traceback.format_exception_only(err)[-1].split())
    return shortened(text, LONGEST)


def _place(err: BaseException, path: Path) -> str:
    """The innermost line of the user's file that the error came through."""
    lines = [frame.lineno for frame in traceback.extract_tb(err.__traceback__) if frame.filename == str(path)]
    return f" in line {lines[-1]}" if lines else ""
