"""The card of a run that is written by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from movierec.metrics.card import describe_run, write_card
from movierec.metrics.test_rows import PredictedRows
from movierec.runs import Run

METRICS: dict[str, Any] = {
    "config": "model3", "seed": 123, "epoch": 11, "checkpoint": "checkpoints/best.ckpt", "weights": 50_689,
    "model": {"class_path": "movierec.training.rating_task.RatingTask",
              "init_args": {"network": {"class_path": "movierec.models.MLP"}}},
    "epochs": {"trained": 50, "planned": 50}, "versions": {"movierec": "0.2.0"}, "code": {"revision": "0123456789"},
    "data": {
        "options": {"release": "ml-1m", "sources": ["omdb"], "split": "random", "seed": 7, "columns": ["imdb_votes"]},
        "ratings": 1_000, "users": 10, "movies": 90, "rows": {"train": 800, "val": 100, "test": 100},
    },
    "test": {"rmse_stars": 1.0, "mae_stars": 0.7, "r2": 0.25},
    "baselines": {"bias": {"rmse_stars": 1.1, "mae_stars": 0.8, "r2": 0.1}},
    "retrieval": {"model": {"users": 9.0, "ndcg@10": 0.2, "recall@10": 0.1, "intervals": {"ndcg@10": [0.1, 0.3]}}},
}  # fmt: skip
DIAGNOSTICS = {
    "by_user_ratings": {"lower": [0, 1, 8, 16], "count": [0, 1, 3, 96], "rmse": [None, 2.0, 1.0, 0.9]},
    "by_movie_ratings": {"lower": [0, 16], "count": [0, 100], "rmse": [None, 1.0]},
    "by_genre": {
        "genre": ["Drama", "War", "Horror", "Crime", "Noir", "Western"],
        "count": [50, 40, 40, 40, 40, 2], "rmse": [0.9, 0.8, 1.2, 1.0, 1.1, 3.0],
    },
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A tested run, with errors of 1 star."""
    (tmp_path / "metrics.json").write_text(json.dumps(METRICS))
    (tmp_path / "diagnostics.json").write_text(json.dumps(DIAGNOSTICS))
    user, movie = np.divmod(np.arange(100), 10)
    PredictedRows(user, movie, np.full(100, 3.0), np.full(100, 4.0)).write(tmp_path)
    return Run(tmp_path)


def test_a_card_has_the_metrics_with_intervals_beside_the_baselines(run: Run) -> None:
    good = describe_run(run)["How good it is"]
    assert "| this model | 1.0000 (1.0000 to 1.0000) | 0.7000 | 0.2500 |" in good
    assert "| bias model | 1.1000 | 0.8000 | 0.100 |" in good
    assert "| the model | 0.2000 (0.1000 to 0.3000) | 0.1000 |" in good


def test_a_card_says_where_the_model_errs(run: Run) -> None:
    users, genres = describe_run(run)["Where it errs"]
    # Of 4 ratings, errors of 2 and three times 1: sqrt((4 + 3) / 4). Nobody has rated a rare film.
    assert "users with fewer than 16 training ratings: 1.323 stars (4 ratings); of the others, 0.900 stars (96" in users
    assert genres.endswith("lowest for War (0.800), Drama (0.900); highest for Horror (1.200), Noir (1.100).")


def test_a_card_warns_of_terms_of_look_ahead_and_of_people(run: Run) -> None:
    write_card(run)
    card = (run.path / "card.md").read_text()
    assert card.startswith("# model3\n\n## What it is\n")
    assert "- MovieLens ml-1m, which may not be redistributed without permission." in card
    assert "- Film metadata under the terms of OMDb's: CC BY-NC 4.0." in card
    assert "- It reads imdb_votes: averages and counts of votes" in card
    assert "The checkpoint contains the ratings of the people" in card
    assert f'Recommender.from_checkpoint("{run.path.as_posix()}/checkpoints/best.ckpt")' in card
