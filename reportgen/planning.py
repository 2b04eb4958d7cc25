"""What a build would do, without doing it: images, methods, layers, passes through the network, time in it, sizes.

All of it is an estimate, and none of it is written into a report.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from torch import nn

from reportgen.attribution import score_gradients
from reportgen.cases import answered, asked_for, named
from reportgen.checks import PICTURE_CHECKS, RUN_CHECKS
from reportgen.classifier import Classifier, NoGradient
from reportgen.contracts import Progress
from reportgen.costs import Filters, Image, Judging, Passes
from reportgen.cues import COPIES
from reportgen.explain import FILTER_METHODS, IMAGE_METHODS
from reportgen.layers import one_per_stage
from reportgen.loading import opened_classifier
from reportgen.options import BuildOptions
from reportgen.results import Case, Scalar
from reportgen.selection import select_images

PROBED: Final = 8  # images of the probe: few, so that it is short, and a batch all the same
ANSWERED: Final = 2  # times that the network is asked about each image by itself, be it to choose it
PICTURE = 22_000  # bytes: what a photograph or overlay of a report takes, on the median of the shipped examples
PICTURES = 2  # of each method on an image's card: by itself and over the image
STRIP = 16  # small pictures of a filter
SMALL = 12_000  # bytes of one
PDF_OWN = 400_000  # bytes of fonts, tags and the attachment
BASE64 = 4 / 3

Plan = Mapping[str, Scalar]


def plan(options: BuildOptions, methods: Sequence[str], model: nn.Module | None, progress: Progress) -> Plan:
    """The plan, flat, as --json prints it. methods: those that a build would run, in their order.

    The network is read and probed as for a build, the images are found, chosen, decoded and answered; no method and no
    check runs. Raises what a build raises before its first method.
    """
    progress.stage("model", 0)
    with opened_classifier(options, model, progress) as classifier:
        facts = classifier.facts
        target = asked_for(options.target, options.versus, facts.classes)
        ask = named(classifier.probabilities, facts)
        selection = select_images(options, facts, ask, classifier.batch.images, progress)
        layers = options.layers or (one_per_stage(classifier) if "filters" in options.methods else ())
        cases = answered(classifier, selection.images, target)[0]
        passes = _passes(options, methods, facts.input.size, cases, len(layers))
        seconds = _seconds(classifier, cases, list(passes.values())) if cases else 0
    filters = len(layers) * (len(options.filters) or options.filters_top) if "filters" in options.methods else 0
    return {
        "model": facts.architecture,
        "images": len(selection.images),
        "unreadable": len(selection.failures),
        "methods": ", ".join(options.methods),
        "layers": ", ".join(layers),
        "filters": filters,
        **{f"passes_{name}": each.all for name, each in passes.items()},
        "seconds": seconds,
        **_sizes(options, cases, [name for name in methods if name in IMAGE_METHODS], filters),
    }


def _passes(
    options: BuildOptions, methods: Sequence[str], size: tuple[int, int], cases: Sequence[Case], layers: int
) -> dict[str, Passes]:
    """What each method and each check asks of the network, by its own account."""
    found = {"images": Passes(ANSWERED * len(cases))}
    of_image: dict[str, Passes] = {}
    roughly: dict[str, Passes] = {}
    for name in methods:
        if name in IMAGE_METHODS:
            method = IMAGE_METHODS[name]
            each = [method.passes(Image(options, size, len(case.targets))) for case in cases]
            found[name] = sum(each, Passes())
            of_image[name] = method.passes(Image(options, size, 1))
            if method.rough:
                roughly[name] = method.rough.passes(Image(options, size, 1))
        else:
            found[name] = FILTER_METHODS[name].passes(Filters(options, len(cases), layers))
    if options.checks != "none":
        pictures = sum(len(case.targets) for case in cases) * len(of_image)
        about = Judging(options, len(cases), pictures, of_image, roughly)
        asked = [check for check in PICTURE_CHECKS.values() if options.checks == "full" or not check.slow]
        checks = [(check.name, check.passes(about)) for check in RUN_CHECKS.values()]
        checks += [(check.name, check.passes(about)) for check in asked]
        found |= {name: passes for name, passes in checks if passes.all}
        found["cues"] = Passes(len(COPIES) * len(cases))
    return found


def _seconds(classifier: Classifier, cases: Sequence[Case], passes: Sequence[Passes]) -> int:
    """How long the network would be busy, from a probe of its passes here and now; rounded up."""
    some = [cases[n % len(cases)] for n in range(PROBED)]
    pixels = np.stack([case.image.pixels for case in some])
    prepared = classifier.prepare(pixels)
    plain = _timed(lambda: classifier.answer(prepared))
    try:
        graded = _timed(lambda: score_gradients(classifier, pixels, [case.targets[0] for case in some]))
    except NoGradient:
        graded = 0.0
    total = sum(passes, Passes())
    return int(np.ceil((plain * total.plain + graded * total.graded) / PROBED))


def _timed(work: Callable[[], object]) -> float:
    """Seconds of the work; what happens only once is done before."""
    work()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _sizes(options: BuildOptions, cases: Sequence[Case], methods: Sequence[str], filters: int) -> dict[str, Scalar]:
    """Bytes of the files, as far as that can be said beforehand; budgets bound them."""
    images = len(cases)
    shown = images + PICTURES * len(methods) * sum(len(case.targets) for case in cases)
    raw = shown * PICTURE + filters * STRIP * SMALL
    sizes: dict[str, Scalar] = {}
    if "html" in options.formats:
        sizes["bytes_html"] = min(round(raw * BASE64), round(options.budget * 1e6))
    if "pdf" in options.formats:
        printed = raw * min(images, options.pdf_images) // max(images, 1)
        sizes["bytes_pdf"] = min(printed + PDF_OWN, round(options.max_pdf_mb * 1e6))
    return sizes
