"""Films of an export among those of a model."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from movierec.cli import main
from movierec.datasets.exports import Export, RatedFilm, read_export
from movierec.models.mlp import MLP
from movierec.recommend.matching import match, read_film_facts
from movierec.recommend.recommender import Recommender

TITLES = [
    "Matrix, The (1999)",
    "War of the Worlds, The (1953)",
    "War of the Worlds (2005)",
    "Emma (1996)",
    "Heat (1995)",
]
SCALE = (0.5, 5.0)


@pytest.fixture(scope="module")
def named(trained: Recommender) -> Recommender:
    tables = replace(trained.tables, titles=[*TITLES, *trained.tables.titles[len(TITLES) :]])
    assert isinstance(trained.model, MLP)
    return Recommender(MLP(tables, **trained.model.hyper_parameters))


def facts_of(recommender: Recommender, *imdb_ids: int) -> pd.DataFrame:
    """The ids of the first films at IMDb; of others, none is known."""
    ids = recommender.films.ids
    return pd.DataFrame({"imdb_id": [*imdb_ids, *[-1] * (len(ids) - len(imdb_ids))]}, ids)


def film(title: str, year: int | None, stars: float | None = 4.0, imdb_id: int | None = None) -> RatedFilm:
    return RatedFilm((title,), year, stars, None, imdb_id, -1)


def test_ids_come_first_then_title_and_year(named: Recommender) -> None:
    first, *_, emma, _ = ids = named.films.ids[:5].tolist()
    found = match(
        Export(
            [
                film("a title in another language", 1950, 5.0, imdb_id=133093),
                film("War of the Worlds", 2005, 2.0),
                film("Emma.", 2020),  # a remake that the model does not know
                film("Emma", 1997, 0.5),  # one year off
                film("Heat", None, None),
                film("Nothing like it", 1999),
                film("Without an id", 1999, imdb_id=-1),
            ],
            ["a note"],
        ),
        named.films,
        facts_of(named, 133093),
    )
    assert found.ratings == {first: 5.0, ids[2]: 2.0, emma: 0.5}
    assert found.seen == [ids[4]]
    assert found.unmatched == ["Emma. (2020)", "Nothing like it (1999)", "Without an id (1999)"]
    assert found.notes == ["a note"]


def test_a_film_rated_again_counts_once_with_its_newest_rating(named: Recommender) -> None:
    text = "Date,Name,Year,Rating\n2022-05-02,Heat,1995,5\n2020-01-01,Heat,1995,2\n2021-01-01,The Matrix,1999,3\n"
    found = match(read_export(text.encode(), SCALE), named.films, facts_of(named))
    assert found.ratings == {int(named.films.ids[4]): 5.0, int(named.films.ids[0]): 3.0}
    assert found.notes == ["Of 1 film rated again, the newest rating counts."]


def test_ids_may_be_texts(trained: Recommender) -> None:
    names = [f"film-{number}" for number in range(len(trained.films.ids))]
    assert isinstance(trained.model, MLP)
    own = Recommender(MLP(replace(trained.tables, movie_names=names), **trained.model.hyper_parameters))
    found = match(read_export(b"movieId,rating\nfilm-3,4\n3,2\n", SCALE), own.films, facts_of(own))
    assert found.ratings == {int(own.films.ids[3]): 4.0}
    assert found.unmatched == ["film 3"]


def test_facts_are_those_of_the_release_and_an_invented_film_has_none(named: Recommender, tmp_path: Path) -> None:
    (tmp_path / "ml-latest-small").mkdir()
    (tmp_path / "metadata").mkdir()
    first, second, *_ = ids = named.films.ids.tolist()
    links = f"movieId,imdbId,tmdbId\n{second},0113497,\n{first},0114709,862\n"
    (tmp_path / "ml-latest-small" / "links.csv").write_text(links)
    header = "tmdbId,vote_average,vote_count,release_date,original_language,origin_country,budget,revenue,runtime"
    (tmp_path / "metadata" / "tmdb.csv").write_text(f"{header}\n862,7,1,1995-10-30,en,US,0,0,81\n")
    invented = read_film_facts(tmp_path, named.model)
    assert (invented[["imdb_id", "tmdb_id"]] == -1).all(axis=None)
    assert invented[["language", "minutes"]].isna().all(axis=None)
    real = MLP(replace(named.tables, record=named.tables.record | {"sample": False}), **named.model.hyper_parameters)
    facts = read_film_facts(tmp_path, real)
    assert facts.index.tolist() == ids
    assert facts.loc[first].tolist() == [114709, 862, "en", 81]
    assert facts.loc[second, ["imdb_id", "tmdb_id"]].tolist() == [113497, -1]
    assert facts.loc[second:, ["language", "minutes"]].isna().all(axis=None)


def test_facts_of_a_folder_of_own_ratings_are_those_of_its_links(named: Recommender, tmp_path: Path) -> None:
    names = [f"film-{number}" for number in range(len(named.films.ids))]
    record = named.tables.record | {"sample": False, "options": named.tables.record["options"] | {"release": "mine"}}
    model = MLP(replace(named.tables, record=record, movie_names=names), **named.model.hyper_parameters)
    gone = read_film_facts(tmp_path, model)
    assert (gone["imdb_id"] == -1).all()
    (tmp_path / "mine").mkdir()
    for name, text in {
        "ratings": "userId,movieId,rating\n1,film-1,5\n",
        "movies": "movieId,title\nfilm-1,One\n",
        "links": "movieId,imdbId,tmdbId\nfilm-1,0114709,862\n",
    }.items():
        (tmp_path / "mine" / f"{name}.csv").write_text(text)
    facts = read_film_facts(tmp_path, model)
    assert facts.iloc[1, :2].tolist() == [114709, 862]
    assert (facts["imdb_id"] != -1).sum() == 1
    assert facts.index.tolist() == named.films.ids.tolist()


def test_the_command_line_reads_an_export_and_leaves_out_what_was_seen(
    checkpoint: Path, trained: Recommender, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = trained.recommend(ratings={int(trained.films.ids[0]): 5.0}, top=1)["title"][0]
    titles = [trained.films.titles[0], before]
    names = [f'"{title.rpartition(" (")[0]}",{title[-5:-1]}' for title in titles]
    path = tmp_path / "letterboxd.csv"
    lines = ["Date,Name,Year,Rating", f"2022-05-01,{names[0]},5", f"2022-05-02,{names[1]},", "2022-05-02,No,1900,2"]
    path.write_text("\n".join(lines))
    assert main(["recommend", "--ratings", str(path), "--ckpt_path", str(checkpoint), "--format", "csv"]) == 0
    out, err = capsys.readouterr()
    assert before not in out
    assert len(out.splitlines()) == 11
    assert "Not found: No (1900)." in err
