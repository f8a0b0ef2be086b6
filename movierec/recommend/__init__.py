"""Recommend films."""
