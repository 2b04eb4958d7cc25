"""One family of errors: each says what, why, what to do next, and which exit code it means."""

import unicodedata
from typing import ClassVar


class ReportgenError(Exception):
    """Something the user can act on.

    code: stable identifier such as ``E-CKPT-LFS``; what: the thing concerned (a file, an option);
    why: what is wrong with it; fix: what to do next.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, code: str, what: str, why: str, fix: str) -> None:
        super().__init__(code, what, why, fix)  # all of them, or a copy made by another process could not be rebuilt
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.what}: {self.why}. {self.fix}"

    def line(self) -> str:
        """The sentence printed to the user, without line breaks or control characters."""
        return printable(f"error[{self.code}] {self}")


def printable(text: str) -> str:
    """The text with every character that could move a cursor or turn the writing direction made visible.

    File names, keys and class names are hostile input. Source: Unicode Technical Standard 39, security mechanisms.
    """
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else f"<U+{ord(c):04X}>" for c in text)


class UsageError(ReportgenError):
    """The command line, an environment variable or a settings file is wrong."""

    exit_code = 2


class InputRefused(ReportgenError):
    """An input cannot be used; no report is written."""

    exit_code = 3


class CheckpointError(InputRefused):
    """The checkpoint cannot be read, or holds something else than weights."""


class ArchitectureError(InputRefused):
    """The architecture cannot be built, or does not fit the weights."""


class LabelsError(InputRefused):
    """Labels or class names do not fit the images or the model."""


class ImagesError(InputRefused):
    """No image is left to explain."""


class OutputError(ReportgenError):
    """The report cannot be written where it was asked for."""

    exit_code = 4


class EnvironmentProblem(ReportgenError):
    """The machine lacks something: a device, a library, memory."""

    exit_code = 4


class ImageError(ReportgenError):
    """One image cannot be used; the run goes on and the report shows a card with the reason."""

    exit_code = 1


class MaskError(ReportgenError):
    """One mask of an object cannot be used; the run goes on without it."""

    exit_code = 1


class MethodError(ReportgenError):
    """One method failed on one image; the run goes on and the report shows a card with the reason."""

    exit_code = 1


class Incomplete(ReportgenError):
    """The report is written, and something that was asked of it does not hold: an answer, a size."""

    exit_code = 1
