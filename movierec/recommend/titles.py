"""Film titles as people type them."""

import difflib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

ARTICLES = {"the", "a", "an", "le", "la", "les", "l", "il", "lo", "el", "los", "las", "der", "die", "das"}
YEAR = r"\((\d{4})(?:[-–]\d{0,4})?\)\s*$"  # noqa: RUF001 - MovieLens has both dashes


def year_of(title: str) -> int | None:
    """Read the year at the end of a title such as "Toy Story (1995)"; the first one of several."""
    match = re.search(YEAR, title)
    return int(match[1]) if match else None


def simplify(title: str) -> str:
    """Reduce a title to what people agree on: no year, case, accents, marks, or articles at its ends."""
    plain = unicodedata.normalize("NFKD", re.sub(YEAR, "", title)).casefold()
    words = re.findall(r"\w+", "".join(letter for letter in plain if not unicodedata.combining(letter)))
    if len(words) > 1 and words[0] in ARTICLES:
        return " ".join(words[1:])
    if len(words) > 1 and words[-1] in ARTICLES:
        return " ".join(words[:-1])
    return " ".join(words)


class TitleIndex:
    """Find films by title.

    Args:
        titles: Title of each film.
    """

    def __init__(self, titles: Sequence[str]) -> None:
        self.titles = titles
        self.rows: dict[str, list[int]] = defaultdict(list)
        for row, title in enumerate(titles):
            for name in {simplify(name) for name in names_of(title)}:
                self.rows[name].append(row)

    def find(self, title: str) -> list[int]:
        """List the films of a title; more than one where it is ambiguous, none where there is none.

        The exact title wins; then the simplified one, of the year that is given with it, if any.
        """
        exact = [row for row in self.rows.get(simplify(title), []) if self.titles[row] == title]
        if exact:
            return exact
        rows = self.rows.get(simplify(title), [])
        year = year_of(title)
        return [row for row in rows if year is None or year_of(self.titles[row]) == year]

    def suggest(self, title: str) -> list[int]:
        """List up to 5 films of similar titles, the nearest first."""
        wanted = simplify(title)
        names = difflib.get_close_matches(wanted, self.rows, n=3)
        names += [name for name in self.rows if wanted and wanted in name and name not in names][:3]
        return [row for name in names for row in self.rows[name]][:5]


def names_of(title: str) -> list[str]:
    """List a film's names: MovieLens puts others in brackets, "City of Lost Children, The (Cité, La) (1995)"."""
    whole = re.sub(YEAR, "", title)
    first = whole.split(" (")[0]
    return [whole, first, *re.findall(r"\((?:a\.k\.a\. )?([^()]+)\)", whole)]
