"""Texts that others have written, on their way to a person: nothing in them is obeyed by what shows them."""

import re

# Of ASCII and Latin-1, but for tab and line end: a terminal takes orders that begin with one of them.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
FORMULA = ("=", "+", "-", "@", "\t", "\n")  # https://owasp.org/www-community/attacks/CSV_Injection; \r is taken out


def printable(text: str) -> str:
    """Take control characters out of a text, so that a terminal shows it and does nothing else."""
    return CONTROL.sub("", text)


def cell(text: str) -> str:
    """Make a text one that a spreadsheet shows: before what it would compute comes an apostrophe, which it hides."""
    text = printable(text)
    return f"'{text}" if text.startswith(FORMULA) else text
