"""From options to a classifier that answers: weights, architecture, class names, input, device."""

import contextlib
import hashlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from reportgen import images, sources
from reportgen.classifier import BatchSize, Classifier, borrowed, reproducible, resolve_device
from reportgen.contracts import Network, Progress, Weights
from reportgen.errors import ArchitectureError, EnvironmentProblem, LabelsError, ReportgenError
from reportgen.options import BuildOptions
from reportgen.results import Facts, InputSpec, LayerFact, ModelFacts
from reportgen.sources.listing import list_layers

SIDES = (128, 224, 256, 64, 32, 96, 299, 384, 48, 160, 192, 512)  # px, tried in turn where nothing fixes the size
LONGEST = 200  # characters of a user's own error


@contextmanager
def opened_classifier(options: BuildOptions, module: nn.Module | None, progress: Progress) -> Iterator[Classifier]:
    """The classifier that the options describe, on its device; a module that was handed in is given back as it was.

    Raises CheckpointError, ArchitectureError, LabelsError or EnvironmentProblem.
    """
    device = resolve_device(options.device)
    weights, network = (
        _given(module) if module is not None else sources.load(options.model, options.arch, progress.warn)
    )
    with _memory_named(network, device), reproducible(), borrowed(network.module, device):
        spec, outputs = _input(options, network, device)
        classes, origin, notes = _classes(options, weights, network, outputs)
        facts = ModelFacts(
            file=weights.file,
            sha256=weights.sha256,
            architecture=network.architecture,
            classes=classes,
            classes_from=origin,
            layers=network.layers,
            input=spec,
            notes=(*weights.notes, *network.notes, *notes),
        )
        _tell(facts.layers, progress)
        yield Classifier(network.module, facts, device, BatchSize(options.batch_size))


@contextmanager
def _memory_named(network: Network, device: torch.device) -> Iterator[None]:
    """Where memory runs out and no smaller batch helps: moving the weights, asking with two images."""
    try:
        yield
    except torch.OutOfMemoryError as err:
        why = f"it does not fit into the memory of {device}"
        raise EnvironmentProblem(
            "E-MEMORY", network.architecture, why, "Use --device cpu, or a smaller --size"
        ) from err


def _given(module: nn.Module) -> tuple[Weights, Network]:
    """A module from Python, named by its class, with the fingerprint of its tensors."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        plain = tensor.detach().cpu().contiguous()
        digest.update(f"{name}\0{plain.dtype}\0{tuple(plain.shape)}\0".encode())
        digest.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
    name = type(module).__name__
    return Weights(name, digest.hexdigest(), {}), Network(module, name, list_layers(module))


def _input(options: BuildOptions, network: Network, device: torch.device) -> tuple[InputSpec, int]:
    """What the network is fed, and how many classes it then answers with."""
    chosen_by = {
        "channel_order": "option" if options.channel_order != "rgb" else "default",
        "normalisation": "option" if options.mean or options.std else "default",
    }
    size, origin, outputs = _size(options, network, device)
    spec = InputSpec(size, options.channel_order, options.mean, options.std, {**chosen_by, "size": origin})
    return spec, outputs


def _size(options: BuildOptions, network: Network, device: torch.device) -> tuple[tuple[int, int], str, int]:
    """Height and width, who chose them ("option", "network" or "default"), and the number of classes."""
    if options.size and network.size and options.size != network.size:
        (height, width), (own_height, own_width) = options.size, network.size
        why = f"{network.architecture} takes {own_height} x {own_width} pixels, fixed by its first linear layer"
        raise ArchitectureError("E-SIZE", f"--size {height}x{width}", why, "Drop --size, or give the right --arch")
    for size, origin in ((options.size, "option"), (network.size, "network")):
        if size is not None:
            return size, origin, _probed(network, size, device)
    working: list[tuple[int, int]] = []
    first_error: ReportgenError | None = None
    for side in SIDES:
        try:
            working.append((side, _probed(network, (side, side), device)))
        except ArchitectureError as err:
            first_error = first_error or err
        if len(working) == 2:  # more than one size works, so the network does not fix it
            break
    if not working:
        assert first_error is not None
        raise first_error
    side, outputs = working[0]
    return (side, side), "network" if len(working) == 1 else "default", outputs


def _probed(network: Network, size: tuple[int, int], device: torch.device) -> int:
    """The number of classes that two grey images are answered with.

    Raises ArchitectureError where the network fails, ends the program, or gives something else than (2, K) logits.
    """
    grey = torch.full((2, 3, *size), 0.5, device=device)
    fix = "Check --arch, and --size: the network must take images of that size and return one logit for each class"
    try:
        # stdout carries the result's path and nothing else.
        with torch.inference_mode(), contextlib.redirect_stdout(sys.stderr):
            logits = network.module(grey)
    except (KeyboardInterrupt, torch.OutOfMemoryError):
        raise
    except BaseException as err:  # SystemExit too: a network that leaves must not look like success
        words = " ".join(f"{type(err).__name__}: {err}".split())[:LONGEST]
        why = f"it fails on images of {size[0]} x {size[1]}: {words}"
        raise ArchitectureError("E-ARCH-FORWARD", network.architecture, why, fix) from err
    if not isinstance(logits, Tensor) or logits.dim() != 2 or len(logits) != 2 or logits.shape[1] < 2:
        shape = (
            f"a tensor of shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
        )
        why = f"two images give {shape}, and (2, number of classes) is needed"
        raise ArchitectureError("E-ARCH-OUTPUT", network.architecture, why, fix)
    return int(logits.shape[1])


def _classes(
    options: BuildOptions, weights: Weights, network: Network, outputs: int
) -> tuple[tuple[str, ...], str, tuple[tuple[str, Facts], ...]]:
    """Class names, where they come from, and a note where they were assumed."""
    if options.classes:
        names = images.read_class_names(options.classes)
        if len(names) != outputs:
            why = f"it holds {len(names)} names, and the network has {outputs} outputs"
            raise LabelsError("E-CLASSES-COUNT", str(options.classes), why, "Give one name per line, in index order")
        return names, "option", ()
    for names, origin in ((weights.classes, "checkpoint"), (network.classes, "architecture")):
        if len(names) == outputs:
            return names, origin, ((f"note.classes_{origin}", {}),)
    return tuple(f"class {index}" for index in range(outputs)), "index", ()


def _tell(layers: Sequence[LayerFact], progress: Progress) -> None:
    """The inferred layers, so that a wrong reading is seen before the report is."""
    inferred = [f"{layer.name} {layer.kind}" for layer in layers if layer.inferred]
    if inferred:
        progress.say(f"inferred from the weights: {', '.join(inferred)}")
