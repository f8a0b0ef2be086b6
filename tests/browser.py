"""The browser that pages are looked at in."""

import os
import shutil

import pytest


def chromium() -> str:
    """Find Chromium; without one, the test is skipped, and fails under CI."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None and os.environ.get("CI"):
        pytest.fail("there is no Chromium on this machine, and CI must test with one")
    if found is None:
        pytest.skip("there is no Chromium on this machine")
    return found
