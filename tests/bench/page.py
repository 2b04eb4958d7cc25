"""The results as Markdown tables, for docs/performance.md."""

from collections.abc import Sequence

from bench.masks import Fit
from bench.meter import Reading
from bench.quality import Quality
from bench.report import Size
from bench.targets import Target
from bench.tasks import Row


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all but the first column are numbers."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tasks(rows: Sequence[Row]) -> str:
    """Seconds, images through the network and time outside of it, both ways, for one image where a task has several."""
    gpu = any(row.ours.mib for row in rows)
    head = ["task", "whose", "seconds", "images through the network", "calls", "outside forward passes"]
    head += [*(["peak GPU memory, MiB"] if gpu else []), "times as fast"]
    lines = []
    for row in rows:
        for whose, reading, ratio in (("write-up", row.theirs, ""), ("reportgen", row.ours, f"**{row.ratio:.1f}**")):
            name = row.name if whose == "write-up" else ""
            memory = [f"{reading.mib:.0f}"] if gpu else []
            lines.append([name, whose, *_reading(reading, row.images), *memory, ratio])
    return table(head, lines)


def targets(found: Sequence[Target]) -> str:
    """Goals, what was measured, and whether it reaches them."""
    return table(
        ["", "at least", "aim", "measured", ""],
        [
            [
                each.name,
                *(f"{number:.3g} {each.unit}" for number in (each.least, each.aim, each.measured)),
                each.verdict,
            ]
            for each in found
        ],
    )


def quality(found: Sequence[Quality]) -> str:
    """How near each way of sampling comes to the reference."""
    head = ["masks", "asked", "passes, mean", "correlation, mean", "lowest"]
    rows = [
        [
            each.sampling if each.paired else f"{each.sampling}, no fold-over",
            str(each.asked),
            f"{each.passes:.0f}",
            f"{each.mean:.4f}",
            f"{each.lowest:.4f}",
        ]
        for each in found
    ]
    return table(head, rows)


def masks(found: Sequence[Fit]) -> str:
    """Three programs on the same masks."""
    head = ["", "seconds", "outside forward passes, s", "images", "largest difference from lime's weights", "of"]
    rows = [
        [
            each.program,
            f"{each.reading.seconds:.2f}",
            f"{each.reading.outside or 0:.2f}",
            str(each.reading.images),
            f"{each.apart:.1e}",
            f"{each.largest:.1e}",
        ]
        for each in found
    ]
    return table(head, rows)


def reports(found: Sequence[Size]) -> str:
    """How large reports are and how long writing them takes."""
    head = [
        "images",
        "pictures each",
        "composing, s",
        "of a core",
        "HTML, s",
        "of a core",
        "MB",
        "PDF, s",
        "of a core",
        "MB",
        "memory of both, MiB",
        "PDF, MiB",
    ]
    return table(
        head,
        [
            [
                str(each.images),
                f"{each.pictures:.1f}",
                f"{each.compose_seconds:.1f}",
                f"{each.compose_cpu:.1f}",
                f"{each.html_seconds:.1f}",
                f"{each.html_cpu:.1f}",
                f"{each.html_mb:.1f}",
                f"{each.pdf_seconds:.1f}",
                f"{each.pdf_cpu:.1f}",
                f"{each.pdf_mb:.1f}",
                f"{each.own_mib:.0f}",
                f"{each.pdf_mib:.0f}",
            ]
            for each in found
        ],
    )


def _reading(reading: Reading, images: int) -> list[str]:
    left = reading.outside
    outside = "" if left is None else f"{left / images:.2f} s, {left / reading.seconds:.1%}"
    counts = [f"{reading.images / images:.0f}", f"{reading.calls / images:.0f}"] if reading.calls else ["", ""]
    return [f"{reading.seconds / images:.2f}", *counts, outside]
