"""Durations, as people say them."""

MINUTES = 60  # of an hour


def in_words(seconds: float) -> str:
    """Write a duration as people say it."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= MINUTES:
        return f"{minutes // MINUTES} h {minutes % MINUTES} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
