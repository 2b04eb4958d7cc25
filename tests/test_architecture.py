"""The house's floors, and its smallness, held by reading the code."""

import ast
import graphlib
import itertools
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from reportgen import explain, outputs, sources
from reportgen.contracts import FilterMethod, ImageMethod
from reportgen.language import load_references

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "reportgen"

# From the ground up. A module imports only modules that stand in a line above its own here. A folder's name stands for
# all of its files but those named on their own; a folder's __init__ may import its own files.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("accepted", "errors", "languages", "unbroken"),
    ("shortages",),
    (
        "arrays",
        "digests",
        "excerpts",
        "fills",
        "fingerprint",
        "fonts",
        "freed",
        "ledger",
        "lock",
        "markdown",
        "options",
        "resources",
        "sampling",
        "shelf",
        "slimming",
    ),
    ("forwards", "heads", "inputs", "maps", "ruling", "segmentation", "settings", "studies", "surrogate", "verdicts"),
    ("language", "results", "verdict_schema"),
    ("anchors", "changes", "costs", "schema"),
    ("comparison_schema",),
    ("batching", "folding", "palette", "precision", "redirected", "transforms"),
    ("attempts", "classifier", "document", "example", "figures.heat", "hooks", "images", "measures.heat", "randomness"),
    (
        "figures.charts",
        "images.masks",
        "measures.evidence",
        "measures.frequency",
        "measures.gathered",
        "measures.likeness",
        "measures.regions",
        "objects",
        "pictures",
        "reinitialised",
    ),
    ("measures.movement",),
    (
        "boxes",
        "cases",
        "engine",
        "example.scenes",
        "measures",
        "normfit",
        "perturbation",
        "pool",
        "reference",
        "spectrum",
    ),
    ("box_rules", "noise"),
    ("extents",),
    ("receptive",),
    ("layers",),
    ("ascent", "channels", "example.export", "example.train", "neighbourhood", "preprocessing"),
    ("ablation", "attribution", "crops", "cues"),
    ("contracts", "deadline"),
    (
        "checks.deletion",
        "probing",
        "settling",
        "sources.beside",
        "sources.family_places",
        "sources.metadata",
        "sources.structure",
        "sources.zoo",
        "stages",
    ),
    (
        "checks.controls",
        "sources.family_layers",
        "sources.hf_processor",
        "sources.statedicts",
        "sources.tasting",
        "sources.timm_name",
    ),
    ("checks.gaps", "sources.family_rows"),
    ("sources.family_reading",),
    ("sources.family_size",),
    ("figures.encode", "sources.safetensors_file"),
    ("checks.asking",),
    ("answering", "checks", "explain", "feeding", "figures", "looks", "numbering", "phrasing", "sources"),
    ("judging", "loading", "panels", "publish", "rule_words", "selection", "store", "templating"),
    ("manifest", "timing"),
    ("witness",),
    (
        "attribution_panels",
        "compose.agreeing",
        "compose.answers",
        "compose.bars",
        "compose.class_names",
        "compose.confusion",
        "compose.cues",
        "compose.feeding",
        "compose.filter_findings",
        "compose.installation",
        "compose.lime_trust",
        "compose.pointing",
        "compose.reading",
        "compose.rules",
        "filter_panels",
        "fitting",
        "notes",
        "outputs.addresses",
        "outputs.json",
    ),
    ("compose.ranking",),
    (
        "compose.abridging",
        "compose.controls",
        "compose.heat_findings",
        "compose.legend",
        "compose.patterns",
        "compose.trust",
    ),
    ("compose.facts", "compose.summing"),
    ("compose.comparison_facts", "compose.comparison_pictures", "compose.comparison_tables"),
    ("compose", "outputs.memory"),
    ("outputs.drawing", "rules.rule"),
    ("outputs.apart",),
    (
        "rules.answers",
        "rules.changes",
        "rules.evidence",
        "rules.files",
        "rules.lime",
        "rules.model",
        "rules.verdicts",
    ),
    ("rules.table",),
    ("outputs", "rules"),
    ("checking", "keys", "pairing", "planning", "recomputing", "rendering", "selftest", "studied"),
    ("recall",),
    ("compare", "doctor", "inspection", "pipeline", "starter", "verify"),
    ("api",),
    ("progress", "tables"),
    ("command_line",),
    ("cli",),
    ("__main__",),
)
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
# What these import inside a function is loaded when a command runs or a name is used, so it may lie anywhere.
LAZY = ("", "cli", "__main__")

LINES, BODY, ARGUMENTS, METHODS = 300, 40, 6, 8

FILES = {path.relative_to(PACKAGE).with_suffix(""): path for path in sorted(PACKAGE.rglob("*.py"))}
MODULES = {".".join(short.parts).removesuffix("__init__").rstrip("."): path for short, path in FILES.items()}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
EACH = pytest.mark.parametrize("name", MODULES)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def place(name: str) -> str:
    """The entry of the table that speaks for a module."""
    while name and name not in FLOOR:
        name = name.rpartition(".")[0]
    return name


def is_folder(name: str) -> bool:
    return MODULES[name].name == "__init__.py"


def imported(name: str) -> Iterator[str]:
    """Modules of the package that a module imports, wherever the import stands."""
    lazy = {id(node) for outer in functions(TREES[name]) for node in ast.walk(outer)} if name in LAZY else set()
    for node in ast.walk(TREES[name]):
        if id(node) in lazy or (name == "" and isinstance(node, ast.ImportFrom) and node.module == "reportgen.api"):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[2] for alias in node.names if alias.name.split(".")[0] == "reportgen")
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "reportgen":
            inside = node.module.partition(".")[2]
            for alias in node.names:
                whole = f"{inside}.{alias.name}".lstrip(".")
                yield whole if whole in MODULES else inside


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def classes(tree: ast.AST) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def arguments(function: Function) -> list[ast.arg]:
    listed = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    starred = [argument for argument in (function.args.vararg, function.args.kwarg) if argument]
    return [argument for argument in (*listed, *starred) if argument.arg not in ("self", "cls")]


def body_lines(function: Function) -> int:
    """Lines from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def public(tree: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


def test_every_module_has_its_floor() -> None:
    assert {name for name in MODULES if name and not place(name)} == set()


def test_every_line_of_the_table_stands_for_a_module() -> None:
    assert set(FLOOR) <= set(MODULES)
    assert len(FLOOR) == sum(map(len, FLOORS))


@EACH
def test_imports_point_downward(name: str) -> None:
    upward = [
        other
        for other in imported(name)
        if other  # `from reportgen import __version__`: the package itself is the ground
        and not (is_folder(name) and other.startswith(f"{name}."))
        and FLOOR[place(other)] >= FLOOR.get(place(name), 0)
    ]
    assert upward == []


def test_no_module_imports_itself_by_a_detour() -> None:
    graphlib.TopologicalSorter({name: set(imported(name)) for name in MODULES}).prepare()


@EACH
def test_no_relative_import_and_no_global(name: str) -> None:
    nodes = list(ast.walk(TREES[name]))
    assert [node.lineno for node in nodes if isinstance(node, ast.ImportFrom) and node.level] == []
    assert [node.lineno for node in nodes if isinstance(node, ast.Global)] == []


@EACH
def test_files_functions_and_classes_stay_small(name: str) -> None:
    tree = TREES[name]
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= LINES
    assert {f.name: body_lines(f) for f in functions(tree) if body_lines(f) > BODY} == {}
    assert {f.name: len(arguments(f)) for f in functions(tree) if len(arguments(f)) > ARGUMENTS} == {}
    for owner in classes(tree):
        methods = [f.name for f in owner.body if isinstance(f, Function) and not f.name.startswith("__")]
        assert len(methods) <= METHODS, owner.name


@EACH
def test_everything_is_annotated(name: str) -> None:
    bare = [
        f"{function.name}:{function.lineno}"
        for function in functions(TREES[name])
        if any(argument.annotation is None for argument in arguments(function))
        or (function.returns is None and function.name != "__init__")
    ]
    assert bare == []


@EACH
def test_what_is_public_says_what_it_is(name: str) -> None:
    assert ast.get_docstring(TREES[name])
    assert [node.name for node in public(TREES[name]) if not ast.get_docstring(node)] == []


def test_templates_never_switch_escaping_off() -> None:
    templates = [path for path in (ROOT / "templates").rglob("*") if path.suffix in (".j2", ".html", ".svg")]
    escapes = re.compile(r"\|\s*safe\b|autoescape|Markup")
    assert templates
    assert [path.name for path in templates if escapes.search(path.read_text(encoding="utf-8"))] == []


def test_markup_is_made_in_one_place() -> None:
    makers = {name for name, path in MODULES.items() if "Markup(" in path.read_text(encoding="utf-8")}
    assert makers <= {"templating"}


def test_every_variant_stands_in_its_table() -> None:
    """What a folder holds is in its table, or serves the files that are."""
    methods = (*explain.IMAGE_METHODS.values(), *explain.FILTER_METHODS.values())
    tables: tuple[tuple[str, str, list[object]], ...] = (
        ("sources", "build", [source.build for source in sources.SOURCES]),
        ("explain", "METHOD", list(methods)),
        ("outputs", "OUTPUT", [*outputs.OUTPUTS.values(), *outputs.CHECK_OUTPUTS.values()]),
    )
    for folder, constant, entries in tables:
        files = [name.rpartition(".")[2] for name in MODULES if name.startswith(f"{folder}.")]
        package = {"sources": sources, "explain": explain, "outputs": outputs}[folder]
        made = [getattr(getattr(package, file, None), constant, None) for file in files if not file.startswith("_")]
        found = [item for item in made if item is not None]
        assert sorted(map(id, found)) == sorted(map(id, entries)), folder
        used = set(itertools.chain(*(imported(name) for name in MODULES if name.split(".")[0] == folder)))
        assert {f"{folder}.{file}" for file in files} <= used, folder


def test_every_method_cites_what_the_references_hold() -> None:
    tables: tuple[Mapping[str, ImageMethod | FilterMethod], ...] = (explain.IMAGE_METHODS, explain.FILTER_METHODS)
    cites = [method.cites for table in tables for method in table.values()]
    assert all(cites)
    assert set(itertools.chain(*cites)) <= set(load_references())


# What must not be loaded with it. numpy and the rest take a second together, torch alone takes two.
HEAVY = ("torch", "numpy", "scipy", "skimage", "sklearn", "lime", "matplotlib", "PIL", "weasyprint")
TORCH_FREE = (
    "reportgen", "reportgen.checking", "reportgen.compare", "reportgen.compose", "reportgen.contracts",
    "reportgen.figures", "reportgen.measures", "reportgen.outputs", "reportgen.panels", "reportgen.progress",
    "reportgen.rendering", "reportgen.rules", "reportgen.store", "reportgen.tables",
)  # fmt: skip
LOADED = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], *([name, "--help"] for name in ("build", "layers", "check", "render", "store"))],
)
def test_help_loads_nothing_heavy(fresh: Callable[..., str], arguments: list[str]) -> None:
    loaded = fresh(f"from reportgen.__main__ import run; assert run({arguments}) == 0; {LOADED}")
    assert set(loaded.splitlines()[-1].split()) & set(HEAVY) == set()


def test_a_usage_error_does_not_wait_for_torch(fresh: Callable[..., str]) -> None:
    loaded = fresh(
        f"from reportgen.__main__ import run; assert run(['build', '--model', 'x', '--size', '3']) == 2; {LOADED}"
    )
    assert set(loaded.split()) & set(HEAVY) == set()


@pytest.mark.parametrize("module", TORCH_FREE)
def test_what_writes_a_report_never_loads_torch(fresh: Callable[..., str], module: str) -> None:
    assert {"torch", "lime"} & set(fresh(f"import {module}; {LOADED}").split()) == set()


def test_the_top_of_the_repository_is_as_agreed() -> None:
    agreed = {"reportgen", "templates", "tests", "sample_reports", "pyproject.toml", "Makefile"}
    beside = {"README.md", "LICENSE", "CHANGELOG.md", "constraints.txt", "docs"}
    assert agreed <= {path.name for path in ROOT.iterdir()}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    tops = {line.strip('"').partition("/")[0] for line in tracked}
    assert {top for top in tops if not top.startswith(".")} <= agreed | beside
