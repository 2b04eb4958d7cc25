"""report.html in a real browser, from file://: silent, complete, in bounds, and open to everyone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import NEEDED, opened, started
from changed_runs import BASE, gathered
from from_npm import tool
from playwright.sync_api import Browser
from sample_document import NAMES, report
from sample_pictures import HOSTILE

from reportgen.compose.comparison import compose_comparison
from reportgen.contracts import RenderOptions
from reportgen.language import load_words
from reportgen.outputs import html
from reportgen.pairing import compared
from reportgen.rules import read_rules

WIDTHS = (390, 768, 1280, 1400, 1920)

pytestmark = NEEDED


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as made:
        yield made


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The addresses of an ordinary report, of one whose names are hostile, and of a comparison of two."""
    folder = tmp_path_factory.mktemp("reports")
    comparison = compose_comparison(compared(BASE, gathered(BASE), read_rules()), load_words())
    made = {"plain": report(), "hostile": report(HOSTILE, title=HOSTILE[6]), "comparison": comparison}
    for name, document in made.items():
        (folder / f"{name}.html").write_bytes(html.render(document, RenderOptions()))
    return {name: (folder / f"{name}.html").as_uri() for name in made}


@pytest.mark.parametrize("name", ["plain", "hostile", "comparison"])
def test_the_browser_has_nothing_to_say_and_asks_for_nothing(
    browser: Browser, reports: dict[str, str], name: str
) -> None:
    said: list[str] = []
    asked: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(reports[name])
    page.wait_for_load_state("networkidle")
    assert said == []
    assert [url for url in asked if not url.startswith("data:image/")] == [reports[name]]


def test_every_image_is_shown(browser: Browser, reports: dict[str, str]) -> None:
    page = opened(browser, reports["plain"])
    for image in page.locator("img").all():  # they are lazy
        image.scroll_into_view_if_needed()
    page.wait_for_function("Array.from(document.images).every(image => image.complete)")
    sizes = page.evaluate("Array.from(document.images, image => [image.naturalWidth, image.offsetWidth])")
    assert len(sizes) > 20
    assert all(natural > 0 and shown > 20 for natural, shown in sizes)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["plain", "hostile", "comparison"])
def test_nothing_runs_over_the_edge(browser: Browser, reports: dict[str, str], name: str, width: int) -> None:
    page = opened(browser, reports[name], width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    # What scrolls inside a table's frame may be wider; everything else ends before the edge, also where it is clipped.
    over = page.evaluate(
        """width => Array.from(document.querySelectorAll('body *'))
            .filter(e => !e.closest('.frame table') && e.getBoundingClientRect().right > width + 0.5)
            .map(e => e.outerHTML.slice(0, 100))""",
        width,
    )
    assert over == []


def test_it_reads_without_javascript(browser: Browser, reports: dict[str, str]) -> None:
    page = opened(browser, reports["plain"], java_script_enabled=False)
    assert page.locator("h1").inner_text() == "What honest.pth looks at"
    assert "only itself" in page.locator("main").inner_text()
    assert all(figure.is_visible() for figure in page.locator("figure").all())
    page.locator(".overview a").nth(2).click()
    assert page.url.endswith("#image-2")


@pytest.mark.parametrize("width", [768, 1280])
def test_panels_of_a_figure_stand_in_a_grid(browser: Browser, reports: dict[str, str], width: int) -> None:
    page = opened(browser, reports["plain"], width)
    figures = page.evaluate(
        """() => Array.from(document.querySelectorAll('figure'), figure =>
            Array.from(figure.querySelectorAll('.row'), row =>
                Array.from(row.querySelectorAll('.picture'), picture => {
                    const box = picture.getBoundingClientRect();
                    return [box.left, box.top, box.width];
                })))"""
    )
    assert len(figures) == len(NAMES) + 3
    for rows in figures:
        lefts = [[round(left) for left, _, _ in row] for row in rows]
        assert all(row == lefts[0] for row in lefts)
        assert max(w for row in rows for _, _, w in row) - min(w for row in rows for _, _, w in row) < 1
        assert all(len({round(top) for _, top, _ in row}) == 1 for row in rows)


def test_a_phone_sets_what_belongs_together_side_by_side(browser: Browser, reports: dict[str, str]) -> None:
    page = opened(browser, reports["plain"], 390)
    boxes = [picture.bounding_box() for picture in page.locator("#figure-saliency .picture").all()]
    places = [(round(box["x"]), round(box["y"]), box["width"]) for box in boxes if box]
    photographs, maps = places[: len(NAMES)], places[len(NAMES) :]
    for photo, heat in zip(photographs, maps, strict=True):
        assert photo[1] == heat[1]
        assert photo[0] < heat[0]
        assert photo[2] == heat[2] > 150
    assert [y for _, y, _ in photographs] == sorted({y for _, y, _ in photographs})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_readers_scheme(browser: Browser, reports: dict[str, str], scheme: Any) -> None:  # noqa: ANN401 - a literal of Playwright's
    page = opened(browser, reports["plain"], color_scheme=scheme)
    colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (colour == "rgb(255, 255, 255)") == (scheme == "light")


def test_the_keyboard_reaches_the_report_first(browser: Browser, reports: dict[str, str]) -> None:
    page = opened(browser, reports["plain"])
    page.evaluate("window.scrollTo(0, 0)")
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    assert skip.evaluate("e => e === document.activeElement")
    box = skip.bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "report"


def test_the_policy_holds_against_a_script(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "report.html.j2").write_text(
        '{% extends "default:report.html.j2" %}{% block references %}'
        "<script>document.title = 'taken'</script><img src='file:///etc/hostname' alt='x' onerror='document.title=1'>"
        "<p id='styled' style='color: rgb(1, 2, 3)'>x</p>{% endblock %}"
    )
    (tmp_path / "report.html").write_bytes(html.render(report(NAMES[:1]), RenderOptions(templates=folder)))
    page = opened(browser, (tmp_path / "report.html").as_uri())
    assert page.title() == "What honest.pth looks at"
    assert page.locator("#styled").evaluate("e => getComputedStyle(e).color") != "rgb(1, 2, 3)"


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core: from REPORTGEN_AXE, from node_modules, or fetched by npm."""
    return tool("axe-core", 4, "axe.min.js", "REPORTGEN_AXE", tmp_path_factory).read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["plain", "comparison"])
def test_axe_finds_no_barrier(
    browser: Browser,
    reports: dict[str, str],
    axe: str,
    name: str,
    scheme: Any,  # noqa: ANN401 - a literal of Playwright's
    width: int,
) -> None:
    page = opened(browser, reports[name], width, color_scheme=scheme)
    page.evaluate(axe)
    result = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})")
    assert [(v["id"], v["nodes"][0]["html"]) for v in result["violations"]] == []
    assert any(rule["id"] == "color-contrast" for rule in result["passes"])
