"""From a file of weights, and maybe an architecture, to a network with its weights loaded.

A new source is one file here and one line in SOURCES.
"""

import difflib
import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Final

from reportgen.contracts import Network, Source, Weights
from reportgen.errors import ArchitectureError
from reportgen.excerpts import path_text, shortened
from reportgen.sources import (
    checkpoint,
    family,
    fit,
    food11,
    hf_folder,
    listing,
    python_file,
    safetensors_file,
    sniff,
    timm_name,
    torchvision_name,
)
from reportgen.sources.statedicts import below_first_parts, several

# Shares of a file's tensors that may be the network's where keys have the attribute of a wrapper before them. A network
# that is read off its weights could be read off those of another, so there nearly all must be below it.
MOST_OF_ALL, PART_OF_ALL = 0.9, 0.3

SOURCES: Final = (
    Source("family", family.accepts, family.build),
    Source(food11.NAME, food11.accepts, food11.build),
    Source("torchvision:NAME", torchvision_name.accepts, torchvision_name.build),
    Source("timm:NAME", timm_name.accepts, timm_name.build),
    Source("file.py:Class", python_file.accepts, python_file.build),
    Source("a folder of transformers", hf_folder.accepts, hf_folder.build),
)


def load(
    path: Path, arch: str | None, announce: Callable[[str], None], state_key: str | None = None
) -> tuple[Weights, Network]:
    """The weights of a file, and the network that they were put into; `layers` lists all of its layers.

    path: a file, or a folder that transformers saved; arch: the text of `--arch`, None where none was given; announce:
    told in one line of any code about to run; state_key: which weights to take where the file holds several sets.
    The module is left in the mode and on the device that its source made it with.
    Raises CheckpointError for the file, ArchitectureError for the architecture and for one that does not fit.
    """
    folder = arch is None and hf_folder.is_folder(path)
    source = SOURCES[-1] if folder else _source(arch)
    if not folder and path.is_dir():
        raise hf_folder.no_model_in(path)
    # Before any code of the user runs: it could loosen what torch refuses to unpickle.
    weights = _weights(hf_folder.weights_file(path) if folder else path, state_key)
    if folder:
        weights = replace(weights, file=path_text(PurePath(path.name)))
    return _fitted(source, weights, str(path) if folder else arch, announce)


def _fitted(
    source: Source, weights: Weights, arch: str | None, announce: Callable[[str], None]
) -> tuple[Weights, Network]:
    """Weights and network, also where the keys have the attribute of a wrapper before them, as Lightning's `model.`.

    That is removed only where what lies below it then fits without exception, and nothing else in the file does.
    """
    network = source.build(weights, arch, announce) if arch is not None else None
    try:
        return weights, _filled(network or source.build(weights, arch, announce), weights)
    except ArchitectureError:
        fits = list(_inside(source, weights, arch, announce, network))
        if len(fits) == 1:
            return fits[0]
        if fits:
            parts = [str(inner.notes[len(weights.notes)][1]["prefix"]).partition(".")[0] for inner, _ in fits]
            raise several(parts, weights.file) from None
        raise


def _inside(
    source: Source, weights: Weights, arch: str | None, announce: Callable[[str], None], network: Network | None
) -> Iterator[tuple[Weights, Network]]:
    """What fits of the sets of weights below the first parts of the keys."""
    if source is SOURCES[-1]:
        return  # transformers itself puts them in
    kept = network if python_file.accepts(arch) else None  # its code runs once; others look at the weights they get
    for tensors, notes in below_first_parts(weights.tensors, MOST_OF_ALL if arch is None else PART_OF_ALL):
        inner = replace(weights, tensors=tensors, notes=weights.notes + notes)
        with suppress(ArchitectureError):
            yield inner, _filled(kept or source.build(inner, arch, announce), inner)


def _filled(network: Network, weights: Weights) -> Network:
    """The network with the weights in it and all its layers listed, and so whatever it is read as later."""
    if not network.loaded:
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


def _weights(path: Path, state_key: str | None) -> Weights:
    name = path_text(PurePath(path.name))
    with sniff.opened(path) as file:
        sniff.check(file, name)
        safe = safetensors_file.looks_like(file.read(sniff.HEAD))
        file.seek(0)
        load_file = safetensors_file.load if safe else checkpoint.load
        return load_file(file, name, hashlib.file_digest(file, "sha256").hexdigest(), state_key)
