"""What a user meets of leaks on the command line: what is refused, left out, allowed, printed and recorded."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from movierec.cli import main
from movierec.data import CombinedDataModule

RUN = Path("lightning_logs/small/version_0")
SMALL = ["--config", "small.yaml"]
SMALL_CONFIG = """\
data:
  class_path: {module}
  init_args:
    root: {root}
model:
  network:
    class_path: MLP
    init_args:
      hidden: [8]
trainer:
  max_epochs: 2
  enable_progress_bar: false
"""
Configure = Callable[..., None]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Run in an empty folder, and write a small configuration there."""
    monkeypatch.chdir(tmp_path)

    def write(root: Path, module: str = "RatingsDataModule") -> None:
        Path("small.yaml").write_text(SMALL_CONFIG.format(module=module, root=root))

    return write


def read_metrics() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((RUN / "metrics.json").read_text())
    return content


@pytest.fixture
def giving_away(tmp_path: Path) -> Path:
    """A data root whose films were rated once each, and have twice the stars as TMDb's average."""
    root, film = tmp_path / "giving_away", np.arange(1, 61)
    stars = np.random.default_rng(3).integers(1, 11, 60) / 2
    frames: dict[str, dict[str, Any]] = {
        "ml-latest-small/ratings": {"userId": 1 + film % 3, "movieId": film, "rating": stars, "timestamp": film},
        "ml-latest-small/movies": {"movieId": film, "title": [f"Film {n}" for n in film], "genres": "Drama"},
        "ml-latest-small/links": {"movieId": film, "imdbId": 1000 + film, "tmdbId": film},
        "metadata/tmdb": {
            "tmdbId": film, "vote_average": 2 * stars, "vote_count": 9, "budget": 0, "revenue": 0, "runtime": 90,
            "release_date": "1999-01-01", "original_language": "en", "origin_country": "US",
        },
    }  # fmt: skip
    for name, columns in frames.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(columns).to_csv(root / f"{name}.csv", index=False)
    return root


def test_a_copy_of_the_ratings_is_refused_by_name_before_a_run_begins(
    configure: Configure, giving_away: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(giving_away, "TMDbDataModule")
    assert main(["fit", *SMALL]) == 1
    printed = capsys.readouterr()
    assert printed.err == (
        "movierec: error: Expected inputs that do not give the ratings away; beyond 0.99 correlate with the training "
        "ratings: tmdb_vote_average (1.0000). Either leave out the column with "
        "--data.exclude_columns '[tmdb_vote_average]', or train all the same with --data.allow_leaks true, which "
        "metrics.json records.\n"
    )
    assert printed.out == ""
    assert not Path("lightning_logs").exists()


def test_what_the_refusal_proposes_works_and_is_recorded(
    configure: Configure, giving_away: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(giving_away, "TMDbDataModule")
    assert main(["fit", *SMALL, "--data.allow_leaks", "true"]) == 0
    assert "  leaks that the options allow: column tmdb_vote_average: correlation 1.0000\n" in capsys.readouterr().out
    assert read_metrics()["data"]["leaks"] == ["column tmdb_vote_average: correlation 1.0000"]
    assert main(["fit", *SMALL, "--data.exclude_columns", "[tmdb_vote_average]", "--name", "other/small"]) == 0
    assert "leaks" not in capsys.readouterr().out


def test_options_that_leak_are_printed_and_recorded_with_the_fingerprints_of_the_parts(
    configure: Configure, sample_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(sample_root)
    leaking = ["--data.statistics", "per_split", "--data.scaling", "per_split"]
    assert main(["fit", *SMALL, *leaking]) == 0
    line = "  leaks that the options allow: statistics: per_split; scaling: per_split\n"
    assert capsys.readouterr().out.count(line) == 1
    data = read_metrics()["data"]
    assert data["leaks"] == ["statistics: per_split", "scaling: per_split"]
    assert [len(bytes.fromhex(data["row_sets"][part])) for part in ("train", "val", "test")] == [8, 8, 8]


@pytest.mark.parametrize(
    "spelling",
    [
        ["--data.exclude_columns", "[genres, imdb_rating]"],
        ["--data.exclude_columns=[genres,imdb_rating]"],
        ["--data.exclude_columns", "genres,imdb_rating"],
        ["--data.exclude_columns+=genres", "--data.exclude_columns+=imdb_rating"],
        ["--data.exclude_columns+", "[genres, imdb_rating]"],
        ["--data.init_args.exclude_columns", '["genres", "imdb_rating"]'],
        ["--data.exclude_columns", "genres", "--data.exclude_columns", "[imdb_rating, genres, genres]"],
    ],
    ids=" ".join,
)
def test_columns_are_left_out_in_any_spelling(spelling: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["fit", "--config", "configs/model4.yaml", *spelling, "--print_config"])
    assert stop.value.code == 0
    given = yaml.safe_load(capsys.readouterr().out)["data"]["init_args"]
    kept = CombinedDataModule(exclude_columns=given["exclude_columns"]).options.columns
    assert kept == tuple(name for name in CombinedDataModule.default_columns if name not in ("genres", "imdb_rating"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tmdb_vote_avarage", "Column 'tmdb_vote_avarage': unknown; did you mean tmdb_vote_average? Expected some of"),
        ("budget", "Column 'budget': unknown; did you mean tmdb_budget? Expected some of"),
        ("xyz", "Column 'xyz': unknown. Expected some of userId, movieId, genres, movie_year, user_gender, user_age"),
        ("imdb_rating", "Column 'imdb_rating': belongs to a source that this data module does not read. Expected"),
        ("movie_rating_mean", "is a statistic of the ratings, which all networks read; --data.statistics says from"),
    ],
)
def test_a_column_that_cannot_be_left_out_is_an_error_that_lists_the_known_ones(
    name: str, said: str, configure: Configure, sample_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(sample_root, "TMDbDataModule")
    assert main(["fit", *SMALL, "--data.exclude_columns", name]) == 1
    assert said in capsys.readouterr().err
