"""Get, check and read ratings and film metadata."""
