"""The command line: parse, call, hand over the exit code.

Nothing heavy is imported before a command runs, so that --help answers at once.
"""

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from reportgen.command_line import (
    AsJson,
    AsRows,
    Config,
    Quiet,
    Verbose,
    later,
    names_in,
    print_line,
    print_result,
    with_settings,
)
from reportgen.errors import EnvironmentProblem
from reportgen.options import FORMATS, MODEL_SETTINGS, RENDER_SETTINGS, BuildOptions
from reportgen.settings import resolve, validated
from reportgen.unbroken import unbroken

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

RENDERED = tuple(name for name in RENDER_SETTINGS if name not in ("notes", "require_notes"))  # of a comparison


@app.command()
@later
@with_settings(*BuildOptions.model_fields)
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

    with unbroken():  # amid torch's own start an exception ends the process by an error in C++
        from reportgen.pipeline import build as run_build
    from reportgen.progress import shown_progress

    with shown_progress(quiet=quiet, verbose=verbose) as progress:
        built = run_build(options, progress=progress)
    if options.dry_run and not as_json:
        from reportgen.tables import plan_table

        print_line(plan_table(built.summary))
    else:
        print_result(built.paths, dict(built.summary), built.gate, as_json=as_json, drawn=progress.drawn)
    return built.exit_code


@app.command()
@later
@with_settings(*MODEL_SETTINGS)
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

    with unbroken():  # as above
        from reportgen.inspection import inspect_layers
    from reportgen.progress import shown_progress
    from reportgen.tables import layer_table

    with shown_progress(quiet=quiet, verbose=verbose) as progress:
        rows = inspect_layers(options, progress)
    print_line(json.dumps([dataclasses.asdict(row) for row in rows]) if as_json else layer_table(rows))
    return 0


@app.command()
@later
@with_settings(*RENDER_SETTINGS)
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

    names = FORMATS if given["formats"] is None else names_in(given["formats"])
    options = validated({"model": report} | {k: v for k, v in given.items() if v is not None and k != "formats"})
    with shown_progress(quiet=quiet, verbose=False) as progress:
        notes = read_notes(options.notes, progress) if options.notes else None
        how = RenderOptions.of(options, notes, options.lang if given["lang"] else None)
        written = render_again(report, names, how, progress, into, overwrite=options.overwrite)
    print_result(written.paths, dict(written.summary), as_json=as_json, drawn=progress.drawn)
    return 1 if written.problems else 0


@app.command()
@later
@with_settings("rules", "preset", "lang")
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

    book = read_rules(given["rules"], given["preset"])
    language = validated({"model": report, "lang": given["lang"]}).lang if given["lang"] else None
    with shown_progress(quiet=quiet, verbose=False) as progress:
        gate = run_check(report, book, names_in(written), progress, language=language)
    summary = {"rules": len(gate.checked.results), "broken": len(gate.checked.broken)}
    print_result(gate.paths if as_json else (), summary, gate, as_json=as_json)
    return 1 if gate.checked.fails else 0


@app.command()
@later
@with_settings("rules", "preset", *RENDERED)
def compare(
    *,
    base: Annotated[Path, typer.Argument(help="Folder of the first report.", metavar="BASE")],
    new: Annotated[Path, typer.Argument(help="Folder of the second report.", metavar="NEW")],
    out: Annotated[Path, typer.Option(help="Folder of the comparison.", rich_help_panel="Report")] = Path("comparison"),
    as_json: AsJson = False,
    quiet: Quiet = False,
    **given: Any,  # noqa: ANN401 - the settings, each with its own type
) -> int:
    """Say what changed from one report to another on the same images; exit code 1 where a rule fails. No torch."""
    from reportgen import compare as comparing
    from reportgen.contracts import RenderOptions
    from reportgen.progress import shown_progress
    from reportgen.rules import read_rules

    names = FORMATS if given["formats"] is None else names_in(given["formats"])
    options = validated({"model": new} | {k: v for k, v in given.items() if v is not None and k != "formats"})
    book = read_rules(options.rules, options.preset)
    with shown_progress(quiet=quiet, verbose=False) as progress:
        how = RenderOptions.of(options, language=options.lang if given["lang"] else None)
        asked_for = comparing.Asked(out, book, names, how, options.overwrite)
        written, gate = comparing.compare((base, new), asked_for, progress)
    print_result((*written.paths, *gate.paths), dict(written.summary), gate, as_json=as_json)
    return 1 if written.problems or gate.checked.fails else 0


@app.command()
@later
@with_settings("arch", "images", "device")
def verify(
    *,
    report: Annotated[Path, typer.Argument(help="Folder of a finished report.", metavar="OUT")],
    model: Annotated[
        Path | None, typer.Option(help="The checkpoint that was explained.", rich_help_panel="Model")
    ] = None,
    sample: Annotated[
        int, typer.Option(help="Images explained again; 0 for none.", min=0, rich_help_panel="Explanations")
    ] = 2,
    as_json: AsRows = False,
    quiet: Quiet = False,
    **given: Any,  # noqa: ANN401 - the settings, each with its own type
) -> int:
    """Do the files and the numbers of a report still hold? Exit code 1 where anything differs."""
    from reportgen.progress import shown_progress
    from reportgen.verify import verify as run_verify

    with shown_progress(quiet=quiet, verbose=False) as progress:
        verified = run_verify(report, given | {"model": model}, sample, progress)
    claims = verified.claims
    lines = [json.dumps([dataclasses.asdict(claim) for claim in claims])] if as_json else [c.line() for c in claims]
    for line in (*lines, *([] if as_json else [verified.verdict])):
        print_line(line)
    return 1 if verified.fails else 0


@app.command()
@later
@with_settings("device")
def doctor(
    *,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Also explain scenes whose truth is known: less than a minute.")
    ] = False,
    as_json: AsRows = False,
    **given: Any,  # noqa: ANN401 - the settings, each with its own type
) -> int:
    """Look at what this machine has and lacks, with the command that mends each lack."""
    from reportgen.doctor import examine, known_answers
    from reportgen.tables import doctor_table

    device = validated({"model": Path(), **({"device": given["device"]} if given["device"] else {})}).device
    findings = examine(device)
    lacking = any(finding.state == "bad" for finding in findings)
    told = known_answers(device) if self_test and not lacking else ()
    rows = (*findings, *told)
    print_line(json.dumps([dataclasses.asdict(row) for row in rows]) if as_json else doctor_table(rows))
    wrong = any(finding.state == "bad" for finding in told)
    return EnvironmentProblem.exit_code if lacking else 1 if wrong else 0


@app.command()
@later
@with_settings("lang")
def init(
    *,
    file: Annotated[Path, typer.Argument(help="File to write.", metavar="FILE")] = Path("reportgen.toml"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over a file that is there.")] = False,
    **given: Any,  # noqa: ANN401 - the setting, with its own type
) -> int:
    """Write a settings file with every setting, its meaning and its default, to change what is wanted."""
    from reportgen.starter import write_starter

    language = validated({"model": Path(), **({"lang": given["lang"]} if given["lang"] else {})}).lang
    print_line(str(write_starter(file, overwrite=overwrite, language=language)))
    return 0


@app.command()
@later
def store(
    *,
    clean: Annotated[bool, typer.Option("--clean", help="Remove what is kept.")] = False,
    older_than: Annotated[
        int | None, typer.Option("--older-than", help="With --clean: only what was not used for so many days.", min=0)
    ] = None,
    as_json: AsRows = False,
) -> int:
    """List the finished results that are kept for the next build, model by model, or remove them."""
    from reportgen.ledger import remove, shelves
    from reportgen.resources import results_folder
    from reportgen.tables import store_table

    root = results_folder()
    if clean or older_than is not None:
        removed = remove(root, None if older_than is None else older_than * 86_400.0)
        print_line(json.dumps({"removed": removed}) if as_json else f"{removed} results removed")
        return 0
    kept = shelves(root)
    print_line(json.dumps([shelf.as_json() for shelf in kept]) if as_json else store_table(kept, root))
    return 0


@app.command()
@later
def schema(
    *, of_comparison: Annotated[bool, typer.Option("--compare", help="Of comparison.json instead.")] = False
) -> int:
    """Print the JSON Schema of report.json."""
    from reportgen.comparison_schema import comparison_schema
    from reportgen.schema import json_schema

    print_line(json.dumps(comparison_schema() if of_comparison else json_schema(), indent=2, sort_keys=True))
    return 0


@app.callback(invoke_without_command=True)
def main(show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """From the checkpoint of an image classifier to a report that explains it."""
    if show:
        from reportgen import __version__

        print_line(f"reportgen {__version__}")
        raise typer.Exit
