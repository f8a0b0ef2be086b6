"""Write the file of predictions."""

import csv
import math
import shutil
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from movierec.console import cell
from movierec.data.batches import Batch
from movierec.datasets.titles import natural
from movierec.models.rating_levels import Outlook
from movierec.training.base_rating_task import BaseRatingTask


class PredictionWriter(Callback):
    """Write predictions to a csv file, batch by batch: user_id, movie_id, title, rating, prediction.

    Both the rating (empty if unknown) and the prediction are in stars. If the model knows how likely each level is,
    `low` and `high` stars of the 80 % range follow, and `p_liked`, the probability of 4 stars or more. A title that a
    spreadsheet would take for a formula gets an apostrophe. Several processes write a file each, and the first process
    joins them.

    Args:
        path: The file, replaced if it is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rank = 0
        self.rows = 0

    def partial(self, rank: int) -> Path:
        """Name the file that a process writes."""
        return self.path.with_name(f"{self.path.name}.{rank}.partial")

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the file."""
        self.rank = trainer.global_rank
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.partial(self.rank).write_text("")

    def on_predict_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, *_args: Any
    ) -> None:
        """Add the rows of a batch."""
        assert isinstance(pl_module, BaseRatingTask)
        tables = pl_module.tables
        movie = batch.movie.cpu().long()
        levels = pl_module.predict_levels(batch)
        known = () if levels is None else Outlook.of(levels.cpu(), tables.levels, tables.liked_stars)
        outlook = [[f"{round(value, 4):g}" for value in column.tolist()] for column in known]
        columns = zip(
            map(tables.user_name, tables.user_ids[batch.user.cpu().long()].tolist()),
            [tables.movie_names[row] if tables.movie_names else int(tables.movie_ids[row]) for row in movie.tolist()],
            [cell(natural(tables.titles[row])) for row in movie.tolist()],
            ["" if math.isnan(value) else f"{value:g}" for value in tables.to_stars(batch.rating.cpu()).tolist()],
            [f"{value:.4f}" for value in outputs.cpu().tolist()],
            *outlook,
            strict=True,
        )
        with self.partial(self.rank).open("a", newline="", encoding="utf-8") as file:
            if self.rank == 0 and self.rows == 0:
                header = ["user_id", "movie_id", "title", "rating", "prediction"]
                csv.writer(file).writerow(header + list(Outlook._fields[: len(outlook)]))
            csv.writer(file).writerows(columns)
        self.rows += len(outputs)

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Join the files of all processes, and move the result to its place."""
        rows = trainer.strategy.reduce(
            torch.tensor(self.rows, device=pl_module.device), reduce_op="sum"
        )  # waits for all
        if self.rank:
            return
        self.rows = int(rows)
        with self.partial(0).open("ab") as whole:
            for part in map(self.partial, range(1, trainer.world_size)):
                with part.open("rb") as file:
                    shutil.copyfileobj(file, whole)
                part.unlink()
        self.partial(0).replace(self.path)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Remove the partial file; an earlier result stays as it was."""
        self.partial(self.rank).unlink(missing_ok=True)
