"""Register every metric: its name, its format, and whether higher or lower is better.

Terminal, report, TensorBoard and the choice of the best epoch use this table.
"""

from dataclasses import dataclass
from typing import Literal

Scale = Literal["unit", "stars", "share", "list", "other"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric.

    Attributes:
        name: Key in metrics.json and, after `val/` or `test/`, in TensorBoard.
        label: Name in tables and figures.
        short: A shorter label, for a table of 80 columns.
        scale: `unit`: the lowest training rating is 0, the highest 1. `stars`. `share`: 0 to 1, over ratings that lie
            above the training median. `list`: 0 to 1, a mean over users. `other`: none of these.
        direction: Whether the lowest or the highest value is best.
        digits: Digits after the point.
    """

    name: str
    label: str
    short: str = ""
    scale: Scale
    direction: Literal["min", "max"]
    digits: int = 4

    @property
    def heading(self) -> str:
        """The label for a column or an axis, with its unit where it is stars."""
        return f"{self.label} (stars)" if self.scale == "stars" else self.label

    @property
    def full_label(self) -> str:
        """The label, with the unit if two metrics share the label."""
        return self.label + {"unit": ", unit scale", "stars": ", stars", "list": ", per user"}.get(self.scale, "")

    def format(self, value: float | None, *, sign: bool = False) -> str:
        """Format a value: a dash for None, and with `sign` a plus before positive values."""
        return "-" if value is None else f"{value:{'+' if sign else ''}.{self.digits}f}"


METRICS = {
    metric.name: metric
    for metric in (
        Metric(name="loss", label="loss", scale="unit", direction="min"),
        Metric(name="r2", label="R2", scale="other", direction="max", digits=3),
        Metric(name="mae", label="MAE", scale="unit", direction="min"),
        Metric(name="mse", label="MSE", scale="unit", direction="min"),
        Metric(name="rmse", label="RMSE", scale="unit", direction="min"),
        Metric(name="mae_stars", label="MAE", scale="stars", direction="min"),
        Metric(name="rmse_stars", label="RMSE", short="stars", scale="stars", direction="min"),
        Metric(name="precision", label="precision", short="prec", scale="share", direction="max"),
        Metric(name="recall", label="recall", scale="share", direction="max"),
        Metric(name="f1", label="F1", scale="share", direction="max"),
        Metric(name="auroc", label="AUROC", scale="share", direction="max"),
        Metric(name="ndcg@10", label="NDCG@10", short="NDCG", scale="list", direction="max"),
        Metric(name="precision@10", label="precision@10", scale="list", direction="max"),
        Metric(name="recall@10", label="recall@10", scale="list", direction="max"),
        Metric(name="map", label="MAP", scale="list", direction="max"),
    )
}
BASELINES = {"bias": "bias model", "mean": "always the mean"}  # of ratings, under `baselines`
RANKINGS = {"model": "the model", "popularity": "popularity", "item_knn": "item-kNN"}  # of films, under `retrieval`
# Of lists among all films that a user has not rated: under `retrieval` in metrics.json, and with the prefix `list_`
# among the validation metrics of a list model.
LIST_METRICS = {
    metric.name: metric
    for metric in (
        Metric(name="recall@10", label="recall@10", scale="list", direction="max"),
        Metric(name="ndcg@10", label="NDCG@10", scale="list", direction="max"),
        Metric(name="map@10", label="MAP@10", scale="list", direction="max"),
        Metric(name="coverage", label="coverage", scale="other", direction="max"),
        Metric(name="novelty", label="novelty", scale="other", direction="max", digits=2),
        Metric(name="personality", label="personality", scale="other", direction="max", digits=2),
    )
}
VALIDATED = METRICS | {f"list_{name}": metric for name, metric in LIST_METRICS.items()}  # after `val/`
