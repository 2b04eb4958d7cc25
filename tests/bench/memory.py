"""Peak memory of a build with few and with many images, each in a process of its own."""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from bench.scale import Scale
from bench.scenes import ALL, scenes
from reportgen.example import HONEST
from reportgen.options import BuildOptions
from reportgen.pipeline import build

SAMPLES, STEPS = 128, 8  # passes of a LIME explanation and steps of an ascent: they take time and no memory


def peaks(scale: Scale) -> dict[int, float]:
    """Number of images -> most memory held at a time, in MiB."""
    return {count: _peak(count) for count in (scale.few, scale.many)}


def build_and_tell(folder: Path) -> None:
    """Build a page from the images in the folder and print the most memory that this process ever held, in MiB."""
    options = BuildOptions(
        model=HONEST,
        images=(folder / "images",),
        limit=sum(1 for _ in (folder / "images").iterdir()),
        out=folder / "report",
        formats=("html",),
        device="cpu",
        lime_samples=SAMPLES,
        filter_steps=STEPS,
    )
    built = build(options)
    assert built.exit_code == 0, "the build did not succeed"
    print(high_water())


def high_water(status: Path = Path("/proc/self/status")) -> float:
    """Most memory that this process, or the one of that status, ever held, in MiB."""
    if not status.exists():  # macOS, which counts in bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    # Not ru_maxrss: on Linux a process that was just started inherits that of the one that started it.
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 2**10


def _peak(count: int) -> float:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_images(folder / "images", count)
        paths = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)])}
        command = [sys.executable, "-m", "bench.memory", name]
        done = subprocess.run(command, env=os.environ | paths, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


def _write_images(folder: Path, count: int) -> None:
    """The scenes again and again, each time shifted further: no two files hold the same pixels."""
    folder.mkdir()
    originals = [np.asarray(Image.open(path).convert("RGB")) for path in scenes(ALL)]
    for number in range(count):
        turn, which = divmod(number, len(originals))
        Image.fromarray(np.roll(originals[which], turn, axis=1)).save(folder / f"scene-{number:03}.png")


if __name__ == "__main__":
    build_and_tell(Path(sys.argv[1]))
