"""`recommend` and `similar` as a user meets them, in a folder that holds a run and no data."""

import csv
import io
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from movierec.cli import main
from movierec.datasets.titles import natural
from movierec.recommend.people import known_user
from movierec.recommend.recommender import Recommender

RUN = Path("lightning_logs/small/version_0/checkpoints/best.ckpt")
MODEL = f"model: {RUN}, trained on ml-latest-small (generated sample)"


@pytest.fixture(autouse=True)
def here(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a checkpoint in a run, and nothing else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOVIEREC_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    shutil.copytree(checkpoint.parent.parent, RUN.parent.parent)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert main(list(args)) == 0
    return capsys.readouterr().out


def fail(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert main(list(args)) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("movierec: error: ")
    assert output.err.count("\n") == 1
    return output.err


def test_the_table_holds_what_the_recommender_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, trained: Recommender
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # for rich, then, all is a terminal
    output = re.sub("\x1b\\[[0-9;]*m", "", run(capsys, "recommend", "--user_id", "1"))
    assert output.startswith("user 1\n")
    lines = output.splitlines()
    assert all(len(line) <= 80 for line in lines[:-1])
    assert lines[-1] == MODEL
    assert f"Left out: the {len(known_user(trained.tables, 1)[1])} films rated before." in lines
    frame = trained.recommend(1)
    ranked = [line for line in lines if line.lstrip()[:2].strip().isdecimal()]
    for line, stars, number in zip(ranked, frame["stars"], frame["num_ratings"], strict=True):
        assert line.split()[-2:] == [f"{stars:.2f}", str(number)]


def test_csv_goes_to_the_output_and_notes_to_the_errors(
    capsys: pytest.CaptureFixture[str], trained: Recommender
) -> None:
    assert main(["recommend", "--user_id", "1", "--format", "csv", "--top", "3"]) == 0
    output = capsys.readouterr()
    records = list(csv.DictReader(io.StringIO(output.out)))
    assert list(records[0]) == ["rank", "movie_id", "title", "year", "genres", "stars", "num_ratings"]
    assert [int(record["movie_id"]) for record in records] == trained.recommend(1, top=3)["movie_id"].tolist()
    assert MODEL in output.err


def test_json_holds_films_and_notes(capsys: pytest.CaptureFixture[str], trained: Recommender) -> None:
    content = json.loads(run(capsys, "recommend", "--user_id", "1", "--format", "json", "--include_seen"))
    frame = trained.recommend(1, include_seen=True)
    assert [film["title"] for film in content["films"]] == frame["title"].tolist()
    assert {type(film["own_stars"]) for film in content["films"]} <= {float, type(None)}
    assert content["notes"][-1] == MODEL


def test_filters_reach_the_recommender(capsys: pytest.CaptureFixture[str], trained: Recommender) -> None:
    title = trained.recommend(1, genres=["Drama"], years=(1950, 1999), min_ratings=5)["title"].iloc[0]
    options = ["--genre", "drama", "--year", "1950-1999", "--min_ratings", "5", "--exclude", title, "--top", "4"]
    content = json.loads(run(capsys, "recommend", "--user_id", "1", "--format", "json", *options))
    expected = trained.recommend(1, genres=["Drama"], years=(1950, 1999), min_ratings=5, top=5)["title"][1:]
    assert [film["title"] for film in content["films"]] == expected.tolist()


def test_an_explanation_stands_beside_each_film(capsys: pytest.CaptureFixture[str]) -> None:
    output = run(capsys, "recommend", "--user_id", "1", "--explain", "--top", "2")
    for word in ("user", "ratings", "genres", "tmdb", "ids", "An average user gives an average film"):
        assert word in output
    assert all(len(line) <= 80 for line in output.partition("An average")[0].splitlines())


def test_a_new_user_gets_films_by_their_ratings(
    here: Path, capsys: pytest.CaptureFixture[str], trained: Recommender
) -> None:
    first, second = trained.films.titles[:2]
    pd.DataFrame({"title": [first, second, "Nothing of the kind"], "rating": [5, 1, 3]}).to_csv("my.csv", index=False)
    content = json.loads(run(capsys, "recommend", "--ratings", "my.csv", "--format", "json"))
    ratings = {int(trained.films.ids[0]): 5.0, int(trained.films.ids[1]): 1.0}
    assert [film["movie_id"] for film in content["films"]] == trained.recommend(ratings=ratings)["movie_id"].tolist()
    assert content["notes"][0].startswith("Left out 'Nothing of the kind': no such film.")


def test_a_user_of_whom_nothing_is_known_gets_the_popular_films(capsys: pytest.CaptureFixture[str]) -> None:
    output = run(capsys, "recommend", "--user_id", "new")
    assert "Without ratings, these are the films that most people like" in output


def test_all_users_go_into_one_file(here: Path, capsys: pytest.CaptureFixture[str], trained: Recommender) -> None:
    output = run(capsys, "recommend", "--all", "--out", "out/top.csv", "--top", "3")
    assert output == f"Wrote up to 3 films for each of 300 users to {Path('out/top.csv')}\n{MODEL}\n"
    frame = pd.read_csv("out/top.csv")
    assert list(frame) == ["user_id", "rank", "movie_id", "title", "stars"]
    assert len(frame) == 900
    assert frame.loc[frame["user_id"] == 7, "movie_id"].tolist() == trained.recommend(7, top=3)["movie_id"].tolist()


def test_similar_takes_an_id_or_a_title(capsys: pytest.CaptureFixture[str], trained: Recommender) -> None:
    row = int(trained.films.listed.nonzero()[0][0])
    movie_id, title = str(trained.films.ids[row]), trained.films.titles[row]
    by_id = run(capsys, "similar", movie_id)
    assert by_id == run(capsys, "similar", title.upper())
    assert by_id.startswith(f"films like {title}\n")
    assert "similarity" in by_id
    assert by_id.endswith(f"{MODEL}\n")


def copy_run(to: str, *, time: int) -> Path:
    """Copy the run, as if its best checkpoint had been written at a time."""
    path = shutil.copytree(RUN.parent.parent, Path("lightning_logs") / to) / "checkpoints" / "best.ckpt"
    os.utime(path, (time, time))
    return path


def test_the_newest_run_that_has_ended_answers_unless_a_checkpoint_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    os.utime(RUN, (1, 1))
    newer, running = copy_run("other/version_3", time=2), copy_run("other/version_4", time=3)
    metrics = running.parent.parent / "metrics.json"
    metrics.unlink()  # is written when a fit ends
    assert f"model: {newer}," in run(capsys, "recommend", "--user_id", "1")
    assert str(running) in run(capsys, "recommend", "--user_id", "1", "--ckpt_path", str(running))
    metrics.write_text('{"end": "interrupted"}')
    assert f"model: {newer}," in run(capsys, "recommend", "--user_id", "1")
    metrics.write_text('{"test": {"rmse": 1}}')
    assert f"model: {running}," in run(capsys, "recommend", "--user_id", "1")


def test_runs_that_have_not_ended_answer_by_name_alone(capsys: pytest.CaptureFixture[str]) -> None:
    (RUN.parent.parent / "metrics.json").unlink()
    message = fail(capsys, "recommend", "--user_id", "1")
    assert "whose training has ended, found none" in message
    assert f"--ckpt_path {RUN}\n" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--user_id", "1", "--top", "0"], "--top to be at least 1, got 0"),
        (["--user_id", "1", "--min_ratings", "-1"], "--min_ratings to be at least 0, got -1"),
        (["--user_id", "abc"], "User abc is not in the ratings (ids from 1 to 300)"),
        (["--user_id", "4711"], "User 4711 is not in the ratings (ids from 1 to 300)"),
        (["--user_id", "1", "--genre", "Opera"], "Expected genres among"),
        (["--user_id", "1", "--exclude", "no such film"], "'no such film': no such film. Give the film's id, or"),
        (["--all"], "--out FILE with --all"),
        (["--all", "--out", "top.xlsx"], ".csv or .parquet"),
        (["--all", "--out", "top.csv", "--explain"], "neither --explain nor --format"),
        (["--user_id", "1", "--out", "top.csv"], "--out with --all only"),
        (["--user_id", "new", "--explain"], "nothing is predicted"),
        (["--ratings", "nowhere.csv"], "nowhere.csv, found no such file"),
        (["--user_id", "1", "--ckpt_path", "nowhere.ckpt"], "nowhere.ckpt, found none"),
        (["--user_id", "1", "--runs", "elsewhere"], "trained run in elsewhere, found none"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in fail(capsys, "recommend", *options)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ([], "--user_id"),
        (["--user_id", "1", "--all"], "not allowed with"),
        (["--user_id", "1", "--year", "19x"], "such as 1995 or 1990-1999; got '19x'"),
        (["--user_id", "1", "--year", "1999-1990"], "got '1999-1990'"),
        (["--user_id", "1", "--top", "many"], "'many'"),
    ],
)
def test_wrong_usage_ends_with_status_2(options: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["recommend", *options])
    assert stop.value.code == 2
    assert named in capsys.readouterr().err


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch, trained: Recommender) -> Recommender:
    """The small model, which knows its first films by these titles, and their numbers of ratings."""
    titles = ["Godzilla (1998)", "Godzilla (Gojira) (1954)", "Emma (1996)", "Emma (1996)", "Femme Nikita, La (1990)"]
    other = Recommender(trained.model)
    other.films.titles = [natural(title) for title in [*titles, *trained.films.titles[5:]]]
    other.films.listed = np.ones_like(trained.films.listed)
    other.films.num_ratings = trained.films.num_ratings.copy()
    other.films.num_ratings[:5] = [30, 30, 4, 20, 30]
    monkeypatch.setattr(Recommender, "from_checkpoint", lambda _: other)
    return other


def test_ambiguous_titles_are_listed_and_not_guessed(capsys: pytest.CaptureFixture[str], named: Recommender) -> None:
    first, second = named.films.ids[:2]
    message = fail(capsys, "similar", "godzilla")
    assert (
        f"'godzilla': it may be any of Godzilla (1998) (id {first}), Godzilla (Gojira) (1954) (id {second})." in message
    )
    assert fail(capsys, "similar", "1", "--top", "0").endswith("got 0.\n")


def test_of_two_films_of_one_title_and_year_the_one_of_far_more_ratings_is_taken(
    capsys: pytest.CaptureFixture[str], named: Recommender
) -> None:
    first, second = named.films.ids[2:4]
    output = run(capsys, "similar", "Emma (1996)")
    note = f"Took Emma (1996) (id {second}) for 'Emma (1996)': it has far more ratings than Emma (1996) (id {first})."
    assert note in output.splitlines()
    named.films.num_ratings[2] = 5
    del named.films.index
    assert "it may be any of Emma (1996)" in fail(capsys, "similar", "Emma (1996)")


def test_a_number_that_is_an_id_and_a_title_is_taken_for_the_id_with_a_note(
    capsys: pytest.CaptureFixture[str], named: Recommender
) -> None:
    first, second = named.films.ids[:2]
    named.films.titles[1] = f"{first} (2006)"
    title = f"The film with that title is {first} (2006) (id {second})."
    note = f"Read {first} as the id of Godzilla (1998) (id {first}). {title}"
    assert note in run(capsys, "similar", str(first)).splitlines()
    named.films.titles[0], named.films.titles[1] = str(first), "Another (2006)"  # ids that are titles
    del named.films.index
    assert "Read" not in run(capsys, "similar", str(first))


def test_articles_come_first_in_what_people_read(capsys: pytest.CaptureFixture[str], named: Recommender) -> None:
    for typed in "Femme Nikita, La (1990)", "la femme nikita", "Femme Nikita (1990)":
        assert run(capsys, "similar", typed).startswith("films like La Femme Nikita (1990)\n")
    shown = [run(capsys, "recommend", "--user_id", "1", "--format", form, "--top", "99") for form in ("csv", "table")]
    assert not re.search(r", (The|A|An) \(\d", "".join(shown))
    assert "The " in shown[0]


def test_a_table_in_a_pipe_has_a_line_a_film_with_its_whole_title(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, named: Recommender
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    named.films.titles = [f"{title} {'very ' * 40}long" for title in named.films.titles]
    shown = named.recommend(1, include_seen=True)["title"]
    for options in [], ["--explain"]:
        lines = run(capsys, "recommend", "--user_id", "1", "--include_seen", *options).splitlines()
        assert [sum(title in line for line in lines) for title in shown] == [1] * 10


def test_a_narrow_terminal_shows_the_words_of_a_title(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, trained: Recommender
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # for rich, then, all is a terminal
    monkeypatch.setenv("COLUMNS", "20")
    words = {word for title in trained.recommend(1)["title"] for word in title.split()}
    for options in [], ["--explain"]:
        assert words <= set(run(capsys, "recommend", "--user_id", "1", *options).split())
