"""Normalise and find film titles as people write them."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property

from rapidfuzz import fuzz, process

IGNORED = {"the", "a", "an", "le", "la", "les", "l", "il", "lo", "el", "los", "las", "der", "die", "das"}
# What MovieLens puts behind a name, in all languages in which it does.
ARTICLES = "The|A|An|La|Le|Les|L'|Une?|Il|Lo|I|Gli|Una|El|Los|Las|O|Os|As|Der|Die|Das|Eine?|De|Den|Det|En|Ett|Het|Da"
# A name ends before a bracket, a subtitle, or the title's end: "City of Lost Children, The (Cité perdue, La) (1995)".
NAME = re.compile(rf"(^|\((?:a\.k\.a\. )?)([^()]+?), ({ARTICLES})(?=\)| *\(|: |\s*$)", re.IGNORECASE)
YEAR = r"\((\d{4})(?:[-–]\d{0,4})?\)\s*$"  # noqa: RUF001 - MovieLens has both dashes
NEAR, SAME = 60, 85  # of 100, letters that agree: a title worth suggesting; a title spelt otherwise
SEARCHED, SHORT = 75, 3  # the same, of the beginning of a word and what follows; letters that are too few for that
FAR_MORE = 5  # times the ratings of another film


def year_of(title: str) -> int | None:
    """Read the year at the end of a title such as "Toy Story (1995)"; the first if there are several."""
    match = re.search(YEAR, title)
    return int(match[1]) if match else None


def natural(title: str) -> str:
    """Put articles first, as people do: "Matrix, The (1999)" becomes "The Matrix (1999)"."""
    return NAME.sub(article_first, title) if "," in title else title


def article_first(name: re.Match[str]) -> str:
    """Put the article of one name first."""
    before, rest, article = name.groups()
    return f"{before}{article}{rest}" if article.endswith("'") else f"{before}{article} {rest}"


def simplify(title: str) -> str:
    """Simplify a title: remove the year, case, accents, punctuation, and articles at its ends."""
    plain = unicodedata.normalize("NFKD", re.sub(YEAR, "", natural(title))).casefold()
    words = re.findall(r"\w+", "".join(letter for letter in plain if not unicodedata.combining(letter)))
    if len(words) > 1 and words[0] in IGNORED:
        return " ".join(words[1:])
    if len(words) > 1 and words[-1] in IGNORED:
        return " ".join(words[:-1])
    return " ".join(words)


class TitleIndex:
    """Find films by title.

    Args:
        titles: Title of each film, as `natural` writes it.
        num_ratings: Number of ratings of each film, which decides in `choose`.
    """

    def __init__(self, titles: Sequence[str], num_ratings: Sequence[int] = ()) -> None:
        self.titles, self.num_ratings = titles, num_ratings
        self.rows: dict[str, list[int]] = defaultdict(list)
        for row, title in enumerate(titles):
            for name in {simplify(name) for name in names_of(title)}:
                self.rows[name].append(row)

    @cached_property
    def names(self) -> list[str]:
        """All names, simplified."""
        return list(self.rows)

    @cached_property
    def ends(self) -> list[tuple[str, str]]:
        """Each name, with each of its ends that begins with a word."""
        return [(name, name[word.start() :]) for name in self.names for word in re.finditer(r"\w+", name)]

    def find(self, title: str, year: int | None = None) -> list[int]:
        """List the films with a title: several if it is ambiguous, none if it is unknown.

        Exact titles win over simplified ones. A year given with or in the title must match.
        """
        years = {year, year_of(title)} - {None}
        rows = [row for row in self.rows.get(simplify(title), []) if years <= {year_of(self.titles[row])}]
        return [row for row in rows if self.titles[row] == natural(title)] or rows

    def choose(self, rows: Sequence[int]) -> int | None:
        """Choose among films: the one with far more ratings if all are of one year; None if undecided."""
        ordered = sorted(rows, key=lambda row: -self.num_ratings[row])
        if not ordered or len({year_of(self.titles[row]) for row in rows}) > 1:
            return None
        most, *others = (self.num_ratings[row] for row in ordered)
        return ordered[0] if all(most >= FAR_MORE * number for number in others) else None

    def is_title_of_another(self, row: int, title: str, year: int | None = None) -> bool:
        """Tell whether a title belongs to another film, of the given year if any, and not to this one."""
        return row not in self.rows.get(simplify(title), []) and len(self.find(title, year)) > 0

    def is_title_of(self, row: int, title: str, year: int | None = None) -> bool:
        """Tell whether a title may be a film's: small differences in spelling and of a year are allowed."""
        own = year_of(self.titles[row])
        if own and any(abs(other - own) > 1 for other in (year, year_of(title)) if other):
            return False
        names = [simplify(name) for name in names_of(self.titles[row])]
        near = process.extractOne(simplify(title), names, scorer=fuzz.ratio, score_cutoff=SAME)
        return near is not None and not self.is_title_of_another(row, title, year)

    def suggest(self, title: str) -> list[int]:
        """List up to 5 films with the same title but another year, or else with similar titles, nearest first."""
        wanted = simplify(title)
        if wanted in self.rows or not wanted:
            return self.rows.get(wanted, [])[:5]
        near = process.extract(wanted, self.names, scorer=fuzz.ratio, limit=3, score_cutoff=NEAR)
        names = [name for name, *_ in near]
        names += [name for name in self.names if wanted in name and name not in names][:3]
        return [row for name in names for row in self.rows[name]][:5]

    def search(self, text: str, limit: int) -> list[int]:
        """List films whose names contain words, or their beginnings, most rated first; then those spelt about so."""
        wanted, year = simplify(text), re.search(r"\b(\d{4})\)?\s*$", text)
        if year and not (wanted.isdecimal() or self.find_words(wanted)):
            wanted = simplify(text[: year.start()].rstrip(" ("))
        if not wanted:
            return []
        rows = self.find_words(wanted)
        if len(rows) < limit and len(wanted) > SHORT:
            starts = [end[: len(wanted) + 1] for _, end in self.ends]
            near = process.extract(wanted, starts, scorer=fuzz.ratio, limit=limit, score_cutoff=SEARCHED)
            rows += [row for *_, place in near for row in self.rows[self.ends[place][0]]]
        found = list(dict.fromkeys(rows))
        if year:
            found = [row for row in found if year_of(self.titles[row]) == int(year[1])] or found
        return found[:limit]

    def find_words(self, wanted: str) -> list[int]:
        """List films one of whose names has each word, or a word that begins so: the whole name first."""
        words = [f" {word}" for word in wanted.split()]
        rows = {row for name in self.names if all(word in f" {name}" for word in words) for row in self.rows[name]}
        whole = set(self.rows.get(wanted, []))
        return sorted(rows, key=lambda row: (row not in whole, -self.num_ratings[row]))


def names_of(title: str) -> list[str]:
    """List a film's names, with those in brackets: "The City of Lost Children (La Cité perdue) (1995)"."""
    whole = re.sub(YEAR, "", title)
    first = whole.split(" (")[0]
    return [whole, first, *re.findall(r"\((?:a\.k\.a\. )?([^()]+)\)", whole)]
