"""Take the people out of a checkpoint, which then serves new users only."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from movierec.data.histories import training_ratings
from movierec.data.tables import Tables
from movierec.models.checkpoint import PARTS, PREFIX, read_checkpoint, restore_model
from movierec.models.model import model_class


def export(checkpoint: Path, path: Path) -> None:
    """Write a checkpoint without its users: how to score new ones, and how often each film got how many stars.

    Args:
        checkpoint: Of a fit.
        path: The file to write; an existing one is replaced.

    Raises:
        CheckpointError: The checkpoint is damaged, or its model needs its users.
    """
    content = without_users(read_checkpoint(checkpoint))
    restore_model(content, Tables.from_state(content["tables"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    torch.save(content, partial)
    partial.replace(path)


def without_users(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Keep what scoring new users takes; no optimiser, no chain, no weights or ratings of single users."""
    of_users = [f"{PREFIX}{name}" for name in model_class(checkpoint["model"]["class_path"]).user_weights]
    weights = {name: value for name, value in checkpoint["state_dict"].items() if name.startswith(PREFIX)}
    weights |= {name: torch.zeros_like(weights[name][:1]) for name in of_users}
    tables = merge_users(Tables.from_state(checkpoint["tables"])).state()
    return {name: checkpoint[name] for name in PARTS} | {"state_dict": weights, "tables": tables}


def merge_users(tables: Tables) -> Tables:
    """Merge all users into one, of the mean statistics, who has given all training ratings, film by film."""
    ratings = training_ratings(tables)
    films, stars = ratings.indices, ratings.data
    order = np.lexsort((stars, films))
    return replace(
        tables,
        user_ids=tables.user_ids.double().median().long()[None],
        user_statistics=tables.user_statistics.mean(dim=1, keepdim=True),
        held_out=torch.tensor([False]),
        history_offsets=torch.tensor([0, len(order)]),
        history_movies=torch.from_numpy(films[order]).int(),
        history_stars=torch.from_numpy(stars[order]).to(tables.history_stars.dtype),
        history_days=torch.full((len(order),), -1, dtype=torch.int32),
        seen_offsets=torch.tensor([0, len(tables.seen_movies)]),
        seen_movies=tables.seen_movies.sort().values,
        record=tables.record | {"exported": True},
    )
