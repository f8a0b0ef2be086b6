"""The page in a real browser: quiet, self-contained, readable on a phone, in the dark, on paper and by its roles."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from movierec.report.page import write_report
from movierec.report.results import gather
from tests.browser import chromium

Scheme = Literal["light", "dark"]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
A4 = {"width": 688, "height": 1016}  # without the margins
LONG = "unbreakable_name_of_a_run"
HOSTILE = "<img src=x onerror=alert(1)>\"'"
# Each text that can be seen, with the contrast of its colour to what is painted behind it (WCAG 2.2).
CONTRAST = """() => {
  const parse = text => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] === 1) return colour;
      if (colour[3] > 0) throw new Error("a background that is half transparent");
    }
    throw new Error("nothing painted behind " + element.textContent);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const [a, b] = [luminance(parse(style.color)), luminance(behind(element))].sort((a, b) => b - a);
    const needed = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    found.push([walker.currentNode.textContent.trim(), (a + 0.05) / (b + 0.05), needed]);
  }
  return found;
}"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, write_below: Callable[..., Path]) -> str:
    """A page with all that it can hold."""
    folder = tmp_path_factory.mktemp("report")
    runs = folder / "runs"
    for seed in (1, 2, 3):
        write_below(runs, "model1", seed, seed=seed, error=0.8 + seed / 100, config={"model": {"lr": LONG * 9}})
        write_below(runs, "published/model1", seed, seed=seed, error=1 + seed / 100)
    errors = np.random.default_rng(0).normal(0, 0.8, 500)
    write_below(runs, "mine", error=0.7, errors=errors)
    values = dict.fromkeys(("recall@10", "ndcg@10", "map@10", "coverage", "novelty", "users"), 9.5)
    write_below(runs, "mine2", error=0.9, errors=1.1 * errors, retrieval={"model": values, "popularity": values})
    write_below(
        runs,
        "model2",
        error=0.7,
        baselines={"mean": {"rmse_stars": 1.0}},
        data={"ratings": 9_000, "ratings_left_out": 1_000},
        options={"sources": ["tmdb", "omdb"]},
    )
    write_below(runs, LONG, error=0.95)
    write_below(runs, HOSTILE, error=0.9)
    write_below(runs, "broken", test={})
    return write_report(*gather(runs), folder / "out").as_uri()


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> Scheme:
    chosen: Scheme = request.param
    return chosen


@pytest.fixture
def show(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    contexts = []

    def show(size: dict[str, int], scheme: Scheme = "light") -> Page:
        context = browser.new_context(
            viewport={"width": size["width"], "height": size["height"]}, color_scheme=scheme, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        return page

    yield show
    for context in contexts:
        context.close()


def test_the_page_loads_quietly_and_asks_for_nothing(browser: Browser, address: str) -> None:
    page = browser.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address, wait_until="networkidle")
    loaded = page.evaluate("[...document.images].map(image => image.complete && image.naturalWidth > 0)")
    page.close()
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [address]
    assert loaded
    assert all(loaded)


@pytest.mark.parametrize("size", [PHONE, DESK, {"width": 320, "height": 640}])
def test_nothing_but_the_table_and_the_settings_scrolls_sideways(
    show: Callable[..., Page], size: dict[str, int]
) -> None:
    page = show(size)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    wide = page.evaluate(
        "[...document.querySelectorAll('body *')].filter(one => !one.closest('.scroll, pre'))"
        ".filter(one => one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 80))"
    )
    assert wide == []


def test_each_text_has_the_contrast_of_wcag_aa(show: Callable[..., Page], scheme: Scheme) -> None:
    texts = show(DESK, scheme).evaluate(CONTRAST)
    assert len(texts) > 100
    assert [text for text in texts if text[1] < text[2]] == []


def test_light_and_dark_differ(show: Callable[..., Page]) -> None:
    colours = [
        show(DESK, scheme).evaluate("getComputedStyle(document.body).backgroundColor") for scheme in ("light", "dark")
    ]
    assert colours == ["rgb(252, 251, 248)", "rgb(22, 23, 26)"]


def test_the_table_is_read_by_its_roles(show: Callable[..., Page]) -> None:
    table = show(DESK).get_by_role("table").first
    assert "unit scale" in (table.locator("caption").text_content() or "")
    headers = [text.strip() for text in table.get_by_role("columnheader").all_text_contents()]
    assert headers == [
        "Run", "Rows", "R2", "MAE", "MSE", "RMSE", "precision", "recall", "MAE (stars)", "RMSE (stars)",
        "NDCG@10", "Epoch",
    ]  # fmt: skip
    row = table.get_by_role("row").filter(
        has=table.page.get_by_role("rowheader", name="model1 without the leak", exact=True)
    )
    assert row.count() == 1
    cells = row.get_by_role("cell").all_text_contents()
    assert cells[headers.index("RMSE (stars)") - 1].split() == ["0.8200±0.0100"]
    assert cells[0].startswith("test")


def test_the_page_is_walked_by_headings_and_keys(show: Callable[..., Page]) -> None:
    page = show(PHONE)
    assert page.get_by_role("heading", level=1).count() == 1
    titles = page.get_by_role("heading", level=2).all_text_contents()
    assert titles[0].startswith("mine is off by 0.700")
    assert "All numbers" in titles
    region = page.get_by_role("region", name="Table of all numbers")
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.scroll').scrollLeft > 0")


def test_each_figure_says_in_words_what_it_shows(show: Callable[..., Page]) -> None:
    figures = show(DESK).get_by_role("img")
    assert figures.count() > 0
    assert all(len(figure.get_attribute("alt") or "") > 20 for figure in figures.all())


def test_a_name_is_shown_as_it_is_and_not_run(show: Callable[..., Page]) -> None:
    page = show(DESK)
    assert page.get_by_role("rowheader", name=HOSTILE).count() == 1
    assert page.locator("img[src=x]").count() == 0


def test_on_paper_the_whole_table_is_there_in_black_on_white(show: Callable[..., Page]) -> None:
    page = show(A4, "dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.querySelector('table').getBoundingClientRect().right") <= A4["width"] + 1
    assert page.evaluate("document.documentElement.scrollWidth") <= A4["width"]
    texts = page.evaluate(CONTRAST)
    assert [text for text in texts if text[1] < text[2]] == []
    assert page.pdf().startswith(b"%PDF")
