"""The browser that pages are looked at in."""

import os
import shutil

import pytest
from playwright.sync_api import Page, expect

expect.set_options(timeout=20_000)  # milliseconds: machines that test are busy


def chromium() -> str:
    """Find Chromium; without one, the test is skipped, and fails under CI."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None and os.environ.get("CI"):
        pytest.fail("there is no Chromium on this machine, and CI must test with one")
    if found is None:
        pytest.skip("there is no Chromium on this machine")
    return found


def rate(page: Page, control: str, stars: float) -> None:
    """Give stars by a click, on the first of the controls."""
    place = page.locator(control).first
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box is not None
    place.click(position={"x": box["width"] * (stars / 5 - 0.05), "y": box["height"] / 2})
