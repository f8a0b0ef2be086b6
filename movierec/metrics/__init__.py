"""Measure predictions and lists, and draw the measurements."""
