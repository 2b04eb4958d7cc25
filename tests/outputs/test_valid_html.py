"""report.html before the checker of the W3C's and WHATWG's rules (vnu): no error in any language."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from changed_runs import BASE, gathered
from fake_run import fake_run
from from_npm import tool
from sample_document import report
from sample_pictures import HOSTILE

from reportgen.compose import compose
from reportgen.compose.comparison import compose_comparison
from reportgen.contracts import RenderOptions
from reportgen.document import ReportDocument
from reportgen.language import load_words
from reportgen.languages import LANGUAGES
from reportgen.outputs import html
from reportgen.pairing import compared
from reportgen.rules import read_rules

JAVA = shutil.which("java")
# It takes the hashes of data: images for foreign addresses and knows no hash of a style; browsers keep to both, which
# test_browser sees by a silent console.
ABOUT_POLICY = "Content Security Policy"

pytestmark = pytest.mark.skipif(JAVA is None, reason="no java on the PATH, which the checker of HTML (vnu) needs")


@pytest.fixture(scope="module")
def vnu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """vnu.jar: from REPORTGEN_VNU, from node_modules, or fetched by npm."""
    return tool("vnu-jar", 26, "build/dist/vnu.jar", "REPORTGEN_VNU", tmp_path_factory)


def documents() -> dict[str, ReportDocument]:
    """Every kind of block, hostile names, and each profile in each language."""
    made = {"plain": report(), "hostile": report(HOSTILE, title=HOSTILE[6])}
    for language in LANGUAGES:
        for profile in ("default", "hw5"):
            run = replace(fake_run(profile=profile), language=language)
            made[f"{profile}-{language}"] = compose(run, load_words(language))
        comparison = compared(BASE, gathered(BASE), read_rules())
        made[f"comparison-{language}"] = compose_comparison(comparison, load_words(language))
    return made


def complaints(vnu: Path, folder: Path) -> list[tuple[str, str, str]]:
    """What is said of the pages of a folder: the file, the message, and the place."""
    # A deep stack: its grammar of a page is walked recursively.
    command = [str(JAVA), "-Xss4m", "-jar", str(vnu), "--format", "json", "--stdout", "--skip-non-html", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return [
        (Path(each["url"]).name, each["message"], each.get("extract", ""))
        for each in json.loads(done.stdout)["messages"]
        if ABOUT_POLICY not in each["message"]
    ]


def test_the_checker_finds_no_error(vnu: Path, tmp_path: Path) -> None:
    for name, document in documents().items():
        (tmp_path / f"{name}.html").write_bytes(html.render(document, RenderOptions()))
    assert complaints(vnu, tmp_path) == []


def test_the_checker_sees_an_error(vnu: Path, tmp_path: Path) -> None:
    page = html.render(report(), RenderOptions())
    (tmp_path / "wrong.html").write_bytes(page.replace(b"<main", b"<main bogus=1", 1))
    assert [(name, "bogus" in message) for name, message, _ in complaints(vnu, tmp_path)] == [("wrong.html", True)]
