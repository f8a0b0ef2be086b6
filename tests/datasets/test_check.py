"""What a check of a data root finds, with counts made by hand or by the data modules themselves."""

import csv
import shutil
from collections import Counter
from pathlib import Path

import pytest

from movierec.datasets.catalog import RELEASES
from movierec.datasets.check import MODELS, DataCheck, check_data, print_check
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
    return [name for name, found in check.models.items() if isinstance(found, int)]


def lacks(check: DataCheck, model: str) -> dict[str, str]:
    found = check.models[model]
    assert isinstance(found, dict)
    return found


def test_counts_are_those_made_by_hand(root: Path) -> None:
    check = check_data(root)
    assert check.problems == []
    found = check.releases["ml-latest-small"]
    assert found.counts == {"ratings": 12, "users": 4, "rated": 3, "films": 4}
    assert found.stars == (1.0, 4.0)
    assert found.covered == {"tmdb": pytest.approx(8 / 12), "omdb": 1.0}
    assert found.usable == {("tmdb",): 4, ("omdb",): 8, ("tmdb", "omdb"): 4}  # the third film lacks its tmdbId
    changed, gap = check.notes
    counts = "expected 100,836 ratings by 610 users and 9,742 films, found 12, 4 and 4"
    assert changed == f"ml-latest-small is not as published: {counts}."
    share = "the films of 67% of the ratings of ml-latest-small"
    assert gap == f"metadata/tmdb.csv has {share}. To fetch more: python -m movierec data fetch tmdb --root '{root}'"


def test_a_model_is_not_ready_when_too_few_films_have_all_fields(root: Path) -> None:
    check = check_data(root)
    assert ready(check) == ["model1, 6, 7, 8", "model3"]
    assert list(lacks(check, "model4")) == ["films with all fields"]
    command = lacks(check, "model2")["films with all fields"]
    assert command.startswith("python -m movierec fit --config configs/model2.yaml")
    assert command.endswith("--data.missing impute")
    assert list(lacks(check, "model5")) == ["ml-1m"]
    ratings = root / "ml-latest-small" / "ratings.csv"
    ratings.write_text("\n".join(ratings.read_text().splitlines()[:5]))
    assert list(lacks(check_data(root), "model1, 6, 7, 8")) == ["a complete ml-latest-small"]


def test_all_models_can_be_trained_on_the_generated_sample(
    sample_root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check = check_data(sample_root)
    assert (check.problems, check.notes) == ([], [])
    assert ready(check) == list(MODELS)
    monkeypatch.setenv("COLUMNS", "80")
    print_check(check)
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == f"Data in {sample_root} (generated sample)"
    assert all(len(line) <= 80 for line in lines)
    assert [line.split()[-2] for line in lines if line.startswith("model1")] == ["20,000"]


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
    assert check.releases[release].is_trainable == (name == SMALL.links)


def write_double_colon_release(root: Path) -> None:
    write(root / "ml-1m/ratings.dat", *(f"{user}::{film}::{user}::0" for user in USERS for film in FILMS))
    write(root / "ml-1m/movies.dat", *(f"{film}::Film::Drama" for film in FILMS))


def test_a_release_whose_links_are_with_another_is_whole_without_them(root: Path) -> None:
    write_double_colon_release(root)
    shutil.rmtree(root / "ml-latest-small")
    check = check_data(root)
    assert check.problems == []
    assert check.releases["ml-1m"].is_trainable
    command = f"python -m movierec data download ml-latest-small --root '{root}'"
    assert lacks(check, "model5") == {"ml-latest-small/links.csv": command}


def test_a_folder_with_links_for_other_releases_only_is_no_incomplete_release(root: Path) -> None:
    write_double_colon_release(root)
    for name in SMALL.ratings, SMALL.movies:
        (root / name).unlink()
    check = check_data(root)
    assert (check.problems, list(check.releases)) == ([], ["ml-1m"])
    assert list(lacks(check, "model1, 6, 7, 8")) == ["ml-latest-small"]


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
    assert check.releases["ml-latest-small"].is_trainable == (name not in (SMALL.ratings, SMALL.movies))
    assert [source for source in ("tmdb", "omdb") if source not in check.metadata] == [
        source for source in ("tmdb", "omdb") if source in name
    ]
    if name == str(SMALL.links):
        assert ready(check) == ["model1, 6, 7, 8"]


def test_all_problems_are_collected(root: Path) -> None:
    write_double_colon_release(root)
    change(root / "ml-1m/ratings.dat", "::", ":")
    change(root / SMALL.ratings, "1.0", "one")
    change(root / "metadata/tmdb.csv", "runtime", "length")
    problems = check_data(root).problems
    assert [Path(problem.split(",")[0].split(":")[0]).name for problem in problems] == [
        "tmdb.csv", "ratings.csv", "ratings.dat",
    ]  # fmt: skip


def test_a_film_twice_in_the_metadata_is_counted_once_and_noted_with_its_line(root: Path) -> None:
    expected = check_data(root).releases["ml-latest-small"]
    with (root / "metadata/tmdb.csv").open("a", encoding="utf-8") as file:
        file.write("21,1,1,1990-01-01,fr,FR,1,1,1\n" * 2)
    check = check_data(root)
    assert check.problems == []
    assert f"{root / 'metadata/tmdb.csv'}, line 4: tmdbId 21 is there already; the first" in "\n".join(check.notes)
    assert check.releases["ml-latest-small"] == expected


def test_an_id_beside_the_title_of_another_film_is_noted_once(root: Path) -> None:
    rows = [f"{film_id},B,8,9,,en,US,0,0,81" for film_id in (21, 22)]
    write(root / "metadata/tmdb.csv", TMDB.replace(",", ",title,", 1), *rows)
    check = check_data(root)
    wrong = "tmdb_id 21 is 'B' in the metadata, but Été in MovieLens: its metadata are left out (1 such films)."
    assert check.notes.count(wrong) == 1
    assert check.releases["ml-latest-small"].covered["tmdb"] == pytest.approx(4 / 12)


def test_a_folder_without_releases_is_a_problem(tmp_path: Path) -> None:
    check = check_data(tmp_path)
    assert (
        only_problem(check)
        == f"{tmp_path}: expected the folder of a MovieLens release, such as ml-latest-small, found none."
    )
    assert (check.releases, check.metadata, ready(check)) == ({}, {}, [])
    assert list(lacks(check, "model4")) == ["ml-latest-small", "tmdb", "omdb"]


def test_a_root_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=f"found none.* --root {tmp_path / 'nowhere'},"):
        check_data(tmp_path / "nowhere")


def test_the_real_data_are_recognised_and_their_coverage_is_that_counted_line_by_line(real_root: Path) -> None:
    check = check_data(real_root)
    assert check.problems == []
    assert ready(check) == list(MODELS)
    assert not [note for note in check.notes if "not as published" in note]
    found = check.releases["ml-latest-small"]
    assert found.counts == {"ratings": 100_836, "users": 610, "rated": 9_724, "films": 9_742}
    tmdb_id = {row["movieId"]: row["tmdbId"] for row in read(real_root / str(SMALL.links))}
    known = {row["tmdbId"] for row in read(real_root / "metadata/tmdb.csv")}
    counts = Counter(row["movieId"] for row in read(real_root / SMALL.ratings))
    covered = sum(number for film, number in counts.items() if tmdb_id[film] in known)
    assert found.covered["tmdb"] == pytest.approx(covered / 100_836)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
