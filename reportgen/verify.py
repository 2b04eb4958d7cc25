"""Do the files and the numbers of a report still hold? Each claim of its manifest, then a sample computed again."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reportgen import images
from reportgen.compose import compose
from reportgen.contracts import Progress
from reportgen.language import load_words
from reportgen.loading import opened_classifier
from reportgen.manifest import Manifest, read_manifest
from reportgen.recomputing import options_of, recomputed
from reportgen.results import Run
from reportgen.witness import Claim, changed_run, file_claims, image_claims, number_claims, tensor_claims

FACTS_FILE: Final = "report.json"


@dataclass(frozen=True)
class Verified:
    """What was found, in the order of looking."""

    claims: tuple[Claim, ...]

    @property
    def fails(self) -> bool:
        """Whether anything is not what the report says: exit code 1."""
        return any(claim.state == "differs" for claim in self.claims)

    @property
    def verdict(self) -> str:
        """All of it in one line."""
        counts = {state: sum(claim.state == state for claim in self.claims) for state in ("differs", "not_checked")}
        if self.fails:
            return f"differs: {counts['differs']} of {len(self.claims)} checks"
        left = f", {counts['not_checked']} not checked" if counts["not_checked"] else ""
        return f"verified: {len(self.claims) - counts['not_checked']} checks hold{left}"


def verify(out: Path, given: Mapping[str, Any], sample: int, progress: Progress) -> Verified:
    """Compare a finished report with its manifest, and with the checkpoint and the images where they are given.

    given: options of a build; what the run was made with is taken from the run. sample: images explained again.
    Raises InputRefused where there is no manifest, or the checkpoint cannot be read, and UsageError as a build does.
    """
    return Verified(tuple(_claims(out, given, sample, progress)))


def _claims(out: Path, given: Mapping[str, Any], sample: int, progress: Progress) -> Iterator[Claim]:
    progress.stage("files", 0)
    manifest = read_manifest(out)
    changed = list(file_claims(out, manifest))
    yield from changed
    run = changed_run(out)
    if run is None:
        yield Claim("not_checked", "numbers", "run/ cannot be read, so nothing can be compared with it")
        return
    if any(claim.state == "differs" for claim in changed):  # else they were written from this very run
        yield from _numbers(out, run)
    if given.get("images"):
        progress.stage("images", 0)
        yield from image_claims(run, images.find_images(given["images"]))
    else:
        yield Claim("not_checked", "images", "none were given (--images)")
    if given.get("model"):
        yield from _model(run, manifest, given, sample, progress)
    else:
        yield Claim("not_checked", "tensors", "no checkpoint was given (--model)")


def _numbers(out: Path, run: Run) -> Iterator[Claim]:
    try:
        written = json.loads((out / FACTS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return  # its own claim says so
    composed = json.loads(json.dumps(dict(compose(run, load_words(run.language)).facts)))
    yield from number_claims(composed, written)


def _model(run: Run, manifest: Manifest, given: Mapping[str, Any], sample: int, progress: Progress) -> Iterator[Claim]:
    progress.stage("model", 0)
    options = options_of(run, given)
    with opened_classifier(options, None, progress) as classifier:
        claims = list(tensor_claims(manifest.tensors, classifier.facts.tensors))
        yield from claims
        same = classifier.facts.sha256 == manifest.model.sha256
        if not same and not any(claim.state == "differs" for claim in claims):
            yield Claim("holds", "checkpoint", "the file is another one, and every tensor in it is the same")
        if sample:
            progress.stage("recompute", 0)
            yield from recomputed(classifier, run, options, sample)
