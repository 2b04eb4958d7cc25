"""What all commands share: options made from the settings, work put off, and the lines of the result."""

import functools
import inspect
import itertools
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic.fields import FieldInfo

from reportgen.errors import OutputError, UsageError
from reportgen.options import BuildOptions, flag

if TYPE_CHECKING:  # loaded when a command runs
    from reportgen.checking import Gate

PLACES = ("--model", "--images", "--reference-images", "--out")
_REPEATED: dict[str, Any] = {"images": list[Path], "layers": list[str], "reference_images": list[Path]}

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, errors only.", rich_help_panel="Run")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say what was inferred, also without a terminal.", rich_help_panel="Run")
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print paths and summary as JSON on stdout.", rich_help_panel="Run")
]
Config = Annotated[
    Path | None,
    typer.Option(help="Settings file; otherwise reportgen.toml or pyproject.toml here.", rich_help_panel="Run"),
]
AsRows = Annotated[bool, typer.Option("--json", help="Print a list as JSON on stdout.", rich_help_panel="Run")]


def _parameter(name: str, setting: FieldInfo) -> inspect.Parameter:
    """The command-line option of a setting. None means "not said", so that files and environment may speak."""
    panel = setting.json_schema_extra["panel"] if isinstance(setting.json_schema_extra, dict) else None
    default = setting.default
    words = ", ".join(map(str, default)) if isinstance(default, tuple) else str(default)
    known = "" if setting.is_required() or default in (None, (), "", False) else f" (default: {words})"
    kind = _REPEATED.get(name) or _plain_type(setting.annotation)
    # A file or the environment may switch it on, and the command line has the last word.
    switch = f"{flag(name)}/--no-{flag(name)[2:]}" if kind is bool else flag(name)
    # readable: typer would call a file without permission a mistake in usage; whoever opens it names it.
    option = typer.Option(
        switch, help=f"{setting.description}{known}", rich_help_panel=str(panel), show_default=False, readable=False
    )
    kind = kind if setting.is_required() else kind | None
    empty = inspect.Parameter.empty if setting.is_required() else None
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=empty, annotation=Annotated[kind, option])


def _plain_type(annotation: Any) -> Any:  # noqa: ANN401 - a type, whichever
    """What the command line parses itself; lists and choices stay text for `options` to check."""
    for plain in (int, float, bool, Path):
        if annotation is plain or annotation == plain | None:
            return plain
    return str


def with_settings(*names: str) -> Callable[[Any], Any]:
    """Give the command one option for each of these fields of BuildOptions, so that both can never differ."""

    def give(command: Any) -> Any:  # noqa: ANN401 - a function in, the same out
        own = [p for p in inspect.signature(command).parameters.values() if p.kind is not p.VAR_KEYWORD]
        settings = [_parameter(name, BuildOptions.model_fields[name]) for name in names]
        command.__signature__ = inspect.Signature([*settings, *own])
        return command

    return give


def later(command: Any) -> Any:  # noqa: ANN401 - a function in, one with the same options out
    """Make the command return its work instead of doing it, for `__main__` to do.

    Inside its own call typer would swallow an interrupt, and end the program where a pipe breaks.
    """

    @functools.wraps(command)
    def prepared(**given: Any) -> Any:  # noqa: ANN401 - whatever the command takes
        return functools.partial(command, **given)

    return prepared


def names_in(text: str) -> tuple[str, ...]:
    """The names in "a,b,c", each once."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def print_result(
    paths: Sequence[Path], summary: dict[str, Any], gate: "Gate | None" = None, *, as_json: bool, drawn: bool = False
) -> None:
    """The result on stdout: the report's path and the rules' lines, or all of it as JSON.

    drawn: a person looks, who first gets a table of the files and of what is in them on stderr.
    """
    if drawn and not as_json:
        from rich.console import Console

        from reportgen.tables import result_table

        typer.echo(result_table(paths, summary, Console(stderr=True)), err=True)
    if gate:
        typer.echo(gate.notes, err=True, nl=False)  # GitHub's runner reads both streams; stdout is for the result
    if as_json:
        result = {"paths": [str(path) for path in paths], "summary": summary}
        print_line(json.dumps(result | (gate.as_json() if gate else {}), sort_keys=True))
        return
    for line in (*map(str, paths[:1]), *(gate.lines if gate else ())):
        print_line(line)


def print_line(line: str) -> None:
    """One line on stdout. Where its reader has left, the work is done all the same, and the exit code says how."""
    try:
        typer.echo(line)
    except OSError as err:
        # Nobody listens, or the disk is full: keep Python from trying, and complaining, again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(err, BrokenPipeError):
            why = f"the result cannot be printed: {err.strerror or err}"
            raise OutputError(
                "E-STDOUT", "stdout", why, "The report itself is written; print to another place"
            ) from err


def spread(arguments: Sequence[str]) -> list[str]:
    """Let several paths follow one --images or --reference-images, as a shell's `*.jpg` gives them.

    An option takes one value here.

    Raises UsageError where no path follows, as when the `*.jpg` finds nothing, or an empty one.
    """
    spread_out: list[str] = []
    taking = ""
    for argument, following in itertools.pairwise((*arguments, "-")):
        if argument in PLACES and not following:  # as where a shell's variable is not set; it would be taken for "."
            raise UsageError("E-USAGE", argument, "what follows is empty", "Name a file or a folder")
        if argument in ("--images", "--reference-images"):
            taking = argument
            if following.startswith("-"):
                raise UsageError("E-USAGE", argument, "no path follows", "Name files or folders, or leave it out")
        elif argument.startswith("-"):
            taking = ""
            spread_out.append(argument)
        else:
            spread_out += (taking, argument) if taking else (argument,)
    return spread_out
