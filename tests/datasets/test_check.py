"""What a check of a data root finds, with counts made by hand or by the data modules themselves."""

import csv
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from movierec import data
from movierec.data.options import describe_origin
from movierec.datasets.catalog import RELEASES
from movierec.datasets.check import MODELS, DataCheck, check_data
from movierec.datasets.sample import SampleSize, write_sample
from movierec.errors import MissingDataError

SMALL = RELEASES["ml-latest-small"]
TMDB = "tmdbId,vote_average,vote_count,release_date,original_language,origin_country,budget,revenue,runtime"
OMDB = "imdbID,Released,Runtime,Language,Country,Metascore,imdbRating,imdbVotes,BoxOffice"
AT_OMDB = '22 Nov 1995,81 min,English,"France, Japan",96,8.3,"1,112",$9'
USERS, FILMS = (1, 2, 3, 4), (10, 20, 30)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Twelve ratings of three films; of a fourth there are none, and the third is unknown to TMDb."""
    folder = tmp_path / "Données [β]"
    rows = [f"{user},{film},{user}.0,{1000 + user}" for user in USERS for film in FILMS]
    write(folder / SMALL.ratings, "userId,movieId,rating,timestamp", *rows)
    write(folder / SMALL.movies, "movieId,title,genres", "10,Été,Drama", "20,B,Drama", "30,千年,Drama", "40,D,Drama")
    write(
        folder / "ml-latest-small/links.csv", "movieId,imdbId,tmdbId", "10,011,21", "20,012,22", "30,013,", "40,014,24"
    )
    write(folder / "metadata/tmdb.csv", TMDB, "21,8,9,1995-11-22,en,US,0,0,81", "22,8,9,,en,US,0,0,81")
    write(folder / "metadata/omdb.csv", OMDB, *(f"tt00000{film},{AT_OMDB}" for film in (11, 12, 13)))
    return folder


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def change(path: Path, old: str, new: str) -> None:
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new, 1), encoding="utf-8")


def only_problem(check: DataCheck) -> str:
    (problem,) = check.problems
    return problem


def ready(check: DataCheck) -> list[str]:
    return [name for name, model in check.models.items() if not model["lacks"]]


def test_counts_are_those_made_by_hand(root: Path) -> None:
    check = check_data(root)
    assert (check.problems, check.sample, list(check.releases)) == ([], False, ["ml-latest-small"])
    release = check.releases["ml-latest-small"]
    assert release["ratings"] == {
        "rows": 12, "users": 4, "films": 3, "min_stars": 1.0, "max_stars": 4.0, "mean_stars": 2.5,
        "first": "1970-01-01T00:16:41Z", "last": "1970-01-01T00:16:44Z",
    }  # fmt: skip
    assert release["films"] == {
        "listed": 4,
        "unlisted": 0,
        "unlinked": 1,
        "coverage": {
            "tmdb": {"films": 2, "ratings": 8, "complete_films": 1, "complete_ratings": 4},
            "omdb": {
                "films": 3,
                "ratings": 12,
                "complete_films": 2,
                "complete_ratings": 8,
            },  # the third lacks its tmdbId
            "tmdb+omdb": {"films": 2, "ratings": 8, "complete_films": 1, "complete_ratings": 4},
        },
    }
    assert {source: found["rows"] for source, found in check.metadata.items()} == {"tmdb": 2, "omdb": 3}
    changed, gap = check.notes
    counts = "expected 100,836 ratings by 610 users and 9,742 films, found 12, 4 and 4"
    assert changed == f"ml-latest-small is not as published: {counts}."
    share = "2 of the 3 rated films of ml-latest-small, with 67% of the ratings"
    assert gap == f"metadata/tmdb.csv has {share}. To fetch more: python -m movierec data fetch tmdb --root '{root}'"


def test_a_model_is_not_ready_when_too_few_films_have_all_fields(root: Path) -> None:
    check = check_data(root)
    assert ready(check) == ["model1", "model3"]
    assert list(check.models["model4"]["lacks"]) == ["films with all fields"]
    command = check.models["model2"]["lacks"]["films with all fields"]
    assert command.startswith("python -m movierec fit --config configs/model2.yaml")
    assert command.endswith("--data.missing impute")
    assert list(check.models["model5"]["lacks"]) == ["ml-1m"]


def test_of_the_generated_sample_every_count_is_that_of_its_files(sample_root: Path) -> None:
    check = check_data(sample_root)
    assert (check.problems, check.notes, check.sample) == ([], [], True)
    assert ready(check) == list(MODELS)
    for release, first, mark in (("ml-latest-small", 1, ","), ("ml-1m", 0, "::")):
        text = (sample_root / RELEASES[release].ratings).read_text(encoding="utf-8")
        lines = [line.split(mark) for line in text.splitlines()[first:]]
        found = check.releases[release]
        assert found["version"] == "generated sample"
        assert found["ratings"] is not None
        assert (found["ratings"]["rows"], found["ratings"]["users"], found["ratings"]["films"]) == count(lines)
        assert found["films"] is not None
        films = found["films"]
        assert (films["listed"], films["unlisted"], films["unlinked"]) == (400, 0, 8)  # each 50th has no link


def count(ratings: Iterable[list[str]]) -> tuple[int, int, int]:
    rows = list(ratings)
    return len(rows), len({user for user, *_ in rows}), len({film for _, film, *_ in rows})


def test_hashes_are_those_that_a_run_records(root: Path) -> None:
    check = check_data(root)
    recorded = describe_origin(root, data.CombinedDataModule(root=root).options)["files"]
    metadata = {f"metadata/{source}.csv": found["sha256"] for source, found in check.metadata.items()}
    assert check.releases["ml-latest-small"]["sha256"] | metadata == recorded


@pytest.mark.parametrize("name", ["ratings.csv", "movies.csv", "links.csv"])
def test_the_fingerprint_changes_with_each_file(root: Path, name: str) -> None:
    before = check_data(root).releases["ml-latest-small"]["fingerprint"]
    assert before is not None
    assert check_data(root).releases["ml-latest-small"]["fingerprint"] == before
    with (root / "ml-latest-small" / name).open("ab") as file:
        file.write(b"\n")
    assert check_data(root).releases["ml-latest-small"]["fingerprint"] not in (before, None)


@pytest.mark.parametrize(
    "name", [SMALL.ratings, SMALL.movies, str(SMALL.links), "ml-1m/ratings.dat", "ml-1m/movies.dat"]
)
def test_a_missing_file_is_named_with_the_command_that_gets_it(name: str, root: Path) -> None:
    write_double_colon_release(root)
    (root / name).unlink()
    check = check_data(root)
    release = Path(name).parent.name
    assert only_problem(check) == (
        f"{root / name}: no such file. Get it: python -m movierec data download {release} --root '{root}'"
    )
    assert check.releases[release]["missing"] == [name]
    assert check.releases[release]["fingerprint"] is None
    assert check.releases[release]["trainable"] == (name == SMALL.links)


def write_double_colon_release(root: Path) -> None:
    write(root / "ml-1m/ratings.dat", *(f"{user}::{film}::{user}::0" for user in USERS for film in FILMS))
    write(root / "ml-1m/movies.dat", *(f"{film}::Film::Drama" for film in FILMS))


def test_a_release_whose_links_are_with_another_is_whole_without_them(root: Path) -> None:
    write_double_colon_release(root)
    shutil.rmtree(root / "ml-latest-small")
    check = check_data(root)
    assert check.problems == []
    assert check.releases["ml-1m"]["trainable"]
    assert list(check.models["model5"]["lacks"]) == ["ml-latest-small/links.csv"]
    assert "data download ml-latest-small" in check.models["model5"]["lacks"]["ml-latest-small/links.csv"]


def test_a_folder_with_links_for_other_releases_only_is_no_incomplete_release(tmp_path: Path) -> None:
    write_sample(tmp_path / "sample", SampleSize(num_users=9, num_movies=9, num_ratings=40, releases=("ml-1m",)))
    for name in ("movies.csv", "ratings.csv"):
        assert not (tmp_path / "sample" / "ml-latest-small" / name).exists()
    check = check_data(tmp_path / "sample")
    assert (check.problems, list(check.releases)) == ([], ["ml-1m"])
    (command,) = check.models["model1"]["lacks"].values()
    assert command.startswith(f"python -m movierec data sample --root {tmp_path / 'sample'} ")


def test_an_empty_release_folder_is_an_incomplete_release(root: Path) -> None:
    (root / "ml-1m").mkdir()
    check = check_data(root)
    assert len(check.problems) == 2
    assert check.releases["ml-1m"]["missing"] == ["ml-1m/ratings.dat", "ml-1m/movies.dat"]
    assert list(check.models["model5"]["lacks"]) == ["a complete ml-1m"]


def test_times_that_are_all_equal_are_a_note_and_no_problem(root: Path) -> None:
    write_double_colon_release(root)
    check = check_data(root)
    assert check.problems == []
    ratings = check.releases["ml-1m"]["ratings"]
    assert ratings is not None
    assert (ratings["first"], ratings["last"]) == (None, None)
    assert "ml-1m has no times (all are equal), so `--data.split time` is impossible." in check.notes


def test_times_in_milliseconds_are_far_off_and_no_failure(root: Path) -> None:
    change(root / SMALL.ratings, "1004", "964982703000")
    ratings = check_data(root).releases["ml-latest-small"]["ratings"]
    assert ratings is not None
    assert str(ratings["last"]).startswith("32549-")


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (SMALL.ratings, "2,10,2.0", "2,10,two", "ratings.csv, line 5: expected a number as rating, found 'two'"),
        (SMALL.ratings, "2,10,2.0", "2,10,5.5", "ratings.csv, line 5: expected a rating from 0.5 to 5.0 stars"),
        (SMALL.ratings, "2,10,2.0", "1,10,2.0", "ratings.csv, line 5: user 1 rated film 10 before"),
        (SMALL.ratings, "userId", "user", "ratings.csv, line 1: expected a column userId"),
        (
            SMALL.movies,
            "20,B",
            "twenty,B",
            "movies.csv, line 3: expected a whole number from 0 to 2^53 as movieId, found 'twenty'",
        ),
        (SMALL.movies, "20,B", "10,B", "movies.csv, line 3: film 10 is listed before"),
        (SMALL.movies, "20,B", "21,B", "ratings.csv: expected each rated film in ml-latest-small/movies.csv, found 1"),
        (
            str(SMALL.links),
            "012,22",
            "012,2.5",
            "links.csv, line 3: expected a whole number from 0 to 2^53 as tmdbId, found '2.5'",
        ),
        ("metadata/tmdb.csv", "22,8", "22,good", "tmdb.csv, line 3: expected a number as vote_average, found 'good'"),
        ("metadata/omdb.csv", "tt0000012", "nm0000012", "omdb.csv, line 3: expected imdbID as `tt` and digits"),
    ],
)
def test_a_damaged_line_is_named_and_the_other_files_are_read(
    name: str, old: str, new: str, message: str, root: Path
) -> None:
    change(root / name, old, new)
    check = check_data(root)
    assert message in only_problem(check)
    release = check.releases["ml-latest-small"]
    assert (release["ratings"] is None) == (name == SMALL.ratings)
    assert release["trainable"] == (name not in (SMALL.ratings, SMALL.movies))
    for source, found in check.metadata.items():
        assert (found["rows"] is None) == (source in name)
    if name == str(SMALL.links):
        assert list(check.models["model2"]["lacks"]) == [SMALL.links]


def test_all_problems_are_collected_and_links_that_two_releases_read_are_named_once(root: Path) -> None:
    write_double_colon_release(root)
    change(root / "ml-1m/ratings.dat", "::", ":")
    change(root / SMALL.ratings, "1.0", "one")
    change(root / str(SMALL.links), "22", "2.5")
    change(root / "metadata/tmdb.csv", "runtime", "length")
    problems = check_data(root).problems
    assert [Path(problem.split(",")[0].split(":")[0]).name for problem in problems] == [
        "tmdb.csv", "ratings.csv", "links.csv", "ratings.dat",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([f"{user},{film},3.5,{user}" for user in USERS for film in FILMS], "found only 3.5 stars"),
        ([f"1,{film},{film / 10},{film}" for film in FILMS], "at least 6 ratings to split, found 3"),
    ],
)
def test_ratings_that_cannot_be_learnt_from_are_a_problem(rows: list[str], message: str, root: Path) -> None:
    write(root / SMALL.ratings, "userId,movieId,rating,timestamp", *rows)
    check = check_data(root)
    assert message in only_problem(check)
    command = f"python -m movierec data download ml-latest-small --again --root '{root}'"
    assert check.models["model1"]["lacks"] == {"a complete ml-latest-small": command}


def test_a_film_twice_in_the_metadata_is_counted_once_and_noted_with_its_line(root: Path) -> None:
    expected = check_data(root).releases["ml-latest-small"]["films"]
    with (root / "metadata/tmdb.csv").open("a", encoding="utf-8") as file:
        file.write("21,1,1,1990-01-01,fr,FR,1,1,1\n" * 2)
    check = check_data(root)
    assert check.problems == []
    assert check.metadata["tmdb"]["rows"] == 2
    assert f"{root / 'metadata/tmdb.csv'}, line 4: tmdbId 21 is there already; the first" in check.notes[-1]
    assert check.releases["ml-latest-small"]["films"] == expected


def test_an_id_beside_the_title_of_another_film_is_noted_once(root: Path) -> None:
    rows = [f"{film_id},B,8,9,,en,US,0,0,81" for film_id in (21, 22)]
    write(root / "metadata/tmdb.csv", TMDB.replace(",", ",title,", 1), *rows)
    check = check_data(root)
    wrong = "tmdb_id 21 is 'B' in the metadata, but Été in MovieLens: its metadata are left out (1 such films)."
    assert check.notes.count(wrong) == 1
    films = check.releases["ml-latest-small"]["films"]
    assert films is not None
    assert films["coverage"]["tmdb"] == {"films": 1, "ratings": 4, "complete_films": 0, "complete_ratings": 0}


def test_metadata_without_rows_cover_nothing(root: Path) -> None:
    write(root / "metadata/tmdb.csv", TMDB)
    films = check_data(root).releases["ml-latest-small"]["films"]
    assert films is not None
    assert films["coverage"]["tmdb"] == {"films": 0, "ratings": 0, "complete_films": 0, "complete_ratings": 0}


def test_a_folder_without_releases_is_a_problem(tmp_path: Path) -> None:
    check = check_data(tmp_path)
    assert (
        only_problem(check)
        == f"{tmp_path}: expected the folder of a MovieLens release, such as ml-latest-small, found none."
    )
    assert (check.releases, check.metadata, ready(check)) == ({}, {}, [])
    assert list(check.models["model4"]["lacks"]) == ["ml-latest-small", "tmdb", "omdb"]


@pytest.mark.parametrize(("name", "found"), [("nowhere", "found none"), ("file", "found a file")])
def test_a_root_that_is_no_folder_is_an_error(name: str, found: str, tmp_path: Path) -> None:
    write(tmp_path / "file", "text")
    with pytest.raises(MissingDataError, match=found) as caught:
        check_data(tmp_path / name)
    assert (f"--root {tmp_path / name}," in str(caught.value)) == (name == "nowhere")


def test_releases_asked_for_are_looked_at_alone_and_must_be_there(root: Path) -> None:
    change(root / SMALL.ratings, "1.0", "one")
    write_double_colon_release(root)
    check = check_data(root, ["ml-1m", "ml-20m"])
    assert list(check.releases) == ["ml-1m"]
    assert list(check.models) == ["model5"]
    assert only_problem(check) == (
        f"{root / 'ml-20m'}: ml-20m is not there. Get it: python -m movierec data download ml-20m --root '{root}'"
    )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", [SMALL.ratings, "ml-latest-small"])
def test_what_may_not_be_read_is_a_problem(name: str, root: Path) -> None:
    (root / name).chmod(0)
    try:
        check = check_data(root)
    finally:
        (root / name).chmod(0o700)
    assert any("Permission denied" in problem for problem in check.problems)
    assert not check.releases["ml-latest-small"]["trainable"]


def test_the_real_data_are_recognised_and_their_coverage_is_that_counted_line_by_line(real_root: Path) -> None:
    check = check_data(real_root, ["ml-latest-small"])
    assert check.problems == []
    assert ready(check) == ["model1", "model2", "model3", "model4"]
    release = check.releases["ml-latest-small"]
    assert (release["version"], release["missing"]) == ("September 2018", [])
    assert release["ratings"] is not None
    assert release["films"] is not None
    assert (release["ratings"]["rows"], release["ratings"]["users"]) == (100_836, 610)
    assert release["films"]["listed"] == 9_742
    assert release["ratings"]["mean_stars"] == pytest.approx(3.501557, abs=1e-6)
    assert release["ratings"]["last"] == "2018-09-24T14:27:30Z"
    tmdb_id = {row["movieId"]: row["tmdbId"] for row in read(real_root / str(SMALL.links))}
    known = {row["tmdbId"] for row in read(real_root / "metadata/tmdb.csv")}
    counts = Counter(row["movieId"] for row in read(real_root / SMALL.ratings))
    covered = [film for film in counts if tmdb_id[film] in known]
    tmdb = release["films"]["coverage"]["tmdb"]
    assert (tmdb["films"], tmdb["ratings"]) == (len(covered), sum(counts[film] for film in covered))
    assert tmdb["ratings"] / release["ratings"]["rows"] > 0.998


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_fingerprint_is_one_of_the_whole_release(root: Path) -> None:
    release = check_data(root).releases["ml-latest-small"]
    assert list(release["sha256"]) == [SMALL.ratings, SMALL.movies, SMALL.links]
    assert release["sha256"][SMALL.movies] == hashlib.sha256((root / SMALL.movies).read_bytes()).hexdigest()
