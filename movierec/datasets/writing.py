"""Generated releases in the published formats, written block by block of consecutive users."""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd

from movierec.datasets.catalog import Release
from movierec.datasets.headerless import GENRES

NUM_FIFTHS = 5
TESTED_RATINGS = 10  # of each user in ua.test, and as many others in ub.test
RELEASE_DAY = "01-Jan"


def write_release(root: Path, release: Release, movies: pd.DataFrame, ratings: Iterable[pd.DataFrame]) -> None:
    """Write a release below a data root.

    Args:
        root: The data root.
        release: The release; its format decides the files.
        movies: movie_id, title, year and genres (with `|` between them) of each film.
        ratings: Blocks of user_id, movie_id, stars and timestamp, each with all ratings of its users.
    """
    (root / release.folder).mkdir(parents=True)
    write = {"csv": write_csv_release, "double_colon": write_double_colon_release, "tab": write_tab_release}
    write[release.format](root, release, movies, ratings)


def write_csv_release(root: Path, release: Release, movies: pd.DataFrame, ratings: Iterable[pd.DataFrame]) -> None:
    """Write a release as csv files with a header; every hundredth rating of a block has a tag."""
    movies[["movie_id", "title", "genres"]].set_axis(["movieId", "title", "genres"], axis="columns").to_csv(
        root / release.movies, index=False, lineterminator="\n"
    )
    with (
        (root / release.ratings).open("w", encoding="utf-8", newline="") as ratings_file,
        (root / release.folder / "tags.csv").open("w", encoding="utf-8", newline="") as tags_file,
    ):
        ratings_file.write("userId,movieId,rating,timestamp\n")
        tags_file.write("userId,movieId,tag,timestamp\n")
        for block in ratings:
            tags = block.iloc[::100].assign(stars="slow")
            for rows, file in (block, ratings_file), (tags, tags_file):
                rows.to_csv(file, header=False, index=False, lineterminator="\n")


def write_double_colon_release(
    root: Path, release: Release, movies: pd.DataFrame, ratings: Iterable[pd.DataFrame]
) -> None:
    """Write a release as `::` files; letters that the encoding lacks become question marks."""
    num_users = 0
    with (root / release.ratings).open("w", encoding="utf-8", newline="") as file:
        for block in ratings:
            num_users = block["user_id"].iloc[-1]
            write_rows(block, file, "::")
    write_lines(root / release.movies, movies[["movie_id", "title", "genres"]], "::", release.encoding)
    if release.name == "ml-1m":  # no other tells of its users
        users = pd.DataFrame({"user_id": np.arange(1, num_users + 1)})
        users["gender"] = np.where(users["user_id"] % 3 == 0, "F", "M")
        users = users.assign(age=25, occupation=users["user_id"] % 21, zip="00000")
        write_lines(root / release.folder / "users.dat", users, "::", release.encoding)


def write_tab_release(root: Path, release: Release, movies: pd.DataFrame, ratings: Iterable[pd.DataFrame]) -> None:
    """Write a release as u.data, u.item and the files of its splits."""
    with ExitStack() as stack:
        data, *parts = (
            stack.enter_context((root / name).open("w", encoding="utf-8", newline=""))
            for name in (release.ratings, *(name for split in release.splits for name in release.split_files(split)))
        )
        rng = np.random.default_rng(0)
        for block in ratings:
            write_rows(block, data, "\t")
            for is_test, base, test in zip(choose_tests(rng, block), parts[::2], parts[1::2], strict=True):
                write_rows(block[~is_test], base, "\t")
                write_rows(block[is_test], test, "\t")
    has_genre = movies["genres"].str.replace("Children", "Children's").str.get_dummies("|")
    flags = has_genre.reindex(columns=GENRES, fill_value=0)
    flags["unknown"] = (flags.sum(axis=1) == 0).astype(int)
    films = movies[["movie_id", "title"]].assign(
        released=RELEASE_DAY + "-" + movies["year"].astype(str), on_video="", url="http://us.imdb.com/"
    )
    write_lines(root / release.movies, films.join(flags), "|", release.encoding)


def choose_tests(rng: np.random.Generator, block: pd.DataFrame) -> list[np.ndarray]:
    """Choose the test ratings of u1 to u5, which are fifths, and of ua and ub, which are 10 of each user.

    A user with fewer than 30 ratings has a third of them in each of ua and ub.

    Returns:
        Whether each rating of the block is a test rating, for each split.
    """
    fifth = rng.permutation(len(block)) % NUM_FIFTHS
    order = block.assign(order=rng.permutation(len(block))).groupby("user_id")["order"]
    rank = order.rank().to_numpy() - 1
    tested = np.minimum(TESTED_RATINGS, order.transform("size").to_numpy() // 3)
    by_user = [rank < tested, (rank >= tested) & (rank < 2 * tested)]
    return [*(fifth == number for number in range(NUM_FIFTHS)), *by_user]


def write_rows(block: pd.DataFrame, file: TextIO, delimiter: str) -> None:
    """Write ratings as lines; whole stars without a decimal point."""
    stars = block["stars"].map({star: f"{star:g}" for star in block["stars"].unique()})
    text = block.assign(stars=stars).to_csv(sep=",", header=False, index=False, lineterminator="\n")
    file.write(text.replace(",", delimiter))  # pandas' delimiters have one letter


def write_lines(path: Path, frame: pd.DataFrame, delimiter: str, encoding: str) -> None:
    """Write a frame as lines without a header, nothing quoted."""
    columns = [frame[name].astype(str) for name in frame]
    text = "".join(delimiter.join(fields) + "\n" for fields in zip(*columns, strict=True))
    path.write_bytes(text.encode(encoding, errors="replace"))
