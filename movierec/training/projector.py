"""The map of the films in TensorBoard's projector: films that the network reads alike lie close to each other."""

import csv
from pathlib import Path

import numpy as np
import torch
from sklearn.decomposition import PCA

from movierec.data.tables import Tables
from movierec.models.mlp import RatingNetwork
from movierec.runs import replace_text

MOST_FILMS = 10_000  # more make the browser slow
DIMENSIONS = 32
FOLDER = "projector"
# TensorBoard's text format of protocol buffers; it looks for this file in a run's folder.
CONFIG = f"""\
embeddings {{
  tensor_name: "films"
  tensor_path: "{FOLDER}/tensors.tsv"
  metadata_path: "{FOLDER}/metadata.tsv"
}}
"""


def choose_films(tables: Tables, ratings: np.ndarray) -> np.ndarray:
    """Choose the films with the most training ratings, of those that have any and all that the network reads.

    Args:
        tables: The tables of the data set.
        ratings: How many training ratings each film has got, [num_movies] int.

    Returns:
        Rows of the films, the most rated first, int64.
    """
    order = np.argsort(-ratings, kind="stable")
    usable = tables.complete.numpy() & (ratings > 0)
    return order[usable[order]][:MOST_FILMS]


@torch.no_grad()
def project_films(network: RatingNetwork, films: np.ndarray, bank: int) -> np.ndarray:
    """Place films by what they add to the first layer: the last that a network computes of a film alone.

        first(user, film) = W_film x_film + W_user x_user + b

    The user's part is the same for all films, so it goes when the points are centred. Their principal components are
    kept, because the layer may be 2,048 wide.

    Args:
        network: The network.
        films: Rows of the films, [size].
        bank: The bank whose statistics it reads.

    Returns:
        [size, at most 32], largest spread first.
    """
    movie = torch.tensor(films, device=network.first.bias.device)
    same = torch.zeros_like(movie)
    points = network.first(same, movie, same + bank).double().cpu().numpy()
    return np.asarray(PCA(min(DIMENSIONS, *points.shape), random_state=0).fit_transform(points))


def write_projector(folder: Path, network: RatingNetwork, tables: Tables, ratings: np.ndarray) -> None:
    """Write the map of the films into a run's folder, in place of an earlier one.

    Nothing is written of fewer than three films, or of a network that diverged.

    Args:
        folder: The run's folder.
        network: The network.
        tables: The tables of the data set.
        ratings: How many training ratings each film has got, [num_movies] int.
    """
    films = choose_films(tables, ratings)
    if len(films) < 3 or not all(torch.isfinite(weights).all() for weights in network.first.parameters()):  # noqa: PLR2004 - a map has two dimensions
        return
    points = project_films(network, films, tables.scoring_bank)
    (folder / FOLDER).mkdir(exist_ok=True)
    np.savetxt(folder / FOLDER / "tensors.tsv", points, fmt="%.5g", delimiter="\t")
    with (folder / FOLDER / "metadata.tsv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
        lines.writerow(["title", "genres", "first genre", "training ratings"])
        for film in films.tolist():
            genres = one_line(tables.genres[film]) or "(none)"
            title = one_line(tables.titles[film]) or f"film {tables.movie_ids[film]}"
            lines.writerow([title, genres, genres.split("|")[0], ratings[film]])
    replace_text(folder / "projector_config.pbtxt", CONFIG)


def one_line(text: str) -> str:
    """Take tabs and line ends out of a text, which would end its cell."""
    return " ".join(text.split())
