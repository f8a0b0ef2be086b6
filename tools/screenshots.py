"""Photograph the page of `serve` for README and docs/serving.md, with a few ratings of well-known films.

python -m movierec serve             # models of real data; then, in another terminal:
python -m tools.screenshots
"""

import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import chromium, rate

FOLDER = Path("docs")
RATED = {"The Matrix": 4.5, "Spirited Away": 5, "Titanic": 2, "Fargo": 4.5, "Independence Day": 1.5, "Amélie": 4}
EXPORT = """Date,Name,Year,Letterboxd URI,Rating
2022-05-01,Alien,1979,https://boxd.it/1,4.5
2022-05-02,Heat,1995,https://boxd.it/2,4
2022-05-02,Heat,1995,https://boxd.it/2,4.5
2022-05-03,A Film That Nobody Knows,2011,https://boxd.it/3,3
"""
COLOURS = 128  # of a picture, which makes it a third as large


def photograph(browser: Browser, address: str) -> None:
    """Take the pictures."""
    page = open_page(browser, address, width=1280, height=860, scheme="light")
    save(page, "page")
    page.get_by_label("Bring your ratings").set_input_files(
        {"name": "ratings.csv", "mimeType": "text/csv", "buffer": EXPORT.encode()}
    )
    expect(page.locator("#imported")).to_contain_text("Read 2 ratings")
    page.locator("#genre").select_option("Sci-Fi")
    page.locator("#imported").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    save(page, "page_import")
    phone = open_page(browser, address, width=390, height=844, scheme="dark")
    phone.locator("#list").evaluate("list => list.scrollIntoView()")
    save(phone, "page_phone")


def open_page(browser: Browser, address: str, *, width: int, height: int, scheme: str) -> Page:
    """Open the page and rate some films."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(address)
    for title, stars in RATED.items():
        page.get_by_label("Find a film").fill(title)
        expect(page.locator("#found .name").first).to_contain_text(title.replace("é", "e"))
        rate(page, "#found .stars", stars)
    page.get_by_label("Find a film").fill("")
    expect(page.locator("#found li")).to_have_count(0)
    expect(page.locator("#rated li")).to_have_count(len(RATED))
    page.wait_for_timeout(1000)
    return page


def save(page: Page, name: str) -> None:
    """Write what is seen into the folder of the documentation."""
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path)
    Image.open(path).convert("RGB").quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        photograph(browser, sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
        browser.close()
