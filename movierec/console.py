"""The terminal, which shows texts of the data and does not obey them."""

from collections.abc import Iterable
from typing import Any

import rich.console
from rich.segment import Segment

from movierec.guard import printable


class Console(rich.console.Console):
    """A console that prints texts as they are, without markup, colours of its own, or control characters in them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, **options)

    def render(self, *args: Any, **options: Any) -> Iterable[Segment]:
        """Take control characters out of all that is printed; rich leaves most of them in."""
        for text, style, control in super().render(*args, **options):
            yield Segment(text if control else printable(text), style, control)
