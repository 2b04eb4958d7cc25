"""Style and script in fewer bytes say the same."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from reportgen.resources import templates_dir
from reportgen.slimming import slim_script, slim_style, used_only

STYLES = sorted((templates_dir() / "styles").glob("*.css"))


@pytest.mark.parametrize(
    ("style", "slim"),
    [
        ("/* a */ p { color: red; }\n", "p{color:red}"),
        ("a :hover, b > c { margin: 0 0.5rem -0.25em }", "a :hover,b>c{margin:0 .5rem -.25em}"),
        ("@media all and (min-width: 3rem) { p { top: 10.5px } }", "@media all and (min-width:3rem){p{top:10.5px}}"),
        ('q { content: " / " } .a + .b { top: calc(1px + 2px) }', 'q{content:" / "}.a + .b{top:calc(1px + 2px)}'),
        (":root { --a: #0.5 }", ":root{--a:#0.5}"),
    ],
)  # fmt: skip
def test_style(style: str, slim: str) -> None:
    assert slim_style(style) == slim


@pytest.mark.parametrize(
    ("script", "slim"),
    [
        ("// away\n  const a = 1;\n  if (a < 2) return;\n", "const a=1;if(a<2)return;"),
        ('f("a  b ; c", `x ${ y } z`);', 'f("a  b ; c",`x ${ y } z`);'),
        ("let x = y in z ? typeof w : -1;", "let x=y in z?typeof w:-1;"),
        ('"use strict";\n{ a; }', '"use strict";{a;}'),
        ('a + "b" + c', 'a+"b"+c'),
    ],
)
def test_script(script: str, slim: str) -> None:
    assert slim_script(script) == slim


def test_rules_that_cannot_apply_are_left_out() -> None:
    style = (
        ".a{x:1}.b,.a .c,p{x:2}:is(.a,.b) i{x:3}@media print{.b{x:4}}@media screen{.b{x:5}.a{x:6}}:root:lang(zh){x:7}"
    )
    assert used_only(style, {"a", "c", "p"}, "en") == ".a{x:1}.a .c,p{x:2}@media screen{.a{x:6}}"
    assert used_only(style, {"a", "c"}, "en") == ".a{x:1}.a .c{x:2}@media screen{.a{x:6}}"
    assert used_only(style, {"a", "b", "c", "p", "i"}, "zh") == style


def test_elements_that_are_not_there_need_no_rules() -> None:
    kept = "::backdrop{x:1}:root{x:2}.a>*{x:3}#key{x:4}[data-b=c]{x:5}:focus-visible{x:6}.a :is(ul,ol){x:7}h1.a{x:8}"
    assert used_only(f"{kept}.a pre{{x:9}}h2,ul{{y:1}}", {"a", "h1"}, "en") == kept


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_nothing_is_lost_of_the_built_in_styles(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    slim = slim_style(text)
    assert slim.count("{") == slim.count("}") == text.count("{") - text.count("{", 0, 0)
    names = set(re.findall(r"[\w-]+", slim))
    if "lang(" not in slim:
        assert used_only(slim, names, "en") == slim


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on the PATH")
def test_the_built_in_script_is_still_one(tmp_path: Path) -> None:
    text = slim_script((templates_dir() / "scripts" / "report.js").read_text(encoding="utf-8"))
    (tmp_path / "slim.js").write_text(text, encoding="utf-8")
    done = subprocess.run(["node", "--check", str(tmp_path / "slim.js")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
