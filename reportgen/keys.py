"""The key of a result: the fingerprint of all that it depends on, and of nothing else.

That is: the network's tensors, code, and answers to photographs that ship with the program; how it is fed; the image's
pixels and classes; the settings that change this method's numbers; versions and machine. A title, a file's name or
place, and the other images change no key.
"""

import hashlib
import inspect
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn

from reportgen import __version__, images, reference
from reportgen.classifier import Classifier, device_name
from reportgen.fingerprint import fingerprint
from reportgen.options import BuildOptions
from reportgen.pool import MOST
from reportgen.results import Case

Kind = Literal["method", "check"]

# Each setting stands in one of these three; a test holds that. What is not named is part of every key.
ALWAYS: Final = frozenset({"seed"})
# Part of the keys of one task only, and of those of checks and of methods that belong to no task.
OF_TASK: Final[Mapping[str, str]] = {
    "checks": "",
    "filter_images": "filters",
    "filter_steps": "filters",
    "filters": "filters",
    "filters_top": "filters",
    "layers": "filters",
    "lime_compactness": "lime",
    "lime_fill": "lime",
    "lime_fill_image": "lime",
    "lime_once": "lime",
    "lime_samples": "lime",
    "lime_sampling": "lime",
    "lime_segments": "lime",
    "masks": "",
    "precision": "lime",
    "reference_images": "filters",
    "segmentation": "lime",
}
# They change no number of a result, or only by what is part of every key: network, input, classes, device, the image.
NEVER: Final = frozenset(
    {
        "accent", "arch", "author", "batch_size", "budget", "channel_order", "classes", "css", "device", "dry_run",
        "font", "formats", "head", "images", "indices", "labels", "lang", "limit", "logo", "max_failed", "max_pdf_mb",
        "max_seconds", "mean", "methods", "model", "notes", "out", "overwrite", "paper", "pdf_full", "pdf_images",
        "pdf_timeout", "pick", "preset", "profile", "require_notes", "resize", "rules", "self_test", "size",
        "state_key", "std", "store", "store_mb", "strict", "student_id", "target", "templates", "title", "versus",
    }
)  # fmt: skip
PACKAGES: Final = ("torch", "numpy", "scipy", "scikit-image", "scikit-learn", "lime", "captum", "pillow")
PROBES: Final = 2
KNOWN_TASKS: Final = ("saliency", "filters", "lime")  # whose settings the table above tells apart


@dataclass(frozen=True, eq=False)
class Keys:
    """Makes the keys of one run. network: the fingerprint of the network and of what runs it."""

    classifier: Classifier
    options: BuildOptions
    network: str

    def of(self, kind: Kind, name: str, *about: Any) -> str:  # noqa: ANN401 - whatever the result is about
        """The key of what a method or a check of that name says about something."""
        task = name.removesuffix("_hw5") if name.removesuffix("_hw5") in KNOWN_TASKS else ""
        # The fast path answers LIME's questions, and whatever asks many; it is made where a task needs it.
        forwards = self.classifier.fast.facts if self.classifier.fast and task in ("", "lime") else None
        return fingerprint(kind, name, self.network, forwards, self._settings(kind, task), about)

    def _settings(self, kind: Kind, task: str) -> dict[str, Any]:
        """The settings that may change a number of such a result, files by their content."""
        return {
            name: self._contents[name] if name in self._contents else getattr(self.options, name)
            for name in type(self.options).model_fields
            if name not in NEVER and (kind == "check" or _concerns(OF_TASK.get(name), name, task))
        }

    @cached_property
    def _contents(self) -> Mapping[str, str]:
        """Fingerprints of what settings that name files lead to; of a folder of photographs, of those looked at."""
        options = self.options
        lent = images.find_images(options.reference_images) if options.reference_images else ()
        found = {"reference_images": fingerprint([(each.name, each.path) for each in images.evenly(lent, MOST)])}
        for name in type(options).model_fields:
            value = getattr(options, name)
            if isinstance(value, Path) and name not in NEVER:
                found[name] = fingerprint(value)
        return found


def _concerns(of: str | None, name: str, task: str) -> bool:
    """Whether a method of the task ("" for one of none) heeds the setting."""
    if of is None or name in ALWAYS:
        return True
    return bool(of) and task in ("", of)


def picture(case: Case) -> tuple[object, ...]:
    """All of a case that a result may depend on: not the file's name."""
    image = {field.name: getattr(case.image, field.name) for field in fields(case.image) if field.name != "name"}
    return image, case.prediction, case.targets


def network_fingerprint(classifier: Classifier) -> str:
    """Of the network: tensors, code and answers; of how it is fed; and of what computes it."""
    module = classifier.module
    tensors = {name: _raw(each) for name, each in (*module.named_parameters(), *module.named_buffers())}
    return fingerprint(
        tensors,
        repr(module),
        _sources(module),
        _answers(classifier),
        classifier.facts.input,
        classifier.facts.head,
        {name: version(name) for name in PACKAGES},
        (__version__, own_source(), platform.python_version(), platform.machine()),
        (device_name(classifier.device), torch.get_num_threads()),
    )


def _raw(tensor: Tensor) -> tuple[str, tuple[int, ...], bytes]:
    plain = tensor.detach().cpu().contiguous()
    return str(plain.dtype), tuple(plain.shape), plain.reshape(-1).view(torch.uint8).numpy().tobytes()


def _sources(module: nn.Module) -> tuple[str, ...]:
    """The code of each class of the network that is not torch's own, as far as it can be read."""
    kinds = {type(part) for part in module.modules() if not type(part).__module__.startswith("torch.")}
    found = []
    for kind in kinds:
        with suppress(OSError, TypeError):  # typed in by hand, or made up: its answers speak for it
            found.append(inspect.getsource(kind))
    return tuple(sorted(found))


def _answers(classifier: Classifier) -> object:
    """What it says of photographs that ship with the program: the part of its state that no tensor shows."""
    try:
        return classifier.logits(reference.shipped(classifier.facts.input)[:PROBES])
    except Exception as err:  # whatever a user's own network raises; it will be told elsewhere
        return type(err).__name__


def own_source() -> str:
    """The fingerprint of this program's own code: a mended method has another answer."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
