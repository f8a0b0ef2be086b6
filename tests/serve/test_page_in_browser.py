"""The page in a real browser: a person rates, imports, filters, exports and deletes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from movierec.models.mlp import MLP
from movierec.recommend.recommender import Recommender
from tests.browser import chromium, rate
from tests.serve.conftest import serve

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page on a phone, which asks nothing of another server and complains of nothing."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, accept_downloads=True)
    page = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(address)
    expect(page.locator("#films li")).to_have_count(10)
    yield page
    assert complaints == []
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []
    context.close()


def titles(page: Page) -> list[str]:
    return page.locator("#films .name").all_inner_texts()


def test_each_rating_changes_the_list_and_stays_in_the_browser(page: Page) -> None:
    before = titles(page)
    first = page.locator("#questions .name").first.inner_text()
    page.get_by_role("button", name="Skip").first.click()
    expect(page.locator("#questions .name").first).not_to_have_text(first)
    rate(page, "#questions .stars", 4.5)
    expect(page.locator("#list-title")).to_have_text("Ten films for you")
    assert titles(page) != before
    assert page.locator("#rated input").input_value() == "4.5"
    liked = page.locator("#films .name").first.inner_text()
    page.get_by_role("button", name="Not for me").first.click()
    expect(page.locator("#films .name").first).not_to_have_text(liked)
    page.reload()
    expect(page.locator("#mine-title")).to_have_text("Your ratings (1)")
    assert liked not in titles(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_keyboard_gives_half_stars(page: Page) -> None:
    control = page.locator("#films input").first
    control.focus()
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    assert control.get_attribute("aria-valuetext") == "3.5 stars"
    page.keyboard.press("Enter")
    expect(page.locator("#rated input")).to_have_value("3.5")
    assert page.evaluate("document.activeElement.closest('#films') !== null")


def test_a_film_is_found_and_its_stars_are_expected(page: Page, trained: Recommender) -> None:
    rate(page, "#questions .stars", 5)
    expect(page.locator("#rated li")).to_have_count(1)
    plain = [title for title in trained.films.titles if title.isascii() and title.count("(") == 1]
    title = max(plain, key=len).rpartition(" (")[0]
    page.get_by_label("Find a film").fill(title[:4] + title[5:])
    expect(page.locator("#found .name").first).to_contain_text(title)
    page.locator("#found").get_by_role("button", name="Films like this").first.click()
    expect(page.locator("#alike-title")).to_contain_text("Films like")
    expect(page.locator("#alike-films li")).to_have_count(10)


def test_filters_narrow_the_list(page: Page) -> None:
    page.get_by_label("Genre").select_option("Horror")
    page.get_by_label("Decade").select_option("1990s")
    expect(page.locator("#films .name").first).to_contain_text("199")
    for film in page.locator("#films li").all_inner_texts():
        assert "Horror" in film
    page.get_by_label("Genre").select_option("")
    page.get_by_label("Language").select_option("Swedish")
    page.get_by_label("Length").select_option("up to 1½ hours")
    expect(page.locator("#films .more", has_text="80 min · Swedish")).to_have_count(10)


def test_a_file_comes_in_markup_and_all_and_goes_out_again(page: Page, trained: Recommender, tmp_path: Path) -> None:
    movie_id = int(trained.films.ids[trained.films.listed][0])
    path = tmp_path / "<b>my<b>.csv"
    path.write_text(f"movieId;title;rating\n{movie_id};;4,5\n;<img src=x onerror=alert(1)>;3\n")
    page.get_by_label("Bring your ratings").set_input_files(path)
    expect(page.locator("#imported")).to_contain_text("Read 1 ratings from <b>my<b>.csv")
    expect(page.locator("#imported li")).to_have_text("<img src=x onerror=alert(1)>")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as csv").click()
    assert download.value.path().read_text().splitlines()[1].startswith(f"{movie_id},")
    page.get_by_role("button", name="Delete all").click()
    expect(page.locator("#rated li")).to_have_count(0)
    assert page.evaluate("localStorage.length") == 0


def test_a_file_that_cannot_be_read_says_why(browser: Browser, address: str, tmp_path: Path) -> None:
    page = browser.new_page()
    page.goto(address)
    path = tmp_path / "my.csv"
    path.write_text("nothing\n")
    page.get_by_label("Bring your ratings").set_input_files(path)
    expect(page.locator("#imported .warning")).to_contain_text("Expected columns")
    page.close()


def test_the_keyboard_alone_is_enough(page: Page, trained: Recommender) -> None:
    title = next(one for one in trained.films.titles if one.isascii() and one.count("(") == 1)
    tab_to(page, "Find a film")
    page.keyboard.type(title)
    expect(page.locator("#found li").first).to_contain_text(title.rpartition(" (")[0])
    tab_to(page, "Your stars for")
    for key in ["ArrowRight"] * 8 + ["Enter"]:
        page.keyboard.press(key)
    expect(page.locator("#rated input")).to_have_value("4")
    expect(page.locator("#list-title")).to_have_text("Ten films for you")
    tab_to(page, "Films like this")
    page.keyboard.press("Enter")
    expect(page.locator("#alike-films li")).to_have_count(10)
    page.keyboard.press("Escape")
    expect(page.locator("#alike")).to_be_hidden()
    tab_to(page, "Not for me")
    page.keyboard.press("Enter")
    expect(page.locator("#hidden li")).to_have_count(1)
    tab_to(page, "Delete all")
    page.keyboard.press("Space")
    expect(page.locator("#rated li")).to_have_count(0)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus is called so."""
    named = "(e => e.ariaLabel || e.labels?.[0]?.innerText || e.innerText)(document.activeElement)"
    for _ in range(100):
        page.keyboard.press("Tab")
        if page.evaluate(named).startswith(name):
            return
    pytest.fail(f"Tab does not reach {name!r}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault(browser: Browser, address: str, scheme: Literal["light", "dark"]) -> None:
    axe = Axe()
    page = browser.new_page(color_scheme=scheme)
    page.goto(address)
    rate(page, "#questions .stars", 4)
    page.get_by_label("Find a film").fill("the")
    expect(page.locator("#found li").first).to_be_visible()
    page.get_by_role("button", name="Not for me").first.click()
    for details in page.locator("summary").all():
        details.click()
    for width in 390, 1280:
        page.set_viewport_size({"width": width, "height": 900})
        found = axe.run(page)
        assert not found.violations_count, found.generate_report()
    page.get_by_role("button", name="Films like this").first.click()
    expect(page.locator("#alike-films li")).to_have_count(10)
    found = axe.run(page)
    assert not found.violations_count, found.generate_report()
    page.goto(f"{address}/docs")
    found = axe.run(page)
    assert not found.violations_count, found.generate_report()
    page.close()


def test_a_scale_up_to_ten_is_rated_in_whole_points(
    browser: Browser, trained: Recommender, checkpoint: Path, facts: pd.DataFrame
) -> None:
    page = browser.new_page()
    assert isinstance(trained.model, MLP)
    ten = replace(trained.tables, min_stars=1.0, max_stars=10.0)
    model = MLP(ten, **trained.model.hyper_parameters)
    model.load_state_dict(trained.model.state_dict())
    with contextmanager(serve)(
        Recommender(model.eval().requires_grad_(requires_grad=False)), checkpoint, facts
    ) as address:
        page.goto(address)
        expect(page.locator("header")).to_contain_text("Five stars are 10, half a star is 1.")
        rate(page, "#questions .stars", 3.5)
        expect(page.locator("#rated input")).to_have_value("7")
        expect(page.locator("#rated input")).to_have_attribute("aria-valuetext", "7 stars")
    page.close()
