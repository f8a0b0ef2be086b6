"""Write settings, figures, weights and a map of the films to TensorBoard, beside the curves of the metrics."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning import Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from sklearn.decomposition import PCA
from torch import Tensor, nn

from movierec.datasets.titles import natural
from movierec.models.model import Model

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from movierec.metrics.style import Drawing

MOST_FILMS = 10_000  # more make the projector slow
DIMENSIONS = 32
CHARTED = ("rmse", "loss", "r2")  # measured of training and of validation rows
COMPARED = ("val/rmse_stars", "val/ndcg@10", "val/list_ndcg@10", "val/r2", "train/rmse")
TRACED = ("rmse_stars", "noise_stars", "user_norm", "film_norm")  # of the newest sample of a chain
MEASURED = (
    "rmse_stars",
    "ndcg@10",
    "list_ndcg@10",
    "list_recall@10",
)  # of the best epoch and of a test: columns of HParams
# metrics.json has all metrics; these are the ones to look at over the epochs, or to compare runs by.
SHOWN = {
    *(f"{part}/{name}" for part in ("train", "val") for name in CHARTED),
    *(f"{part}/{name}" for part in ("val", "test") for name in MEASURED),
    *(f"trace/{name}" for name in TRACED),
}


def find_writer(trainer: Trainer) -> "SummaryWriter | None":
    """Return the writer of TensorBoard's events; None if the trainer does not log there, or in other processes."""
    if isinstance(trainer.logger, TensorBoardLogger) and trainer.is_global_zero:
        writer: SummaryWriter = trainer.logger.experiment
        return writer
    return None


def show_start(writer: "SummaryWriter", resolved: str, epoch: int) -> None:
    """Show the configuration, and lay out charts of one run and of several runs."""
    writer.add_text("config", "    " + resolved.replace("\n", "\n    "), epoch)
    writer.add_custom_scalars(
        {
            "training and validation": {name: ["Multiline", [f"train/{name}$", f"val/{name}$"]] for name in CHARTED},
            "runs compared": {name: ["Multiline", [f"{name}$"]] for name in COMPARED},
        }
    )


def show_fit(writer: "SummaryWriter", options: Mapping[str, Any], metrics: Mapping[str, float], epochs: int) -> None:
    """Add a run with the metrics of its best epoch to HParams; a later test adds the test metrics."""
    from torch.utils.tensorboard.summary import hparams  # noqa: PLC0415 - only with TensorBoard

    for name in MEASURED:
        if name in metrics:
            writer.add_scalar(f"val_best/{name}", metrics[name], epochs)
    kept = {name: value for name, value in options.items() if value is not None and value is not False}
    shown = {name: value if isinstance(value, bool | int | float) else str(value) for name, value in kept.items()}
    # The first summary would fix the columns for all runs; without it, options that differ between runs come first.
    for summary in hparams(shown, {})[1:]:  # type: ignore[no-untyped-call]
        writer._get_file_writer().add_summary(summary)  # type: ignore[no-untyped-call]  # noqa: SLF001 - as Lightning does


def show_drawings(writer: "SummaryWriter", drawings: "Mapping[str, Drawing]", epoch: int) -> None:
    """Show figures on the page Images."""
    for name, drawing in drawings.items():
        writer.add_figure(f"figures/{name}", drawing.figure, epoch)


def show_precision_recall(writer: "SummaryWriter", rows: Mapping[str, Tensor], threshold: float, epoch: int) -> None:
    """Show precision and recall of "rated above the threshold", for each threshold of the prediction."""
    known = torch.isfinite(rows["prediction"])
    if known.any():
        positive, score = rows["rating"][known] > threshold, rows["prediction"][known].clamp(0, 1)
        writer.add_pr_curve("test/rated above the training median", positive, score, epoch)


def show_weights(writer: "SummaryWriter", network: nn.Module, epoch: int) -> None:
    """Show the distribution of each layer's weights; layers with weights that are not finite are skipped."""
    for name, weights in network.named_parameters():
        if torch.isfinite(weights).all():
            writer.add_histogram(f"weights/{name}", weights, epoch)


def show_films(writer: "SummaryWriter", model: Model, ratings: np.ndarray, epoch: int) -> None:
    """Show the films in the projector, where films that the model finds similar lie close together.

    Nothing is shown of fewer than three films, or of a model that diverged.
    """
    tables, vectors = model.tables, model.film_vectors().double().cpu().numpy()
    order = np.argsort(-ratings, kind="stable")
    films = order[(tables.complete.numpy() & (ratings > 0))[order]][:MOST_FILMS]
    if len(films) < 3 or not np.isfinite(vectors[films]).all():  # noqa: PLR2004 - a map has two dimensions
        return
    points = PCA(min(DIMENSIONS, len(films), vectors.shape[1]), random_state=0).fit_transform(vectors[films])
    shutil.rmtree(Path(writer.log_dir) / f"{epoch:05}" / "films", ignore_errors=True)  # else torch prints a warning
    lines = []
    for film in films.tolist():
        genres = one_line(tables.genres[film]) or "(none)"
        title = natural(one_line(tables.titles[film])) or f"film {tables.movie_ids[film]}"
        lines.append([title, genres, genres.split("|")[0], str(ratings[film])])
    header = ["title", "genres", "first genre", "training ratings"]
    writer.add_embedding(torch.from_numpy(points), lines, tag="films", metadata_header=header, global_step=epoch)


def one_line(text: str) -> str:
    """Replace tabs and line ends of a text, which would end its cell."""
    return " ".join(text.split())
