"""Do actors, directors and the plot help? `python -m tests.benchmarks.columns --runs FOLDER` trains models without them
and with them, with and without the services' votes, which are newer than the ratings, and measures the same test rows.

Writes Markdown tables, by the number of training ratings of the films: RMSE of models 4 and 6 in stars, recall@10 and
NDCG@10 of lists of model 7, and the difference to the model without, with its 95 % interval by bootstrap over users.
Reads ml-latest-small and metadata below MOVIEREC_DATA. Runs that are in the folder are not trained again.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np

import movierec
from movierec.data import CombinedDataModule
from movierec.metrics.bootstrap import compare_errors, compare_scores, rmse_interval
from movierec.metrics.caveats import NEWER
from movierec.metrics.test_rows import PredictedRows
from movierec.metrics.topn import Target, list_targets, measure_lists
from movierec.models.checkpoint import read_model
from movierec.runs import Run, newest_run

PEOPLE, PLOT = ("imdb_directors", "imdb_actors"), ("imdb_plot",)
VARIANTS = {"neither": (), "actors, directors": PEOPLE, "plot": PLOT, "both": PEOPLE + PLOT}
GROUPS = {"all films": (0, 10**9), "0-4": (0, 4), "5-19": (5, 19), "20 and more": (20, 10**9)}  # training ratings
SIDE = CombinedDataModule.side_columns("ml-latest-small")
MODELS = {"model4": CombinedDataModule.default_columns, "model6_combined": SIDE, "model7_content": SIDE}
LISTS = "model7_content"
Scores: TypeAlias = PredictedRows | np.ndarray  # test ratings; or a score of each user's list, [num_users]


class Films:
    """The films by their number of training ratings, and the test films that lists should hold."""

    def __init__(self) -> None:
        data = CombinedDataModule(side_information=True, missing="impute")  # the rows of same_rows.yaml
        tables, rows = data.prepare()
        self.ids = tables.movie_ids.numpy()
        self.counts = np.bincount(rows["train"].movie.numpy(), minlength=len(self.ids))
        self.targets = list_targets(tables, rows, "test")

    def within(self, group: str) -> np.ndarray:
        """Say which films are of a group, [num_movies] bool."""
        least, most = GROUPS[group]
        return (self.counts >= least) & (self.counts <= most)

    def targets_within(self, group: str, *, alone: bool) -> Iterator[Target]:
        """List the liked test films of a group; `alone`: among no other films."""
        is_in = self.within(group)
        for target in self.targets:
            seen = np.union1d(target.seen, np.flatnonzero(~is_in)) if alone else target.seen
            if len(liked := target.liked[is_in[target.liked]]):
                yield target._replace(liked=liked, seen=seen)


def main() -> None:
    """Train what is missing, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=VARIANTS)
    options = parser.parse_args()
    films = Films()
    for model in options.models:
        for votes in ("with votes", "without votes"):
            runs = {variant: train(options.runs, model, variant, votes) for variant in options.variants}
            show(films, f"{model}, {votes}", runs)
    if LISTS in options.models:
        content = train(options.runs, LISTS, "actors, directors", "with votes")
        show(films, "content", {"model7": fit(options.runs, "model7", "model7"), LISTS: content})


def train(folder: Path, model: str, variant: str, votes: str) -> Run:
    """Train a model on the columns of a variant."""
    left_out = {*PEOPLE, *(NEWER if votes == "without votes" else ())}
    columns = [name for name in MODELS[model] if name not in left_out] + list(VARIANTS[variant])
    return fit(folder, model, f"{model}, {variant}, {votes}".replace(", ", "-").replace(" ", "_"), columns)


def fit(folder: Path, model: str, name: str, columns: list[str] | None = None) -> Run:
    """Train a model unless it is done, and predict the test ratings if it predicts any."""
    options = {"data.columns": columns, "trainer.default_root_dir": folder, "trainer.enable_progress_bar": False}
    overlays = ["same_rows", "patience"] if model == "model4" else ["same_rows"]
    movierec.fit(model, *overlays, options=options, name=name, resume=True)
    run = newest_run(folder / "lightning_logs", name)
    if not model.startswith("model7") and PredictedRows.read(run.path) is None:
        movierec.test(run.config, options={"ranking_users": 0})
    return run


def show(films: Films, title: str, runs: dict[str, Run]) -> None:
    """Print a table of runs, each compared with the first."""
    rows = {name: dict(score(films, run)) for name, run in runs.items()}
    first = next(iter(rows.values()))
    print(f"\n| {title} | {' | '.join(first)} |\n| --- |{' ---: |' * len(first)}")
    for name, scores in rows.items():
        cells = [describe(one, None if scores is first else first[what]) for what, one in scores.items()]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def score(films: Films, run: Run) -> Iterator[tuple[str, Scores]]:
    """Measure a run in each group of films."""
    if (rows := PredictedRows.read(run.path)) is not None:
        place = np.searchsorted(films.ids, rows.movie_id)
        for group in GROUPS:
            is_in = films.within(group)[place]
            yield f"RMSE, {group}", PredictedRows(*(column[is_in] for column in rows))
        return
    model = read_model(run.checkpoints / "best.ckpt")
    for group in GROUPS:
        for alone in (False, True) if group in ("0-4", "5-19") else (False,):
            _, found = measure_lists(model, list(films.targets_within(group, alone=alone)))
            name = f"{group} alone" if alone else group
            yield f"recall@10, {name}", found["recall@10"].to_numpy()
            if group == "all films":
                yield f"NDCG@10, {name}", found["ndcg@10"].to_numpy()


def describe(one: Scores, other: Scores | None) -> str:
    """Write a score, and its difference to that of another model."""
    value = rmse_interval([one]).value if isinstance(one, PredictedRows) else one.mean()
    if other is None:
        return f"{value:.4f}"
    if isinstance(one, PredictedRows) and isinstance(other, PredictedRows):
        found = compare_errors([one], [other])
    else:
        found = compare_scores(np.asarray(one), np.asarray(other))
    return f"{value:.4f}; {found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f})"


if __name__ == "__main__":
    main()
