"""Serve a page and an API that recommend films, on one's own machine."""
