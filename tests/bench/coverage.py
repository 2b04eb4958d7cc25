"""`python -m bench.coverage`: how often do LIME's intervals hold the weights that endless sampling would give?

The truth is the average over so many masks of the same design, asked the same way, so that what is measured is the
sampling alone. Markdown for docs/lime.md on stdout.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.ours import opened
from bench.page import table
from bench.quality import Subject, subject
from reportgen.example import HONEST
from reportgen.neighbourhood import by_design
from reportgen.options import BuildOptions
from reportgen.randomness import stream
from reportgen.sampling import designed, order
from reportgen.surrogate import LinearModel

BUDGETS: Final = (128, 256, 1024)
DRAWS: Final = 3  # of masks, for each image and budget
ASKED: Final = 4096  # masks that are answered at once for the reference


@dataclass(frozen=True, eq=False)
class Held:
    """One draw on one image: which intervals hold the reference, how wide they are, passes taken."""

    image: str
    budget: int
    passes: int
    inside: NDArray[np.bool_]
    widths: NDArray[np.float64]


def reference(about: Subject, masks: int, seed: int) -> NDArray[np.float64]:
    """The weights on so many masks: their average over pairs of block and fold-over."""
    blocks = designed(about.segments, stream(seed, "coverage", about.name, "reference"))
    total, count = np.zeros(about.segments), 0
    while count < masks:
        group = np.concatenate(list(itertools.islice(blocks, 2 * max(1, ASKED // 2 // order(about.segments)))))
        scores = about.ask(group)[:, 0].astype(np.float64)
        total += np.where(group, 1.0, -1.0).T @ (scores - scores.mean())
        count += len(group)
    return 2 * total / count


def held(about: Subject, truth: NDArray[np.float64], seed: int) -> Iterator[Held]:
    """All budgets and draws, each as the program samples: it stops where it is settled."""
    for budget, draw in itertools.product(BUDGETS, range(DRAWS)):
        rng = stream(seed, "coverage", about.name, str(budget), str(draw))
        found = by_design(about.ask, about.segments, budget, rng)
        (model,) = found.models
        if isinstance(model, LinearModel):
            inside = np.abs(model.weights - truth) <= model.margins
            yield Held(about.name, budget, found.passes, inside, 2 * model.margins)


def measured(options: BuildOptions, masks: int) -> list[Held]:
    """Every image of the options, in their order; progress on stderr."""
    found: list[Held] = []
    with opened(options) as (classifier, cases):
        for case in cases:
            about = subject(classifier, case, options)
            truth = reference(about, masks, options.seed)
            found += held(about, truth, options.seed)
            print(f"{case.image.name}: {about.segments} superpixels", file=sys.stderr, flush=True)
    return found


def summary(found: Sequence[Held]) -> str:
    """A line for each budget."""
    rows = []
    for budget in BUDGETS:
        mine = [each for each in found if each.budget == budget]
        if not mine:
            continue
        inside = np.concatenate([each.inside for each in mine])
        by_image = [
            np.concatenate([each.inside for each in mine if each.image == image]).mean()
            for image in dict.fromkeys(each.image for each in mine)
        ]
        rows.append(
            (
                f"{budget:,}",
                f"{np.mean([each.passes for each in mine]):.0f}",
                f"{inside.mean():.3f}",
                f"{min(by_image):.2f} to {max(by_image):.2f}",
                f"{np.median(np.concatenate([each.widths for each in mine])):.4f}",
            )
        )
    return table(("budget", "passes", "covered", "by image", "median width"), rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.coverage")
    parser.add_argument("--model", type=Path, default=HONEST)
    parser.add_argument("--arch")
    parser.add_argument("--photographs", type=Path, nargs="+", required=True)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--masks", type=int, default=100_000, help="of the reference")
    given = parser.parse_args(arguments)
    options = BuildOptions(
        model=given.model, arch=given.arch, images=tuple(given.photographs), limit=given.images, lime_once=True
    )
    print(summary(measured(options, given.masks)))


if __name__ == "__main__":
    main()
