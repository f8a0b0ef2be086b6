"""Our own models: python -m tests.benchmarks.peers.own FOLDER OUT PART {"configs": ["model6"], "data.release": ...}.

Models of ratings are refitted on training and validation ratings, as the peers are trained on both.
"""

import json
import sys
from pathlib import Path

import pandas as pd

import movierec
from movierec.data.histories import history_of
from movierec.models.checkpoint import read_model
from movierec.runs import newest_run
from movierec.training.commands import arguments_of, build
from tests.benchmarks.peers.files import write_lists

OF_LISTS = ("model7", "model8", "model8_blend")


def main(folder: str, out: str, part: str, settings: str) -> None:
    """Train, and write predictions of the test ratings, or lists."""
    options = json.loads(settings)
    configs = options.pop("configs")
    pairs = {f"data.{part}_pairs": Path(folder, f"{part}.csv") for part in ("val", "test")}
    place = {"trainer.default_root_dir": f"{out}-runs", "trainer.enable_progress_bar": False}
    refit = None if configs[0] in OF_LISTS else "train_val"
    movierec.fit(*configs, options={"data.split": "file", **pairs, **place, **options, "refit": refit}, name="own")
    run = newest_run(Path(f"{out}-runs/lightning_logs"), "own")
    if refit:
        found = pd.read_csv(build("predict", arguments_of([run.config], {"out": out})).predict())
        found.rename(columns={"user_id": "userId", "movie_id": "movieId"}).to_csv(out, index=False)
        return
    model = read_model(run.checkpoints / "best.ckpt").eval()
    ids = pd.Index(model.tables.user_ids.numpy()), pd.Index(model.tables.movie_ids.numpy())

    def scores(row: int) -> object:
        return model.rank_all([history_of(model.tables, row)])[0]

    write_lists(folder, part, out, scores, users=ids[0], films=ids[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
