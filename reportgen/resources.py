"""Where the templates and the shipped example lie, in the wheel or in a checkout, and where things are kept."""

import os
from pathlib import Path

from reportgen.errors import EnvironmentProblem

_PACKAGE = Path(__file__).resolve().parent


def templates_dir() -> Path:
    """The folder of the built-in templates.

    Raises EnvironmentProblem where neither the wheel's copy nor a checkout's folder exists.
    """
    packaged = _PACKAGE / "_templates"
    if packaged.is_dir():
        return packaged
    checkout = _PACKAGE.parent
    # Only beside our own pyproject.toml: site-packages/templates may belong to a stranger.
    if (checkout / "pyproject.toml").is_file() and (checkout / "templates").is_dir():
        return checkout / "templates"
    raise EnvironmentProblem(
        "E-INSTALL",
        "reportgen",
        "its templates are missing",
        "Install it again: pip install --force-reinstall reportgen",
    )


def example_dir() -> Path:
    """The folder of the shipped checkpoints, scenes and photographs."""
    return _PACKAGE / "example"


def cache_folder() -> Path | None:
    """Where results outlive a run, for this user; None without a place for it. It may be missing, or not writable."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or "")
    if base.is_absolute():  # one that is not is to be ignored, says the specification
        return base / "reportgen"
    try:
        return Path.home() / ".cache" / "reportgen"
    except RuntimeError:  # nobody's home
        return None


def results_folder() -> Path | None:
    """Where finished results are kept; None without a place for them."""
    folder = cache_folder()
    return folder / "results" if folder else None
