"""The Jinja environment: escaping, undefined names, who overrides whom; and what the templates themselves may hold."""

import dataclasses
import html
import re
from pathlib import Path

import pytest
from fake_run import fake_run
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError, nodes
from markupsafe import Markup

from reportgen.compose import compose
from reportgen.contracts import RenderOptions
from reportgen.document import Picture, Reference, ReportDocument, Section
from reportgen.errors import UsageError
from reportgen.language import load_words
from reportgen.resources import templates_dir
from reportgen.templating import (
    Medium,
    bar_width,
    breakable,
    columns,
    content_policy,
    environment,
    markdown,
    render_page,
    visible,
    whole_tokens,
)

PACKAGE = Path(__file__).parents[1] / "reportgen"
TEMPLATES = sorted(templates_dir().rglob("*.j2"))


def address(picture: Picture) -> str:
    return f"data:{len(picture.data)}"


SCREEN = Medium("screen", ("tokens.css",), address)


def document(title: str = "A <b>title</b>") -> ReportDocument:
    words = load_words("en").table("page")
    return ReportDocument("en", title, "", (), "", (), (), {}, words)


def page(templates: Path | None = None, title: str = "A <b>title</b>") -> str:
    return render_page(document(title), RenderOptions(templates=templates), SCREEN)


def test_every_template_escapes_whatever_its_name() -> None:
    jinja = environment(None, SCREEN)
    assert jinja.autoescape is True
    assert jinja.from_string("{{ x }}").render(x="<b>&\"'") == "&lt;b&gt;&amp;&#34;&#39;"


def test_an_undefined_name_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        environment(None, SCREEN).from_string("{{ absent }}").render()


def test_what_cannot_be_seen_is_written_out_in_any_template() -> None:
    jinja = environment(None, SCREEN)
    assert jinja.from_string("{{ x }}").render(x="a\u202eb\x00\n") == "a&lt;U+202E&gt;b&lt;U+0000&gt;\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, 林美華 né\u00a0x", "plain text, 林美華 né\u00a0x"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31m\r", "<U+001B>[31m<U+000D>"),
        ("\u200b\u2066\ufeff\xad", "<U+200B><U+2066><U+FEFF><U+00AD>"),
        ("\udc80 \ue000 \U000e0041", "<U+DC80> <U+E000> <U+E0041>"),
        ("👩 한글 ℝ", "👩 한글 ℝ"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_breakable_text_is_the_same_text(text: str) -> None:
    made = breakable(text)
    assert isinstance(made, Markup)
    assert html.unescape(made.replace("<wbr>", "")) == visible(text)
    assert "<" not in made.replace("<wbr>", "")


def test_markdown_is_escaped_once_and_shows_what_cannot_be_seen() -> None:
    made = markdown("*a*\u202e <b>\r\n\r\nb & c")
    assert made == "<p><em>a</em>&lt;U+202E&gt; &lt;b&gt;</p>\n<p>b &amp; c</p>\n"
    assert isinstance(made, Markup)


def test_long_words_break_and_others_do_not() -> None:
    assert breakable("x" * 20) == "x" * 20
    pieces = breakable("a " + "x" * 300 + " b").split("<wbr>")
    assert len(pieces) == 25
    assert max(map(len, pieces)) <= 14
    assert "<wbr>" not in breakable("這是一個很長的句子，中間沒有任何空白，但是可以在任何地方換行。" * 3)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Take --pick per-class; --limit changes it.", ["--pick", "--limit"]),
        ("在 cnn.10、layer1.0.conv2 中（--once）。", ["cnn.10", "layer1.0.conv2", "--once"]),
        ("star/1.jpg and report.json, a < b, 3.5 x/y, e.g. this", ["star/1.jpg", "report.json"]),
        (f"{'a' * 15}/{'b' * 20}.jpg", []),
        ("顯著圖：|d logit / d 像素|，取最大", ["|d logit / d 像素|"]),
        ("supported: gap −0.31 > 0.10, 5 < 6", ["−0.31 &gt; 0.10"]),
    ],
)
def test_no_line_breaks_inside_an_option_a_layer_or_a_short_file_name(text: str, tokens: list[str]) -> None:
    made = whole_tokens(text)
    assert re.findall('<span class="token">(.*?)</span>', made) == tokens
    assert html.unescape(re.sub("<.*?>", "", made)) == text


def test_tokens_cannot_smuggle_markup_in() -> None:
    assert "<b>" not in whole_tokens("--x<b>y</b> a.b<b>")


@pytest.mark.parametrize(
    ("share", "name"), [(0, "w0"), (0.004, "w0"), (0.006, "w1"), (1, "w100"), (1.2, "w100"), (-1, "w0")]
)
def test_bar_width(share: float, name: str) -> None:
    assert bar_width(share) == name


@pytest.mark.parametrize("cards", [0, 3, 12, 13])
def test_the_printed_contents_stand_in_two_level_columns(cards: int) -> None:
    inner = tuple(Section(f"card-{n}", f"Card {n}") for n in range(cards))
    sections = (Section("summary", "Summary"), Section("images", "Images", sections=inner))
    made = dataclasses.replace(document(), sections=sections, references=(Reference("a", "A. 2020."),))
    left, right = columns(made)
    assert len(left) - len(right) in (0, 1)
    listed = [f"card-{n}" for n in range(cards)] if cards <= 12 else []
    assert [each.anchor for each in (*left, *right)] == ["summary", "images", *listed, "references"]
    assert [each.depth for each in (*left, *right)] == [1, 1, *[2] * len(listed), 1]


def test_paper_has_no_element_that_weasyprint_makes_nothing_of() -> None:
    whole = compose(fake_run(), load_words("en"))
    paper = render_page(whole, RenderOptions(), Medium("paper", ("tokens.css",), address))
    screen = render_page(whole, RenderOptions(), SCREEN)
    for useless in ("<bdi>", '<span title="'):
        assert useless in screen
        assert useless not in paper


def test_the_policy_names_the_style_by_its_hash() -> None:
    digest = "SNJDlN1Iy2mnt7DOjQIyDb2LQE6O5PQiSZomcdzawQ4="  # printf 'p {}' | openssl dgst -sha256 -binary | base64
    assert f"style-src 'sha256-{digest}'" in content_policy("p {}")
    assert content_policy("p {}") != content_policy("p { }")
    assert content_policy("p {}").startswith("default-src 'none'; img-src data:; ")


def test_a_template_of_the_users_extends_the_one_it_replaces(tmp_path: Path) -> None:
    (tmp_path / "report.html.j2").write_text(
        '{% extends "default:report.html.j2" %}{% block references %}'
        '<p id="mine">{{ document.title }}</p>{% endblock %}'
    )
    made = page(tmp_path)
    assert '<p id="mine">A &lt;b&gt;title&lt;/b&gt;</p>' in made
    assert "<h1>A &lt;b&gt;title&lt;/b&gt;</h1>" in made


def test_a_part_or_a_style_of_the_users_replaces_the_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "sections").mkdir()
    (tmp_path / "sections" / "title.html.j2").write_text("<h1>mine</h1>")
    (tmp_path / "styles").mkdir()
    (tmp_path / "styles" / "tokens.css").write_text(":root { --ink: teal }")
    made = page(tmp_path)
    assert "<h1>mine</h1>" in made
    assert "<style>:root{--ink:teal}" in made
    assert "<h1>mine</h1>" not in page()


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ document.absent }}", "no attribute 'absent'"),
        ("\n{% block %}", "line 2"),
        ("{{ document.__class__.__mro__ }}", "unsafe"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ('{% include "nowhere.j2" %}', "nowhere"),
    ],
    ids=["undefined", "syntax", "sandbox", "arithmetic", "missing"],
)
def test_a_broken_template_of_the_users_is_named(tmp_path: Path, template: str, why: str) -> None:
    (tmp_path / "report.html.j2").write_text(template)
    with pytest.raises(UsageError, match=r"report\.html\.j2, line \d") as caught:
        page(tmp_path)
    assert caught.value.code == "E-TEMPLATE"
    assert why in str(caught.value)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        page(tmp_path / "absent")


def test_a_broken_template_of_ours_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reportgen.templating.ENTRY", "absent.j2")
    with pytest.raises(Exception, match=r"absent\.j2") as caught:
        page()
    assert not isinstance(caught.value, UsageError)


def test_a_page_needs_no_optional_part() -> None:
    made = render_page(dataclasses.replace(document(), author="A. Uthor"), RenderOptions(), SCREEN)
    assert '<meta name="author" content="A. Uthor">' in made
    assert 'name="author"' not in page()
    assert 'class="subtitle"' not in made
    assert 'id="references"' not in made


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_place_and_do_not_decide(template: Path) -> None:
    content = template.read_text(encoding="utf-8")
    assert len(content.splitlines()) <= 80
    tree = environment(None, SCREEN).parse(content)
    arithmetic = (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow, nodes.Neg)
    assert not list(tree.find_all((*arithmetic, nodes.MarkSafe, nodes.EvalContextModifier)))
    assert "safe" not in {node.name for node in tree.find_all(nodes.Filter)}
    assert not re.search(r"style=|\son\w+=|<script", content.replace("<script>{{ script }}</script>", ""))


def test_markup_is_made_in_one_place() -> None:
    makers = {path.name for path in PACKAGE.rglob("*.py") if "Markup" in path.read_text(encoding="utf-8")}
    assert makers == {"templating.py"}


def test_the_example_in_the_readme_works(tmp_path: Path) -> None:
    readme = (templates_dir() / "README.md").read_text(encoding="utf-8")
    example = readme[readme.index('    {% extends "default') :].partition("\n\n")[0]
    (tmp_path / "report.html.j2").write_text(example.replace("\n    ", "\n").strip())
    made = page(tmp_path)
    assert "<h1>A &lt;b&gt;title&lt;/b&gt;</h1>" in made
    assert "<p>Explainable AI, spring term</p>" in made
