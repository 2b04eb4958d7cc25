"""From the checkpoint of an image classifier to a report that explains it."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "build"]

if TYPE_CHECKING:
    from reportgen.api import build


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type of a module attribute depends on its name
    """Import `reportgen.build` when it is first used, so that `reportgen --help` never waits for torch."""
    if name == "build":
        from reportgen.api import build

        return build
    raise AttributeError(f"module 'reportgen' has no attribute {name!r}")
