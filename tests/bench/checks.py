"""What the trust checks cost: a default build of the shipped network with them, beside one without, in turn."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.scale import Scale
from bench.scenes import scenes
from bench.targets import Target
from reportgen.example import HONEST
from reportgen.options import BuildOptions, Checks
from reportgen.pipeline import build

STEPS: Final = 64  # of gradient ascent, unless the scale is smaller: the default of a build


def measure(scale: Scale) -> Target:
    """Seconds of a whole build with the default checks, of those of one without. Nothing is taken from the store."""
    without, made = (_seconds(scale, checks) for checks in ("none", "quick"))
    name = f"a build of {scale.checked} images with the default checks, of one without"
    return Target(name, 200, 150, 100 * made / without, "%")


def _seconds(scale: Scale, checks: Checks) -> float:
    """The self-test is left out: its result is kept, so that it costs one build of a version only."""
    with TemporaryDirectory() as folder:
        options = BuildOptions(
            model=HONEST,
            images=scenes(scale.checked),
            out=Path(folder) / "report",
            checks=checks,
            store=False,
            self_test=False,
            device="cpu",
            lime_samples=scale.samples,
            filter_steps=min(scale.steps, STEPS),
        )
        begin = time.perf_counter()
        build(options)
        return time.perf_counter() - begin
