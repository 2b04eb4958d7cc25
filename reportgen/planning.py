"""What a build would do, without doing it: images, methods, layers, passes through the network, sizes of the files."""

from collections.abc import Mapping

from torch import nn

from reportgen.cases import named
from reportgen.contracts import Progress
from reportgen.layers import one_per_stage
from reportgen.loading import opened_classifier
from reportgen.options import BuildOptions
from reportgen.results import Scalar
from reportgen.selection import select_images

TARGETS = 2  # classes explained for an image at most: the answer, and the label where it is another
LIME_RUNS = 3  # with a second fill and a second segmentation
VARIANTS = 3  # synthetic images of a filter
PICTURE = 22_000  # bytes: what a photograph or overlay of a report takes, on the median of the shipped examples
PANELS = 4  # pictures of an image on its card
STRIP = 16  # small pictures of a filter
SMALL = 12_000  # bytes of one
PDF_OWN = 400_000  # bytes of fonts, tags and the attachment
BASE64 = 4 / 3


def plan(options: BuildOptions, model: nn.Module | None, progress: Progress) -> Mapping[str, Scalar]:
    """The plan, flat, as --json prints it. Every number is the most that can be; LIME mostly stops far earlier.

    The network is read and probed as for a build, the images are found, chosen and decoded; no method and no check
    runs. Raises what a build raises before its first method.
    """
    progress.stage("model", 0)
    with opened_classifier(options, model, progress) as classifier:
        ask = named(classifier.probabilities, classifier.facts)
        selection = select_images(options, classifier.facts, ask, classifier.batch.images, progress)
        layers = options.layers or (one_per_stage(classifier) if "filters" in options.methods else ())
        facts = classifier.facts
    images = len(selection.images)
    filters = len(layers) * (len(options.filters) or options.filters_top) if "filters" in options.methods else 0
    sizes = _sizes(options, images, filters)
    return {
        "model": facts.architecture,
        "images": images,
        "unreadable": len(selection.failures),
        "methods": ", ".join(options.methods),
        "layers": ", ".join(layers),
        "filters": filters,
        **_passes(options, images, filters),
        **sizes,
    }


def _passes(options: BuildOptions, images: int, filters: int) -> dict[str, Scalar]:
    """Images through the network, at most. A gradient counts as one pass here and costs about three."""
    passes: dict[str, Scalar] = {}
    if "saliency" in options.methods:
        passes["passes_saliency"] = images * TARGETS
    if "filters" in options.methods:
        passes["passes_filters"] = filters * VARIANTS * options.filter_steps
    if "lime" in options.methods:
        passes["passes_lime"] = images * TARGETS * options.lime_samples * (1 if options.lime_once else LIME_RUNS)
    return passes


def _sizes(options: BuildOptions, images: int, filters: int) -> dict[str, Scalar]:
    """Bytes of the files, as far as that can be said beforehand; budgets bound them."""
    raw = images * PANELS * 2 * PICTURE + filters * STRIP * SMALL
    sizes: dict[str, Scalar] = {}
    if "html" in options.formats:
        sizes["bytes_html"] = min(round(raw * BASE64), round(options.budget * 1e6))
    if "pdf" in options.formats:
        shown = raw * min(images, options.pdf_images) // max(images, 1)
        sizes["bytes_pdf"] = min(shown + PDF_OWN, round(options.max_pdf_mb * 1e6))
    return sizes
