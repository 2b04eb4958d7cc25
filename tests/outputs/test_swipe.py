"""The slider of a comparison in a real browser, and the page without it."""

import shutil
from collections.abc import Iterator

import pytest
from changed_runs import BASE, gathered
from playwright.sync_api import Browser, Page, sync_playwright

from reportgen.compose.comparison import compose_comparison
from reportgen.contracts import RenderOptions
from reportgen.language import load_words
from reportgen.outputs import html
from reportgen.pairing import compared
from reportgen.rules import read_rules

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    page = tmp_path_factory.mktemp("comparison") / "comparison.html"
    document = compose_comparison(compared(BASE, gathered(BASE), read_rules()), load_words())
    page.write_bytes(html.render(document, RenderOptions()))
    return page.as_uri()


def opened(browser: Browser, address: str, width: int = 1280, *, scripts: bool = True) -> Page:
    page = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts).new_page()
    page.goto(address)
    return page


def test_the_browser_has_nothing_to_say_and_asks_for_nothing(browser: Browser, address: str) -> None:
    said: list[str] = []
    asked: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    assert said == []
    assert [url for url in asked if not url.startswith("data:image/")] == [address]


def test_the_slider_shows_more_of_the_one_or_the_other(browser: Browser, address: str) -> None:
    page = opened(browser, address)
    sliders = page.get_by_role("slider", name="Slide from the first map to the second")
    assert sliders.count() == 2 * len(BASE.subjects)
    stack, upper = page.locator(".swiped").first, page.locator(".swiped img").nth(1)
    boxes = [image.bounding_box() for image in stack.locator("img").all()]
    assert boxes[0] == boxes[1]  # one lies exactly over the other

    def cut() -> str:
        return str(upper.evaluate("image => getComputedStyle(image).clipPath"))

    assert cut().endswith("50%)")
    sliders.first.focus()
    page.keyboard.press("End")
    assert cut().endswith("100%)")
    page.keyboard.press("Home")
    assert cut().endswith("0%)")


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_runs_over_the_edge(browser: Browser, address: str, width: int) -> None:
    page = opened(browser, address, width)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_without_javascript_both_pictures_stand_there(browser: Browser, address: str) -> None:
    page = opened(browser, address, scripts=False)
    assert page.get_by_role("slider").count() == 0
    row = page.locator("[data-swipe]").first
    assert [image.is_visible() for image in row.locator("img").all()] == [True, True]
