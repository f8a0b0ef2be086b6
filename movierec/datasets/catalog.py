"""Catalogue of the MovieLens releases: address, files, sizes and terms."""

from dataclasses import dataclass
from typing import Literal

SERVER = "https://files.grouplens.org/datasets/movielens"
CITATION = (
    "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. ACM Transactions on "
    "Interactive Intelligent Systems 5, 4, Article 19. https://doi.org/10.1145/2827872"
)
Format = Literal["csv", "double_colon", "tab"]
FILES: dict[Format, tuple[str, str]] = {
    "csv": ("ratings.csv", "movies.csv"),
    "double_colon": ("ratings.dat", "movies.dat"),
    "tab": ("u.data", "u.item"),
}


@dataclass(frozen=True, kw_only=True)
class Release:
    """A MovieLens release.

    Attributes:
        name: What it is called; its archive is `<name>.zip`.
        folder: The folder that the archive unpacks to.
        format: `csv` with headers, `::` between the fields, or tabs (`|` between those of a film).
        encoding: Text encoding of the film file.
        links: The file of its films' ids at IMDb and TMDb; None if the release has film ids of its own.
        users: The file of its users' gender, age and occupation; None if there is none.
        min_stars: The lowest rating that can be given.
        max_stars: The highest.
        num_ratings: Number of published ratings; None if it changes.
        num_users: Number of users who have rated; None if it changes.
        num_movies: Number of listed films; None if it changes.
        earlier: Numbers of ratings, users and films of earlier versions.
        splits: Its published divisions into training ratings, `<split>.base`, and test ratings, `<split>.test`.
        md5: Checksum of the archive; None if it changes.
        megabytes: Approximate size of the archive.
        redistribution: Terms of redistribution.
    """

    name: str
    folder: str
    format: Format = "csv"
    encoding: str = "utf-8"
    links: str | None
    users: str | None = None
    min_stars: float = 0.5
    max_stars: float = 5.0
    num_ratings: int | None = None
    num_users: int | None = None
    num_movies: int | None = None
    earlier: tuple[tuple[int, int, int], ...] = ()
    splits: tuple[str, ...] = ()
    md5: str | None = None
    megabytes: float
    redistribution: str = "may not be redistributed without permission"

    @property
    def ratings(self) -> str:
        """The file of the ratings, below the data root."""
        return f"{self.folder}/{FILES[self.format][0]}"

    @property
    def movies(self) -> str:
        """The file of the films, below the data root."""
        return f"{self.folder}/{FILES[self.format][1]}"

    def split_files(self, split: str) -> tuple[str, str]:
        """The files of a published split's training and test ratings, below the data root."""
        return f"{self.folder}/{split}.base", f"{self.folder}/{split}.test"

    @property
    def url(self) -> str:
        """Where GroupLens publishes the archive."""
        return f"{SERVER}/{self.name}.zip"


RELEASES = {
    release.name: release
    for release in (
        Release(  # the archive changes; these are the counts of September 2018
            name="ml-latest-small",
            folder="ml-latest-small",
            links="ml-latest-small/links.csv",
            num_ratings=100_836,
            num_users=610,
            num_movies=9_742,
            earlier=((100_004, 671, 9_125),),  # of October 2016
            megabytes=1.0,
            redistribution="may be redistributed under the same terms",
        ),
        Release(
            name="ml-1m",
            folder="ml-1m",
            format="double_colon",
            encoding="latin-1",
            links="ml-latest-small/links.csv",  # has none; film ids are shared between the releases
            users="ml-1m/users.dat",
            min_stars=1.0,
            num_ratings=1_000_209,
            num_users=6_040,
            num_movies=3_883,
            md5="c4d9eecfca2ab87c1945afe126590906",
            megabytes=5.9,
        ),
        Release(
            name="ml-100k",
            folder="ml-100k",
            format="tab",
            encoding="latin-1",
            links=None,
            users="ml-100k/u.user",
            min_stars=1.0,
            num_ratings=100_000,
            num_users=943,
            num_movies=1_682,
            splits=("u1", "u2", "u3", "u4", "u5", "ua", "ub"),
            md5="0e33842e24a9c977be4e0107933c0723",
            megabytes=4.9,
        ),
        Release(
            name="ml-10m",
            folder="ml-10M100K",
            format="double_colon",
            links="ml-latest-small/links.csv",
            num_ratings=10_000_054,
            num_users=69_878,
            num_movies=10_681,
            md5="ce571fd55effeba0271552578f2648bd",
            megabytes=65.6,
        ),
        Release(
            name="ml-20m",
            folder="ml-20m",
            links="ml-20m/links.csv",
            num_ratings=20_000_263,
            num_users=138_493,
            num_movies=27_278,
            md5="cd245b17a1ae2cc31bb14903e1204af3",
            megabytes=198.7,
        ),
        Release(
            name="ml-25m",
            folder="ml-25m",
            links="ml-25m/links.csv",
            num_ratings=25_000_095,
            num_users=162_541,
            num_movies=62_423,
            md5="6b51fb2759a8657d3bfcbfc42b592ada",
            megabytes=262.0,
        ),
        Release(
            name="ml-32m",
            folder="ml-32m",
            links="ml-32m/links.csv",
            num_ratings=32_000_204,
            num_users=200_948,
            num_movies=87_585,
            md5="d472be332d4daa821edc399621853b57",
            megabytes=239.0,
        ),
        Release(  # grows every few years
            name="ml-latest",
            folder="ml-latest",
            links="ml-latest/links.csv",
            megabytes=350.9,
        ),
    )
}
