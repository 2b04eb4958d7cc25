"""The same from Python: `reportgen.build(model=network, images="photographs/")`."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

from torch import nn

from reportgen.contracts import Progress
from reportgen.pipeline import Built
from reportgen.pipeline import build as run_build
from reportgen.settings import resolve

PathText = str | PathLike[str]


def build(
    model: nn.Module | PathText,
    images: PathText | Iterable[PathText] = (),
    *,
    progress: Progress | None = None,
    **settings: Any,  # noqa: ANN401 - each setting has its own type, checked by BuildOptions
) -> Built:
    """Explain a classifier and write its report; what `reportgen build` does, for a network or a checkpoint.

    model: a network that takes (N, 3, H, W) float32 and returns (N, K) logits, given back exactly as it was; or the
    path of a checkpoint. images: files or folders. settings: fields of reportgen.options.BuildOptions, such as
    `out="report"`, `mean=(0.485, 0.456, 0.406)`, `formats=("html",)`; what is not given comes from the settings file,
    the environment or the default, as on the command line.
    Returns the paths written, a summary, and the exit code of the command.
    Raises reportgen.errors.ReportgenError where there is no report.
    """
    network = model if isinstance(model, nn.Module) else None
    named = Path(type(model).__name__) if isinstance(model, nn.Module) else Path(model)
    paths = (Path(images),) if isinstance(images, str | PathLike) else tuple(Path(path) for path in images)
    options = resolve({"model": named, "images": paths, **settings})
    return run_build(options, network, progress)
