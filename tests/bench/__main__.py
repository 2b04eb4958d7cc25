"""`python -m bench`: Markdown on stdout, progress on stderr, all numbers in a JSON file."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from bench import checks, flops, masks, memory, ours, page, quality, report, targets, tasks
from bench.course import course_network
from bench.masks import Fit
from bench.quality import Quality
from bench.report import Size
from bench.scale import FULL, QUICK, Scale
from bench.scenes import ALL, scenes
from bench.targets import Target
from bench.tasks import Row
from reportgen.classifier import device_name, resolve_device
from reportgen.example import HONEST
from reportgen.options import BuildOptions


@dataclass(frozen=True)
class Device:
    """Everything measured on one device. passes: designed masks worth the random ones; answers: how it is asked."""

    name: str
    answers: str
    quality: tuple[Quality, ...]
    passes: int
    rows: tuple[Row, ...]
    targets: tuple[Target, ...]
    shipped: tuple[Fit, ...]
    course: tuple[Fit, ...]


@dataclass(frozen=True)
class Results:
    """One run. peaks: number of images -> MiB."""

    scale: Scale
    machine: Mapping[str, str]
    devices: tuple[Device, ...]
    peaks: Mapping[int, float]
    memory: Target
    step: Target
    checks: Target
    reports: tuple[Size, ...]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, keep."""
    given = _parser().parse_args(arguments)
    scale = QUICK if given.quick else FULL
    if given.images:
        scale = replace(scale, images=given.images)
    found = run(scale, _devices(given.device))
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
    print(markdown(found))


def run(scale: Scale, devices: Sequence[str]) -> Results:
    """Everything, device by device."""
    measured = tuple(_on(scale, name) for name in devices)
    say("memory")
    peaks = memory.peaks(scale)
    say("operations")
    step = flops.of_a_step(scale.narrower)
    say("checks")
    checked = checks.measure(scale)
    say("reports")
    sizes = tuple(report.measured_apart(*asked) for asked in scale.reports)
    return Results(scale, _machine(), measured, peaks, targets.of_memory(peaks), step, checked, sizes)


def markdown(found: Results) -> str:
    """The results as a part of docs/performance.md."""
    parts = [", ".join(f"{name} {value}" for name, value in found.machine.items())]
    for device in found.devices:
        parts += [
            f"### {device.name}",
            device.answers,
            page.targets(device.targets),
            f"The write-up's tasks on the course network, per image where there are several; random "
            f"weights. {device.passes} designed masks are worth {found.scale.samples} random ones:",
            page.tasks(device.rows),
            f"Correlation of LIME's weights with those from {found.scale.reference} random masks, shipped network, "
            f"{found.scale.scenes} scenes, {found.scale.draws} draws each:",
            page.quality(device.quality),
            f"The same {found.scale.samples} masks through three programs, shipped network:",
            page.masks(device.shipped),
            "The same on the course network:",
            page.masks(device.course),
        ]
    memory_of = " and ".join(f"{mib:.0f} MiB for {count} images" for count, mib in found.peaks.items())
    parts += ["### Memory", f"Peak of a build in a process of its own: {memory_of}.", page.targets([found.memory])]
    parts += ["### Operations", page.targets([found.step])]
    parts += ["### Checks", page.targets([found.checks])]
    parts += ["### Reports", page.reports(found.reports)]
    return "\n\n".join(part for part in parts if part)


def say(line: str) -> None:
    """Progress, on stderr."""
    print(line, file=sys.stderr, flush=True)


def _on(scale: Scale, name: str) -> Device:
    device = resolve_device(name)
    say(f"{name}: quality of designed masks")
    found = quality.measure(scale, name)
    passes = quality.enough(found).asked
    rows = tasks.measure(tasks.Work(scale, device, passes, say))
    say("equal masks")
    shipped = BuildOptions(model=HONEST, images=scenes(1), device=name, lime_samples=scale.samples)
    course = ours.course_options(scenes(1), name, lime_samples=scale.samples)
    network = course_network(scale.narrower, device)
    with ours.opened(course, network) as (classifier, _):
        answers = ours.way_of_asking(classifier)
    return Device(
        device_name(device),
        answers,
        found,
        passes,
        rows,
        targets.on_device(rows, device.type),
        masks.compare(shipped),
        masks.compare(course, network),
    )


def _devices(asked: str) -> tuple[str, ...]:
    there = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    return there if asked == "all" else (asked,)


def _machine() -> dict[str, str]:
    return {
        "torch": torch.__version__,
        "threads": str(torch.get_num_threads()),
        "cores": str(os.cpu_count()),
        "processor": platform.machine(),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("bench", description="The write-up's way and ours in one run.")
    parser.add_argument(
        "--device", choices=("all", "cpu", "cuda"), default="all", help="all: a GPU too, if there is one"
    )
    parser.add_argument("--quick", action="store_true", help="little of everything, on a narrow network: does it run?")
    parser.add_argument("--images", type=_images, help=f"images of the workload, 1 to {ALL}; 4 unless told")
    parser.add_argument("--json", type=Path, default=Path("report/bench.json"), help="file for the numbers")
    return parser


def _images(text: str) -> int:
    count = int(text)
    if not 1 <= count <= ALL:
        raise argparse.ArgumentTypeError(f"{ALL} images ship with the program")
    return count


if __name__ == "__main__":
    main()
