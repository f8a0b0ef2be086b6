"""Do actors, directors and the plot help? `python -m tests.benchmarks.columns --runs FOLDER` trains models without them
and with them, with and without the services' votes, which are newer than the ratings, and measures the same test rows.

Writes Markdown tables, by the number of training ratings of the films: RMSE of models 4 and 6 in stars, recall@10 and
NDCG@10 of lists of model 7, and the difference to the model without, with its 95 % interval by bootstrap over users.
Reads ml-latest-small and metadata below MOVIEREC_DATA. Runs that are in the folder are not trained again.
"""

import argparse
from collections import defaultdict
from pathlib import Path
from typing import TypeAlias

import numpy as np

import movierec
from movierec.data import CombinedDataModule
from movierec.metrics.bootstrap import compare_errors, compare_scores, rmse_interval
from movierec.metrics.caveats import NEWER
from movierec.metrics.test_rows import PredictedRows
from movierec.metrics.topn import DEPTH, compare, list_targets
from movierec.models.checkpoint import read_model
from movierec.models.model import Model
from movierec.models.scoring import top_positions
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
    rows = {name: score(films, run) for name, run in runs.items()}
    base = next(iter(rows.values()))
    print(f"\n| {title} | {' | '.join(base)} |\n| --- |{' ---: |' * len(base)}")
    for name, scores in rows.items():
        cells = [describe(one, None if scores is base else base[what]) for what, one in scores.items()]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def score(films: Films, run: Run) -> dict[str, Scores]:
    """Measure a run in each group of films."""
    if (rows := PredictedRows.read(run.path)) is not None:
        place = np.searchsorted(films.ids, rows.movie_id)
        chosen = {group: np.flatnonzero(films.within(group)[place]) for group in GROUPS}
        return {f"RMSE, {group}": PredictedRows(*(column[its] for column in rows)) for group, its in chosen.items()}
    return score_lists(films, read_model(run.checkpoints / "best.ckpt"))


def score_lists(films: Films, model: Model) -> dict[str, Scores]:
    """Measure the lists of all users for each group; "alone": lists of films of the group only."""
    found = defaultdict(list)
    ranked = model.rank_all([target.history for target in films.targets]).detach().numpy()
    for group in GROUPS:
        is_in = films.within(group)
        for target, scores in zip(films.targets, ranked, strict=True):
            scores[target.seen] = -np.inf
            if not len(liked := target.liked[is_in[target.liked]]):
                continue
            recall, ndcg, *_ = compare(first(scores), liked)
            found[f"recall@10, {group}"].append(recall)
            if group == "all films":
                found["NDCG@10"].append(ndcg)
            elif group != "20 and more":
                found[f"recall@10, {group} alone"].append(compare(first(np.where(is_in, scores, -np.inf)), liked)[0])
    return {name: np.array(values) for name, values in found.items()}


def first(scores: np.ndarray) -> np.ndarray:
    """List the best films that can be listed, ten at most."""
    best = top_positions(scores, DEPTH)
    listed: np.ndarray = best[np.isfinite(scores[best])]
    return listed


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
