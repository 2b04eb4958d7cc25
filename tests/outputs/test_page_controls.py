"""What the script adds to report.html, used as a reader uses it: with the mouse, and with the keyboard alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import NEEDED, opened, started
from playwright.sync_api import Browser, Page, expect
from sample_document import NAMES, report

from reportgen.contracts import RenderOptions
from reportgen.outputs import html

pytestmark = NEEDED
CARDS = ".card:visible"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as made:
        yield made


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(html.render(report(), RenderOptions()))
    return path.as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    page = opened(browser, address)
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    yield page
    page.context.close()


def titles(page: Page) -> list[str]:
    return page.locator(f"{CARDS} h3").all_inner_texts()


def test_without_a_script_no_control_is_seen_and_nothing_else_is_missing(browser: Browser, address: str) -> None:
    with_script = opened(browser, address)
    without = opened(browser, address, java_script_enabled=False)
    for hidden in (".tools", ".controls", "dialog", ".compare"):
        assert not [each for each in without.locator(hidden).all() if each.is_visible()]
    for page in (with_script, without):
        assert titles(page) == list(NAMES)
    text = """e => {
        const whole = e.cloneNode(true);
        whole.querySelectorAll('.controls, .compare').forEach(control => control.remove());
        return whole.textContent.split(/\\s+/).join(' ');
    }"""
    shown = [page.locator("main").evaluate(text) for page in (with_script, without)]
    assert shown[0] == shown[1]
    assert "Filter visualisation and activations" in shown[1]


def test_cards_are_narrowed_down_and_counted(page: Page) -> None:
    answer, kind = page.locator(".controls select").nth(0), page.locator(".controls select").nth(1)
    count = page.locator(".controls output")
    assert count.inner_text() == "4 of 4 shown"
    answer.select_option(label="right")
    assert titles(page) == [NAMES[0], NAMES[3]]
    assert count.inner_text() == "2 of 4 shown"
    kind.select_option(label="plus")  # the fourth image's class
    assert titles(page) == [NAMES[3]]
    answer.select_option(label="no label")
    assert count.inner_text() == "0 of 4 shown"
    page.locator(".controls button").click()
    assert titles(page) == list(NAMES)
    assert (answer.input_value(), kind.input_value()) == ("", "")


def test_cards_are_sorted_and_come_back(page: Page) -> None:
    order = page.locator(".controls select").last
    order.select_option(label="worst first")
    assert titles(page) == list(reversed(NAMES))
    order.select_option(label="as given")
    assert titles(page) == list(NAMES)


def test_a_picture_is_enlarged_walked_and_closed_and_the_focus_returns(page: Page) -> None:
    first, zoom = page.locator("#image-0\\/original button"), page.locator("#zoom")
    first.click()
    assert zoom.is_visible()
    shown = zoom.locator("img")
    assert shown.evaluate("e => e.offsetHeight") > 500
    assert zoom.locator("h2").inner_text() == f"{NAMES[0]} · Original"
    assert zoom.locator(".about").inner_text() == shown.get_attribute("alt")
    page.keyboard.press("ArrowRight")
    assert zoom.locator("h2").inner_text() == f"{NAMES[0]} · Saliency: ring"
    assert page.url.endswith("#image-0/saliency")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")  # from the first to the last
    assert "Weights" in zoom.locator("h2").inner_text()
    zoom.get_by_text("Next").click()
    zoom.get_by_text("Next").click()
    page.keyboard.press("Escape")
    expect(zoom).to_be_hidden()
    expect(page.locator("#image-0\\/saliency button")).to_be_focused()


@pytest.mark.parametrize("way", ["button", "backdrop"])
def test_an_enlarged_picture_is_closed_by_the_mouse(page: Page, way: str) -> None:
    page.locator(".enlarge").first.click()
    if way == "button":
        page.locator("#zoom").get_by_text("Close").click()
    else:
        page.mouse.click(2, 2)
    expect(page.locator("#zoom")).to_be_hidden()


def test_a_hidden_card_is_not_walked_through(page: Page) -> None:
    page.locator(".controls select").first.select_option(label="wrong")
    page.locator("#image-1 .enlarge").first.click()
    page.keyboard.press("ArrowLeft")
    assert NAMES[0] not in page.locator("#zoom h2").inner_text()


def test_two_layers_are_divided_and_blended(page: Page) -> None:
    box = page.locator("#image-1 .compare")
    box.locator("summary").click()
    lower, upper = box.locator("select").all()
    divide, opacity = box.locator("input").all()
    under, over = box.locator(".stack img").all()
    sources = [page.locator("#image-1 figure img").nth(n).get_attribute("src") for n in range(4)]
    assert [under.get_attribute("src"), over.get_attribute("src")] == sources[:2]
    style = "e => [getComputedStyle(e).clipPath, getComputedStyle(e).opacity]"
    assert over.evaluate(style) == ["inset(0px 0px 0px 50%)", "1"]
    divide.fill("20")
    opacity.fill("40")
    assert over.evaluate(style) == ["inset(0px 0px 0px 20%)", "0.4"]
    upper.select_option(index=3)
    lower.select_option(index=1)
    under, over = box.locator(".stack img").all()
    assert [under.get_attribute("src"), over.get_attribute("src")] == [sources[1], sources[3]]
    assert over.evaluate(style) == ["inset(0px 0px 0px 20%)", "0.4"]
    places = "e => [...e.children].map(image => JSON.stringify(image.getBoundingClientRect()))"
    assert len(set(box.locator(".stack").evaluate(places))) == 1


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_theme_is_chosen_and_remembered(browser: Browser, address: str, system: str) -> None:
    page = opened(browser, address, color_scheme=system)
    background = "getComputedStyle(document.documentElement).backgroundColor"
    own = page.evaluate(background)
    colours = {"light": "rgb(255, 255, 255)", "dark": "rgb(19, 23, 28)"}
    assert own == colours[system]
    for theme, colour in colours.items():
        page.locator("#theme").select_option(theme)
        assert page.evaluate(background) == colour
        page.reload()
        assert page.evaluate(background) == colour
        assert page.locator("#theme").input_value() == theme
    page.locator("#theme").select_option("")
    assert page.evaluate(background) == own


def test_a_browser_that_forbids_storage_costs_only_the_memory(browser: Browser, address: str) -> None:
    context = browser.new_context()
    context.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('no') } })")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.locator("#theme").select_option("dark")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(19, 23, 28)"
    assert errors == []


def test_a_link_to_a_picture_opens_it_though_its_card_was_filtered_out(page: Page) -> None:
    page.locator(".controls select").first.select_option(label="right")
    page.evaluate("location.hash = '#image-1/saliency'")
    expect(page.locator("#zoom")).to_be_visible()
    assert page.locator("#zoom h2").inner_text() == f"{NAMES[1]} · Saliency: ring"
    page.keyboard.press("Escape")
    expect(page.locator("#image-1\\/saliency button")).to_be_focused()
    assert page.locator(".controls output").inner_text() == "4 of 4 shown"


def test_a_link_opens_its_picture_on_arrival_and_a_wrong_one_nothing(browser: Browser, address: str) -> None:
    page = opened(browser, f"{address}#image-2/original")
    expect(page.locator("#zoom")).to_be_visible()
    for wrong in ("#nothing", "#%E0%A4%A", "#image-2"):
        assert not opened(browser, address + wrong).locator("#zoom").is_visible()


def test_a_link_is_copied_or_left_in_the_address_bar(browser: Browser, address: str) -> None:
    for permissions, said in ((["clipboard-read", "clipboard-write"], "copied"), ([], "address bar")):
        page = opened(browser, f"{address}#image-2/original", permissions=permissions)
        if not permissions:
            page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject() }")
        page.get_by_text("Copy link").click()
        expect(page.locator("#zoom output")).to_contain_text(said)
        if permissions:
            assert page.evaluate("navigator.clipboard.readText()") == f"{address}#image-2/original"


def test_the_keyboard_alone_reaches_and_works_everything(page: Page) -> None:
    focus = "document.activeElement"
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.evaluate(f"{focus}.getAttribute('href')") == "#image-0"
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate(f"{focus}.getAttribute('href')") == "#image-1"
    page.keyboard.press("c")
    assert page.locator("#image-1 .compare").get_attribute("open") is not None
    assert page.evaluate(f"{focus}.localName") == "summary"
    for key in ("Tab", "Tab", "Tab", "ArrowLeft"):  # the two lists, then the divider
        page.keyboard.press(key)
    assert page.locator("#image-1 input").first.input_value() == "49"
    page.keyboard.press("t")  # a slider and a list keep the letters to themselves
    assert page.locator("#theme").input_value() == ""
    page.evaluate(f"{focus}.blur()")
    page.keyboard.press("f")
    assert page.evaluate(f"{focus}.matches('.controls select')")
    page.keyboard.press("ArrowDown")
    assert page.locator(".controls output").inner_text() == "2 of 4 shown"
    page.evaluate(f"{focus}.blur()")
    page.keyboard.press("t")
    assert page.locator("#theme").input_value() == "light"


def test_single_keys_can_be_switched_off(page: Page) -> None:
    page.locator("#help").click()
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert not page.locator("#keys").is_visible()
    page.reload()
    page.keyboard.press("?")
    assert not page.locator("#keys").is_visible()


def test_everything_that_takes_the_focus_can_be_tabbed_to_and_shows_it(page: Page) -> None:
    reached: list[str] = []
    for _ in range(400):
        page.keyboard.press("Tab")
        here = page.evaluate("e => document.activeElement.outerHTML.slice(0, 200)", None)
        if here.startswith("<body"):
            break
        reached.append(here)
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", here
    wanted = page.evaluate(
        """() => [...document.querySelectorAll('a[href], button, select, input, summary, [tabindex="0"]')]
            .filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 200))"""
    )
    assert set(wanted) <= set(reached)


def test_paper_shows_every_card_and_no_control(page: Page) -> None:
    page.locator(".controls select").first.select_option(label="right")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert titles(page) == list(NAMES)
    for control in (".tools", ".controls", ".compare", ".link"):
        assert not page.locator(control).first.is_visible()
    assert page.evaluate("[...document.images].every(e => e.loading === 'eager')")


def test_print_opens_what_is_folded(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "report.html.j2").write_text(
        '{% extends "default:report.html.j2" %}{% block references %}'
        "<details id='mine'><summary>More</summary><p>Inside</p></details>{% endblock %}"
    )
    made = tmp_path / "report.html"
    made.write_bytes(html.render(report(NAMES[:1]), RenderOptions(templates=tmp_path)))
    page = opened(browser, made.as_uri())
    assert not page.get_by_text("Inside").is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.get_by_text("Inside").is_visible()


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_nothing_runs_over_the_edge_while_it_is_used(browser: Browser, address: str, width: int) -> None:
    page = opened(browser, address, width)
    for box in page.locator(".compare summary").all():
        box.click()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.locator(".enlarge").first.click()
    inside = page.locator("#zoom").bounding_box()
    assert inside is not None
    assert inside["x"] >= 0
    assert inside["x"] + inside["width"] <= width
    assert inside["height"] <= 900


def test_targets_are_large_enough_for_a_finger(browser: Browser, address: str) -> None:
    page = opened(browser, address, 390, has_touch=True)
    page.locator(".compare summary").first.click()
    sizes = page.evaluate(
        """() => [...document.querySelectorAll('button, select, summary, .link')].filter(e => e.checkVisibility())
            .map(e => [e.outerHTML.slice(0, 80), e.offsetWidth, e.offsetHeight])"""
    )
    assert [each for each in sizes if min(each[1:]) < 24] == []
