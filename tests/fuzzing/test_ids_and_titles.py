"""Ids up to 2^53 and titles in any script, from the first command to the last."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from movierec.cli import main
from tests.fuzzing import reference, world

TEST = ["test", "--config", "lightning_logs/small/version_0/config.yaml"]
RUN = "lightning_logs/small/version_0"
PAIRS = [(world.LARGEST, world.LARGEST), (world.LARGEST - 1, world.LARGEST), (world.LARGEST, 2**52 + 1), (2**32 + 1, 7)]
SHOWN = {film: reference.one_line(title) for film, title in world.TITLES.items()}
LISTED = SHOWN | {
    50: "Amélie (Le Fabuleux destin d'Ame\u0301lie Poulain) (2001)",
    318: "The 👩\u200d🚀🎬 Emoji (2017)",
}


@pytest.fixture(scope="module")
def tested(trained_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the small world whose run was tested."""
    folder = shutil.copytree(trained_folder, tmp_path_factory.mktemp("tested") / "world")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(TEST) == 0
        assert main(["report"]) == 0
    return folder


@pytest.fixture
def folder(tested: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tested)
    monkeypatch.setenv("COLUMNS", "200")
    return tested


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_predict_keeps_ids_to_the_last_digit(folder: Path) -> None:
    (folder / "pairs.csv").write_text("userId,movieId\n" + "".join(f"{user},{film}\n" for user, film in PAIRS))
    options = ["--data.pairs", "pairs.csv", "--out", "out.csv"]
    assert main(["predict", *TEST[1:], *options]) == 0
    found = rows_of((folder / "out.csv").read_text(encoding="utf-8"))
    assert [(int(row["user_id"]), int(row["movie_id"])) for row in found] == PAIRS
    assert [row["title"] for row in found] == [SHOWN[film] for _, film in PAIRS]


@pytest.mark.parametrize("user", [world.LARGEST, world.LARGEST - 1, 2**32 + 1, 2**31])
def test_a_user_of_a_huge_id_is_recommended_films_by_their_ids(
    folder: Path, capsys: pytest.CaptureFixture[str], user: int
) -> None:
    arguments = ["recommend", "--user_id", str(user), "--include_seen", "--min_ratings", "0", "--top", "99"]
    assert main([*arguments, "--format", "csv"]) == 0
    rows = rows_of(capsys.readouterr().out)
    assert {int(row["movie_id"]): row["title"] for row in rows} == LISTED
    own = {int(row["movie_id"]): float(row["own_stars"]) for row in rows if row["own_stars"]}
    rated = rows_of((folder / "data/ml-latest-small/ratings.csv").read_text(encoding="utf-8"))
    everything = {int(row["movieId"]): float(row["rating"]) for row in rated if int(row["userId"]) == user}
    assert own  # the training ratings
    assert own.items() <= everything.items()
    assert main([*arguments, "--format", "json"]) == 0
    films = json.loads(capsys.readouterr().out)["films"]
    assert {film["movie_id"]: film["title"] for film in films} == LISTED


def test_a_new_user_is_read_by_huge_ids_and_by_titles(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "my.csv").write_text(f"movieId,rating\n{world.LARGEST},4\n{world.LARGEST - 1},2\n")
    (folder / "titles.csv").write_text(
        f'title,rating\n{world.TITLES[2]},4\n{world.TITLES[5]},2\n"Emoji, The",1\n{world.TITLES[2**31]},3\n',
        encoding="utf-8",
    )
    for name, number in ("my.csv", 2), ("titles.csv", 4):
        assert main(["recommend", "--ratings", name, "--min_ratings", "0"]) == 0
        assert f"Left out: the {number} films rated before." in capsys.readouterr().out


@pytest.mark.parametrize("film", world.TITLES)
def test_a_film_is_found_by_its_title_in_any_script(
    folder: Path, capsys: pytest.CaptureFixture[str], film: int
) -> None:
    assert main(["similar", SHOWN[film], "--min_ratings", "0", "--format", "csv"]) == 0
    found = {int(row["movie_id"]) for row in rows_of(capsys.readouterr().out)}
    assert found == set(world.FILMS) - {film}


def test_each_title_is_in_the_table_on_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recommend", "--user_id", "1", "--include_seen", "--min_ratings", "0", "--top", "99"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    lines = out.splitlines()
    assert all(any(title in line for line in lines) for title in LISTED.values())


class Terminal(io.BytesIO):
    """What a terminal was sent."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_that_lacks_the_letters_gets_question_marks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Terminal()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="cp1252", write_through=True))
    assert main(["recommend", "--user_id", "1", "--include_seen", "--min_ratings", "0", "--top", "99"]) == 0
    out = written.getvalue().decode("cp1252")
    assert "Amélie" in out
    assert "??????? (1976)" in out


def test_the_projector_has_a_line_a_film(folder: Path) -> None:
    header, *lines = (folder / RUN / "00000/films/metadata.tsv").read_text(encoding="utf-8").split("\n")[:-1]
    assert all(line.count("\t") == header.count("\t") == 3 for line in lines)
    assert {line.split("\t")[0] for line in lines} == {" ".join(title.split()) for title in LISTED.values()}
    assert len((folder / RUN / "00000/films/tensors.tsv").read_text().splitlines()) == len(lines)


def test_the_page_escapes_a_genre_that_is_html(folder: Path) -> None:
    page = (folder / "report/index.html").read_text(encoding="utf-8")
    assert "<i>Noir" not in page
