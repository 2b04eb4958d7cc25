"""The command line: parse, call, hand over the exit code.

Nothing heavy is imported before a command runs, so that --help answers at once.
"""

import dataclasses
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
from reportgen.options import FORMATS, MODEL_SETTINGS, RENDER_SETTINGS, BuildOptions, flag
from reportgen.settings import resolve, validated

if TYPE_CHECKING:  # loaded when a command runs
    from reportgen.checking import Gate

app = typer.Typer(
    name="reportgen",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "Exit codes: 0 all done; 1 the report is written and something in it failed; 2 usage or settings; "
        "3 an input was refused; 4 device, memory or output; 70 a bug; 130/143 interrupted."
    ),
)

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

_REPEATED: dict[str, Any] = {"images": list[Path], "layers": list[str], "reference_images": list[Path]}


def _parameter(name: str, setting: FieldInfo) -> inspect.Parameter:
    """The command-line option of a setting. None means "not said", so that files and environment may speak."""
    panel = setting.json_schema_extra["panel"] if isinstance(setting.json_schema_extra, dict) else None
    default = setting.default
    words = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
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


def _with_settings(*names: str) -> Callable[[Any], Any]:
    """Give the command one option for each of these fields of BuildOptions, so that both can never differ."""

    def give(command: Any) -> Any:  # noqa: ANN401 - a function in, the same out
        own = [p for p in inspect.signature(command).parameters.values() if p.kind is not p.VAR_KEYWORD]
        settings = [_parameter(name, BuildOptions.model_fields[name]) for name in names]
        command.__signature__ = inspect.Signature([*settings, *own])
        return command

    return give


def _later(command: Any) -> Any:  # noqa: ANN401 - a function in, one with the same options out
    """Make the command return its work instead of doing it, for `__main__` to do.

    Inside its own call typer would swallow an interrupt, and end the program where a pipe breaks.
    """

    @functools.wraps(command)
    def prepared(**given: Any) -> Any:  # noqa: ANN401 - whatever the command takes
        return functools.partial(command, **given)

    return prepared


@app.command()
@_later
@_with_settings(*BuildOptions.model_fields)
def build(
    *,
    config: Config = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    **given: Any,  # noqa: ANN401 - the settings, each with its own type
) -> int:
    """Explain a checkpoint on some images and write report.html, report.pdf and report.json."""
    options = resolve(given, config=config)  # before the imports, which take seconds

    from reportgen.pipeline import build as run_build
    from reportgen.progress import shown_progress

    with shown_progress(quiet=quiet, verbose=verbose) as progress:
        built = run_build(options, progress=progress)
    _print_result(built.paths, dict(built.summary), built.gate, as_json=as_json)
    return built.exit_code


@app.command()
@_later
@_with_settings(*MODEL_SETTINGS)
def layers(
    *,
    config: Config = None,
    as_json: AsRows = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    **given: Any,  # noqa: ANN401 - the settings, each with its own type
) -> int:
    """List the layers of a checkpoint: kind, channels, size, receptive field, and whether --layer can show them."""
    options = resolve(given, config=config)

    from reportgen.inspection import inspect_layers
    from reportgen.progress import shown_progress
    from reportgen.tables import layer_table

    with shown_progress(quiet=quiet, verbose=verbose) as progress:
        rows = inspect_layers(options, progress)
    _print(json.dumps([dataclasses.asdict(row) for row in rows]) if as_json else layer_table(rows))
    return 0


@app.command()
@_later
@_with_settings(*RENDER_SETTINGS)
def render(
    *,
    report: Annotated[Path, typer.Argument(help="Folder of a finished report.", metavar="OUT")],
    into: Annotated[
        Path | None, typer.Option("--out", help="Another folder to write into.", rich_help_panel="Report")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    **given: Any,  # noqa: ANN401 - the settings, each with its own type
) -> int:
    """Write a finished report again from its run/ folder: no model, no torch."""
    from reportgen.contracts import RenderOptions
    from reportgen.notes import read_notes
    from reportgen.progress import shown_progress
    from reportgen.rendering import render_again

    asked = ",".join(FORMATS) if given["formats"] is None else given["formats"]
    names = dict.fromkeys(name.strip() for name in asked.split(",") if name.strip())
    options = validated({"model": report} | {k: v for k, v in given.items() if v is not None and k != "formats"})
    with shown_progress(quiet=quiet, verbose=False) as progress:
        how = RenderOptions.of(options, read_notes(options.notes, progress) if options.notes else None)
        written = render_again(report, tuple(names), how, progress, into, overwrite=options.overwrite)
    _print_result(written.paths, dict(written.summary), as_json=as_json)
    return 1 if written.problems else 0


@app.command()
@_later
@_with_settings("rules", "preset")
def check(
    *,
    report: Annotated[Path, typer.Argument(help="Folder of a finished report.", metavar="OUT")],
    written: Annotated[
        str, typer.Option("--format", help="Files to write: junit, markdown, badge.", rich_help_panel="Rules")
    ] = "",
    as_json: AsJson = False,
    quiet: Quiet = False,
    **given: Any,  # noqa: ANN401 - the settings, each with its own type
) -> int:
    """Judge a finished report by rules: one line for each, exit code 1 where an error rule fails. No torch."""
    from reportgen.checking import check as run_check
    from reportgen.progress import shown_progress
    from reportgen.rules import read_rules

    names = dict.fromkeys(name.strip() for name in written.split(",") if name.strip())
    book = read_rules(given["rules"], given["preset"])
    with shown_progress(quiet=quiet, verbose=False) as progress:
        gate = run_check(report, book, tuple(names), progress)
    summary = {"rules": len(gate.checked.results), "broken": len(gate.checked.broken)}
    _print_result(gate.paths if as_json else (), summary, gate, as_json=as_json)
    return 1 if gate.checked.fails else 0


@app.command()
@_later
def schema() -> int:
    """Print the JSON Schema of report.json."""
    from reportgen.schema import json_schema

    _print(json.dumps(json_schema(), indent=2, sort_keys=True))
    return 0


@app.callback(invoke_without_command=True)
def main(show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """From the checkpoint of an image classifier to a report that explains it."""
    if show:
        from reportgen import __version__

        _print(f"reportgen {__version__}")
        raise typer.Exit


def _print_result(paths: Sequence[Path], summary: dict[str, Any], gate: "Gate | None" = None, *, as_json: bool) -> None:
    if gate:
        typer.echo(gate.notes, err=True, nl=False)  # GitHub's runner reads both streams; stdout is for the result
    if as_json:
        result = {"paths": [str(path) for path in paths], "summary": summary}
        _print(json.dumps(result | (gate.as_json() if gate else {}), sort_keys=True))
        return
    for line in (*map(str, paths[:1]), *(gate.lines if gate else ())):
        _print(line)


def _print(line: str) -> None:
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

    Raises UsageError where no path follows, as when the `*.jpg` finds nothing.
    """
    spread_out: list[str] = []
    taking = ""
    for argument, following in itertools.pairwise((*arguments, "-")):
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
