"""Results that were made before are not made again: methods and checks that look first, and keep what they make.

What a result depends on is its key: the network's tensors, code, and answers to photographs that ship with the program;
how it is fed; the image's pixels and classes; the settings that change this method's numbers; versions and machine. A
title, a file's name or place, and the other images change no key.
"""

import hashlib
import inspect
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import torch
from pydantic import TypeAdapter
from torch import Tensor, nn

from reportgen import __version__, images, reference
from reportgen.classifier import Classifier, device_name
from reportgen.contracts import Evidence, FilterMethod, ImageMethod, PictureCheck, Progress, RunCheck
from reportgen.fingerprint import fingerprint
from reportgen.ledger import Damaged, Ledger, Packing, trim
from reportgen.options import BuildOptions
from reportgen.pool import MOST
from reportgen.resources import results_folder
from reportgen.results import Case, CheckResult, Explanation, FilterStudy, MethodCheck

T = TypeVar("T")
Kind = Literal["method", "check"]

# Each setting stands in one of these three; a test holds that. What is not named is part of every key.
ALWAYS: Final = frozenset({"seed"})
# Part of the keys of one task only, and of those of checks and of methods that belong to no task.
OF_TASK: Final[Mapping[str, str]] = {
    "checks": "",
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
    "precision": "lime",
    "reference_images": "filters",
    "segmentation": "lime",
}
# They change no number of a result, or only by what is part of every key: network, input, classes, device, the image.
NEVER: Final = frozenset(
    {
        "arch", "author", "batch_size", "budget", "channel_order", "classes", "css", "device", "formats", "head",
        "images", "indices", "labels", "limit", "max_failed", "max_pdf_mb", "mean", "methods", "model", "notes", "out",
        "overwrite", "pdf_timeout", "pick", "preset", "profile", "require_notes", "resize", "rules", "self_test",
        "size", "state_key", "std", "store", "store_mb", "strict", "student_id", "templates", "title",
    }
)  # fmt: skip
PACKAGES: Final = ("torch", "numpy", "scipy", "scikit-image", "scikit-learn", "lime", "captum", "pillow")
PROBES: Final = 2
FOLDER_DIGITS: Final = 16
KNOWN_TASKS: Final = ("saliency", "filters", "lime")  # whose settings the table above tells apart
EXPLANATIONS: Final = Packing(TypeAdapter(tuple[Explanation, ...]))
STUDIES: Final = Packing(TypeAdapter(tuple[FilterStudy, ...]))
CHECKED: Final = Packing(TypeAdapter(tuple[CheckResult, ...]))
METHODS_CHECKED: Final = Packing(TypeAdapter(tuple[MethodCheck, ...]))


@dataclass(frozen=True, eq=False)
class Recall:
    """What looks up and keeps the results of one network. ledger: None where nothing is kept.

    Whatever is made is packed and unpacked, kept or not, so that a result is the same to the bit either way.
    """

    classifier: Classifier
    options: BuildOptions
    ledger: Ledger | None
    network: str  # the fingerprint of the network and of what runs it

    def methods(self, table: Mapping[str, ImageMethod]) -> dict[str, ImageMethod]:
        """The table, its methods recalling image by image."""

        def remembering(method: ImageMethod) -> ImageMethod:
            def explain(
                classifier: Classifier, cases: Sequence[Case], options: BuildOptions
            ) -> Iterator[tuple[Explanation, ...]]:
                keys = [self._key("method", method.name, picture(case)) for case in cases]
                return self._each(
                    keys, lambda wanted: method.explain(classifier, [cases[n] for n in wanted], options), EXPLANATIONS
                )

            return replace(method, explain=explain)

        return {name: remembering(method) for name, method in table.items()}

    def studies(self, table: Mapping[str, FilterMethod]) -> dict[str, FilterMethod]:
        """The same for filters, whose studies speak of all images together."""

        def remembering(method: FilterMethod) -> FilterMethod:
            def explain(classifier: Classifier, cases: Sequence[Case], options: BuildOptions) -> Iterator[FilterStudy]:
                shown = [(case.image.name, picture(case)) for case in cases]
                key = self._key("method", method.name, shown, classifier.facts.classes)
                yield from self._all(key, lambda: method.explain(classifier, cases, options), STUDIES)

            return replace(method, explain=explain)

        return {name: remembering(method) for name, method in table.items()}

    def picture_checks(self, table: Mapping[str, PictureCheck]) -> dict[str, PictureCheck]:
        """The same for checks of single pictures."""

        def remembering(check: PictureCheck) -> PictureCheck:
            def judge(evidence: Evidence) -> Iterator[tuple[CheckResult, ...]]:
                both = list(zip(evidence.cases, evidence.explanations, strict=True))
                keys = [self._key("check", check.name, picture(case), said) for case, said in both]
                return self._each(keys, lambda wanted: check.judge(_part(evidence, wanted)), CHECKED)

            return replace(check, judge=judge)

        return {name: remembering(check) for name, check in table.items()}

    def run_checks(self, table: Mapping[str, RunCheck]) -> dict[str, RunCheck]:
        """The same for checks of methods over all images."""

        def remembering(check: RunCheck) -> RunCheck:
            def judge(evidence: Evidence) -> Iterator[MethodCheck]:
                shown = [picture(case) for case in evidence.cases]
                key = self._key("check", check.name, shown, evidence.explanations)
                yield from self._all(key, lambda: check.judge(evidence), METHODS_CHECKED)

            return replace(check, judge=judge)

        return {name: remembering(check) for name, check in table.items()}

    def _each(
        self, keys: Sequence[str], make: Callable[[Sequence[int]], Iterator[T]], packing: Packing[T]
    ) -> Iterator[T]:
        """One result for each key, in their order; those that are not kept are made together, in their order."""
        missing = [n for n, key in enumerate(keys) if not self.ledger or not self.ledger.holds(key)]
        made = make(missing) if missing else iter(())
        for n, key in enumerate(keys):
            if n in missing:
                yield self._kept(key, next(made), packing)
            elif (found := self._found(key, packing)) is not None:
                yield found
            else:  # damaged, or removed a moment ago
                yield self._kept(key, next(make([n])), packing)

    def _all(self, key: str, make: Callable[[], Iterator[T]], packing: "Packing[tuple[T, ...]]") -> tuple[T, ...]:
        found = self._found(key, packing)
        return self._kept(key, tuple(make()), packing) if found is None else found

    def _found(self, key: str, packing: Packing[T]) -> T | None:
        data = self.ledger.get(key) if self.ledger else None
        if self.ledger is None or data is None:
            return None
        try:
            found = packing.unpack(data)
        except Damaged:
            self.ledger.damaged += 1
            return None
        self.ledger.recalled += 1
        return found

    def _kept(self, key: str, value: T, packing: Packing[T]) -> T:
        data = packing.pack(value)
        if self.ledger and not _failed(value):
            self.ledger.put(key, data)
        return packing.unpack(data)

    def _key(self, kind: Kind, name: str, *about: Any) -> str:  # noqa: ANN401 - whatever the result is about
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


@contextmanager
def recalling(classifier: Classifier, options: BuildOptions, progress: Progress) -> Iterator[Recall]:
    """Looks up and keeps results for as long as the block lasts; told in lines what came of it."""
    root = results_folder() if options.store else None
    if root is None:
        if options.store:
            progress.warn("results are not stored: there is no home folder. Set XDG_CACHE_HOME, or say --no-store")
        yield Recall(classifier, options, None, "")
        return
    network = network_fingerprint(classifier)
    ledger = Ledger(root / network[:FOLDER_DIGITS])
    ledger.describe(f"{classifier.facts.file} ({classifier.facts.architecture})")
    try:
        yield Recall(classifier, options, ledger, network)
    finally:
        trim(root, int(options.store_mb * 1e6))
        if ledger.recalled:
            progress.say(f"{ledger.recalled} results were stored before, {ledger.made} were made")
        if ledger.damaged:
            progress.warn(f"{ledger.damaged} stored results were damaged, and were made again")
        if ledger.off:
            progress.warn(f"results are not stored: {root}: {ledger.off}. Set XDG_CACHE_HOME, or say --no-store")


def _concerns(of: str | None, name: str, task: str) -> bool:
    """Whether a method of the task ("" for one of none) heeds the setting."""
    if of is None or name in ALWAYS:
        return True
    return bool(of) and task in ("", of)


def _failed(value: Any) -> bool:  # noqa: ANN401 - a tuple of results of any kind
    """What failed may go well the next time, so it is not kept."""
    return any(getattr(each, "status", "") == "failed" for each in value)


def _part(evidence: Evidence, wanted: Sequence[int]) -> Evidence:
    cases = [evidence.cases[n] for n in wanted]
    return replace(evidence, cases=cases, explanations=[evidence.explanations[n] for n in wanted])


def picture(case: Case) -> tuple[object, ...]:
    """All of a case that a result may depend on: not the file's name."""
    image = case.image
    return image.sha256, image.pixels, image.original, image.label, case.prediction, case.targets


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
