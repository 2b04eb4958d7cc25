"""From a file of weights, and maybe an architecture, to a network with its weights loaded.

A new source is one file here and one line in SOURCES.
"""

import difflib
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePath
from typing import BinaryIO, Final

from reportgen.contracts import Network, Source, Weights
from reportgen.errors import ArchitectureError
from reportgen.excerpts import path_text, shortened
from reportgen.sources import checkpoint, family, fit, food11, listing, python_file, sniff

CHUNK: Final = 2**20  # bytes

SOURCES: Final = (
    Source("family", family.accepts, family.build),
    Source(food11.NAME, food11.accepts, food11.build),
    Source("file.py:Class", python_file.accepts, python_file.build),
)


def load(path: Path, arch: str | None, announce: Callable[[str], None]) -> tuple[Weights, Network]:
    """The weights of a file, and the network that they were put into; `layers` lists all of its layers.

    arch: the text of `--arch`, None where none was given; announce: told in one line of any code about to run.
    The module is left in the mode and on the device that its source made it with.
    Raises CheckpointError for the file, ArchitectureError for the architecture and for one that does not fit.
    """
    source = _source(arch)
    weights = _weights(path)  # before any code of the user runs: it could loosen what torch refuses to unpickle
    return weights, _filled(source.build(weights, arch, announce), weights)


def _filled(network: Network, weights: Weights) -> Network:
    """The network with the weights in it and all its layers listed, and so whatever it is read as later."""
    fit.load_strictly(network, weights)
    again = network.reread
    return replace(
        network,
        layers=listing.list_layers(network.module, network.layers),
        reread=(lambda answers: _filled(again(answers), weights)) if again else None,
    )


def _source(arch: str | None) -> Source:
    for source in SOURCES:
        if source.accepts(arch):
            return source
    text = arch or ""
    names = [source.name for source in SOURCES if source.accepts(source.name)]
    if text.endswith((".py", ".py:")):
        fix = f"Name the class too: {text.removesuffix(':')}:Class"
    elif near := difflib.get_close_matches(text.lower(), names, n=1):
        fix = f"Did you mean {near[0]}?"
    else:
        fix = f"Give one of: {', '.join(names)}; or leave it out, and it is read off the weights"
    raise ArchitectureError("E-ARCH-NAME", "--arch", f"no architecture is called {shortened(text) or '(nothing)'}", fix)


def _weights(path: Path) -> Weights:
    name = path_text(PurePath(path.name))
    with sniff.opened(path) as file:
        sniff.check(file, name)
        return checkpoint.load(file, name, _sha256(file))


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
