"""From options to a classifier that answers: weights, architecture, class names, input, device."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Final

import torch
from torch import Tensor, nn

from reportgen import engine, images, normfit, reference, sources
from reportgen.answering import find_head
from reportgen.batching import BatchSize
from reportgen.classifier import Classifier, borrowed, reproducible, resolve_device
from reportgen.contracts import Network, Progress, Weights
from reportgen.digests import tensor_facts
from reportgen.errors import ArchitectureError, EnvironmentProblem, LabelsError, printable
from reportgen.excerpts import listed
from reportgen.feeding import Setting, feed
from reportgen.language import load_words
from reportgen.options import CPU_BATCH, GPU_BATCH, BuildOptions
from reportgen.results import WARNINGS, Facts, ModelFacts, TensorFact
from reportgen.sources.food11 import CLASSES as FOOD11
from reportgen.sources.listing import list_layers

PERTURBING: Final = frozenset({"lime", "occlusion"})  # tasks that ask for answers to many perturbed images


@contextmanager
def opened_classifier(options: BuildOptions, module: nn.Module | None, progress: Progress) -> Iterator[Classifier]:
    """The classifier that the options describe, on its device; a module that was handed in is given back as it was.

    Raises CheckpointError, ArchitectureError, LabelsError or EnvironmentProblem.
    """
    device = resolve_device(options.device)
    weights, network = (
        _given(module)
        if module is not None
        else sources.load(options.model, options.arch, progress.warn, options.state_key)
    )
    with _memory_named(network, device), reproducible(), ExitStack() as stack:
        stack.enter_context(borrowed(network.module, device))
        recipes = tuple(recipe for recipe in (network.recipe, weights.recipe) if recipe)
        photographs = reference.sample(options, weights.classes) if normfit.norm_layers(network.module) else ()
        fed = feed(Setting(options, network, recipes, photographs, device))
        if fed.network.module is not network.module:  # read anew, as its batch-norms say
            network = fed.network
            stack.enter_context(borrowed(network.module, device))
        classes, origin, notes = _classes(options, weights, network, fed.outputs)
        head, told = find_head(options, network, fed.spec.size, device)
        facts = ModelFacts(
            file=weights.file,
            sha256=weights.sha256,
            architecture=network.architecture,
            classes=classes,
            classes_from=origin,
            layers=network.layers,
            input=fed.spec,
            notes=(*weights.notes, *network.notes, *fed.notes, *notes, *_alike(classes), *told),
            head=head,
            findings=fed.findings,
            tensors=fingerprints_of(weights, network.module),
        )
        _tell(facts, progress)
        batch = BatchSize(_batch(options, device))
        progress.watch(lambda: batch.passed)
        yield _prepared(Classifier(network.module, facts, device, batch), options)


def fingerprints_of(weights: Weights, module: nn.Module) -> tuple[TensorFact, ...]:
    """The fingerprints of the tensors as they were read; of a network from Python those that it holds."""
    return tensor_facts({name: tensor.numpy() for name, tensor in _tensors(weights, module).items()})


def _tensors(weights: Weights, module: nn.Module) -> dict[str, Tensor]:
    """On the CPU, in types that numpy knows."""
    given = weights.tensors or module.state_dict()
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in given.items()}
    return {name: tensor.float() if tensor.dtype is torch.bfloat16 else tensor for name, tensor in plain.items()}


def _prepared(classifier: Classifier, options: BuildOptions) -> Classifier:
    """With a fast path, where a task asks for answers to many perturbed images."""
    if not PERTURBING & set(options.methods):
        return classifier
    probes = reference.shipped(classifier.facts.input)
    return replace(classifier, fast=engine.fast_path(classifier, probes, options.precision))


def _batch(options: BuildOptions, device: torch.device) -> int:
    return options.batch_size or (CPU_BATCH if device.type == "cpu" else GPU_BATCH)


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
    kinds = {parameter.dtype for parameter in module.parameters() if parameter.is_floating_point()}
    if kinds - {torch.float32}:
        why = f"its weights are {' and '.join(sorted(str(kind).removeprefix('torch.') for kind in kinds))}"
        raise ArchitectureError("E-ARCH-DTYPE", type(module).__name__, why, "Give it as float32: model.float()")
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        plain = tensor.detach().cpu().contiguous()
        digest.update(f"{name}\0{plain.dtype}\0{tuple(plain.shape)}\0".encode())
        digest.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
    name = type(module).__name__
    return Weights(name, digest.hexdigest(), {}), Network(module, name, list_layers(module))


def _classes(
    options: BuildOptions, weights: Weights, network: Network, outputs: int
) -> tuple[tuple[str, ...], str, tuple[tuple[str, Facts], ...]]:
    """Class names, where they come from, and a note where no option gave them."""
    if options.classes:
        names = images.read_class_names(options.classes)
        if len(names) != outputs:
            why = f"it holds {len(names)} names, and the network has {outputs} outputs"
            raise LabelsError("E-CLASSES-COUNT", str(options.classes), why, "Give one name per line, in index order")
        return names, "option", ()
    course = FOOD11 if options.profile == "hw5" else ()
    for names, origin in ((weights.classes, "checkpoint"), (network.classes, "architecture"), (course, "course")):
        if len(names) == outputs:
            return names, origin, ((f"note.classes_{origin}", {}),)
    return tuple(f"class {index}" for index in range(outputs)), "index", (("note.classes_index", {}),)


def _alike(classes: tuple[str, ...]) -> tuple[tuple[str, Facts], ...]:
    """A note where names do not tell classes apart."""
    repeated = [name for name, times in Counter(classes).items() if times > 1]
    return (("note.classes_alike", {"names": listed(repeated), "count": len(repeated)}),) if repeated else ()


def _tell(facts: ModelFacts, progress: Progress) -> None:
    """What was inferred, so that a wrong reading is seen before the report is; and what must not be overlooked."""
    inferred = [f"{layer.name} {layer.kind}" for layer in facts.layers if layer.inferred]
    if inferred:
        progress.say(f"inferred from the weights: {', '.join(inferred)}")
    spec, words = facts.input, load_words()
    by = ", ".join(f"{name.replace('_', ' ')} by {who}" for name, who in spec.chosen_by.items())
    progress.say(f"fed as {spec.channel_order.upper()}, {spec.size[0]} x {spec.size[1]} ({by})")
    for key, values in facts.notes:
        if key in WARNINGS:
            progress.warn(printable(f"{facts.file}: {words(key, **values)}"))
